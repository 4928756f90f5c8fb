/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_ROTATION_H
#define KEYSHM_ROTATION_H

/*
 * The rotation: whose turn it is, and which turns a process has claimed.
 *
 * The cursor in the segment is where the next claim begins. A pick claims the slots up to the key that it takes by one
 * compare-and-swap, so every round of the cursor gives each available key one turn.
 *
 * In a burst (pace.h) a pick claims a longer range, and the next picks of this process go through it without touching the
 * cursor, so that its cache line moves between processors less often. A range never reaches beyond the end of the round,
 * so a process that stops in the middle of one, for a while or for good, owes each key one turn at most: the counts of
 * two keys differ by no more than the number of processes.
 *
 * A claimed range belongs to this process alone (process_local.h); a child starts without one. Only a process with a
 * single thread claims ranges, so they are never contended.
 */

#if __has_include(<sys/single_threaded.h>) /* glibc 2.32 and later */
#include <sys/single_threaded.h>
#define ROTATION_SINGLE_THREADED __libc_single_threaded
#else
#define ROTATION_SINGLE_THREADED false
#endif

#include "pool.h"
#include "process_local.h"

/* The least number of turns that a range has, if the round has them. */
#define ROTATION_TURNS_PER_CLAIM 16

/* False once the process has other threads: it then claims no range, and ignores one claimed before. */
static inline bool rotation_claims_ranges(const struct keyshm_pool *pool)
{
    return pool->local != NULL && ROTATION_SINGLE_THREADED;
}

/* The claimed range [*ret_begin, *ret_end), which may be empty. */
static inline void rotation_read_range(const struct keyshm_pool *pool, uint32_t *ret_begin, uint32_t *ret_end)
{
    uint64_t range = rotation_claims_ranges(pool) ? atomic_load_explicit(&pool->local->range, memory_order_relaxed) : 0;
    *ret_begin = (uint32_t)range;
    *ret_end = (uint32_t)(range >> 32);
}

static inline void rotation_keep_range(const struct keyshm_pool *pool, uint32_t begin, uint32_t end)
{
    atomic_store_explicit(&pool->local->range, (uint64_t)end << 32 | begin, memory_order_relaxed);
}

#endif
