/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_BUDGET_LEFT_H
#define KEYSHM_BUDGET_LEFT_H

/*
 * What is left of the budgets of a key or a group, and of its places, for an observer: the same that a pick looks at
 * (budget.h), but each by itself, and nothing changes.
 */

#include "pool.h"

/* Of requests, or of tokens: by the rate that admits the fewest now. */
struct units_left {
    int64_t left, burst; /* -1: there is no limit */
};

struct budget_left {
    struct units_left requests, tokens;
    unsigned in_flight; /* requests that have a place here */
    unsigned cap;       /* 0: there is none */
    bool is_full;       /* no more may be in flight */
};

/* Of a slot or a group, whatever the model and for the model. */
void budget_left_of(const struct keyshm_pool *pool, unsigned model, uint32_t subject, struct budget_left *ret_left);

/* A request is admitted by both: the less of the two is left. What is in flight stays that of the first. */
void budget_left_join(struct budget_left *left, const struct budget_left *other);

/* Why it admits no request now: KEYSHM_BY_BUDGET and KEYSHM_BY_CAP, or neither. */
unsigned budget_left_obstacles(const struct budget_left *left);

#endif
