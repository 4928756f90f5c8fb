/* SPDX-License-Identifier: MIT */

/*
 * Real processes wait for one key. Twenty of which one after the other has the one place, while they are killed at random: when
 * they wait, when they have been woken, and when they have it. All that live get it again and again, and nothing is left in
 * the end. And a hundred, for a key whose rate limit is marked for too short a time: one of them finds that out, and not all.
 */

#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "expect.h"
#include "random.h"

enum { WAITERS = 20, KILLS = 400, TURNS = 3, MANY = 100, WORKERS_MAX = 1024 };

/* The provider's limit lasts longer than the first mark says, and not as long as the second does. */
enum { MARKED_MS = 200, LIMITED_MS = MARKED_MS + 30, PROBE_MS = 10 * 60 * 1000 };

static keyshm_pool *pool;
static keyshm_id key;

static struct shared {
    _Atomic uint64_t turns[WAITERS]; /* how often each had the key */
    _Atomic int64_t limited_until_ms;
    _Atomic unsigned requests, refused, answered;
} * shared;

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static void acquire(struct keyshm_lease *ret_lease)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.wait_ms = KEYSHM_UNTIL_MARKED;
    EXPECT_EQ(keyshm_acquire(pool, &request, ret_lease), 0);
}

static unsigned count_waiting(void)
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    unsigned waiting = snapshot->waiting;
    keyshm_snapshot_free(snapshot);
    return waiting;
}

static void begin_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = 1;
    options.workers_max = WORKERS_MAX;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "waiters", &options), 0);
    EXPECT_EQ(keyshm_add(pool, "sk-waiters-abcdefghijklmnop", &key), 0);
}

static void end_pool(void)
{
    EXPECT_EQ(count_waiting(), 0);
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    keyshm_close(pool);
}

/* ---- killed at random ---- */

static pid_t waiters[WAITERS];

static _Noreturn void take_turns(int number)
{
    struct keyshm_lease lease;
    for (;;) {
        acquire(&lease);
        atomic_fetch_add(&shared->turns[number], 1);
        sched_yield();
        EXPECT_EQ(keyshm_release(pool, &lease), 0);
    }
}

static void start_waiter(int number)
{
    waiters[number] = expect_fork();
    if (waiters[number] == 0)
        take_turns(number);
}

static void expect_all_get_it_again(void)
{
    for (int i = 0; i < WAITERS; i++) {
        uint64_t turns = atomic_load(&shared->turns[i]);
        while (atomic_load(&shared->turns[i]) < turns + TURNS)
            usleep(1000);
    }
}

static void expect_no_leases(void)
{
    struct keyshm_lease_list *list;
    EXPECT(keyshm_reap(pool, 0) >= 0);
    EXPECT_EQ(keyshm_leases(pool, &list), 0);
    EXPECT_EQ(list->count, 0);
    keyshm_lease_list_free(list);
}

static void test_killed(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    uint64_t random = 1;
    begin_pool();
    limits.in_flight = 1;
    EXPECT_EQ(keyshm_set_limits(pool, key, 0, &limits), 0);
    for (int i = 0; i < WAITERS; i++)
        start_waiter(i);
    for (int kills = 0; kills < KILLS; kills++) {
        int number = (int)(random_next(&random) % WAITERS);
        usleep((useconds_t)(random_next(&random) % 2000));
        expect_kill(waiters[number]);
        start_waiter(number);
    }
    expect_all_get_it_again();
    EXPECT(count_waiting() > 0 && count_waiting() <= WAITERS);
    for (int i = 0; i < WAITERS; i++)
        expect_kill(waiters[i]);
    expect_no_leases();
    end_pool();
}

/* ---- a rate limit that was marked for too short a time ---- */

/* What the provider answers. */
static bool is_answered(void)
{
    atomic_fetch_add(&shared->requests, 1);
    bool is_refused = now_ms() < atomic_load(&shared->limited_until_ms);
    atomic_fetch_add(is_refused ? &shared->refused : &shared->answered, 1);
    return !is_refused;
}

static void tell_refused(const struct keyshm_pick *pick)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.reason = KEYSHM_REASON_RATE_LIMIT;
    mark.stamp = pick->stamp;
    EXPECT_EQ(keyshm_mark(pool, pick->id, &mark), 0);
}

static void ask_until_answered(void)
{
    struct keyshm_lease lease;
    bool is_done = false;
    while (!is_done) {
        acquire(&lease);
        is_done = is_answered();
        if (is_done)
            EXPECT_EQ(keyshm_success(pool, &lease.pick), 0);
        else
            tell_refused(&lease.pick);
        EXPECT_EQ(keyshm_release(pool, &lease), 0);
    }
}

static void set_policy(void)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    policy.cooldown_ms = MARKED_MS;
    policy.probe_ms = PROBE_MS;
    EXPECT_EQ(keyshm_set_policy(pool, &policy), 0);
}

static void start_many(const struct gate *gate)
{
    for (int i = 0; i < MANY; i++) {
        pid_t child = expect_fork();
        if (child != 0)
            continue;
        gate_wait(gate);
        ask_until_answered();
        _exit(0);
    }
}

/* All are there before the limit begins. The first request is refused, if it is sent before the end of the limit; then one finds
 * that it has ended, and the others wait for that one. */
static void test_too_short(void)
{
    begin_pool();
    set_policy();
    EXPECT_EQ(keyshm_pause(pool, key), 0);
    struct gate gate = gate_make();
    start_many(&gate);
    gate_open(&gate);
    while (count_waiting() < MANY)
        usleep(1000);
    atomic_store(&shared->limited_until_ms, now_ms() + LIMITED_MS);
    EXPECT_EQ(keyshm_mark_rate_limited(pool, key, MARKED_MS), 0);
    EXPECT_EQ(keyshm_resume(pool, key), 0);
    for (int i = 0; i < MANY; i++)
        expect_success_of_next();
    printf("%u requests of %d processes, %u refused\n", atomic_load(&shared->requests), MANY,
           atomic_load(&shared->refused));
    EXPECT_EQ(atomic_load(&shared->answered), MANY);
    EXPECT(atomic_load(&shared->refused) <= 1);
    end_pool();
}

int main(void)
{
    expect_end_in_time();
    shared = expect_shared_memory(sizeof(*shared));
    test_killed();
    test_too_short();
    return 0;
}
