/* SPDX-License-Identifier: MIT */
#include "next_turn.h"

/* After this many searches that did not find a key which is there, look at all keys, whatever their order: only damage
 * hides a key there. */
#define HIDDEN_TRIES_MAX 2

const struct ready_filter *next_turn_filter(const struct keyshm_pool *pool, unsigned round,
                                            struct ready_filter *ret_filter)
{
    uint64_t in_use = order_in_use(pool);
    if (!order_matters(in_use))
        return NULL;
    *ret_filter = order_filter(pool, order_first_priority(in_use), order_has_weights(in_use) ? round : 0);
    return ret_filter;
}

/* The end of a range of several turns: whole words of bits, at most to the end of their cache line or of the round. It is
 * slot + 1 if no other slot is ready up to there. */
static uint32_t end_of_range(const struct keyshm_pool *pool, unsigned model, const struct next_turn *next)
{
    uint32_t used = pool_slots_used(pool), slot = next->slot, end = slot + 1;
    uint32_t line_end = (slot / READY_LINE_SLOTS + 1) * READY_LINE_SLOTS, turns = 0;
    used = line_end < used ? line_end : used;
    for (; turns < ROTATION_TURNS_PER_CLAIM && end < used; end = (end / 64 + 1) * 64)
        turns += ready_count(pool, model, next->filter_or_null, end);
    if (turns == 0)
        return slot + 1;
    return end < used ? end : used;
}

bool next_turn_claim_range(const struct keyshm_pool *pool, unsigned model, const struct next_turn *next)
{
    _Atomic uint64_t *cursor_at = rotation_cursor(pool, model, 0);
    uint32_t place = rotation_place(pool, model);
    rotation_settle(pool, model, next->cursor);
    /* Now every claim before this one is where it belongs. One by an ended process, that had this place before, may be
     * in it: it must not be written over. */
    struct claim own =
        rotation_unpack_range(pool, atomic_load_explicit(rotation_range(pool, model, place), memory_order_relaxed));
    if (own.begin < own.end)
        return false;
    struct claim claim = {
        .number = claim_number_after(next->cursor),
        .place = place,
        .round = next->round,
        .begin = next->slot,
        .end = end_of_range(pool, model, next),
    };
    if (claim.end == claim.begin + 1)
        return next_turn_move_to(cursor_at, next);
    uint64_t claimed = claim_pack(&claim);
    if (!next_turn_move_cursor(cursor_at, next->cursor, claimed))
        return false;
    rotation_settle(pool, model, claimed);
    /* It is where it belongs: the next claim need not look there, into a line that this process writes at each pick. */
    claim.place = 0;
    (void)next_turn_move_cursor(cursor_at, claimed, claim_pack(&claim));
    return false;
}

/* ---- where keys differ in priority or weight ---- */

/* The first key of the priority that has a turn at or after a claim: in what is left of its round, or else in the first round
 * after it in which any key has one. */
static uint32_t find_in_rounds(struct turn *turn, unsigned priority, const struct claim *claim, uint32_t *ret_round)
{
    const struct keyshm_pool *pool = turn->pool;
    uint32_t used = pool_slots_used(pool), round = claim->round, from = claim->end;
    unsigned empty_planes = 0;
    if (round == 0) { /* weights did not differ until now */
        round = ORDER_ROUNDS;
        from = used;
    }
    for (unsigned i = 0; i <= ORDER_ROUNDS; i++) {
        unsigned plane = order_plane_of_round(round);
        struct ready_filter filter = order_filter(pool, priority, round);
        uint32_t slot =
            (empty_planes >> plane & 1) == 0 ? turn_find_in(turn, turn->model, &filter, from, used) : READY_NONE;
        if (slot != READY_NONE) {
            *ret_round = round;
            return slot;
        }
        empty_planes |= i > 0 ? 1U << plane : 0; /* of the round of the claim, only the rest was looked at */
        round = round % ORDER_ROUNDS + 1;
        from = 0;
    }
    return READY_NONE;
}

/* The next key of one priority. */
static bool find_of_priority(struct turn *turn, unsigned priority, bool has_weights, struct next_turn *next)
{
    struct claim claim = claim_unpack(next->cursor);
    struct ready_filter filter = order_filter(turn->pool, priority, 0);
    if (claim.end > turn->pool->settings.capacity)
        claim.end = 0;
    next->round = 0;
    next->slot = has_weights ? find_in_rounds(turn, priority, &claim, &next->round)
                             : turn_find_from(turn, turn->model, &filter, claim.end);
    return next->slot != READY_NONE;
}

/* How many of the first priorities need not be looked at: this process has found no key there, and nothing has changed. */
static unsigned known_empty(const struct turn *turn, const struct process_search *search)
{
    const struct process_search *known = turn->has_range ? &turn->pool->local->rotations[turn->model].search : NULL;
    return known != NULL && next_turn_is_same_search(known, search) ? known->empty : 0;
}

/* Of the first `empty` priorities no key was found. Was none available, at one instant? If bits were missing, they are set. */
static bool are_empty(struct turn *turn, struct process_search *search)
{
    const struct keyshm_pool *pool = turn->pool;
    bool is_complete =
        ready_is_complete(search->next_due, turn->now_ms) && ready_is_complete(search->next_due_of_model, turn->now_ms);
    if (!is_complete && !turn->is_complete) {
        turn_make_exact(turn);
        ready_set_available(pool, turn->model, turn->now_ms);
        turn->is_complete = true;
        return false;
    }
    if (order_in_use(pool) != search->order_in_use || ready_announced(pool) != search->announced)
        return false;
    if (is_complete && turn->has_range)
        pool->local->rotations[turn->model].search = *search;
    return true;
}

/* The next key of the first priority that has one available. */
static bool find_in_order(struct turn *turn, struct process_search *search, struct next_turn *next)
{
    unsigned known = known_empty(turn, search);
    uint64_t left = search->order_in_use & ORDER_IN_USE_PRIORITIES;
    for (search->empty = 0; left != 0; left &= left - 1, search->empty++) {
        search->priority = order_first_priority(left);
        if (search->empty < known)
            continue;
        next->cursor =
            atomic_load_explicit(rotation_cursor(turn->pool, turn->model, search->empty), memory_order_relaxed);
        if (find_of_priority(turn, search->priority, order_has_weights(search->order_in_use), next))
            return true;
    }
    return false;
}

int next_turn_claim_in_order(struct turn *turn, int tries, uint32_t *ret_slot)
{
    struct process_search search = next_turn_begin_search(turn->pool, turn->model);
    struct next_turn next;
    if (!order_matters(search.order_in_use) || turn->hidden >= HIDDEN_TRIES_MAX)
        return next_turn_claim(turn, turn->model, tries, ret_slot);
    if (!find_in_order(turn, &search, &next)) {
        turn->hidden++;
        return turn_look_in_words(turn);
    }
    *ret_slot = next.slot;
    if (search.empty > 0 && tries < CLAIM_TRIES_MAX) {
        if (turn->has_range && !turn->is_burst)
            rotation_leave(turn->pool, turn->model);
        _Atomic uint64_t *cursor_at = rotation_cursor(turn->pool, turn->model, search.empty);
        return are_empty(turn, &search) && next_turn_move_to(cursor_at, &next) ? 0 : -EBUSY;
    }
    struct ready_filter filter = order_filter(turn->pool, search.priority, next.round);
    next.filter_or_null = &filter;
    return next_turn_claim_found(turn, turn->model, tries, &next);
}
