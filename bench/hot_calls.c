/* SPDX-License-Identifier: MIT */

/*
 * A fixed number of calls of one function, for bench/instructions to count the instructions of. Prints how many.
 *
 *   hot_calls FUNCTION
 */

#include <stdatomic.h>
#include <time.h>

#include "contender.h"
#include "keyshm_pool.h"

enum { KEYS = 100, CALLS = 10000 };

static struct pool *pool;

/* In the place of the C library's, for this program and the library: a clock that only goes on when it is read, so that a
 * count does not depend on how often the real one ticks while callgrind runs. */
/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the C library's are reserved names */
int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    enum { NS_PER_READ = 20, NS_PER_TICK = 4000000, NS_PER_S = 1000000000 };
    static _Atomic uint64_t total_ns = 1000 * (uint64_t)NS_PER_S;
    uint64_t now_ns = atomic_fetch_add_explicit(&total_ns, NS_PER_READ, memory_order_relaxed);
    if (clock == CLOCK_MONOTONIC_COARSE)
        now_ns -= now_ns % NS_PER_TICK;
    *ret_time = (struct timespec){.tv_sec = (time_t)(now_ns / NS_PER_S), .tv_nsec = (long)(now_ns % NS_PER_S)};
    return 0;
}

static void pick(int call)
{
    struct keyshm_pick picked;
    (void)call;
    EXPECT(keyshm_next(pool->shared, &picked) == 0);
}

/* Each changes its key: nine seconds longer than the time before, one key after the other. */
static void mark_rate_limited(int call)
{
    EXPECT(keyshm_mark_rate_limited(pool->shared, pool->ids[call % KEYS], 60000 + call / KEYS * 9000) == 0);
}

static void mark_quota_exceeded(int call)
{
    EXPECT(keyshm_mark_quota_exceeded(pool->shared, pool->ids[call % KEYS], 60000 + call / KEYS * 9000) == 0);
}

/* Each changes its key, which another mark, that is not counted, has made available. */
static void mark_invalid(int call)
{
    EXPECT(keyshm_mark_available(pool->shared, pool->ids[call % KEYS]) == 0);
    EXPECT(keyshm_mark_invalid(pool->shared, pool->ids[call % KEYS]) == 0);
}

static void mark_available(int call)
{
    EXPECT(keyshm_mark_invalid(pool->shared, pool->ids[call % KEYS]) == 0);
    EXPECT(keyshm_mark_available(pool->shared, pool->ids[call % KEYS]) == 0);
}

static const struct {
    const char *name;
    void (*call)(int call);
} functions[] = {
    {"keyshm_next", pick},
    {"keyshm_mark_rate_limited", mark_rate_limited},
    {"keyshm_mark_quota_exceeded", mark_quota_exceeded},
    {"keyshm_mark_invalid", mark_invalid},
    {"keyshm_mark_available", mark_available},
};

int main(int argc, char **argv)
{
    struct load load = {.keys = KEYS, .available = KEYS};
    expect_end_in_time();
    pool = pool_open(&load);
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (argc != 2 || strcmp(argv[1], functions[i].name) != 0)
            continue;
        for (int call = 0; call < CALLS; call++)
            functions[i].call(call);
        pool_close(pool);
        printf("%d\n", CALLS);
        return 0;
    }
    fprintf(stderr, "Usage: hot_calls FUNCTION\n");
    return 1;
}
