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

enum { KEY_MAX = 64, WORKERS_MAX = 8, SHORT_MS = 300, COOLDOWN_MS = 60000, HOUR_MS = 60 * 60 * 1000 };

/* Of NOTED_KEY. */
#define WORLD_NOTE "note"

/* What the pool should hold of a key, but for its word. */
struct model_key {
    char text[KEY_MAX + 1];
    bool is_there;
    keyshm_id id;
    const char *note; /* NULL: none */
    uint64_t picks;
    uint64_t marked[KEYSHM_STATUS_COUNT];
};

struct world {
    struct model_key keys[KEYS];
    uint64_t words[CAPACITY]; /* a change of a key is of one word, so the model has that of each slot, to the bit */
    uint64_t cursor;          /* before the victim's call, and so are these: */
    int owed[KEYS];           /* turns that are left in the round (turns.h) */
    struct keyshm_policy policy;
};

/* A victim's call has not happened, or has. */
enum outcome { OLD, NEW, OUTCOMES };

struct operation;

extern struct world world;
extern uint64_t world_began_ms; /* not after the victim's call */

/* All of a world's bytes, and the model that goes with them. */
struct world_image;

/* A world in which every operation meets all that it can: keys of each status, one whose cooldown is over while its word
 * is unchanged, a sweep that is due, metadata, and bits and a cursor that make a pick look at all of that. */
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

/* The word of a key, as the model has it. */
uint64_t *world_word_of(int number);

/* A key has come into its slot, or gone from it: the model follows. */
void world_note_added(int number, keyshm_id id);
void world_note_removed(int number);

/* In the pool and, on success, in the model. Return what keyshm_add() and keyshm_remove() return. */
int world_add_key(int number);
int world_remove_key(int number);

/* The number of the key in the model; -1: it has none with that id. */
int world_number_of(keyshm_id id);
int world_count_keys(void);

/* As the model has it. */
bool world_is_pickable(int number);
int world_count_pickable(void);

struct layout_slot *world_slot_of(int number);

/* The text of a key's one note, or NULL. */
const char *world_note_of(const struct keyshm_key_snapshot *row);
bool world_is_same_note(const char *a, const char *b);

#endif
