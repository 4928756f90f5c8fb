/* SPDX-License-Identifier: MIT */

/* What keyshm does besides picking: marks, snapshots and adds. */

#include <sys/mman.h>

#include "contender.h"
#include "keyshm_pool.h"

/* ---- marks, each of which changes its key's word ---- */

enum { MARKS = 100 };

static void make_all_available(void *state)
{
    const struct pool *pool = state;
    for (unsigned i = 0; i < pool->load.keys; i++)
        EXPECT(keyshm_mark_available(pool->shared, pool->ids[i]) == 0);
}

static void make_all_limited(void *state)
{
    const struct pool *pool = state;
    for (unsigned i = 0; i < pool->load.keys; i++)
        EXPECT(keyshm_mark_rate_limited(pool->shared, pool->ids[i], 60000) == 0);
}

static void run_rate_limited(void *state, unsigned operations)
{
    const struct pool *pool = state;
    for (unsigned i = 0; i < operations; i++)
        EXPECT(keyshm_mark_rate_limited(pool->shared, pool->ids[i], 60000) == 0);
}

static void run_quota_exceeded(void *state, unsigned operations)
{
    const struct pool *pool = state;
    for (unsigned i = 0; i < operations; i++)
        EXPECT(keyshm_mark_quota_exceeded(pool->shared, pool->ids[i], 60000) == 0);
}

static void run_invalid(void *state, unsigned operations)
{
    const struct pool *pool = state;
    for (unsigned i = 0; i < operations; i++)
        EXPECT(keyshm_mark_invalid(pool->shared, pool->ids[i]) == 0);
}

static void run_available(void *state, unsigned operations)
{
    const struct pool *pool = state;
    for (unsigned i = 0; i < operations; i++)
        EXPECT(keyshm_mark_available(pool->shared, pool->ids[i]) == 0);
}

/* ---- snapshots ---- */

static void run_snapshots(void *state, unsigned operations)
{
    const struct pool *pool = state;
    struct keyshm_snapshot *snapshot;
    for (unsigned i = 0; i < operations; i++) {
        EXPECT_EQ(keyshm_snapshot(pool->shared, &snapshot), 0);
        EXPECT_EQ(snapshot->count, pool->load.keys);
        keyshm_snapshot_free(snapshot);
    }
}

/* ---- adds: the last keys of the load ---- */

enum { ADDS = 32, ADDS_CAPACITY = 65536 };

struct growing {
    struct pool *pool; /* large enough for any load, so that only the number of keys differs */
    keyshm_id ids[ADDS];
    char keys[ADDS][LOAD_KEY_LENGTH + 1];
};

static void run_adds(void *state, unsigned operations)
{
    struct growing *growing = state;
    for (unsigned i = 0; i < operations; i++)
        EXPECT(keyshm_add(growing->pool->shared, growing->keys[i], &growing->ids[i]) == 0);
}

static void remove_last(void *state)
{
    struct growing *growing = state;
    for (unsigned i = ADDS; i-- > 0;)
        EXPECT_EQ(keyshm_remove(growing->pool->shared, growing->ids[i]), 0);
}

/* Filled, so that every page has been touched, and emptied again as far as the load says. */
static void *open_growing(const struct load *load)
{
    struct load full = {.keys = ADDS_CAPACITY, .available = ADDS_CAPACITY};
    struct growing *growing = expect_shared_memory(sizeof(*growing)); /* the ids change in one worker after another */
    growing->pool = pool_open(&full);
    for (unsigned i = ADDS_CAPACITY; i-- > load->keys - ADDS;)
        EXPECT_EQ(keyshm_remove(growing->pool->shared, growing->pool->ids[i]), 0);
    for (unsigned i = 0; i < ADDS; i++)
        load_key(load->keys - ADDS + i, growing->keys[i]);
    run_adds(growing, ADDS);
    return growing;
}

static void close_growing(void *state)
{
    struct growing *growing = state;
    pool_close(growing->pool);
    munmap(growing, sizeof(*growing));
}

const struct contender keyshm_mark_as_rate_limited = {
    .name = "keyshm",
    .batch = MARKS,
    .open = pool_open,
    .prepare = make_all_available,
    .run = run_rate_limited,
    .close = pool_close,
};

const struct contender keyshm_mark_as_quota_exceeded = {
    .name = "keyshm",
    .batch = MARKS,
    .open = pool_open,
    .prepare = make_all_available,
    .run = run_quota_exceeded,
    .close = pool_close,
};

const struct contender keyshm_mark_as_invalid = {
    .name = "keyshm",
    .batch = MARKS,
    .open = pool_open,
    .prepare = make_all_available,
    .run = run_invalid,
    .close = pool_close,
};

const struct contender keyshm_mark_as_available = {
    .name = "keyshm",
    .batch = MARKS,
    .open = pool_open,
    .prepare = make_all_limited,
    .run = run_available,
    .close = pool_close,
};

const struct contender keyshm_snapshots = {
    .name = "keyshm",
    .batch = 4,
    .open = pool_open,
    .run = run_snapshots,
    .close = pool_close,
};

const struct contender keyshm_adds = {
    .name = "keyshm",
    .batch = ADDS,
    .open = open_growing,
    .prepare = remove_last,
    .run = run_adds,
    .close = close_growing,
};
