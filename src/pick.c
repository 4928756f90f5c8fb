/* SPDX-License-Identifier: MIT */
#include "pick.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "pace.h"
#include "ready_bits.h"
#include "rotation.h"
#include "slot.h"
#include "tagged.h"
#include "workers.h"

/* After this many picks by others in the middle of ours, take the cursor whatever it says: a bound, at the price of a
 * slightly uneven rotation under a contention that does not occur. */
#define CLAIM_TRIES_MAX 1000

/* And after this many tries give up: keys are being removed or marked as fast as they are found. */
#define PICK_TRIES_MAX 10000

/* The time of one pick: read from the coarse clock, and again exactly when a decision depends on the difference. In a
 * burst the coarse time counts as exact. */
struct pick_time {
    uint64_t now_ms;
    bool is_exact;
};

static void make_exact(struct pick_time *time)
{
    if (!time->is_exact)
        *time = (struct pick_time){.now_ms = clock_now_ms(), .is_exact = true};
}

/* Has `deadline_ms` passed? Makes the time exact if that depends on it. */
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

/* The first available key in [from, end). Clears the bits of keys that turn out not to be available. */
static uint32_t find_slowly(const struct keyshm_pool *pool, uint32_t from, uint32_t end, struct pick_time *time)
{
    uint32_t slot = from;
    while ((slot = ready_find(pool, slot, end)) != READY_NONE) {
        /* acquire: pairs with the store that publishes the word in membership.c; the key's bytes are read after it. */
        uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_acquire);
        if (is_available(word, time))
            return slot;
        ready_clear(pool, slot, word);
        slot++;
    }
    return READY_NONE;
}

/* Usually the first ready slot is it. */
static inline uint32_t find_in(const struct keyshm_pool *pool, uint32_t from, uint32_t end, struct pick_time *time)
{
    uint32_t slot = ready_look(pool, from, end);
    if (slot != READY_NONE &&
        word_is_available(atomic_load_explicit(&pool->words[slot], memory_order_acquire), time->now_ms))
        return slot;
    return find_slowly(pool, from, end, time);
}

/* The first available key at or after `from`, going round. */
static uint32_t find_from(const struct keyshm_pool *pool, uint32_t from, struct pick_time *time)
{
    uint32_t used = pool_slots_used(pool);
    uint32_t slot = find_in(pool, from, used, time);
    return slot != READY_NONE ? slot : find_in(pool, 0, from < used ? from : used, time);
}

/* No bit led to a key. The bits are a hint, so the words decide: -ENOKEY, -EAGAIN, or 0 when there is one after all. */
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

/* The next of the turns that this process has claimed. */
static uint32_t next_kept(const struct keyshm_pool *pool, struct pick_time *time)
{
    uint32_t begin, end;
    rotation_read_range(pool, &begin, &end);
    if (begin >= end)
        return READY_NONE;
    uint32_t slot = find_in(pool, begin, end, time);
    rotation_keep_range(pool, slot != READY_NONE ? slot + 1 : end, end);
    return slot;
}

/* The end of a range of several turns: whole words of bits, at most to the end of their cache line or of the round. */
static uint32_t end_of_range(const struct keyshm_pool *pool, uint32_t slot)
{
    uint32_t used = pool_slots_used(pool), line_end = (slot / READY_LINE_SLOTS + 1) * READY_LINE_SLOTS, end = slot + 1;
    used = line_end < used ? line_end : used;
    for (uint32_t turns = 0; turns < ROTATION_TURNS_PER_CLAIM && end < used; end = (end / 64 + 1) * 64)
        turns += ready_count(pool, end);
    return end < used ? end : used;
}

/* Make the next claim begin at `end`. False when another pick has claimed since `cursor` was read. */
static bool claim(const struct keyshm_pool *pool, uint64_t cursor, uint32_t end, int tries)
{
    /* relaxed: the cursor orders only itself. */
    if (tries < CLAIM_TRIES_MAX)
        return atomic_compare_exchange_strong_explicit(&pool->header->cursor, &cursor, end, memory_order_relaxed,
                                                       memory_order_relaxed);
    atomic_store_explicit(&pool->header->cursor, end, memory_order_relaxed);
    return true;
}

