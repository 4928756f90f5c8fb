/* SPDX-License-Identifier: MIT */
#include "select.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "ready.h"

/* After so many picks by others in the middle of ours, take the cursor whatever it says: a bound, at the price of a
 * rotation that is a little off in a contention that does not occur. */
#define CLAIM_TRIES_MAX 1000

/* And after so many, give up: then keys are removed or marked as fast as they are found. */
#define SELECT_TRIES_MAX 10000

/* The time of one pick: read cheaply, and read again exactly as soon as a decision hangs on less than the difference. */
struct pick_time {
    uint64_t now_ms;
    bool is_exact;
};

static void make_exact(struct pick_time *time)
{
    if (!time->is_exact)
        *time = (struct pick_time){.now_ms = clock_now_ms(), .is_exact = true};
}

/* Is `deadline_ms` over? Also makes the time exact when it might be. */
static bool has_passed(struct pick_time *time, uint64_t deadline_ms)
{
    if (deadline_ms > time->now_ms && deadline_ms <= time->now_ms + CLOCK_COARSE_LAG_MS)
        make_exact(time);
    return deadline_ms <= time->now_ms;
}

static bool is_available(uint64_t word, struct pick_time *time)
{
    return word_is_cooling(word) ? has_passed(time, word_deadline_ms(word)) : word_is_available(word, time->now_ms);
}

/* The first available key in [from, end). What is ready and not available is found out here, and cleared. */
static uint32_t find_in(const struct keyshm_pool *pool, uint32_t from, uint32_t end, struct pick_time *time)
{
    uint32_t slot = from;
    while ((slot = ready_find(pool, slot, end)) != READY_NONE) {
        /* acquire: pairs with the publication in table.c; the key's bytes are read after it. */
        uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_acquire);
        if (is_available(word, time))
            return slot;
        ready_clear(pool, slot, word);
        slot++;
    }
    return READY_NONE;
}

/* The first available key at or after `from`, going round. */
static uint32_t find_from(const struct keyshm_pool *pool, uint32_t from, struct pick_time *time)
{
    uint32_t used = pool_slots_used(pool);
    uint32_t slot = find_in(pool, from, used, time);
    return slot != READY_NONE ? slot : find_in(pool, 0, from < used ? from : used, time);
}

/* No bit led to a key. The bits are a hint, the words decide: -ENOKEY, -EAGAIN, or 0 when there is one after all. */
static int find_in_words(const struct keyshm_pool *pool)
{
    uint64_t now_ms = clock_now_ms();
    uint32_t used = pool_slots_used(pool);
    bool empty = true, found = false;
    for (uint32_t slot = 0; slot < used; slot++) {
        uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_relaxed);
        empty &= !word_is_live(word);
        if (word_is_available(word, now_ms)) {
            ready_set(pool, slot);
            found = true;
        }
    }
    return empty ? -ENOKEY : found ? 0 : -EAGAIN;
}

/* Make the next pick begin after `slot`. False when somebody else has picked since `cursor` was read. */
static bool claim(const struct keyshm_pool *pool, uint64_t cursor, uint32_t slot, int tries)
{
    /* relaxed: the cursor orders nothing but itself. */
    if (tries < CLAIM_TRIES_MAX)
        return atomic_compare_exchange_strong_explicit(&pool->header->cursor, &cursor, slot + 1, memory_order_relaxed,
                                                       memory_order_relaxed);
    atomic_store_explicit(&pool->header->cursor, slot + 1, memory_order_relaxed);
    return true;
}

/* -ESTALE when, after its bytes were read, the key is no longer there or no longer available. What makes it available in
 * another way (its cooldown was reset, say) does not cost it its turn. */
static int take(const struct keyshm_pool *pool, uint32_t slot, struct pick_time *time, struct keyshm_pick *ret_pick)
{
    uint64_t words[SLOT_KEY_WORDS_MAX];
    struct slot_copy copy;
    if (slot_copy_key(pool, slot, &copy, words) < 0 || !is_available(copy.word, time)) {
        explicit_bzero(words, (size_t)slot_key_words(pool->settings.key_max) * 8);
        return -ESTALE;
    }
    ret_pick->id = copy.id;
    ret_pick->key_length = copy.length;
    memcpy(ret_pick->key, words, copy.length);
    ret_pick->key[copy.length] = '\0';
    explicit_bzero(words, (size_t)slot_key_words(copy.length) * 8); /* the caller can wipe only his own copy */

    struct layout_slot *at = pool_slot(pool, slot);
    tagged_increment(&at->picks, copy.id);
    tagged_set(&at->last_used_ms, copy.id, time->now_ms);
    return 0;
}

int select_next(const struct keyshm_pool *pool, struct keyshm_pick *ret_pick)
{
    struct pick_time time = {.now_ms = clock_coarse_ms()};
    if (has_passed(&time, ready_next_sweep_ms(pool))) {
        make_exact(&time); /* or the sweep would pass over a key whose deadline lies between the two clocks */
        ready_sweep(pool, time.now_ms);
    }

    for (int tries = 0; tries < SELECT_TRIES_MAX; tries++) {
        uint64_t cursor = atomic_load_explicit(&pool->header->cursor, memory_order_relaxed);
        uint32_t from = cursor < pool->settings.capacity ? (uint32_t)cursor : 0;
        uint32_t slot = find_from(pool, from, &time);
        if (slot == READY_NONE) {
            int r = find_in_words(pool);
            if (r < 0)
                return r;
            time = (struct pick_time){.now_ms = clock_now_ms(), .is_exact = true}; /* it may be available since */
        } else if (claim(pool, cursor, slot, tries) && take(pool, slot, &time, ret_pick) == 0) {
            return 0;
        }
    }
    return -EAGAIN;
}

int64_t select_next_available_ms(const struct keyshm_pool *pool)
{
    uint64_t now_ms = clock_now_ms(), earliest_ms = UINT64_MAX;
    uint32_t used = pool_slots_used(pool);
    for (uint32_t slot = 0; slot < used; slot++) {
        uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_relaxed);
        if (word_is_available(word, now_ms))
            return 0;
        if (word_is_cooling(word) && word_deadline_ms(word) < earliest_ms)
            earliest_ms = word_deadline_ms(word);
    }
    return earliest_ms != UINT64_MAX ? (int64_t)(earliest_ms - now_ms) : -1;
}

int select_available_count(const struct keyshm_pool *pool)
{
    uint64_t now_ms = clock_now_ms();
    uint32_t used = pool_slots_used(pool);
    int count = 0;
    for (uint32_t slot = 0; slot < used; slot++)
        count += word_is_available(atomic_load_explicit(&pool->words[slot], memory_order_relaxed), now_ms);
    return count;
}
