/* SPDX-License-Identifier: MIT */
#include "pick.h"

#include <errno.h>
#include <string.h>

#include "pace.h"
#include "probe.h"
#include "ready_bits.h"
#include "registers.h"
#include "rotation.h"
#include "slot.h"
#include "tagged.h"
#include "workers.h"

/* After this many picks by others in the middle of ours, take a key without moving the cursor: a bound, at the price of a
 * slightly uneven rotation under a contention that does not occur. */
#define CLAIM_TRIES_MAX 1000

/* And after this many tries give up: keys are being removed or marked as fast as they are found. */
#define PICK_TRIES_MAX 10000

/* And after this many changes of its word, each within a look at it, look for another key. */
#define WORD_TRIES_MAX 100

/* One pick. */
struct turn {
    const struct keyshm_pool *pool;
    unsigned model;
    uint64_t now_ms; /* read from the coarse clock, and again exactly when a decision depends on the difference */
    bool is_exact;   /* in a burst the coarse time counts as exact */
    bool is_burst;
    bool has_range; /* it may use a range of several turns, and claim one in a burst */
    uint32_t slot;  /* whose turn was taken already; READY_NONE: none was */
};

static void make_exact(struct turn *turn)
{
    if (!turn->is_exact) {
        turn->now_ms = pool_now_ms(turn->pool);
        turn->is_exact = true;
    }
}

/* Has `deadline_ms` passed? Makes the time exact if that depends on it. */
ALWAYS_INLINE bool has_passed(struct turn *turn, uint64_t deadline_ms)
{
    if (deadline_ms > turn->now_ms && deadline_ms <= turn->now_ms + pool_coarse_lag_ms(turn->pool))
        make_exact(turn);
    return deadline_ms <= turn->now_ms;
}

static bool is_available(uint64_t word, struct turn *turn)
{
    return has_passed(turn, word_available_at_ms(word));
}

/* Is the key in the slot available, as far as its words for this model tell? Clears its bit if it is not. */
static bool look(struct turn *turn, unsigned model, uint32_t slot)
{
    /* acquire: pairs with the store that publishes the word in membership.c; the key's bytes are read after it. */
    struct pair pair = pair_load(turn->pool, model, slot, memory_order_acquire);
    if (has_passed(turn, pair_available_at_ms(&pair)))
        return true;
    ready_clear(turn->pool, model, slot, &pair);
    return false;
}

/* The first available key in [from, end). Clears the bits of keys that turn out not to be available. */
static uint32_t find_slowly(struct turn *turn, uint32_t from, uint32_t end)
{
    for (uint32_t slot = from; (slot = ready_find(turn->pool, turn->model, slot, end)) != READY_NONE; slot++)
        if (look(turn, 0, slot) && (turn->model == 0 || look(turn, turn->model, slot)))
            return slot;
    return READY_NONE;
}

/* Is the key in the slot available? */
ALWAYS_INLINE bool look_quickly(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms, uint32_t slot,
                                struct others *ret_others)
{
    /* acquire: as in look(). */
    return word_is_available(atomic_load_explicit(&pool->words[slot], memory_order_acquire), now_ms) &&
           availability_of_others(pool, model, slot, now_ms, ret_others);
}

/* The first ready slot, if its key is available. */
ALWAYS_INLINE uint32_t find_quickly(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms, uint32_t from,
                                    uint32_t end, struct others *ret_others)
{
    uint32_t slot = ready_look(pool, model, from, end);
    return slot != READY_NONE && look_quickly(pool, model, now_ms, slot, ret_others) ? slot : READY_NONE;
}

ALWAYS_INLINE uint32_t find_in(struct turn *turn, unsigned model, uint32_t from, uint32_t end)
{
    struct others others;
    uint32_t slot = ready_look(turn->pool, model, from, end);
    bool is_it = slot == READY_NONE || look_quickly(turn->pool, model, turn->now_ms, slot, &others);
    return is_it ? slot : find_slowly(turn, slot, end);
}

/* The first available key at or after `from`, going round. */
ALWAYS_INLINE uint32_t find_from(struct turn *turn, unsigned model, uint32_t from)
{
    uint32_t used = pool_slots_used(turn->pool);
    uint32_t slot = find_in(turn, model, from, used);
    return slot != READY_NONE ? slot : find_in(turn, model, 0, from < used ? from : used);
}

