/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_TEST_SET_LIMITS_H
#define KEYSHM_TEST_SET_LIMITS_H

/* Limits that several tests set. */

#include "fixture.h"

static inline struct keyshm_limits limits_of_requests(uint64_t amount, int64_t per_ms, uint64_t burst)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = (struct keyshm_rate){.amount = amount, .per_ms = per_ms, .burst = burst};
    return limits;
}

static inline void set_limits(keyshm_id id, unsigned model, struct keyshm_limits limits)
{
    cr_assert_eq(keyshm_set_limits(pool, id, model, &limits), 0);
}

#endif
