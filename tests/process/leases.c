/* SPDX-License-Identifier: MIT */

/* What a worker holds, when it is killed, stopped, ends or forks. */

#include "expect.h"

static keyshm_pool *pool;
static keyshm_id key;

static int acquire(struct keyshm_lease *ret_lease)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    return keyshm_acquire(pool, &request, ret_lease);
}

static size_t count_leases(void)
{
    struct keyshm_lease_list *list;
    EXPECT_EQ(keyshm_leases(pool, &list), 0);
    size_t count = list->count;
    keyshm_lease_list_free(list);
    return count;
}

static void wait_for_leases(size_t count)
{
    while (count_leases() < count)
        usleep(100);
}

/* A child that takes a place, of which so many are taken then. */
static pid_t start_holder(size_t count)
{
    pid_t child = expect_fork();
    if (child != 0) {
        wait_for_leases(count);
        return child;
    }
    struct keyshm_lease lease;
    EXPECT_EQ(acquire(&lease), 0);
    for (;;)
        pause();
}

/* Others that ask again and again find that the holder is dead. */
static void test_killed(void)
{
    struct keyshm_lease lease;
    expect_kill(start_holder(1));
    while (acquire(&lease) == -EAGAIN)
        usleep(1000);
    EXPECT_EQ(count_leases(), 1);
    EXPECT_EQ(keyshm_release(pool, &lease), 0);
    EXPECT_EQ(count_leases(), 0);
}

static size_t count_reaped(void)
{
    struct keyshm_event_list *list;
    size_t count = 0;
    EXPECT_EQ(keyshm_events(pool, NULL, &list), 0);
    for (size_t i = 0; i < list->count; i++)
        count += list->events[i].kind == KEYSHM_EVENT_REAPED && list->events[i].id == key;
    keyshm_event_list_free(list);
    return count;
}

/* A supervisor says so at once. */
static void test_reaped(void)
{
    pid_t child = start_holder(1), other = start_holder(2);
    size_t reaped = count_reaped();
    EXPECT_EQ(keyshm_reap(pool, child), 0);
    expect_kill(child);
    EXPECT_EQ(keyshm_reap(pool, other), 0);
    EXPECT_EQ(keyshm_reap(pool, child), 1);
    EXPECT_EQ(keyshm_reap(pool, child), 0);
    EXPECT_EQ(count_reaped(), reaped + 1);
    expect_kill(other);
    EXPECT_EQ(keyshm_reap(pool, 0), 1);
    EXPECT_EQ(count_leases(), 0);
}

/* It is alive, so its lease is left alone; and it goes on with it. */
static void test_stopped(void)
{
    struct keyshm_lease lease;
    int go_on[2];
    EXPECT_EQ(pipe(go_on), 0);
    pid_t child = expect_fork();
    if (child == 0) {
        char byte;
        EXPECT_EQ(acquire(&lease), 0);
        EXPECT_EQ(read(go_on[0], &byte, 1), 1);
        EXPECT_EQ(keyshm_release(pool, &lease), 0);
        _exit(0);
    }
    wait_for_leases(1);
    EXPECT_EQ(kill(child, SIGSTOP), 0);
    for (int i = 0; i < 100; i++) {
        EXPECT_EQ(acquire(&lease), -EAGAIN);
        usleep(1000);
    }
    EXPECT_EQ(keyshm_reap(pool, 0), 0);
    EXPECT_EQ(keyshm_reap(pool, child), 0);
    EXPECT_EQ(kill(child, SIGCONT), 0);
    EXPECT_EQ(write(go_on[1], "", 1), 1);
    expect_success_of(child);
    EXPECT_EQ(acquire(&lease), 0);
    EXPECT_EQ(keyshm_release(pool, &lease), 0);
    close(go_on[0]);
    close(go_on[1]);
}

/* A child does not hold what its parent holds, but may give it back. */
static void test_forked(void)
{
    struct keyshm_lease lease;
    EXPECT_EQ(acquire(&lease), 0);
    pid_t child = expect_fork();
    if (child == 0) {
        EXPECT_EQ(keyshm_reap(pool, getpid()), 0);
        _exit(0);
    }
    expect_success_of(child);
    EXPECT_EQ(keyshm_reap(pool, 0), 0);
    EXPECT_EQ(count_leases(), 1);
    child = expect_fork();
    if (child == 0) {
        EXPECT_EQ(keyshm_release(pool, &lease), 0);
        _exit(0);
    }
    expect_success_of(child);
    EXPECT_EQ(count_leases(), 0);
    EXPECT_EQ(keyshm_release(pool, &lease), -ESTALE);
}

/* Without a release: by exit(3), or by closing the pool. */
static void test_left(void)
{
    struct keyshm_lease lease;
    for (int how = 0; how < 2; how++) {
        pid_t child = expect_fork();
        if (child == 0) {
            EXPECT_EQ(acquire(&lease), 0);
            if (how == 0)
                keyshm_close(pool);
            exit(0);
        }
        expect_success_of(child);
        EXPECT_EQ(count_leases(), 1);
        while (acquire(&lease) == -EAGAIN)
            usleep(1000);
        EXPECT_EQ(keyshm_release(pool, &lease), 0);
    }
}

/* A supervisor is told of these by wait(2), too. */
static void test_left_and_reaped(void)
{
    struct keyshm_lease lease;
    pid_t child = expect_fork();
    if (child == 0) {
        EXPECT_EQ(acquire(&lease), 0);
        exit(0);
    }
    expect_success_of(child);
    EXPECT_EQ(keyshm_reap(pool, child), 1);
    EXPECT_EQ(count_leases(), 0);
}

static void set_cap(unsigned in_flight)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.in_flight = in_flight;
    EXPECT_EQ(keyshm_set_limits(pool, key, 0, &limits), 0);
}

/* A process that is refused often remembers that, but not when the last key is removed. */
enum { REFUSALS = 20000 };

static void test_emptied(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct keyshm_lease lease;
    limits.requests = (struct keyshm_rate){.amount = 1, .per_ms = KEYSHM_DURATION_MAX_MS, .burst = 1};
    EXPECT_EQ(keyshm_set_limits(pool, 0, 0, &limits), 0);
    EXPECT_EQ(keyshm_set_limits(pool, key, 0, NULL), 0);
    EXPECT_EQ(acquire(&lease), 0);
    for (int i = 0; i < REFUSALS; i++)
        EXPECT_EQ(acquire(&lease), -EAGAIN);
    EXPECT_EQ(keyshm_remove(pool, key), 0);
    for (int i = 0; i < 2; i++)
        EXPECT_EQ(acquire(&lease), -ENOKEY);
}

int main(void)
{
    expect_end_in_time();
    EXPECT_EQ(keyshm_create_anonymous(&pool, "leases", NULL), 0);
    EXPECT_EQ(keyshm_add(pool, "sk-leases-abcdefghijklmnop", &key), 0);
    set_cap(1);
    test_killed();
    test_stopped();
    test_forked();
    test_left();
    test_left_and_reaped();
    set_cap(2);
    test_reaped();
    test_emptied();
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    keyshm_close(pool);
    return 0;
}