/*
 * No bit led to a key. The bits are a hint, so the words decide: -ENOKEY, -EAGAIN, or 0 when there is one after all.
 *
 * The words are read one after another, and meanwhile one key may have become available whose word was read already. So
 * the answer is given only if nothing of the kind has happened: no key was made available from before the first word
 * was read until after the last one, and no cooldown has ended. Then it is true of the instant at which the clock was
 * read.
 */
static int find_in_words(const struct keyshm_pool *pool, unsigned model)
{
    uint32_t announced = ready_announced(pool);
    uint64_t now_ms = pool_now_ms(pool), earliest_ms = availability_first_at_ms(pool, model);
    if (earliest_ms <= now_ms)
        ready_set_available(pool, model, now_ms);
    if (earliest_ms <= pool_now_ms(pool) || ready_announced(pool) != announced)
        return 0;
    return earliest_ms == AVAILABILITY_NO_KEY ? -ENOKEY : -EAGAIN;
}

/* The next of the turns that this process has claimed. */
ALWAYS_INLINE uint32_t next_of_range(struct turn *turn, unsigned model)
{
    uint32_t taken = turn->slot;
    turn->slot = READY_NONE;
    if (taken != READY_NONE)
        return taken;
    uint32_t place = turn->has_range ? rotation_place(turn->pool, model) : 0;
    if (place == 0)
        return READY_NONE;
    _Atomic uint64_t *at = rotation_range(turn->pool, model, place);
    uint64_t word = atomic_load_explicit(at, memory_order_relaxed);
    struct claim range = rotation_unpack_range(turn->pool, word);
    if (range.begin >= range.end)
        return READY_NONE;
    uint32_t slot = find_in(turn, model, range.begin, range.end);
    word = claim_after(word, slot != READY_NONE ? slot : range.end - 1);
    atomic_store_explicit(at, word, memory_order_relaxed);
    return slot;
}

/* The end of a range of several turns: whole words of bits, at most to the end of their cache line or of the round. It is
 * slot + 1 if no other slot is ready up to there. */
static uint32_t end_of_range(const struct keyshm_pool *pool, unsigned model, uint32_t slot)
{
    uint32_t used = pool_slots_used(pool), line_end = (slot / READY_LINE_SLOTS + 1) * READY_LINE_SLOTS, end = slot + 1;
    uint32_t turns = 0;
    used = line_end < used ? line_end : used;
    for (; turns < ROTATION_TURNS_PER_CLAIM && end < used; end = (end / 64 + 1) * 64)
        turns += ready_count(pool, model, end);
    if (turns == 0)
        return slot + 1;
    return end < used ? end : used;
}

/* Put a new claim in the place of `cursor`, whose own range must be where it belongs, or it would be lost here. False
 * when another pick has claimed since that was read. */
static inline bool move_cursor(const struct keyshm_pool *pool, unsigned model, uint64_t cursor, uint64_t next)
{
    /* relaxed: the cursor orders only itself. */
    return atomic_compare_exchange_strong_explicit(&pool_model(pool, model)->cursor, &cursor, next, memory_order_relaxed,
                                                   memory_order_relaxed);
}

/* The same for a claim of one turn. */
static inline bool move_to_turn(const struct keyshm_pool *pool, unsigned model, uint64_t cursor, uint32_t slot)
{
    struct claim next = {.number = claim_number_after(cursor), .begin = slot, .end = slot + 1};
    return move_cursor(pool, model, cursor, claim_pack(&next));
}

static inline bool claim_turn(const struct keyshm_pool *pool, unsigned model, uint64_t cursor, uint32_t slot)
{
    rotation_settle(pool, model, cursor);
    return move_to_turn(pool, model, cursor, slot);
}

/* Claim a range of several turns that begins with `slot`, for the place of this process, or one turn if no other is
 * near. True: it is this one turn. */
