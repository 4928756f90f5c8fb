/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_ROTATION_H
#define KEYSHM_ROTATION_H

/*
 * The rotation: whose turn it is, and who has claimed it.
 *
 * The cursor in the segment is where the next claim begins. A pick claims the range of slots up to the key that it takes,
 * by one compare-and-swap; so every round of the cursor gives each available key one turn.
 *
 * A process that makes very many calls in one tick of the coarse clock (1 to 10 ms) is in a burst, and saves: the tick is
 * then exact enough for everything that is not promised exactly, and a pick claims a longer range, of several keys,
 * through which the next picks of this process go alone, so that it passes the cursor's cache line to and fro with the
 * others less often. A range never reaches beyond the end of the round, so a process that stops in the middle of one, for
 * a while or for good, owes each key one turn at most: the counts of two keys differ by no more than the number of
 * processes. And who makes fewer calls than that claims one turn at a time, and reads the clock exactly.
 *
 * What is claimed is this process's own (process_local.h): a child begins without. Only a process with one thread claims
 * ranges, so nothing of it is contended.
 */

#if __has_include(<sys/single_threaded.h>) /* glibc 2.32 and later */
#include <sys/single_threaded.h>
#define ROTATION_SINGLE_THREADED __libc_single_threaded
#else
#define ROTATION_SINGLE_THREADED false
#endif

#include "pool.h"
#include "process_local.h"

/* Calls in one tick after which it is a burst. Two processes that hand something to and fro through a pipe hardly come to
 * that. */
#define PACE_BURST_CALLS 1024

/* Turns that are claimed at once: at least so many. */
#define ROTATION_TURNS_PER_CLAIM 16

#define PACE_TICK_MASK ((UINT64_C(1) << 48) - 1)

/* Count this call. Is it one of a burst? */
static inline bool pace_is_burst(const struct keyshm_pool *pool, uint64_t coarse_now_ms)
{
    struct process_local *local = pool->local;
    if (local == NULL)
        return false;
    /* relaxed, here and below: what threads overwrite of each other is a rough count. */
    uint64_t pace = atomic_load_explicit(&local->pace, memory_order_relaxed);
    uint64_t tick = coarse_now_ms & PACE_TICK_MASK;
    uint64_t calls = (pace & PACE_TICK_MASK) == tick ? pace >> 48 : 0;
    if (calls >= PACE_BURST_CALLS)
        return true;
    atomic_store_explicit(&local->pace, (calls + 1) << 48 | tick, memory_order_relaxed);
    return false;
}

/* With other threads, this process claims no range, and leaves alone what it may have claimed before it had any. */
static inline bool rotation_turns_are_kept(const struct keyshm_pool *pool)
{
    return pool->local != NULL && ROTATION_SINGLE_THREADED;
}

/* The slots from *ret_begin on and before *ret_end are this process's alone; there may be none. */
static inline void rotation_turns_kept(const struct keyshm_pool *pool, uint32_t *ret_begin, uint32_t *ret_end)
{
    uint64_t range = rotation_turns_are_kept(pool) ? atomic_load_explicit(&pool->local->range, memory_order_relaxed) : 0;
    *ret_begin = (uint32_t)range;
    *ret_end = (uint32_t)(range >> 32);
}

static inline void rotation_turns_keep(const struct keyshm_pool *pool, uint32_t begin, uint32_t end)
{
    atomic_store_explicit(&pool->local->range, (uint64_t)end << 32 | begin, memory_order_relaxed);
}

#endif
