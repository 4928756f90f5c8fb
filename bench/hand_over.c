/* SPDX-License-Identifier: MIT */

/*
 * From the moment at which a process gives back what others wait for, until one of them has it: the lease of a key with a
 * cap of 1, for which 20 processes wait; and a turn that two processes give each other by a bare futex(2).
 */

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

#include "contender.h"
#include "keyshm_pool.h"
#include "measure.h"

enum { WAITERS = 20, SAMPLES_MAX = 1 << 16, PAUSE_NS = 100000 };

/* What the processes share. */
struct hand_over {
    _Atomic uint32_t turn;    /* bare: whose it is, 0 or 1 */
    _Atomic int holder;       /* leases: 1 + who had the last one */
    _Atomic int64_t given_ns; /* when it was given back */
    _Atomic uint32_t count;   /* of samples */
    _Atomic int waiting;      /* how many have asked for it */
    _Atomic int64_t end_ns;   /* 0: it has not begun */
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

/* It is kept as long as a lease is, so that who waits has slept, and the processor with it. Both go on for as long, so that each
 * gives the other its last turn. */
static void take_turns(struct hand_over *shared, uint32_t mine, int64_t end_ns)
{
    bool is_over = false;
    while (!is_over) {
        wait_for_turn(shared, mine);
        note_taken(shared);
        is_over = measure_now_ns() >= end_ns;
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
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

static void *open_waited_for(const struct load *load)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct pool *pool = pool_open(load);
    limits.in_flight = 1;
    EXPECT_EQ(keyshm_set_limits(pool->shared, 0, 0, &limits), 0);
    return pool;
}

static uint64_t count_waits(void)
{
    struct rusage usage;
    EXPECT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
    return (uint64_t)usage.ru_nvcsw;
}

static bool is_over(struct hand_over *shared)
{
    int64_t end_ns = atomic_load(&shared->end_ns);
    return end_ns != 0 && measure_now_ns() >= end_ns;
}

/* One that has it. */
struct waiter {
    struct hand_over *shared;
    keyshm_pool *pool;
    uint64_t pauses; /* which are waits as well, but not for it */
};

static void pause_shortly(struct waiter *waiter)
{
    uint64_t waits = count_waits();
    nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    waiter->pauses += count_waits() - waits;
}

/* Until so many have asked for it, and some time more, so that they sleep. */
static void let_wait(struct waiter *waiter, int count)
{
    while (atomic_load(&waiter->shared->waiting) < count && !is_over(waiter->shared))
        pause_shortly(waiter);
    pause_shortly(waiter);
}

/* Another is to have it: this one sleeps, as the giver of a turn does, and does not ask again before. */
static void give_back(struct waiter *waiter, struct keyshm_lease *lease, int mine)
{
    atomic_store(&waiter->shared->given_ns, measure_now_ns());
    EXPECT_EQ(keyshm_release(waiter->pool, lease), 0);
    do
        pause_shortly(waiter);
    while (atomic_load(&waiter->shared->holder) == mine && !is_over(waiter->shared));
}

/* Without end: who leaves gives it to the next. */
static void take(struct waiter *waiter, struct keyshm_lease *ret_lease)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.wait_ms = KEYSHM_UNTIL_MARKED;
    atomic_fetch_add(&waiter->shared->waiting, 1);
    EXPECT_EQ(keyshm_acquire(waiter->pool, &request, ret_lease), 0);
    note_taken(waiter->shared);
    atomic_fetch_sub(&waiter->shared->waiting, 1);
}

static _Noreturn void be_waiter(struct hand_over *shared, keyshm_pool *pool, int mine)
{
    struct waiter waiter = {.shared = shared, .pool = pool};
    struct keyshm_lease lease;
    uint64_t before = count_waits();
    do {
        take(&waiter, &lease);
        atomic_store(&shared->holder, mine);
        let_wait(&waiter, WAITERS - 1);
        give_back(&waiter, &lease, mine);
    } while (!is_over(shared));
    atomic_fetch_add(&shared->wakes, count_waits() - before - waiter.pauses);
    keyshm_close(pool);
    _exit(0);
}

/* The first lease is this process's, and given back when all wait. */
static void begin(struct hand_over *shared, keyshm_pool *pool, struct keyshm_lease *first, int64_t duration_ns)
{
    struct waiter self = {.shared = shared, .pool = pool};
    let_wait(&self, WAITERS);
    atomic_store(&shared->end_ns, measure_now_ns() + duration_ns);
    atomic_store(&shared->given_ns, measure_now_ns());
    EXPECT_EQ(keyshm_release(pool, first), 0);
}

static double measure_waited_for(void *state, int64_t duration_ns)
{
    const struct pool *pool = state;
    struct hand_over *shared = expect_shared_memory(sizeof(*shared));
    struct keyshm_lease first;
    EXPECT_EQ(keyshm_acquire(pool->shared, NULL, &first), 0);
    for (int i = 0; i < WAITERS; i++)
        if (expect_fork() == 0)
            be_waiter(shared, pool->shared, 1 + i);
    begin(shared, pool->shared, &first, duration_ns);
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
