/* SPDX-License-Identifier: MIT */
#include "ready_bits.h"

#include "state_word.h"

/*
 * Three operations meet here: making a key available (W: write its word, then set the bit), looking at it (L: clear the
 * bit, then read the word again), and sweeping (S: move next_sweep_ms on, then read all words and bits).
 *
 *   W and L.  The two changes of the bit have an order. If W's set comes second, the bit ends set. If L's clear comes
 *   second, it reads from W's set (both are read-modify-writes, release and acquire), so L's second read of the word sees
 *   what W wrote, and L sets the bit again.
 *
 *   L and S.  Before it clears the bit, L makes sure that a sweep is due no later than the key's deadline; afterwards
 *   it reads next_sweep_ms again. If that still covers the deadline, the sweep that will end the cooldown began after
 *   the clear and sees the bit as it is. Otherwise a sweep came in between and may have seen the bit still set, so L
 *   sets it again. Both sides store and then load, so these four accesses are seq_cst.
 *
 * Killed between two steps, W before its set and L before it sets again leave a clear bit, which the next sweep
 * repairs. S, once it has moved next_sweep_ms, leaves a sweep undone until the next one is due, READY_SWEEP_INTERVAL_MS
 * later.
 */

#define LOWER_TRIES_MAX 64

static uint64_t bit_of(uint32_t slot)
{
    return UINT64_C(1) << (slot % 64);
}

void ready_set(const struct keyshm_pool *pool, uint32_t slot)
{
    /* Its release pairs with the acquire of the fetch_and in ready_clear(), and carries the word written before. */
    atomic_fetch_or_explicit(&pool->ready[slot / 64], bit_of(slot), memory_order_seq_cst);
}

static uint64_t load_bits(const struct keyshm_pool *pool, uint32_t word)
{
    /* relaxed: a hint; the state word, which is loaded after it, decides. */
    return atomic_load_explicit(&pool->ready[word], memory_order_relaxed);
}

/* Written out: as a loop of eight steps its cost depended on where the linker put it. */
static bool line_is_empty(const struct keyshm_pool *pool, uint32_t first)
{
    _Static_assert(READY_LINE_WORDS == 8, "all of the line");
    uint64_t half =
        load_bits(pool, first) | load_bits(pool, first + 1) | load_bits(pool, first + 2) | load_bits(pool, first + 3);
    uint64_t other =
        load_bits(pool, first + 4) | load_bits(pool, first + 5) | load_bits(pool, first + 6) | load_bits(pool, first + 7);
    return (half | other) == 0;
}

/* The first word from `i` on that is worth a look: empty cache lines are skipped as a whole. */
static uint32_t skip_empty_lines(const struct keyshm_pool *pool, uint32_t i, uint32_t last)
{
    if (i % READY_LINE_WORDS == 0)
        while (i <= last && line_is_empty(pool, i))
            i += READY_LINE_WORDS;
    return i;
}

uint32_t ready_find(const struct keyshm_pool *pool, uint32_t from, uint32_t end)
{
    if (from >= end)
        return READY_NONE;
    uint32_t last = (end - 1) / 64;
    for (uint32_t i = skip_empty_lines(pool, from / 64, last); i <= last; i = skip_empty_lines(pool, i + 1, last)) {
        uint64_t bits = load_bits(pool, i);
        if (i == from / 64)
            bits &= ~(bit_of(from) - 1); /* those below `from` */
        if (bits != 0) {
            uint32_t slot = i * 64 + (uint32_t)__builtin_ctzll(bits);
            return slot < end ? slot : READY_NONE;
        }
    }
    return READY_NONE;
}

/* Make a sweep due at `deadline_ms` at the latest. False when others kept changing the time. */
static bool sweep_no_later_than(const struct keyshm_pool *pool, uint64_t deadline_ms)
{
    uint64_t due = atomic_load_explicit(&pool->header->next_sweep_ms, memory_order_seq_cst);
    for (int i = 0; i < LOWER_TRIES_MAX; i++) {
        if (due <= deadline_ms || atomic_compare_exchange_weak_explicit(&pool->header->next_sweep_ms, &due, deadline_ms,
                                                                        memory_order_seq_cst, memory_order_seq_cst))
            return true;
    }
    return false;
}

void ready_clear(const struct keyshm_pool *pool, uint32_t slot, uint64_t word)
{
    uint64_t deadline_ms = word_is_cooling(word) ? word_deadline_ms(word) : UINT64_MAX;
    if (!sweep_no_later_than(pool, deadline_ms))
        return;
    atomic_fetch_and_explicit(&pool->ready[slot / 64], ~bit_of(slot), memory_order_seq_cst);
    if (atomic_load_explicit(&pool->words[slot], memory_order_seq_cst) != word ||
        atomic_load_explicit(&pool->header->next_sweep_ms, memory_order_seq_cst) > deadline_ms)
        ready_set(pool, slot);
}

/* Set the missing bits of the slots of one word, and find their earliest deadline. */
static void sweep_bits(const struct keyshm_pool *pool, uint32_t begin, uint32_t end, uint64_t now_ms,
                       uint64_t *earliest_ms)
{
    uint64_t available = 0, earliest = *earliest_ms;
    for (uint32_t slot = begin; slot < end; slot++) {
        uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_relaxed);
        bool is_available = word_is_available(word, now_ms);
        uint64_t deadline_ms = !is_available && word_is_cooling(word) ? word_deadline_ms(word) : WORD_FOREVER;
        available |= (uint64_t)is_available << (slot - begin);
        earliest = deadline_ms < earliest ? deadline_ms : earliest;
    }
    uint64_t missing = available & ~atomic_load_explicit(&pool->ready[begin / 64], memory_order_seq_cst);
    if (missing != 0)
        atomic_fetch_or_explicit(&pool->ready[begin / 64], missing, memory_order_seq_cst);
    *earliest_ms = earliest;
}

void ready_sweep(const struct keyshm_pool *pool, uint64_t now_ms)
{
    uint64_t due = atomic_load_explicit(&pool->header->next_sweep_ms, memory_order_seq_cst);
    /* The process that moves the time on does the sweep; the others use the bits as they are. */
    if (due > now_ms ||
        !atomic_compare_exchange_strong_explicit(&pool->header->next_sweep_ms, &due, now_ms + READY_SWEEP_INTERVAL_MS,
                                                 memory_order_seq_cst, memory_order_seq_cst))
        return;

    uint64_t earliest_ms = WORD_FOREVER;
    uint32_t used = pool_slots_used(pool);
    for (uint32_t slot = 0; slot < used; slot += 64)
        sweep_bits(pool, slot, slot + 64 < used ? slot + 64 : used, now_ms, &earliest_ms);
    sweep_no_later_than(pool, earliest_ms != WORD_FOREVER ? earliest_ms : UINT64_MAX);
}