/* -EBUSY: try again. */
static int claim_next(const struct keyshm_pool *pool, struct pick_time *time, bool claims_range, int tries,
                      uint32_t *ret_slot)
{
    uint64_t cursor = atomic_load_explicit(&pool->header->cursor, memory_order_relaxed);
    uint32_t from = cursor < pool->settings.capacity ? (uint32_t)cursor : 0;
    uint32_t slot = find_from(pool, from, time);
    if (slot == READY_NONE) {
        int r = find_in_words(pool);
        *time = (struct pick_time){.now_ms = clock_now_ms(), .is_exact = true}; /* a cooldown may have ended since */
        return r < 0 ? r : -EBUSY;
    }
    uint32_t end = claims_range ? end_of_range(pool, slot) : slot + 1;
    if (!claim(pool, cursor, end, tries))
        return -EBUSY;
    if (claims_range)
        rotation_keep_range(pool, slot + 1, end);
    *ret_slot = slot;
    return 0;
}

/* Complete *ret_pick, and count the pick. */
__attribute__((always_inline)) static inline void count_pick(const struct slot_copy *copy, uint64_t now_ms,
                                                             struct keyshm_pick *ret_pick)
{
    ret_pick->id = copy->id;
    ret_pick->key_length = copy->length;
    ret_pick->key[copy->length] = '\0';
    tagged_increment(&copy->at->picks, copy->id);
    tagged_raise(&copy->at->last_used_ms, copy->id, now_ms);
}

/* A long key, or one whose availability depends on the exact time. */
static __attribute__((noinline)) int take_slowly(const struct keyshm_pool *pool, uint32_t slot, struct pick_time *time,
                                                 struct keyshm_pick *ret_pick)
{
    uint64_t words[SLOT_KEY_WORDS_MAX];
    struct slot_copy copy = {.length = pool->settings.key_max};
    int r = slot_copy_key(pool, slot, &copy, words);
    if (r == 0 && !is_available(copy.word, time))
        r = -ESTALE;
    if (r == 0) {
        memcpy(ret_pick->key, words, copy.length);
        count_pick(&copy, time->now_ms, ret_pick);
    }
    explicit_bzero(words, (size_t)slot_key_words(copy.length) * 8); /* the caller can wipe only its own copy */
    return r;
}

/* -ESTALE when the key, after its bytes were read, is no longer there or no longer available. A change of the word that
 * leaves it available (its cooldown was reset, say) does not cost it its turn. */
static inline int take(const struct keyshm_pool *pool, uint32_t slot, struct pick_time *time,
                       struct keyshm_pick *ret_pick)
{
    struct slot_copy copy;
    if (slot_copy_begin(pool, slot, &copy) < 0)
        return -ESTALE;
    if (copy.length > SLOT_HEAD_BYTES)
        return take_slowly(pool, slot, time, ret_pick);
    /* Nothing may be called from here until the key is handed over, or the compiler would save it on the stack. */
    struct slot_head head = slot_load_head(&copy);
    if (slot_copy_end(&copy) < 0)
        return -ESTALE;
    if (!word_is_available(copy.word, time->now_ms))
        return take_slowly(pool, slot, time, ret_pick);
    slot_give_head(head, ret_pick->key);
    count_pick(&copy, time->now_ms, ret_pick);
    return 0;
}

int pick_next(const struct keyshm_pool *pool, struct keyshm_pick *ret_pick)
{
    struct pick_time time = {.now_ms = clock_coarse_ms()};
    time.is_exact = pace_is_burst(pool, time.now_ms);
    bool claims_range = time.is_exact && rotation_claims_ranges(pool);
    if (has_passed(&time, ready_next_sweep_ms(pool))) {
        make_exact(&time); /* or the sweep would miss a key whose deadline lies between the two clocks */
        ready_sweep(pool, time.now_ms);
    }

    for (int tries = 0; tries < PICK_TRIES_MAX; tries++) {
        uint32_t slot = next_kept(pool, &time);
        int r = slot != READY_NONE ? 0 : claim_next(pool, &time, claims_range, tries, &slot);
        if (r == 0 && take(pool, slot, &time, ret_pick) == 0) {
            workers_count_pick(pool);
            return 0;
        }
        if (r < 0 && r != -EBUSY)
            return r;
    }
    return -EAGAIN;
}

int64_t pick_next_available_ms(const struct keyshm_pool *pool)
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

int pick_is_available(const struct keyshm_pool *pool, keyshm_id id)
{
    uint64_t word = slot_word_of(pool, id);
    return word_is_live(word) ? word_is_available(word, clock_now_ms()) : -ESTALE;
}

int pick_available_count(const struct keyshm_pool *pool)
{
    uint64_t now_ms = clock_now_ms();
    uint32_t used = pool_slots_used(pool);
    int count = 0;
    for (uint32_t slot = 0; slot < used; slot++)
        count += word_is_available(atomic_load_explicit(&pool->words[slot], memory_order_relaxed), now_ms);
    return count;
}
