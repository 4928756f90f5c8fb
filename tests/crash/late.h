/* SPDX-License-Identifier: MIT */
#ifndef LATE_H
#define LATE_H

/*
 * A worker is stopped in the middle of a call, the pool changes, and the worker resumes late. A scenario is one such call
 * and one such change. The scenarios are grouped by the call that is stopped (late_pick.c, late_find.c, late_mark.c,
 * late_snapshot.c, late_membership.c, late_groups.c, late_limits.c, late_observe.c); late_resume.c runs them, and late_pool.c has what they share.
 */

#include <keyshm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "expect.h"

struct scenario {
    const char *name;
    void (*begin)(void);     /* makes the pool */
    void (*victim)(void);    /* the call that is stopped, in a child; what it returns goes to `seen` */
    void (*interfere)(void); /* while the child is stopped */
    void (*end)(void);       /* checks the pool, after the child has ended */
};

struct scenario_list {
    const struct scenario *scenarios;
    size_t count;
};

/* The list of an array of scenarios. */
#define SCENARIO_LIST(array)                                              \
    {                                                                     \
        .scenarios = (array), .count = sizeof(array) / sizeof((array)[0]) \
    }

extern const struct scenario_list late_pick_scenarios, late_find_scenarios, late_mark_scenarios, late_snapshot_scenarios,
    late_membership_scenarios, late_group_scenarios, late_limit_scenarios, late_observe_scenarios;

/* ---- what the victim saw ---- */

enum { ROWS_MAX = 4 };

/* In memory that the victim shares with its parent. */
struct seen {
    int result;
    keyshm_id id;
    keyshm_id former_id; /* of the key, before it came back under another */
    struct keyshm_pick pick;
    unsigned rows;
    struct row {
        keyshm_id id;
        enum keyshm_status status;
        uint64_t errors;
        char letter;      /* of the masked key */
        char note_letter; /* of the metadata; 0: none */
    } row[ROWS_MAX];
};

extern struct seen *seen;

/* Fills seen->row. */
void late_take_snapshot(void);

/* ---- keys, each of one letter ---- */

enum { LETTERS = 26 };

extern keyshm_pool *late_pool;
extern keyshm_id late_ids[LETTERS];

/* The id of the key that the parent added last for this letter; a victim's ids are its own. */
static inline keyshm_id *letter_id(char letter)
{
    return &late_ids[letter - 'A'];
}

/* Of a pick; fails unless all of its bytes are those of one key. */
char letter_of(const struct keyshm_pick *pick);

int letter_add(char letter);
int letter_add_to_group(char letter, keyshm_id group_or_0);
int letter_find(char letter, keyshm_id *ret_id);
void letter_replace(char old, char new);
char letter_pick(void);

/* Metadata of one letter, for key A. */
void letter_note(char letter);

/* ---- beginnings and ends ---- */

void late_begin_with(const char *letters, unsigned capacity);
void late_begin_a(void);
void late_begin_ac(void);
void late_begin_a_invalid(void); /* and C available */

/* In every scenario: nothing is left half done, and every key can be picked and is whole. Closes the pool. */
void late_end(void);

struct keyshm_key_snapshot late_row_of(keyshm_id id);

/* Of a key that was never picked: none of the counts of another key in the same slot are counted here. */
void late_expect_marked(char letter, uint64_t rate_limited, uint64_t invalid);

/* ---- changes that several scenarios make ---- */

void late_replace_a_by_b(void);
void late_replace_a_by_invalid_b(void);
void late_mark_a_invalid(void);

/* Picks, counted by letter. */
extern unsigned late_picks_of[LETTERS];
void late_pick_others(unsigned picks);

#endif
