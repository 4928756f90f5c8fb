/* SPDX-License-Identifier: MIT */

/*
 * Forty workers wait for one key. When its bench is over, one of them gets it; when that one is killed, one other; when
 * that one is refused, nobody until the longer bench is over; and when one succeeds, all. The same of a group, with a key
 * for each worker. A worker that has the key and does nothing keeps it: the others look after it again and again.
 */

#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "expect.h"

enum { WORKERS = 40, COOLDOWN_MS = 300, PROBE_MS = 10 * 60 * 1000, NOBODY = -1 };

/* Longer than a sweep is put off, and the looks at processes that have a probe. */
enum { LOOKS_MS = 1500 };

static keyshm_pool *pool;

static struct shared {
    _Atomic bool is_closed;           /* the workers shall not pick */
    _Atomic bool is_asking[WORKERS];  /* and these are at it */
    _Atomic unsigned given[WORKERS];  /* how often each got a key */
    struct keyshm_pick last[WORKERS]; /* the last one */
} * shared;

static pid_t workers[WORKERS];

static void sleep_ms(long duration_ms)
{
    nanosleep(&(struct timespec){.tv_sec = duration_ms / 1000, .tv_nsec = duration_ms % 1000 * 1000000}, NULL);
}

static void work(int number)
{
    for (;;) {
        atomic_store(&shared->is_asking[number], true);
        if (!atomic_load(&shared->is_closed)) {
            struct keyshm_pick pick;
            int r = keyshm_next(pool, &pick);
            EXPECT(r == 0 || r == -EAGAIN);
            if (r == 0) {
                shared->last[number] = pick;
                atomic_fetch_add(&shared->given[number], 1);
            }
        }
        atomic_store(&shared->is_asking[number], false);
        sleep_ms(2);
    }
}

static void start_workers(void)
{
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = expect_fork();
        if (workers[i] == 0)
            work(i);
    }
}

static void stop_workers(void)
{
    for (int i = 0; i < WORKERS; i++)
        if (workers[i] != 0)
            expect_kill(workers[i]);
}

static unsigned count_given(void)
{
    unsigned all = 0;
    for (int i = 0; i < WORKERS; i++)
        all += atomic_load(&shared->given[i]);
    return all;
}

/* Nobody is in the middle of a pick, and nobody begins one. */
static void close_door(void)
{
    atomic_store(&shared->is_closed, true);
    for (int i = 0; i < WORKERS; i++) {
        while (atomic_load(&shared->is_asking[i]))
            sched_yield();
        atomic_store(&shared->given[i], 0);
    }
}

static void open_door(void)
{
    atomic_store(&shared->is_closed, false);
}

/* Waits until a worker has got a key, and then long enough for others to get it, too. Returns that worker. */
static int wait_for_prober(void)
{
    int prober = NOBODY;
    while (count_given() == 0)
        sleep_ms(5);
    sleep_ms(LOOKS_MS);
    EXPECT_EQ(count_given(), 1);
    for (int i = 0; i < WORKERS; i++)
        if (atomic_load(&shared->given[i]) != 0)
            prober = i;
    return prober;
}

static void answer(const struct keyshm_pick *pick, enum keyshm_scope scope)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.reason = KEYSHM_REASON_RATE_LIMIT;
    mark.scope = scope;
    mark.stamp = pick->stamp;
    EXPECT_EQ(keyshm_mark(pool, pick->id, &mark), 0);
}

static void run(enum keyshm_scope scope)
{
    struct keyshm_pick pick;
    close_door();
    EXPECT_EQ(keyshm_next(pool, &pick), 0);
    answer(&pick, scope);
    open_door();

    int prober = wait_for_prober();
    atomic_store(&shared->given[prober], 0);
    expect_kill(workers[prober]);
    workers[prober] = 0;
    atomic_store(&shared->is_asking[prober], false);
    prober = wait_for_prober();

    /* Refused: the cooldown is twice as long, and then there is one probe again. */
    close_door();
    answer(&shared->last[prober], scope);
    EXPECT_EQ(keyshm_available_count(pool), 0);
    open_door();
    prober = wait_for_prober();

    close_door();
    EXPECT_EQ(keyshm_success(pool, &shared->last[prober]), 0);
    open_door();
    while (count_given() < 3 * WORKERS)
        sleep_ms(5);
    close_door();
}

static void begin_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    EXPECT_EQ(keyshm_create(&pool, expect_name, &options), 0);
    policy.cooldown_ms = COOLDOWN_MS;
    policy.cooldown_growth_percent = 200;
    policy.probe_ms = PROBE_MS;
    EXPECT_EQ(keyshm_set_policy(pool, &policy), 0);
    shared = expect_shared_memory(sizeof(*shared));
}

static void end_pool(void)
{
    stop_workers();
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    keyshm_close(pool);
    EXPECT_EQ(keyshm_unlink(expect_name), 0);
}

static void test_a_key(void)
{
    begin_pool();
    EXPECT_EQ(keyshm_add(pool, "key", NULL), 0);
    close_door();
    start_workers();
    run(KEYSHM_SCOPE_KEY);
    end_pool();
}

static void test_a_group(void)
{
    keyshm_id group;
    begin_pool();
    EXPECT_EQ(keyshm_group(pool, "account", &group), 0);
    for (int i = 0; i < WORKERS; i++) {
        char key[16];
        snprintf(key, sizeof(key), "key %d", i);
        EXPECT_EQ(keyshm_add_to_group(pool, key, group, NULL), 0);
    }
    close_door();
    start_workers();
    run(KEYSHM_SCOPE_GROUP);
    end_pool();
}

int main(void)
{
    expect_pool_name("probers");
    test_a_key();
    test_a_group();
    return 0;
}
