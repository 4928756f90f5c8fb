/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_TEST_MOVED_CLOCK_H
#define KEYSHM_TEST_MOVED_CLOCK_H

/* A small pool of which the test moves the clock, and marks that answer picks. */

#include "fixture.h"
#include "for_model.h"
#include "virtual_clock.h"

static inline void create_pool_with_clock(void)
{
    virtual_clock_begin();
    create_pool();
}

static inline void set_policy(struct keyshm_policy policy)
{
    cr_assert_eq(keyshm_set_policy(pool, &policy), 0);
}

/* As a pick for the model sees it; of a group, too. */
static inline struct keyshm_key_snapshot state_for(keyshm_id id, unsigned model)
{
    struct keyshm_key_snapshot state;
    cr_assert_eq(keyshm_inspect(pool, id, model, sizeof(state), &state), 0);
    return state;
}

static inline struct keyshm_key_snapshot state_of(keyshm_id id)
{
    return state_for(id, 0);
}

static inline struct keyshm_pick pick_for(unsigned model)
{
    struct keyshm_pick pick;
    cr_assert_eq(pick_for_model(pool, model, &pick), 0);
    return pick;
}

static inline struct keyshm_pick pick_one(void)
{
    return pick_for(0);
}

static inline void expect_none(void)
{
    struct keyshm_pick pick;
    cr_assert_eq(keyshm_next(pool, &pick), -EAGAIN);
}

/* The answer to a pick. */
static inline void answer_with(const struct keyshm_pick *pick, enum keyshm_status status, int64_t duration_ms,
                               enum keyshm_scope scope)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = status;
    mark.reason = status == KEYSHM_INVALID ? KEYSHM_REASON_AUTHENTICATION : KEYSHM_REASON_RATE_LIMIT;
    mark.duration_ms = duration_ms;
    mark.scope = scope;
    mark.model = pick->model;
    mark.stamp = pick->stamp;
    cr_assert_eq(keyshm_mark(pool, pick->id, &mark), 0);
}

static inline void answer(const struct keyshm_pick *pick, enum keyshm_status status, int64_t duration_ms)
{
    answer_with(pick, status, duration_ms, KEYSHM_SCOPE_KEY);
}

static inline void answer_rate_limited(const struct keyshm_pick *pick)
{
    answer(pick, KEYSHM_RATE_LIMITED, KEYSHM_NO_RETRY_AFTER);
}

static inline void answer_success(const struct keyshm_pick *pick)
{
    cr_assert_eq(keyshm_success(pool, pick), 0);
}

/* The bench lasts from now for this time, and at most the millisecond longer that no deadline is early by. */
static inline void expect_left(keyshm_id id, int64_t expected_ms)
{
    int64_t left_ms = state_of(id).cooldown_left_ms;
    cr_assert(left_ms == expected_ms || left_ms == expected_ms + 1, "%lld ms left, expected %lld", (long long)left_ms,
              (long long)expected_ms);
}

#endif
