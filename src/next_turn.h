/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_NEXT_TURN_H
#define KEYSHM_NEXT_TURN_H

/* Whose turn is next: it is found, and claimed for this pick, or taken out of a range that this process has claimed. Where
 * keys differ in priority or weight (order.h), the search takes a slower path. */

#include <errno.h>

#include "order.h"
#include "rotation.h"
#include "turn.h"

/* After this many picks by others in the middle of ours, take a key without moving the cursor: a bound, at the price of a
 * slightly uneven rotation under a contention that hardly occurs. */
#define NEXT_TURN_CLAIM_TRIES_MAX 1000

/* A turn that is to be claimed. */
struct next_turn {
    const struct ready_filter *filter_or_null; /* what it was found with */
    uint64_t cursor;                           /* as it was when it was found */
    uint32_t slot;
    uint32_t round;
    unsigned rank;     /* of its priority among those that keys have */
    unsigned priority; /* where they differ */
};

/* The keys that have a turn in a range that was claimed in this round; NULL: all of them. */
ALWAYS_INLINE const struct ready_filter *next_turn_filter(const struct keyshm_pool *pool, uint64_t in_use, unsigned round,
                                                          struct ready_filter *ret_filter)
{
    if (!order_matters(in_use))
        return NULL;
    *ret_filter = order_filter(pool, order_first_priority(in_use), order_has_weights(in_use) ? round : 0);
    return ret_filter;
}

/* The next of the turns that this process has claimed. */
ALWAYS_INLINE uint32_t next_turn_in_range(struct turn *turn, unsigned model, bool is_ordered)
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
    struct ready_filter filter;
    const struct ready_filter *filter_or_null =
        is_ordered ? next_turn_filter(turn->pool, turn->order.in_use, range.round, &filter) : NULL;
    uint32_t slot = turn_find_in(turn, model, filter_or_null, range.begin, range.end);
    word = claim_after(word, slot != READY_NONE ? slot : range.end - 1);
    atomic_store_explicit(at, word, memory_order_relaxed);
    return slot;
}

/* Put a new claim in the place of `cursor`, whose own range must be where it belongs, or it would be lost here. False
 * when another pick has claimed since that was read. */
static inline bool next_turn_move_cursor(_Atomic uint64_t *cursor_at, uint64_t cursor, uint64_t claimed)
{
    /* relaxed: the cursor orders only itself. */
    return atomic_compare_exchange_strong_explicit(cursor_at, &cursor, claimed, memory_order_relaxed,
                                                   memory_order_relaxed);
}

/* The same for a claim of one turn. */
ALWAYS_INLINE bool next_turn_move_to(_Atomic uint64_t *cursor_at, const struct next_turn *next)
{
    struct claim claim = {
        .number = claim_number_after(next->cursor),
        .round = next->round,
        .begin = next->slot,
        .end = next->slot + 1,
    };
    return next_turn_move_cursor(cursor_at, next->cursor, claim_pack(&claim));
}

ALWAYS_INLINE bool next_turn_claim_one(const struct keyshm_pool *pool, unsigned model, const struct next_turn *next)
{
    rotation_settle(pool, model, next->cursor);
    return next_turn_move_to(rotation_cursor(pool, model, 0), next);
}

/* Claim a range of several turns that begins with the next, for the place of this process, or one turn if no other is
 * near. True: it is this one turn. */
bool next_turn_claim_range(const struct keyshm_pool *pool, unsigned model, const struct next_turn *next);

/* Claim a turn, or in a burst a range that begins with it. -EBUSY: try again; after a range was claimed, too. */
ALWAYS_INLINE int next_turn_claim_found(struct turn *turn, unsigned model, int tries, const struct next_turn *next)
{
    const struct keyshm_pool *pool = turn->pool;
    if (tries >= NEXT_TURN_CLAIM_TRIES_MAX)
        return 0;
    if (turn->has_range && rotation_take_place(pool, model, turn->now_ms, turn->is_burst)) {
        bool is_turn = turn->is_burst && next_turn_claim_range(pool, model, next);
        return is_turn ? 0 : -EBUSY; /* the turn is taken out of the range */
    }
    if (turn->has_range)
        rotation_leave(pool, model); /* its range is empty, or no turn would be claimed */
    return next_turn_claim_one(pool, model, next) ? 0 : -EBUSY;
}

/* Claim the turn of the next key. -EBUSY: as next_turn_claim_found(). */
ALWAYS_INLINE int next_turn_claim(struct turn *turn, unsigned model, int tries, uint32_t *ret_slot)
{
    const struct keyshm_pool *pool = turn->pool;
    struct next_turn next = {.cursor = atomic_load_explicit(rotation_cursor(pool, model, 0), memory_order_relaxed)};
    uint32_t from = claim_end(next.cursor);
    *ret_slot = next.slot = turn_find_from(turn, model, NULL, from < pool->settings.capacity ? from : 0);
    return next.slot != READY_NONE ? next_turn_claim_found(turn, model, tries, &next) : turn_look_in_words(turn);
}

/* Claim the turn of the next key of the first priority that has one available. -EBUSY: as next_turn_claim_found(). */
int next_turn_claim_in_order(struct turn *turn, int tries, uint32_t *ret_slot);

/* Does this process know that the first priorities have no key, but for the time? */
static inline bool next_turn_is_known(const struct process_search *known, const struct turn_order *order)
{
    return known->empty != 0 && known->order_in_use == order->in_use && known->announced == order->announced;
}

/* If it knows that: the next key of the priority after them, if it is in what is left of the round. */
ALWAYS_INLINE uint32_t next_turn_claim_quickly(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms,
                                               struct turn_order *order, struct others *ret_others)
{
    const struct process_search *known = &pool->local->rotations[model].search;
    if (!next_turn_is_known(known, order) || known->until_ms <= now_ms + pool_coarse_lag_ms(pool))
        return READY_NONE;
    _Atomic uint64_t *cursor_at = rotation_cursor(pool, model, known->empty);
    struct next_turn next = {.cursor = atomic_load_explicit(cursor_at, memory_order_relaxed)};
    struct claim claim = claim_unpack(next.cursor);
    next.round = order_has_weights(order->in_use) ? claim.round : 0;
    if (order_has_weights(order->in_use) && next.round == 0)
        return READY_NONE;
    struct ready_filter filter = order_filter(pool, known->priority, next.round);
    next.slot = turn_find_quickly(pool, model, &filter, now_ms, claim.end, pool_slots_used(pool), ret_others);
    order->earlier = known->empty;
    return next.slot != READY_NONE && next_turn_move_to(cursor_at, &next) ? next.slot : READY_NONE;
}

#endif