static __attribute__((noinline)) bool claim_range(const struct keyshm_pool *pool, unsigned model, uint64_t cursor,
                                                  uint32_t slot)
{
    uint32_t place = rotation_place(pool, model);
    rotation_settle(pool, model, cursor);
    /* Now every claim before this one is where it belongs. One by an ended process, that had this place before, may be
     * in it: it must not be written over. */
    struct claim own =
        rotation_unpack_range(pool, atomic_load_explicit(rotation_range(pool, model, place), memory_order_relaxed));
    if (own.begin < own.end)
        return false;
    struct claim next = {
        .number = claim_number_after(cursor),
        .place = place,
        .begin = slot,
        .end = end_of_range(pool, model, slot),
    };
    if (next.end == slot + 1)
        return move_to_turn(pool, model, cursor, slot);
    uint64_t claimed = claim_pack(&next);
    if (!move_cursor(pool, model, cursor, claimed))
        return false;
    rotation_settle(pool, model, claimed);
    /* It is where it belongs: the next claim need not look there, into a line that this process writes at each pick. */
    next.place = 0;
    (void)move_cursor(pool, model, claimed, claim_pack(&next));
    return false;
}

/* Nothing was found: is there really nothing? -EAGAIN, -ENOKEY, or -EBUSY: try again. */
static __attribute__((noinline)) int look_in_words(struct turn *turn)
{
    int r = find_in_words(turn->pool, turn->model);
    turn->is_exact = false; /* a cooldown may have ended since */
    make_exact(turn);
    return r < 0 ? r : -EBUSY;
}

/* Claim the turn of the next key, or in a burst a range that begins with it. -EBUSY: try again; after a range was
 * claimed, too. */
ALWAYS_INLINE int claim_next(struct turn *turn, unsigned model, int tries, uint32_t *ret_slot)
{
    const struct keyshm_pool *pool = turn->pool;
    uint64_t cursor = atomic_load_explicit(&pool_model(pool, model)->cursor, memory_order_relaxed);
    uint32_t from = claim_end(cursor);
    uint32_t slot = find_from(turn, model, from < pool->settings.capacity ? from : 0);
    if (slot == READY_NONE)
        return look_in_words(turn);
    *ret_slot = slot;
    if (tries >= CLAIM_TRIES_MAX)
        return 0;
    if (turn->has_range && rotation_take_place(pool, model, turn->now_ms, turn->is_burst)) {
        bool is_turn = turn->is_burst && claim_range(pool, model, cursor, slot);
        return is_turn ? 0 : -EBUSY; /* the turn is taken out of the range */
    }
    if (turn->has_range)
        rotation_leave(pool, model); /* its range is empty, or no turn would be claimed */
    return claim_turn(pool, model, cursor, slot) ? 0 : -EBUSY;
}

/* Complete *ret_pick, and count the pick. */
ALWAYS_INLINE void count_pick(const struct slot_copy *copy, unsigned model, uint64_t stamp, uint64_t now_ms,
                              struct keyshm_pick *ret_pick)
{
    slot_complete_pick(copy, model, stamp, ret_pick);
    tagged_increment(&copy->at->picks, copy->id);
    tagged_raise(&copy->at->last_used_ms, copy->id, now_ms);
}

/* The words of the key, and those of its group, for this model. */
static bool are_others_available(struct turn *turn, uint32_t slot, struct others *ret_others)
{
    if (availability_of_others(turn->pool, turn->model, slot, turn->now_ms, ret_others))
        return true;
    make_exact(turn);
    return availability_of_others(turn->pool, turn->model, slot, turn->now_ms, ret_others);
}

/*
 * Do the word of a copied key and the others let it be picked at one instant? The others were loaded before, perhaps when
 * another key was in the slot. So they are compared while this key is there and its word does not change; if that changes,
 * once more.
 */
static bool is_still_available(struct turn *turn, uint32_t slot, struct slot_copy *copy, const struct others *others)
{
    for (int tries = 0; tries < WORD_TRIES_MAX; tries++) {
        uint64_t word = copy->word;
        if (!is_available(word, turn) || !availability_others_are_same(turn->pool, turn->model, slot, others) ||
            slot_copy_end(copy) < 0)
            return false;
        if (copy->word == word)
            return true;
    }
    return false;
}

