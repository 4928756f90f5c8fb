/* SPDX-License-Identifier: MIT */
#ifndef WAITING_H
#define WAITING_H

/* What there is to wait for, and how it comes: for waiting.c. */

#include <keyshm.h>
#include <stdbool.h>
#include <stddef.h>

struct announcement {
    const char *name;
    void (*begin)(void);    /* changes a pool of one key, so that a request has to wait */
    void (*announce)(void); /* gives those who wait what they wait for; may be called again */
    void (*then)(void);     /* where that was something else, this does; NULL: nothing */
    int result;             /* of those who wait */
    bool is_met_by_stopped; /* by one that was stopped, too: of each kind one */
};

extern const struct announcement announcements[];
extern const size_t announcement_count;

extern keyshm_pool *waiting_pool;

/* A pool in which there is nothing to be had. */
void waiting_begin(const struct announcement *announcement);

/* Is there something now, whether announced or not? */
bool waiting_is_over(const struct announcement *announcement);

/* When all who waited have ended, or were killed: nothing is left of them. Closes the pool. */
void waiting_end(void);

#endif
