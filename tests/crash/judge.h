/* SPDX-License-Identifier: MIT */
#ifndef JUDGE_H
#define JUDGE_H

/*
 * What a victim does to a pool, a model of that pool, and the judgement after the victim's death: the pool is as the
 * model has it, with the victim's call either done or not done, and those who survive can go on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum outcome { OLD, NEW, OUTCOMES };

struct operation {
    const char *name;
    void (*prepare)(void);        /* what the world has besides; NULL: nothing */
    void (*act)(void);            /* the one call, in the victim */
    enum outcome (*settle)(void); /* asks the pool whether it has happened, and tells the model */
    bool is_without_effect;       /* so that there is no new state to be seen */
    bool is_named;                /* the world is a pool with a name */
};

extern const struct operation operations[];
extern const size_t operation_count;

/* Those of row 2: what the first victim dies of, and what the second does, which has to recover first. */
extern const struct operation membership_operations[];
extern const size_t membership_operation_count;
extern const struct operation recovering_operation;

/* All of a world's bytes, and the model that goes with them. */
struct world_image;

/* A world in which every operation meets what it can: keys of each status, one whose cooldown is over without anyone
 * having noticed, a sweep that is due, metadata, and bits and cursor such that a pick has to look at all of that. */
void world_begin(const struct operation *operation);
void world_end(void);
struct world_image *world_save(void);
void world_restore(const struct world_image *image);

/* Has the segment changed since this was last asked? */
bool world_has_changed(void);

/* Does it hold the mutex? */
bool world_is_locked_by(pid_t process);

struct verdict {
    enum outcome outcome;
    bool is_hidden;    /* a key was picked only after the time in which a hint may be wrong */
    double change_ms;  /* how long the next membership change took, wall-clock time */
    char problem[160]; /* "": none */
};

/* After all victims are dead: each has done its operation (the second is NULL when there is none), or has not. The next
 * membership change adds a key when told so and there is room, otherwise removes one. */
void judge(const struct operation *operation, const struct operation *second_or_null, bool by_adding,
           struct verdict *ret_verdict);

#endif