/* The probes that the words want, if they do. False: a word has changed at the last moment. */
static bool take_probes(const struct turn *turn, uint32_t slot, uint64_t key_word, const struct others *others)
{
    const struct keyshm_pool *pool = turn->pool;
    bool was_taken;
    if (!word_is_for_probe(key_word) && !probe_is_wanted_by(turn->model, others))
        return true;
    if (probe_take(pool, turn->model, slot, key_word, others, &was_taken))
        return true;
    /* What was given back is worth a look again. */
    for (unsigned model = 0; was_taken && model <= turn->model; model += turn->model != 0 ? turn->model : 1) {
        ready_announce(pool, model, slot);
        if (others->key_group != GROUP_NONE)
            ready_announce(pool, model, pool_group_subject(pool, group_index(others->key_group)));
    }
    return false;
}

/* Copy the key, and take its probes. -ESTALE: it is not there, or not available. -EAGAIN: a word has changed at the last
 * moment, and may leave it available. */
static int copy_and_probe(struct turn *turn, uint32_t slot, struct slot_copy *copy, uint64_t *words,
                          struct others *others)
{
    int r = are_others_available(turn, slot, others) ? slot_copy_key(turn->pool, slot, copy, words) : -ESTALE;
    if (r < 0 || !is_still_available(turn, slot, copy, others))
        return -ESTALE;
    return take_probes(turn, slot, copy->word, others) ? 0 : -EAGAIN;
}

/* A long key, one whose availability depends on the exact time, or one that is given as a probe. */
static __attribute__((noinline)) int take_slowly(struct turn *turn, uint32_t slot, struct keyshm_pick *ret_pick)
{
    uint64_t words[SLOT_KEY_WORDS_MAX];
    struct slot_copy copy = {.length = turn->pool->settings.key_max};
    struct others others;
    int r = -EAGAIN;
    for (int tries = 0; r == -EAGAIN && tries < WORD_TRIES_MAX; tries++)
        r = copy_and_probe(turn, slot, &copy, words, &others);
    if (r == 0) {
        memcpy(ret_pick->key, words, copy.length);
        count_pick(&copy, turn->model, availability_stamp(copy.word, turn->model, &others), turn->now_ms, ret_pick);
    }
    /* The caller can wipe only its own copy. Of another key, the copy before may have been longer. */
    explicit_bzero(words, (size_t)slot_key_words(turn->pool->settings.key_max) * 8);
    registers_wipe();
    return r;
}

/* A key of up to 64 bytes that is available at this time, with others that were found to be; -ESTALE: it is longer, or
 * not available, or wants a probe, or is no longer there, or a word is not the same. The order is that of is_still_available(). */
ALWAYS_INLINE int take_head(const struct keyshm_pool *pool, unsigned model, uint32_t slot, const struct others *others,
                            uint64_t now_ms, struct keyshm_pick *ret_pick)
{
    struct slot_copy copy;
    if (slot_copy_begin(pool, slot, &copy) < 0 || copy.length > SLOT_HEAD_BYTES)
        return -ESTALE;
    /* Nothing may be called from here until the key is handed over, or the compiler would save it on the stack. */
    struct slot_head head = slot_load_head(&copy);
    uint64_t word = copy.word;
    if (!availability_others_are_same(pool, model, slot, others) || slot_copy_end(&copy) < 0 || copy.word != word ||
        !word_is_open(word, now_ms) || probe_is_wanted_by(model, others)) {
        slot_forget_head(head);
        return -ESTALE;
    }
    slot_give_head(head, ret_pick->key);
    count_pick(&copy, model, availability_stamp(copy.word, model, others), now_ms, ret_pick);
    return 0;
}

/* -ESTALE when the key, after its bytes were read, is no longer there or no longer available. A change of the word that
 * leaves it available (its cooldown was reset, say) does not cost it its turn. */
ALWAYS_INLINE int take(struct turn *turn, unsigned model, uint32_t slot, struct keyshm_pick *ret_pick)
{
    struct others others;
    bool is_taken = availability_of_others(turn->pool, model, slot, turn->now_ms, &others) &&
                    take_head(turn->pool, model, slot, &others, turn->now_ms, ret_pick) == 0;
    return is_taken ? 0 : take_slowly(turn, slot, ret_pick);
}

