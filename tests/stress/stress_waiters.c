/* SPDX-License-Identifier: MIT */

/*
 * Threads wait for two keys, and others have something for them: they give leases back, mark, change caps, and say what a
 * provider has left. Every wait ends with a key, and no more are in flight than the highest cap.
 *
 *   stress_waiters [ITERATIONS]
 */

#include <pthread.h>
#include <stdatomic.h>

#include "expect.h"

enum { WAITERS = 6, KEYS = 2, CAP = 3, BENCH_MS = 2, PAUSE_US = 300 };

static keyshm_pool *pool;
static keyshm_id keys[KEYS];
static unsigned long iterations = 20000;
static _Atomic unsigned in_flight[KEYS], left = WAITERS;

static int number_of(keyshm_id id)
{
    EXPECT(id == keys[0] || id == keys[1]);
    return id == keys[1];
}

static void *wait_again_and_again(void *unused)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.wait_ms = KEYSHM_UNTIL_MARKED;
    for (unsigned long i = 0; i < iterations; i++) {
        request.affinity = i % 3;
        EXPECT_EQ(keyshm_acquire(pool, &request, &lease), 0);
        int number = number_of(lease.pick.id);
        EXPECT(atomic_fetch_add(&in_flight[number], 1) < CAP);
        atomic_fetch_sub(&in_flight[number], 1);
        EXPECT_EQ(i % 2 == 0 ? keyshm_release(pool, &lease) : keyshm_cancel(pool, &lease), 0);
    }
    atomic_fetch_sub(&left, 1);
    return unused;
}

static void set_cap(int number, unsigned cap)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.in_flight = cap;
    limits.requests = (struct keyshm_rate){.amount = 1000000, .per_ms = 1000, .burst = 1000000};
    EXPECT_EQ(keyshm_set_limits(pool, keys[number], 0, &limits), 0);
}

static void observe(int number, unsigned requests_left)
{
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    observation.requests_left = requests_left;
    observation.requests_reset_ms = BENCH_MS;
    EXPECT_EQ(keyshm_observe(pool, keys[number], &observation), 0);
}

static void *mark_again_and_again(void *unused)
{
    for (unsigned i = 0; atomic_load(&left) > 0; i++) {
        EXPECT_EQ(keyshm_mark_rate_limited(pool, keys[i % KEYS], BENCH_MS), 0);
        usleep(PAUSE_US);
        EXPECT_EQ(keyshm_mark_available(pool, keys[i % KEYS]), 0);
    }
    return unused;
}

static void *limit_again_and_again(void *unused)
{
    for (unsigned i = 0; atomic_load(&left) > 0; i++) {
        set_cap((int)(i % KEYS), 1 + i % CAP);
        usleep(PAUSE_US);
    }
    return unused;
}

static void *observe_again_and_again(void *unused)
{
    for (unsigned i = 0; atomic_load(&left) > 0; i++) {
        observe((int)(i % KEYS), i % 4);
        EXPECT(keyshm_wait_hint_ms(pool, NULL) >= -1);
        usleep(PAUSE_US);
    }
    return unused;
}

static void run(void)
{
    static void *(*const others[])(void *) = {mark_again_and_again, limit_again_and_again, observe_again_and_again};
    enum { OTHERS = sizeof(others) / sizeof(others[0]) };
    pthread_t threads[WAITERS + OTHERS];
    for (int i = 0; i < WAITERS + OTHERS; i++)
        EXPECT_EQ(pthread_create(&threads[i], NULL, i < WAITERS ? wait_again_and_again : others[i - WAITERS], NULL), 0);
    for (int i = 0; i < WAITERS + OTHERS; i++)
        EXPECT_EQ(pthread_join(threads[i], NULL), 0);
}

int main(int argc, char **argv)
{
    struct keyshm_snapshot *snapshot;
    if (argc > 1)
        iterations = strtoul(argv[1], NULL, 10);
    expect_end_in_time();
    EXPECT_EQ(keyshm_create_anonymous(&pool, "waiters", NULL), 0);
    EXPECT_EQ(keyshm_add(pool, "sk-waiters-abcdefghijklmnop", &keys[0]), 0);
    EXPECT_EQ(keyshm_add(pool, "sk-waiters-0123456789012345", &keys[1]), 0);
    for (int i = 0; i < KEYS; i++)
        set_cap(i, 1);
    run();
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    EXPECT_EQ(snapshot->waiting, 0);
    keyshm_snapshot_free(snapshot);
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    keyshm_close(pool);
    return 0;
}
