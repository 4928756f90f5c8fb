/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_READY_BITS_H
#define KEYSHM_READY_BITS_H

/*
 * The ready bits of each model: the slots that are worth a look. Those of model 0 are about the key and its group
 * whatever the model, those of another model about their words for that model alone; a pick for it looks at slots that
 * have both bits. A hint that may err in one direction only:
 *
 *   a bit that is set wrongly costs one look at the word, which clears it; a bit that is clear wrongly would hide a
 *   key. The protocol in ready_bits.c rules that out; if a process is killed in the middle of it, a sweep sets the bit
 *   again within READY_SWEEP_INTERVAL_MS.
 *
 * Only a look clears a bit. A mark that makes a key unavailable leaves it alone, and so stays one compare-and-swap.
 *
 * When a cooldown ends, the bit must be set again. Each block of 64 slots has a due time for that, each 64 blocks have
 * one, and the model has one, which is no later than the others below it: a pick compares that with the clock, and
 * sweeps the blocks that are due.
 */

#include "availability.h"

#define READY_NONE UINT32_MAX

/* A cache line of bits; the last one is whole too (layout.c). */
#define READY_LINE_WORDS (LAYOUT_LINE_BYTES / 8)
#define READY_LINE_SLOTS (READY_LINE_WORDS * 64)

/* The longest time between two sweeps of a block: half of the second for which a hint may be wrong. */
#define READY_SWEEP_INTERVAL_MS 500

/* And how long others leave a block to one that has begun: the process may have been killed. The due times above it
 * they leave to it for a moment only, so that they find the other blocks meanwhile. */
#define READY_SWEEP_TIMEOUT_MS 20
#define READY_PASS_TIMEOUT_MS 1

static inline _Atomic uint64_t *ready_words(const struct keyshm_pool *pool, unsigned model)
{
    return &pool->ready[(size_t)model * layout_ready_words(pool->settings.capacity)];
}

/* The key in the slot may be available. Call it after writing the word. */
void ready_set(const struct keyshm_pool *pool, unsigned model, uint32_t slot);

/* The same for the model, and whatever the model. */
void ready_set_for(const struct keyshm_pool *pool, unsigned model, uint32_t slot);

/* The same of every slot; for the owner of the mutex, before anybody can pick for the model. */
void ready_set_all(const struct keyshm_pool *pool, unsigned model);

/* The same of every key that is available for the model: bits are missing. */
void ready_set_available(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms);

/* The key in the slot, or a group, has been made available, or moved. Call it after writing the word, and before the
 * public call returns. */
void ready_announce(const struct keyshm_pool *pool, unsigned model, uint32_t subject);

/* Something has been made available, perhaps: wake one of those who wait; or more than one can use: all of them. */
void ready_count_announcement(const struct keyshm_pool *pool);
void ready_count_announcement_to_all(const struct keyshm_pool *pool);

/* How often anything has been made available. */
static inline uint32_t ready_announced(const struct keyshm_pool *pool)
{
    /* acquire: pairs with the release in ready_count_announcement(). */
    return atomic_load_explicit(&pool->header->made_available, memory_order_acquire);
}

/* Which slots a search is about: those that have both bits. */
struct ready_filter {
    const _Atomic uint64_t *bits;
    const _Atomic uint64_t *more_bits;
};

/* With a filter, only the slots that it lets through. */
ALWAYS_INLINE uint64_t ready_load(const struct keyshm_pool *pool, unsigned model,
                                  const struct ready_filter *filter_or_null, uint32_t word)
{
    /* relaxed: a hint; the state word, which is loaded after it, decides. acquire: of the planes, it pairs with the
     * release in order.c. */
    uint64_t bits = atomic_load_explicit(&pool->ready[word], memory_order_relaxed);
    if (model != 0)
        bits &= atomic_load_explicit(ready_words(pool, model) + word, memory_order_relaxed);
    if (filter_or_null != NULL)
        bits &= atomic_load_explicit(&filter_or_null->bits[word], memory_order_acquire) &
                atomic_load_explicit(&filter_or_null->more_bits[word], memory_order_acquire);
    return bits;
}

/* The lowest slot in [from, end) whose bits are set, or READY_NONE. */
uint32_t ready_find(const struct keyshm_pool *pool, unsigned model, const struct ready_filter *filter_or_null,
                    uint32_t from, uint32_t end);

/* The same, faster when there is one near. */
ALWAYS_INLINE uint32_t ready_look(const struct keyshm_pool *pool, unsigned model,
                                  const struct ready_filter *filter_or_null, uint32_t from, uint32_t end)
{
    if (from >= end)
        return READY_NONE;
    uint64_t bits = ready_load(pool, model, filter_or_null, from / 64) >> from % 64;
    if (bits == 0)
        return ready_find(pool, model, filter_or_null, (from / 64 + 1) * 64, end);
    uint32_t slot = from + (uint32_t)__builtin_ctzll(bits);
    return slot < end ? slot : READY_NONE;
}

/* The number of slots from `from` to the end of its word of bits whose bits are set. */
static inline uint32_t ready_count(const struct keyshm_pool *pool, unsigned model,
                                   const struct ready_filter *filter_or_null, uint32_t from)
{
    return (uint32_t)__builtin_popcountll(ready_load(pool, model, filter_or_null, from / 64) >> from % 64);
}

/* This pair of the key in the slot was found, and is not available: clear the bit, unless that would hide the key. */
void ready_clear(const struct keyshm_pool *pool, unsigned model, uint32_t slot, const struct pair *pair);

/*
 * A due time:
 *
 *   bit  63      a sweep is under way
 *   bits 62..38  how often it was taken for a sweep, modulo 2^25: no two sweeps take the same word
 *   bits 37..0   milliseconds of the pool's time
 */
#define READY_IS_SWEPT (UINT64_C(1) << 63)
#define READY_TURN_STEP (WORD_DEADLINE_MASK + 1)
#define READY_TURN_MASK (~(READY_IS_SWEPT | WORD_DEADLINE_MASK))

static inline uint64_t ready_due_ms(uint64_t due)
{
    return due & WORD_DEADLINE_MASK;
}

/* When the next sweep is due. */
static inline uint64_t ready_next_due_ms(const struct keyshm_pool *pool, unsigned model)
{
    /* relaxed: a late value makes the sweep as late; the accesses whose order matters are in ready_bits.c. */
    return ready_due_ms(atomic_load_explicit(&pool_model(pool, model)->next_due, memory_order_relaxed));
}

/* When the slot is swept at the latest, if picks go on. */
uint64_t ready_slot_due_ms(const struct keyshm_pool *pool, unsigned model, uint32_t slot);

/* Of the blocks that are due, sweep some: set the bit of every available key, and find out when the block is due next.
 * The rest is due still. */
void ready_sweep(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms);

/* Make every block due now. */
void ready_make_all_due(const struct keyshm_pool *pool, unsigned model);

#endif