ALWAYS_INLINE int take_next(struct turn *turn, unsigned model, struct keyshm_pick *ret_pick)
{
    for (int tries = 0; tries < PICK_TRIES_MAX; tries++) {
        uint32_t slot = next_of_range(turn, model);
        int r = slot != READY_NONE ? 0 : claim_next(turn, model, tries, &slot);
        if (r == 0 && take(turn, model, slot, ret_pick) == 0)
            return 0;
        if (r < 0 && r != -EBUSY)
            return r;
    }
    return -EBUSY;
}

ALWAYS_INLINE void sweep(struct turn *turn, unsigned model)
{
    if (has_passed(turn, ready_next_due_ms(turn->pool, model))) {
        make_exact(turn); /* or the sweep would miss a key whose deadline lies between the two clocks */
        ready_sweep(turn->pool, model, turn->now_ms);
    }
}

/* Any pick. */
ALWAYS_INLINE int pick_any(struct turn *turn, unsigned model, struct keyshm_pick *ret_pick)
{
    const struct keyshm_pool *pool = turn->pool;
    sweep(turn, 0);
    if (model != 0)
        sweep(turn, model);
    turn->has_range = rotation_begin(pool, model, turn->now_ms, turn->is_burst);
    int r = take_next(turn, model, ret_pick);
    if (turn->has_range)
        rotation_end(pool);
    if (r == 0)
        workers_count_pick(pool, turn->now_ms);
    return r;
}

/* Whatever the model, without all that is for models: it is a third less. */
static __attribute__((noinline)) int pick_slowly(struct turn *turn, struct keyshm_pick *ret_pick)
{
    return pick_any(turn, 0, ret_pick);
}

static __attribute__((noinline)) int pick_slowly_for(struct turn *turn, struct keyshm_pick *ret_pick)
{
    return pick_any(turn, turn->model, ret_pick);
}

/* What most picks of a burst are: the next slot of the range has a short key that is available, and nothing is due.
 * False: it is not so; *ret_slot is then the slot whose turn was taken all the same, or READY_NONE. */
ALWAYS_INLINE bool pick_quickly(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms,
                                struct keyshm_pick *ret_pick, uint32_t *ret_slot)
{
    uint64_t soon_ms = now_ms + pool_coarse_lag_ms(pool);
    *ret_slot = READY_NONE;
    if (ready_next_due_ms(pool, 0) <= soon_ms || (model != 0 && ready_next_due_ms(pool, model) <= soon_ms))
        return false;
    uint32_t place = rotation_begin_turn(pool, model);
    if (place == 0)
        return false;
    _Atomic uint64_t *at = rotation_range(pool, model, place);
    uint64_t word = atomic_load_explicit(at, memory_order_relaxed);
    struct claim range = rotation_unpack_range(pool, word);
    struct others others;
    uint32_t slot = find_quickly(pool, model, now_ms, range.begin, range.end, &others);
    bool is_taken = false;
    if (slot != READY_NONE) {
        atomic_store_explicit(at, claim_after(word, slot), memory_order_relaxed);
        is_taken = take_head(pool, model, slot, &others, now_ms, ret_pick) == 0;
        *ret_slot = slot;
    }
    rotation_end(pool);
    if (is_taken)
        workers_count_pick(pool, now_ms);
    return is_taken;
}

ALWAYS_INLINE int pick(const struct keyshm_pool *pool, unsigned model, struct keyshm_pick *ret_pick)
{
    uint64_t coarse_ms = clock_coarse_ms();
    bool is_burst = pace_is_burst(pool, coarse_ms);
    uint64_t now_ms = pool_ms_of_coarse(pool, coarse_ms);
    uint32_t slot = READY_NONE;
    if (is_burst && pick_quickly(pool, model, now_ms, ret_pick, &slot))
        return 0;
    struct turn turn = {
        .pool = pool, .model = model, .now_ms = now_ms, .is_burst = is_burst, .is_exact = is_burst, .slot = slot};
    return model == 0 ? pick_slowly(&turn, ret_pick) : pick_slowly_for(&turn, ret_pick);
}

int pick_next(const struct keyshm_pool *pool, struct keyshm_pick *ret_pick)
{
    return pick(pool, 0, ret_pick);
}

int pick_next_for(const struct keyshm_pool *pool, unsigned model, struct keyshm_pick *ret_pick)
{
    return model == 0 ? pick_next(pool, ret_pick) : pick(pool, model, ret_pick);
}
