/* SPDX-License-Identifier: MIT */

/*
 * From the moment at which a process gives back what others wait for, until one of them has it: the lease of a key with a
 * cap of 1, for which 20 processes wait; and a turn that two processes give each other by a bare futex(2).
 */

#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "contender.h"
#include "keyshm_pool.h"
#include "measure.h"

enum { WAITERS = 20, SAMPLES_MAX = 1 << 16 };

/* What the processes share. */
struct hand_over {
    _Atomic uint32_t turn;    /* bare: whose it is, 0 or 1 */
    _Atomic int holder;       /* leases: 1 + who had the last one */
    _Atomic int64_t given_ns; /* when it was given back */
    _Atomic uint32_t count;   /* of samples */
    _Atomic uint64_t wakes;   /* of all that waited */
    double durations_ns[SAMPLES_MAX];
};

static void note_taken(struct hand_over *shared)
{
    uint32_t number = atomic_fetch_add(&shared->count, 1);
    if (number < SAMPLES_MAX)
        shared->durations_ns[number] = (double)(measure_now_ns() - atomic_load(&shared->given_ns));
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static double median_duration_ns(struct hand_over *shared)
{
    uint32_t count = atomic_load(&shared->count);
    count = count < SAMPLES_MAX ? count : SAMPLES_MAX;
    EXPECT(count > 0);
    qsort(shared->durations_ns, count, sizeof(shared->durations_ns[0]), compare);
    return shared->durations_ns[count / 2];
}

/* ---- a bare futex ---- */

static void wait_for_turn(struct hand_over *shared, uint32_t mine)
{
    while (atomic_load(&shared->turn) != mine)
        syscall(SYS_futex, &shared->turn, FUTEX_WAIT, 1 - mine, NULL, NULL, 0);
}

static void give_turn(struct hand_over *shared, uint32_t mine)
{
    atomic_store(&shared->given_ns, measure_now_ns());
    atomic_store(&shared->turn, 1 - mine);
    syscall(SYS_futex, &shared->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Both go on for as long, so that each gives the other its last turn. */
static void take_turns(struct hand_over *shared, uint32_t mine, int64_t end_ns)
{
    bool is_over = false;
    while (!is_over) {
        wait_for_turn(shared, mine);
        note_taken(shared);
        is_over = measure_now_ns() >= end_ns;
        give_turn(shared, mine);
    }
}

static double measure_bare(void *state, int64_t duration_ns)
{
    struct hand_over *shared = expect_shared_memory(sizeof(*shared));
    int64_t end_ns = measure_now_ns() + duration_ns;
    (void)state;
    atomic_store(&shared->given_ns, measure_now_ns());
    pid_t child = expect_fork();
    if (child == 0) {
        take_turns(shared, 1, end_ns);
        _exit(0);
    }
    take_turns(shared, 0, end_ns);
    atomic_store(&shared->turn, 1);
    syscall(SYS_futex, &shared->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
    expect_success_of(child);
    double median_ns = median_duration_ns(shared);
    munmap(shared, sizeof(*shared));
    return median_ns;
}

/* ---- leases ---- */

/* Over all rounds. */
static uint64_t hand_overs, wakes;

/* NULL: acquire does not wait yet. */
static void *open_waited_for(const struct load *load)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    struct pool *pool = pool_open(load);
    limits.in_flight = request.wait_ms = 1;
    EXPECT_EQ(keyshm_set_limits(pool->shared, 0, 0, &limits), 0);
    if (keyshm_acquire(pool->shared, &request, &lease) != 0) {
        pool_close(pool);
        return NULL;
    }
    EXPECT_EQ(keyshm_release(pool->shared, &lease), 0);
    return pool;
}

/* Who gives it back does not take it again at once: another is to have it. */
static void give_back(struct hand_over *shared, keyshm_pool *pool, struct keyshm_lease *lease, int mine, int64_t end_ns)
{
    atomic_store(&shared->given_ns, measure_now_ns());
    EXPECT_EQ(keyshm_release(pool, lease), 0);
    while (atomic_load(&shared->holder) == mine && measure_now_ns() < end_ns)
        sched_yield();
}

static uint64_t count_waits(void)
{
    struct rusage usage;
    EXPECT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
    return (uint64_t)usage.ru_nvcsw;
}

static _Noreturn void be_waiter(struct hand_over *shared, const struct pool *pool, int mine, int64_t end_ns)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    uint64_t waits = count_waits();
    for (int64_t now_ns; (now_ns = measure_now_ns()) < end_ns;) {
        request.wait_ms = 1 + (end_ns - now_ns) / 1000000;
        int r = keyshm_acquire(pool->shared, &request, &lease);
        EXPECT(r == 0 || r == -EAGAIN);
        if (r < 0)
            continue;
        if (atomic_exchange(&shared->holder, mine) != 0)
            note_taken(shared);
        give_back(shared, pool->shared, &lease, mine, end_ns);
    }
    atomic_fetch_add(&shared->wakes, count_waits() - waits);
    _exit(0);
}

static double measure_waited_for(void *state, int64_t duration_ns)
{
    struct hand_over *shared = expect_shared_memory(sizeof(*shared));
    int64_t end_ns = measure_now_ns() + duration_ns;
    for (int i = 0; i < WAITERS; i++)
        if (expect_fork() == 0)
            be_waiter(shared, state, 1 + i, end_ns);
    for (int i = 0; i < WAITERS; i++)
        expect_success_of_next();
    double median_ns = median_duration_ns(shared);
    hand_overs += shared->count;
    wakes += shared->wakes;
    munmap(shared, sizeof(*shared));
    return median_ns;
}

double keyshm_wakes_per_hand_over(void)
{
    return (double)wakes / (double)hand_overs;
}

static void *open_nothing(const struct load *load)
{
    (void)load;
    return &hand_overs;
}

static void close_nothing(void *state)
{
    (void)state;
}

const struct contender bare_hand_over = {
    .name = "futex",
    .open = open_nothing,
    .measure = measure_bare,
    .close = close_nothing,
};

const struct contender keyshm_hand_over = {
    .name = "keyshm",
    .open = open_waited_for,
    .measure = measure_waited_for,
    .close = pool_close,
};
