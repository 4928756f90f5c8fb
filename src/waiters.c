/* SPDX-License-Identifier: MIT */
#include "waiters.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "workers.h"

/* ---- the count ---- */

uint64_t waiters_begin(const struct keyshm_pool *pool, uint64_t now_ms)
{
    uint64_t token = workers_enter(pool, now_ms);
    if (token != 0)
        atomic_fetch_add_explicit(&pool->waiting[(token >> 32) - 1], 1, memory_order_relaxed);
    return token;
}

void waiters_end(const struct keyshm_pool *pool, uint64_t token)
{
    if (token != 0 && workers_is_owner(workers_own_row(pool, token), token))
        atomic_fetch_sub_explicit(&pool->waiting[(token >> 32) - 1], 1, memory_order_relaxed);
}

unsigned waiters_count(const struct keyshm_pool *pool)
{
    unsigned count = 0;
    for (uint32_t row = 0; row < pool->settings.worker_rows; row++) {
        uint32_t waiting = atomic_load_explicit(&pool->waiting[row], memory_order_relaxed);
        if (waiting != 0 && workers_is_attached(pool, row))
            count += waiting;
    }
    return count;
}

/* ---- sleeping ---- */

uint32_t waiters_expect(const struct keyshm_pool *pool)
{
    /* acquire: pairs with the increment in ready_count_announcement(): who has read this count also reads the word. Before the
     * other increment: an announcer that takes this waiter for gone changes the count after that, so the waiter does not sleep. */
    uint32_t announced = atomic_load_explicit(&pool->header->made_available, memory_order_acquire);
    /* seq_cst: pairs with waiters_are_expected(); the kernel compares the count after it. The number differs from that of every
     * waiter before, so that an announcer which has woken none does not take this one for gone. 0 would say that nobody waits. */
    if (atomic_fetch_add_explicit(&pool->header->waiters, 1, memory_order_seq_cst) == UINT32_MAX)
        atomic_fetch_add_explicit(&pool->header->waiters, 1, memory_order_seq_cst);
    return announced;
}

int waiters_sleep(const struct keyshm_pool *pool, uint32_t announced, uint64_t duration_ns)
{
    /* As this system call has it on every machine; struct timespec may have more bits. */
    const struct {
        long seconds, nanoseconds;
    } duration = {(long)(duration_ns / 1000000000), (long)(duration_ns % 1000000000)};
    int error = errno;
    int r =
        syscall(SYS_futex, &pool->header->made_available, FUTEX_WAIT, announced, &duration, NULL, 0) == 0 ? 0 : -errno;
    errno = error;
    return r;
}

/* ---- waking ---- */

/* Returns how many slept. */
static int wake(const struct keyshm_pool *pool, int most)
{
    int error = errno;
    int woken = (int)syscall(SYS_futex, &pool->header->made_available, FUTEX_WAKE, most, NULL, NULL, 0);
    errno = error;
    return woken > 0 ? woken : 0;
}

/* Nobody slept, but one that has said that it waits, and has looked already, may be about to: the count changes for it. */
static void forget(const struct keyshm_pool *pool, uint32_t expected)
{
    if (!atomic_compare_exchange_strong_explicit(&pool->header->waiters, &expected, 0, memory_order_seq_cst,
                                                 memory_order_relaxed))
        return;
    atomic_fetch_add_explicit(&pool->header->made_available, 1, memory_order_seq_cst);
    (void)wake(pool, INT_MAX);
}

static __attribute__((noinline)) void wake_expected(const struct keyshm_pool *pool, int most)
{
    uint32_t expected = atomic_load_explicit(&pool->header->waiters, memory_order_seq_cst);
    if (expected != 0 && wake(pool, most) == 0)
        forget(pool, expected);
}

void waiters_wake_one(const struct keyshm_pool *pool)
{
    if (waiters_are_expected(pool))
        wake_expected(pool, 1);
}

void waiters_wake_all(const struct keyshm_pool *pool)
{
    if (waiters_are_expected(pool))
        wake_expected(pool, INT_MAX);
}
