/* SPDX-License-Identifier: MIT */
#ifndef FREEZE_H
#define FREEZE_H

/*
 * A victim is stopped in the middle of a call, and others go on: one that only picks, marks and inspects, and one that
 * tries to change the membership. freeze_others.c has these two, freeze_state.c judges what became of the pool, and
 * freeze.c makes the runs.
 */

#include <keyshm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "problem.h"
#include "world.h"

enum {
    FREEZE_KEYS_MAX = 16,
    FREEZE_PICKS_MAX = 8,
    FREEZE_CALL_MAX_NS = 1000 * 1000 /* of processor time, for a call that takes no lock */
};

#define FREEZE_LIMIT_MS (INT64_C(60) * 60 * 1000)
#define FREEZE_INTRUDERS_KEY "sk-the-key-of-the-intruder"

/* ---- what a pool holds, as its public calls show it ---- */

struct freeze_key {
    char text[KEYSHM_KEY_MAX + 1];
    char note[KEYSHM_METADATA_VALUE_MAX + 1]; /* "": none */
    struct keyshm_key_snapshot row;           /* without its metadata */
    struct keyshm_word_snapshot for_model;    /* what is known of it for MODEL alone */
    uint64_t word;                            /* what all of the status whatever the model is made of */
};

struct freeze_group {
    struct keyshm_group_snapshot row;
    struct keyshm_word_snapshot for_model;
};

struct freeze_state {
    uint64_t read_ms; /* when it was read, by the pool's time */
    unsigned count;
    struct freeze_key keys[FREEZE_KEYS_MAX];
    unsigned group_count, model_count;
    struct freeze_group groups[GROUPS];
    uint64_t recoveries;
    bool is_full;
    bool has_second_pool; /* the one that a victim creates */
};

/* Reads it, and checks what must hold in any pool that no process is at work in: each key is picked once in a round,
 * whole, and is found under its id. Makes picks for that, also for MODEL, and in the end marks all keys and groups
 * available. */
void freeze_read_state(keyshm_pool *pool, bool may_have_second_pool, struct freeze_state *ret_state);

const struct freeze_key *freeze_key_of_text(const struct freeze_state *state, const char *text);
const struct freeze_key *freeze_key_of_id(const struct freeze_state *state, keyshm_id id);

/* ---- the others ---- */

/* Their input and their findings, in memory that they share with the parent. */
struct freeze_others {
    const struct freeze_state *before, *done; /* without the victim's call, and with it and nothing else */
    const struct freeze_key *kept, *released; /* two keys that the victim has nothing to do with */
    pid_t holder;                             /* of the mutex; 0: none */

    unsigned picks;
    keyshm_id picked[FREEZE_PICKS_MAX];
    unsigned model_picks;
    keyshm_id picked_for_model[FREEZE_PICKS_MAX];
    unsigned kept_limits, released_limits, releases; /* marks */
    int64_t longest_call_ns;                         /* processor time */
    unsigned system_calls, futex_calls;
    bool has_added;
    unsigned timeouts;
    char problem[PROBLEM_SIZE]; /* "": none */
};

/* Each is a process of its own, and has ended when these return. */
void freeze_observe(keyshm_pool *pool, struct freeze_others *others);
void freeze_intrude(keyshm_pool *pool, struct freeze_others *others);

/* ---- the judgement ---- */

/* Of the pool after all have ended: the victim's call has happened, what the others did has happened, nothing else has,
 * and everything still works. */
void freeze_judge(keyshm_pool *pool, const struct operation *operation, const struct freeze_others *others);

#endif
