/* SPDX-License-Identifier: MIT */
#ifndef WORLD_H
#define WORLD_H

/* A pool, and a model of it: what the pool should hold. There is one of them at a time. */

#include <keyshm.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    AVAILABLE_KEY,
    NOTED_KEY, /* has metadata, and is the one to be removed */
    LIMITED_KEY,
    QUOTA_KEY,
    EXPIRED_KEY, /* its cooldown is over, and its word not changed yet */
    SPARE_KEY,   /* for the survivors to remove */
    FIRST_KEYS,
    ADDED_KEY = FIRST_KEYS, /* by the victim */
    SECOND_KEY,             /* by the victim that recovers */
    SURVIVORS_KEY,
    REPLACING_KEY, /* by the victim that replaces keys, beside ADDED_KEY */
    FILLING_KEYS,
    CAPACITY = 10,
    KEYS = FILLING_KEYS + CAPACITY - FIRST_KEYS
};

enum {
    GROUP,       /* NOTED_KEY and EXPIRED_KEY are in it */
    EMPTY_GROUP, /* to be removed */
    FIRST_GROUPS,
    ADDED_GROUP = FIRST_GROUPS, /* by the victim */
    GROUPS,
    NO_GROUP = -1
};

/* By their numbers in the pool. */
enum {
    ANY_MODEL,
    MODEL, /* AVAILABLE_KEY and LIMITED_KEY are rate limited for it */
    FIRST_MODELS,
    ADDED_MODEL = FIRST_MODELS, /* by the victim */
    MODELS
};

/* What has a state word: a slot or a group, by its number in the words of each model (layout_group_subject()). */
enum { FIRST_GROUP_SUBJECT = 16, SUBJECTS = FIRST_GROUP_SUBJECT + GROUPS };

enum { KEY_MAX = 64, WORKERS_MAX = 8, SHORT_MS = 300, COOLDOWN_MS = 60000, HOUR_MS = 60 * 60 * 1000 };

/* Of NOTED_KEY. */
#define WORLD_NOTE "note"

/* What the pool should hold of a key, but for its words. */
struct model_key {
    char text[KEY_MAX + 1];
    bool is_there;
    keyshm_id id;
    int group; /* NO_GROUP: in none */
    unsigned priority;
    unsigned weight;
    const char *note; /* NULL: none */
    uint64_t picks;
    uint64_t marked[KEYSHM_STATUS_COUNT];
};

struct model_group {
    const char *name;
    bool is_there;
    keyshm_id id;
    uint64_t marked[KEYSHM_STATUS_COUNT];
};

struct world {
    struct model_key keys[KEYS];
    struct model_group groups[GROUPS];
    unsigned models; /* there are models from 1 to this one */
    /* A change of a key or a group is of one word, so the model has that of each for each model, to the bit. */
    uint64_t words[MODELS][SUBJECTS];
    struct model_streak {
        unsigned rate_limits, invalids;
    } streaks[MODELS][SUBJECTS];
    uint64_t cursors[MODELS]; /* before the victim's call, and so are these: */
    int owed[KEYS];           /* turns that are left in the round (turns.h) */
    struct keyshm_policy policy;
};

extern const char *const world_model_names[MODELS];

/* A victim's call has not happened, or has. */
enum outcome { OLD, NEW, OUTCOMES };

struct operation;

extern struct world world;
extern uint64_t world_began_ms; /* not after the victim's call */

/* All of a world's bytes, and the model that goes with them. */
struct world_image;

/* A world in which every operation meets all that it can: keys of each status, one whose cooldown is over while its
 * word is unchanged, some in a group and some benched for a model, a sweep that is due, metadata, and bits and a cursor
 * that make a pick look at all of that. */
void world_begin(const struct operation *operation);
void world_end(void);
keyshm_pool *world_pool(void);

/* As if so much time had passed that every hint must be looked after. */
void world_make_all_due(void);

struct world_image *world_save(void);
void world_restore(const struct world_image *image);

/* Has the segment changed since this was last asked? */
bool world_has_changed(void);

/* Does it hold the mutex? */
bool world_is_locked_by(pid_t process);

/* Did its last owner die? */
bool world_owner_has_died(void);

/* A slot is being filled or wiped. */
bool world_is_half_done(void);

/* By the clock of the pool. */
uint64_t world_now_ms(void);

/* The words of a key whatever the model, and for each model or group, as the model has them. */
uint64_t *world_word_of(int number);
uint64_t *world_word(unsigned model, uint32_t subject);

/* The failures in a row that go with the word. */
struct model_streak *world_streak(unsigned model, uint32_t subject);
bool world_has_streak(unsigned model, uint32_t subject);

/* Of the state words. */
uint32_t world_subject_of_key(int number);
uint32_t world_subject_of_group(int group);

/* How often a key or a group was marked with each status, as the model has it; and in the pool, where it is a tagged
 * counter. */
uint64_t *world_marked_of(uint32_t subject);
uint64_t world_load_marked(uint32_t subject, enum keyshm_status status);

/* A key has come into its slot, or gone from it: the model follows. The same of a group. */
void world_note_added(int number, keyshm_id id, int group);
void world_note_removed(int number);
void world_note_group_added(int group, keyshm_id id);
void world_note_group_removed(int group);

/* In the pool and, on success, in the model. Return what keyshm_add(), keyshm_remove(), keyshm_group() and
 * keyshm_remove_group() return. */
int world_add_key(int number);
int world_remove_key(int number);
int world_add_group(int group);
int world_remove_group(int group);

/* The number of the key in the model; -1: it has none with that id. */
int world_number_of(keyshm_id id);
int world_count_keys(void);

int world_count_keys_in(int group);

/* As the model has it; for ANY_MODEL, whatever the model. */
bool world_is_pickable(int number, unsigned model);
int world_count_pickable(unsigned model);

/* Is it one that is picked while the same keys are available: pickable, and none of an earlier priority is? */
bool world_has_turns(int number, unsigned model);

/* So many picks give each of these as many turns as its weight says. */
int world_count_turns(unsigned model);

/* What a pick for the model sees of a key: its words joined, and the bits of benched_by. */
struct world_state {
    enum keyshm_status status;
    enum keyshm_reason reason;
    unsigned benched_by;
};
struct world_state world_state_of(int number, unsigned model);

struct layout_slot *world_slot_of(int number);

/* The text of a key's one note, or NULL. */
const char *world_note_of(const struct keyshm_key_snapshot *row);
bool world_is_same_note(const char *a, const char *b);

#endif
