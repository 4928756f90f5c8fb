/* SPDX-License-Identifier: MIT */

/* Picks of keyshm: as fast as they go, beside an inspector, and with cooldowns that begin and end all the time. */

#include <time.h>

#include "contender.h"
#include "keyshm_pool.h"
#include "measure.h"

static void run_picks(void *state, unsigned operations)
{
    const struct pool *pool = state;
    struct keyshm_pick pick;
    for (unsigned i = 0; i < operations; i++)
        EXPECT(keyshm_next(pool->shared, &pick) == 0);
}

/* ---- for a model, and of keys in groups ---- */

enum { KEYS_PER_GROUP = 10, MODEL = 1 };

static void *open_with_model(const struct load *load)
{
    struct pool *pool = pool_open(load);
    unsigned model;
    EXPECT_EQ(keyshm_model(pool->shared, "a model", &model), 0);
    EXPECT_EQ(model, MODEL);
    return pool;
}

static void run_picks_for_model(void *state, unsigned operations)
{
    const struct pool *pool = state;
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.model = MODEL;
    for (unsigned i = 0; i < operations; i++)
        EXPECT(keyshm_acquire(pool->shared, &request, &lease) == 0);
}

static void *open_grouped(const struct load *load)
{
    struct pool *pool = open_with_model(load);
    for (unsigned i = 0; i < load->keys; i++) {
        keyshm_id group;
        char name[32];
        snprintf(name, sizeof(name), "account %u", i / KEYS_PER_GROUP);
        EXPECT_EQ(keyshm_group(pool->shared, name, &group), 0);
        EXPECT_EQ(keyshm_set_group(pool->shared, pool->ids[i], group), 0);
    }
    return pool;
}

/* ---- of keys that differ in weight or priority ---- */

enum { PRIORITIES = 3 };

static void *open_weighted(const struct load *load)
{
    struct pool *pool = pool_open(load);
    for (unsigned i = 0; i < load->keys; i++)
        EXPECT_EQ(keyshm_set_weight(pool->shared, pool->ids[i], 1 + i % KEYSHM_WEIGHT_MAX), 0);
    return pool;
}

static void *open_second_priority(const struct load *load)
{
    struct pool *pool = pool_open(load);
    for (unsigned i = 0; i < load->keys; i++) {
        EXPECT_EQ(keyshm_set_priority(pool->shared, pool->ids[i], i % PRIORITIES), 0);
        if (i % PRIORITIES == 0)
            EXPECT_EQ(keyshm_mark_rate_limited(pool->shared, pool->ids[i], KEYSHM_DURATION_MAX_MS), 0);
    }
    return pool;
}

/* ---- an inspector beside the workers ---- */

