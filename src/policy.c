/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include <errno.h>

#include "event_ring.h"

const struct keyshm_policy policy_default = KEYSHM_POLICY_INIT;

static bool is_within(int64_t value, int64_t least, int64_t most)
{
    return value >= least && value <= most;
}

int policy_check(const struct keyshm_policy *policy)
{
    bool is_valid = is_within(policy->cooldown_ms, 0, KEYSHM_DURATION_MAX_MS) &&
                    is_within(policy->cooldown_max_ms, 1, KEYSHM_DURATION_MAX_MS);
    return is_valid ? 0 : -EINVAL;
}

/* relaxed, here and below: each field stands for itself. */
static void store(_Atomic int64_t *at, int64_t value)
{
    atomic_store_explicit(at, value, memory_order_relaxed);
}

static int64_t load(const _Atomic int64_t *at, int64_t least, int64_t most)
{
    int64_t value = atomic_load_explicit(at, memory_order_relaxed);
    return value < least ? least : value > most ? most : value;
}

void policy_set(const struct keyshm_pool *pool, const struct keyshm_policy *policy)
{
    struct event_ticket ticket = event_claim(pool, EVENT_CLASS_LASTING);
    struct event_record record = event_of(pool, KEYSHM_EVENT_SETTINGS);
    store(&pool->header->policy.cooldown_ms, policy->cooldown_ms);
    store(&pool->header->policy.cooldown_max_ms, policy->cooldown_max_ms);
    event_write(pool, ticket, &record);
}

static int64_t cooldown_ms(const struct keyshm_pool *pool)
{
    return load(&pool->header->policy.cooldown_ms, 0, KEYSHM_DURATION_MAX_MS);
}

static int64_t cooldown_max_ms(const struct keyshm_pool *pool)
{
    return load(&pool->header->policy.cooldown_max_ms, 1, KEYSHM_DURATION_MAX_MS);
}

void policy_read(const struct keyshm_pool *pool, struct keyshm_policy *ret_policy)
{
    ret_policy->cooldown_ms = cooldown_ms(pool);
    ret_policy->cooldown_max_ms = cooldown_max_ms(pool);
}

int64_t policy_duration_ms(const struct keyshm_pool *pool, enum keyshm_status status, int64_t duration_ms,
                           bool *ret_was_too_long)
{
    bool is_quota = status == KEYSHM_QUOTA_EXCEEDED;
    *ret_was_too_long = false;
    if (status == KEYSHM_AVAILABLE || status == KEYSHM_INVALID)
        return -1;
    if (duration_ms == KEYSHM_UNTIL_MARKED || (is_quota && duration_ms == KEYSHM_NO_RETRY_AFTER))
        return -1;
    int64_t most_ms = is_quota ? KEYSHM_DURATION_MAX_MS : cooldown_max_ms(pool);
    if (duration_ms == KEYSHM_NO_RETRY_AFTER) {
        duration_ms = cooldown_ms(pool);
        return duration_ms == 0 ? -1 : duration_ms < most_ms ? duration_ms : most_ms;
    }
    *ret_was_too_long = duration_ms > most_ms;
    return duration_ms < 0 ? 0 : duration_ms < most_ms ? duration_ms : most_ms;
}
