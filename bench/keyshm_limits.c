/* SPDX-License-Identifier: MIT */

/* Requests of a pool with limits: admitted, in flight, settled and given back; and refused, as all is used up. */

#include "contender.h"
#include "keyshm_pool.h"

/*
 * Each key is used far more often than a provider would allow, and none must be refused. So the burst is what a program that
 * runs for days would not use up: the word of a rate is ahead of the clock from the first request on, as it is of a key that
 * is in use. A rate that gives back faster than anybody takes is one of a key that is idle when it is picked.
 */
enum { CAP = 8, ESTIMATE = 1000, USED = 800 };
#define BUSY_REQUESTS_PER_MINUTE 6000
#define BUSY_REQUESTS_BURST UINT64_C(2000000000)
#define BUSY_TOKENS_PER_MINUTE 1000000
#define BUSY_TOKENS_BURST UINT64_C(400000000000)
#define IDLE_PER_MINUTE UINT64_C(60000000000)

/* Nothing comes back as long as this is measured. */
#define USED_UP_PER_MS KEYSHM_DURATION_MAX_MS

static void set_limits(const struct pool *pool, keyshm_id id_or_0, const struct keyshm_limits *limits)
{
    EXPECT_EQ(keyshm_set_limits(pool->shared, id_or_0, 0, limits), 0);
}

static void *open_with(const struct load *load, const struct keyshm_limits *limits)
{
    struct pool *pool = pool_open(load);
    set_limits(pool, 0, limits);
    return pool;
}

/* ---- a cap ---- */

static void *open_capped(const struct load *load)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.in_flight = CAP;
    return open_with(load, &limits);
}

static void run_leases(void *state, unsigned operations)
{
    const struct pool *pool = state;
    struct keyshm_lease lease;
    for (unsigned i = 0; i < operations; i++) {
        EXPECT(keyshm_acquire(pool->shared, NULL, &lease) == 0);
        EXPECT(keyshm_release(pool->shared, &lease) == 0);
    }
}

/* ---- two rates, charged at the pick ---- */

static void set_busy_rates(struct keyshm_limits *limits)
{
    limits->requests.amount = BUSY_REQUESTS_PER_MINUTE;
    limits->requests.burst = BUSY_REQUESTS_BURST;
    limits->tokens.amount = BUSY_TOKENS_PER_MINUTE;
    limits->tokens.burst = BUSY_TOKENS_BURST;
}

static void *open_rated(const struct load *load)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    set_busy_rates(&limits);
    limits.tokens.charge = KEYSHM_CHARGE_AT_PICK;
    return open_with(load, &limits);
}

static void *open_rated_idle(const struct load *load)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests.amount = limits.tokens.amount = IDLE_PER_MINUTE;
    limits.tokens.charge = KEYSHM_CHARGE_AT_PICK;
    return open_with(load, &limits);
}

static void run_picks(void *state, unsigned operations)
{
    const struct pool *pool = state;
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.tokens = ESTIMATE;
    for (unsigned i = 0; i < operations; i++)
        EXPECT(keyshm_acquire(pool->shared, &request, &lease) == 0);
}

/* ---- all of it ---- */

static void *open_whole(const struct load *load)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    set_busy_rates(&limits);
    limits.in_flight = CAP;
    return open_with(load, &limits);
}

static void *open_whole_of_group(const struct load *load)
{
    struct pool *pool = pool_open(load);
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    keyshm_id group;
    EXPECT_EQ(keyshm_group(pool->shared, "the account", &group), 0);
    for (unsigned i = 0; i < load->keys; i++)
        EXPECT_EQ(keyshm_set_group(pool->shared, pool->ids[i], group), 0);
    set_busy_rates(&limits);
    limits.in_flight = CAP;
    set_limits(pool, group, &limits);
    return pool;
}

static void run_whole(void *state, unsigned operations)
{
    const struct pool *pool = state;
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.tokens = ESTIMATE;
    for (unsigned i = 0; i < operations; i++) {
        EXPECT(keyshm_acquire(pool->shared, &request, &lease) == 0);
        EXPECT(keyshm_settle(pool->shared, &lease, USED) == 0);
        EXPECT(keyshm_release(pool->shared, &lease) == 0);
    }
}

/* ---- refused ---- */

/* One request for each key is admitted, and made here. */
static void *open_used_up(const struct load *load)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct keyshm_pick pick;
    limits.requests.amount = limits.requests.burst = 1;
    limits.requests.per_ms = USED_UP_PER_MS;
    struct pool *pool = open_with(load, &limits);
    for (unsigned i = 0; i < load->keys; i++)
        EXPECT(keyshm_next(pool->shared, &pick) == 0);
    return pool;
}

static void run_refused(void *state, unsigned operations)
{
    const struct pool *pool = state;
    struct keyshm_pick pick;
    for (unsigned i = 0; i < operations; i++)
        EXPECT(keyshm_next(pool->shared, &pick) == -EAGAIN);
}

/* A key that is available again, for all that its status says, has to be looked at. */
static void change_one(void *state)
{
    const struct pool *pool = state;
    EXPECT(keyshm_mark_rate_limited(pool->shared, pool->ids[0], LOAD_COOLDOWN_MS) == 0);
    EXPECT(keyshm_mark_available(pool->shared, pool->ids[0]) == 0);
}

const struct contender keyshm_leases_capped = {
    .name = "keyshm",
    .batch = 1000,
    .is_lease = true,
    .open = open_capped,
    .run = run_leases,
    .close = pool_close,
};

const struct contender keyshm_pick_rated = {
    .name = "keyshm",
    .batch = 1000,
    .open = open_rated,
    .run = run_picks,
    .close = pool_close,
};

const struct contender keyshm_pick_rated_idle = {
    .name = "keyshm",
    .batch = 1000,
    .open = open_rated_idle,
    .run = run_picks,
    .close = pool_close,
};

const struct contender keyshm_leases_whole = {
    .name = "keyshm",
    .batch = 1000,
    .is_lease = true,
    .open = open_whole,
    .run = run_whole,
    .close = pool_close,
};

const struct contender keyshm_leases_whole_of_group = {
    .name = "keyshm",
    .batch = 1000,
    .is_lease = true,
    .open = open_whole_of_group,
    .run = run_whole,
    .close = pool_close,
};

const struct contender keyshm_refused = {
    .name = "keyshm",
    .batch = 1000,
    .open = open_used_up,
    .run = run_refused,
    .close = pool_close,
};

const struct contender keyshm_refused_first = {
    .name = "keyshm",
    .batch = 1,
    .open = open_used_up,
    .prepare = change_one,
    .run = run_refused,
    .close = pool_close,
};
