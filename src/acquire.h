/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_ACQUIRE_H
#define KEYSHM_ACQUIRE_H

/* A key for a request: now, by affinity, after a wait, or the one that is soonest to be had. */

#include "lease.h"
#include "pick.h"

/* The request is one that keyshm_acquire() has checked, here and below. Neither waits nor gives a benched key. */
ALWAYS_INLINE int acquire_now(const struct keyshm_pool *pool, const struct keyshm_request *request,
                              struct keyshm_lease *ret_lease)
{
    struct budget_request asked = {.tokens = request->tokens, .is_lease = true};
    struct budget_charges charges;
    int r = pick_next_for(pool, request->model, &asked, &ret_lease->pick, &charges);
    if (r == 0)
        lease_begin(&asked, &charges, ret_lease);
    return r;
}

/* All that a request may ask for. */
int acquire(const struct keyshm_pool *pool, const struct keyshm_request *request, struct keyshm_lease *ret_lease);

#endif
