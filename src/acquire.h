/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_ACQUIRE_H
#define KEYSHM_ACQUIRE_H

/* A key for a request: now, by affinity, after a wait, or the one that is soonest to be had. */

#include "lease.h"
#include "pick.h"

/* A key was picked, if `r` is 0, and is lent. Returns `r`. */
ALWAYS_INLINE int acquire_lend(int r, const struct budget_request *asked, const struct budget_charges *charges,
                               struct keyshm_lease *ret_lease)
{
    if (r == 0)
        lease_begin(asked, charges, ret_lease);
    return r;
}

/* The request is one that keyshm_acquire() has checked, here and below. Neither waits nor gives a benched key. */
ALWAYS_INLINE int acquire_now(const struct keyshm_pool *pool, const struct keyshm_request *request,
                              struct keyshm_lease *ret_lease)
{
    struct budget_request asked = {.tokens = request->tokens, .is_lease = true};
    struct budget_charges charges;
    return acquire_lend(pick_next_for(pool, request->model, &asked, &ret_lease->pick, &charges), &asked, &charges,
                        ret_lease);
}

/* All that a request may ask for. */
int acquire(const struct keyshm_pool *pool, const struct keyshm_request *request, struct keyshm_lease *ret_lease);

#endif