static void inspect_each_millisecond(void *state)
{
    const struct pool *pool = state;
    struct keyshm_snapshot *snapshot;
    struct timespec due;
    clock_gettime(CLOCK_MONOTONIC, &due);
    for (;;) {
        EXPECT_EQ(keyshm_snapshot(pool->shared, &snapshot), 0);
        keyshm_snapshot_free(snapshot);
        due.tv_nsec += 1000000;
        due.tv_sec += due.tv_nsec / 1000000000;
        due.tv_nsec %= 1000000000;
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
}

/* ---- bursts ---- */

/*
 * Marked for 1 to 20 ms each, keys are soon used up by a worker that does nothing else. So it works in bursts, one a
 * millisecond: then about two thirds of 1,024 keys are cooling down at any time, and some are done in every millisecond.
 */
enum { BURST = 64, COOLDOWN_MAX_MS = 20 };

static void wait_for_next_millisecond(void *state)
{
    int64_t begin_ms = measure_now_ns() / 1000000;
    (void)state;
    while (measure_now_ns() / 1000000 == begin_ms)
        continue;
}

static void run_picks_and_marks(void *state, unsigned operations)
{
    const struct pool *pool = state;
    struct keyshm_pick pick;
    for (unsigned i = 0; i < operations; i++) {
        EXPECT(keyshm_next(pool->shared, &pick) == 0);
        EXPECT(keyshm_mark_rate_limited(pool->shared, pick.id, 1 + i % COOLDOWN_MAX_MS) == 0);
    }
}

/* ---- cooldowns that end all the time ---- */

/* What is cooling down does so for this long at most, and the ends are spread over it. */
enum { SPREAD_MS = 60000 };

static void *open_spread(const struct load *load)
{
    struct pool *pool = pool_open(&(struct load){load->keys, load->keys});
    pool->load = *load;
    for (unsigned i = 0; i < load->keys; i++)
        if (load_is_cooling(load, i))
            EXPECT_EQ(keyshm_mark_rate_limited(pool->shared, pool->ids[i], 1 + (int64_t)SPREAD_MS * i / load->keys), 0);
    return pool;
}

/* What is wanted is not what the kernel takes to map each page of the pool into a new process. */
static void touch_all(void *state, int worker)
{
    const struct pool *pool = state;
    struct keyshm_snapshot *snapshot;
    (void)worker;
    EXPECT_EQ(keyshm_snapshot(pool->shared, &snapshot), 0);
    keyshm_snapshot_free(snapshot);
}

/* Those whose cooldown has ended begin another one, so that their share stays. */
static void cool_down_again(void *state)
{
    static unsigned next;
    const struct pool *pool = state;
    for (unsigned looks = 0; looks < 16; looks++, next = (next + 1) % pool->load.keys)
        if (load_is_cooling(&pool->load, next) && keyshm_is_available(pool->shared, pool->ids[next]) == 1)
            EXPECT_EQ(keyshm_mark_rate_limited(pool->shared, pool->ids[next], SPREAD_MS), 0);
}

const struct contender keyshm_pick_p99 = {
    .name = "keyshm",
    .batch = 1,
    .is_p99 = true,
    .open = open_spread,
    .enter = touch_all,
    .prepare = cool_down_again,
    .run = run_picks,
    .close = pool_close,
};

const struct contender keyshm_pick = {
    .name = "keyshm",
    .batch = 1000,
    .open = pool_open,
    .run = run_picks,
    .close = pool_close,
};

const struct contender keyshm_pick_for_model = {
    .name = "keyshm",
    .batch = 1000,
    .open = open_with_model,
    .run = run_picks_for_model,
    .close = pool_close,
};

const struct contender keyshm_pick_grouped = {
    .name = "keyshm",
    .batch = 1000,
    .open = open_grouped,
    .run = run_picks,
    .close = pool_close,
};

const struct contender keyshm_pick_grouped_for_model = {
    .name = "keyshm",
    .batch = 1000,
    .open = open_grouped,
    .run = run_picks_for_model,
    .close = pool_close,
};

const struct contender keyshm_pick_weighted = {
    .name = "keyshm",
    .batch = 1000,
    .open = open_weighted,
    .run = run_picks,
    .close = pool_close,
};

const struct contender keyshm_pick_second_priority = {
    .name = "keyshm",
    .batch = 1000,
    .open = open_second_priority,
    .run = run_picks,
    .close = pool_close,
};

const struct contender keyshm_pick_inspected = {
    .name = "keyshm",
    .batch = 1000,
    .open = pool_open,
    .run = run_picks,
    .run_beside = inspect_each_millisecond,
    .close = pool_close,
};

const struct contender keyshm_bursts = {
    .name = "keyshm",
    .batch = BURST,
    .open = pool_open,
    .prepare = wait_for_next_millisecond,
    .run = run_picks,
    .close = pool_close,
};

const struct contender keyshm_bursts_marked = {
    .name = "keyshm",
    .batch = BURST,
    .open = pool_open,
    .prepare = wait_for_next_millisecond,
    .run = run_picks_and_marks,
    .close = pool_close,
};
