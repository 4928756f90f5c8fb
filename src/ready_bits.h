/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_READY_BITS_H
#define KEYSHM_READY_BITS_H

/*
 * The ready bits: which slots are worth a look. A hint, in one direction only:
 *
 *   a bit that is set by mistake costs one look at the word, and is cleared by it;
 *   a bit that is clear by mistake would hide a key, so the protocol in ready_bits.c does not let that happen, and where
 * a process was killed in the middle of it, the sweep sets the bit again within READY_SWEEP_INTERVAL_MS.
 *
 * Only looking clears a bit. Marking a key unavailable does not touch it: the mark stays one compare-and-swap.
 */

#include "pool.h"

#define READY_NONE UINT32_MAX

/* A cache line of bits; the last one is whole too (layout.c). */
#define READY_LINE_WORDS (LAYOUT_LINE_BYTES / 8)
#define READY_LINE_SLOTS (READY_LINE_WORDS * 64)

/* No sweep is ever due later than this from the one before: half the second that a hint may at most be wrong. */
#define READY_SWEEP_INTERVAL_MS 500

/* The key in the slot may be available. To be called after its word was written. */
void ready_set(const struct keyshm_pool *pool, uint32_t slot);

/* The lowest slot in [from, end) whose bit is set, or READY_NONE. */
uint32_t ready_find(const struct keyshm_pool *pool, uint32_t from, uint32_t end);

/* The same, but may give up after a look at the bits that are nearest. */
static inline uint32_t ready_look(const struct keyshm_pool *pool, uint32_t from, uint32_t end)
{
    if (from >= end)
        return READY_NONE;
    uint64_t bits = atomic_load_explicit(&pool->ready[from / 64], memory_order_relaxed) >> from % 64;
    uint32_t slot = from + (bits != 0 ? (uint32_t)__builtin_ctzll(bits) : 64);
    return slot < end && bits != 0 ? slot : READY_NONE;
}

/* How many bits are set from `from` on to the end of its word of bits. */
static inline uint32_t ready_count(const struct keyshm_pool *pool, uint32_t from)
{
    return (uint32_t)__builtin_popcountll(atomic_load_explicit(&pool->ready[from / 64], memory_order_relaxed) >>
                                          from % 64);
}

/* The slot's word was looked at, found to be `word`, and that is not available: clear the bit, unless the key would be
 * hidden by it. */
void ready_clear(const struct keyshm_pool *pool, uint32_t slot, uint64_t word);

/* When it is time to look all words over. */
static inline uint64_t ready_next_sweep_ms(const struct keyshm_pool *pool)
{
    /* relaxed: seen late, it makes the sweep as late; what depends on its order is in ready_bits.c. */
    return atomic_load_explicit(&pool->header->next_sweep_ms, memory_order_relaxed);
}

/* Set the bit of every available key, and note the earliest deadline of the others. */
void ready_sweep(const struct keyshm_pool *pool, uint64_t now_ms);

#endif
