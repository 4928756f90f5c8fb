/* SPDX-License-Identifier: MIT */
#ifndef INTERLEAVE_WORLD_H
#define INTERLEAVE_WORLD_H

/*
 * The pool that two processes meet in, what they do to it, and all that can be told of it afterwards.
 *
 * All operations are about one key, the target, so that they get in each other's way as much as they can. The clock
 * stands still. There is one pool for all runs; its bytes are put back before each.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a call has returned. Compared byte by byte. */
struct result {
    long long value;
    uint64_t id;
    uint64_t content; /* the rest, in one number */
};
_Static_assert(sizeof(struct result) == 24, "no padding");

enum { STEPS_MAX = 2 };

struct operation {
    const char *name;
    struct result (*steps[STEPS_MAX])(void); /* one, or two that others may come between */
    bool takes_mutex;
    bool is_pick;
    bool is_in_twos; /* one of those that are both stopped */
};

extern const struct operation operations[];
extern const size_t operation_count;

struct world {
    const char *target; /* what it is like */
    void (*prepare)(void);
};

extern const struct world worlds[];
extern const size_t world_count;

void world_begin(const struct world *world);
void world_restore(void); /* as it was after world_begin() */
void world_end(void);

/* Its bytes: whole pages. */
void *world_memory(void);
size_t world_bytes(void);

/* Somebody has the mutex. */
bool world_is_locked(void);

/* Everything that a later call could tell, in one number: words, counters, stamps, and what is picked from now on and
 * when one deadline after the other has passed. Changes the world. */
uint64_t world_state(void);

/* NULL, or in words what keyshm_verify() finds. */
const char *world_problem(void);

/* After a pick while nobody else was there: it was of a key that is in the pool and available, and gave the bytes of that
 * key. */
bool world_may_give(const struct result *picked);

#endif
