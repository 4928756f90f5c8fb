/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_READY_BITS_H
#define KEYSHM_READY_BITS_H

/*
 * The ready bits: the slots that are worth a look. A hint that may err in one direction only:
 *
 *   a bit that is set wrongly costs one look at the word, which clears it; a bit that is clear wrongly would hide a
 *   key. The protocol in ready_bits.c rules that out; if a process is killed in the middle of it, a sweep sets the bit
 *   again within READY_SWEEP_INTERVAL_MS.
 *
 * Only a look clears a bit. A mark that makes a key unavailable leaves it alone, and so stays one compare-and-swap.
 *
 * When a cooldown ends, the bit must be set again. Each group of 64 slots has a due time for that, each 64 groups have one, and
 * the pool has one, which is no later than the others below it: a pick compares that with the clock, and sweeps the groups that
 * are due.
 */

#include "pool.h"

#define READY_NONE UINT32_MAX

/* A cache line of bits; the last one is whole too (layout.c). */
#define READY_LINE_WORDS (LAYOUT_LINE_BYTES / 8)
#define READY_LINE_SLOTS (READY_LINE_WORDS * 64)

/* The longest time between two sweeps of a group: half of the second for which a hint may be wrong. */
#define READY_SWEEP_INTERVAL_MS 500

/* And how long one takes at most, before others do it again: the process may have been killed. */
#define READY_SWEEP_TIMEOUT_MS 20

/* The key in the slot may be available. Call it after writing the word. */
void ready_set(const struct keyshm_pool *pool, uint32_t slot);

/* The key in the slot has been made available. Call it after writing the word, and before the call returns that did it. */
void ready_announce(const struct keyshm_pool *pool, uint32_t slot);

/* How often a key has been made available. */
uint32_t ready_announced(const struct keyshm_pool *pool);

/* The lowest slot in [from, end) whose bit is set, or READY_NONE. */
uint32_t ready_find(const struct keyshm_pool *pool, uint32_t from, uint32_t end);

/* The same, but it looks at the nearest bits only, and may find nothing where ready_find() does. */
static inline uint32_t ready_look(const struct keyshm_pool *pool, uint32_t from, uint32_t end)
{
    if (from >= end)
        return READY_NONE;
    uint64_t bits = atomic_load_explicit(&pool->ready[from / 64], memory_order_relaxed) >> from % 64;
    uint32_t slot = from + (bits != 0 ? (uint32_t)__builtin_ctzll(bits) : 64);
    return slot < end && bits != 0 ? slot : READY_NONE;
}

/* The number of bits that are set from `from` to the end of its word of bits. */
static inline uint32_t ready_count(const struct keyshm_pool *pool, uint32_t from)
{
    return (uint32_t)__builtin_popcountll(atomic_load_explicit(&pool->ready[from / 64], memory_order_relaxed) >>
                                          from % 64);
}

/* The slot's word was found to be `word`, which is not available: clear the bit, unless that would hide the key. */
void ready_clear(const struct keyshm_pool *pool, uint32_t slot, uint64_t word);

/* A due time: milliseconds of the pool's time, and whether a sweep is under way. */
#define READY_IS_SWEPT (UINT64_C(1) << 63)

static inline uint64_t ready_due_ms(uint64_t due)
{
    return due & ~READY_IS_SWEPT;
}

/* When the next sweep is due. */
static inline uint64_t ready_next_due_ms(const struct keyshm_pool *pool)
{
    /* relaxed: a late value makes the sweep as late; the accesses whose order matters are in ready_bits.c. */
    return ready_due_ms(atomic_load_explicit(&pool->header->next_due, memory_order_relaxed));
}

/* When the slot is swept at the latest, if picks go on. */
uint64_t ready_slot_due_ms(const struct keyshm_pool *pool, uint32_t slot);

/* Of the groups that are due, sweep some: set the bit of every available key, and find out when the group is due next. The rest is
 * due still. */
void ready_sweep(const struct keyshm_pool *pool, uint64_t now_ms);

/* Make every group due now. */
void ready_make_all_due(const struct keyshm_pool *pool);

#endif
