/* SPDX-License-Identifier: MIT */
#include "next_turn.h"

#include "availability.h"
#include "hash.h"

/* After this many searches that did not find a key which is there, while nothing changed, go by the slots: only damage hides
 * a key there. */
#define HIDDEN_TRIES_MAX 3

/* And after this many in which something was made available, or got another place. Claims that others were faster with do
 * not count: with few keys, each of which is claimed by itself, there may be hundreds in a row. */
#define DISTURBED_TRIES_MAX 100

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
    struct claim claim = rotation_unpack_range(turn->pool, next->cursor);
    struct ready_filter filter = order_filter(turn->pool, priority, 0);
    next->round = 0;
    next->slot = has_weights ? find_in_rounds(turn, priority, &claim, &next->round)
                             : turn_find_from(turn, turn->model, &filter, claim.end);
    return next->slot != READY_NONE;
}

/* How many of the first priorities need not be looked at, as this process knows that they have no key. */
static unsigned known_empty(struct turn *turn)
{
    const struct process_search *known = turn->has_range ? &turn->pool->local->rotations[turn->model].search : NULL;
    bool is_known = known != NULL && next_turn_is_known(known, &turn->order) && !turn_has_passed(turn, known->until_ms);
    return is_known ? known->empty : 0;
}

/* The next key of the first priority that has one available, as far as bits lead to one. */
static bool find_in_order(struct turn *turn, unsigned known, struct next_turn *next)
{
    uint64_t in_use = turn->order.in_use, left = in_use & ORDER_IN_USE_PRIORITIES;
    for (next->rank = 0; left != 0; left &= left - 1, next->rank++) {
        next->priority = order_first_priority(left);
        if (next->rank < known)
            continue;
        next->cursor = atomic_load_explicit(rotation_cursor(turn->pool, turn->model, next->rank), memory_order_relaxed);
        if (find_of_priority(turn, next->priority, order_has_weights(in_use), next))
            return true;
    }
    return false;
}

/* The slots of a word of bits whose keys are of an earlier priority. */
static uint64_t slots_of_earlier(const struct turn *turn, unsigned priority, uint32_t word)
{
    uint64_t slots = 0;
    for (uint64_t left = turn->order.in_use & ((UINT64_C(1) << priority) - 1); left != 0; left &= left - 1)
        /* acquire: pairs with the release in order.c. */
        slots |= atomic_load_explicit(&order_plane(turn->pool, order_first_priority(left))[word], memory_order_acquire);
    return slots;
}

/* Is a key of an earlier priority available by its words, though no bit has led to it? Then it gets its bits. Otherwise
 * lowers *until_ms to the time from which on one is. */
static bool find_earlier(struct turn *turn, unsigned priority, uint64_t *until_ms)
{
    const struct keyshm_pool *pool = turn->pool;
    uint32_t used = pool_slots_used(pool);
    for (uint32_t word = 0; word * 64 < used; word++) {
        for (uint64_t slots = slots_of_earlier(turn, priority, word); slots != 0; slots &= slots - 1) {
            uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(slots);
            uint64_t at_ms = slot < used ? turn_available_at_ms(turn, slot) : AVAILABILITY_NO_KEY;
            if (turn_has_passed(turn, at_ms)) {
                ready_set_for(pool, turn->model, slot);
                return true;
            }
            *until_ms = at_ms < *until_ms ? at_ms : *until_ms;
        }
    }
    return false;
}

/* Of a key of a later priority: was none of an earlier one available, at one instant? That is so if nothing was made
 * available while the words were read. What was found out is remembered, for half a second at most: a process may have been
 * killed after it has made a key available, and before it has announced that. */
static bool is_first(struct turn *turn, const struct next_turn *next, unsigned known)
{
    const struct keyshm_pool *pool = turn->pool;
    turn->order.earlier = next->rank;
    if (next->rank <= known)
        return true;
    uint64_t until_ms = turn->now_ms + READY_SWEEP_INTERVAL_MS;
    if (find_earlier(turn, next->priority, &until_ms) || !turn_is_in_order(pool, &turn->order, turn->is_limited))
        return false;
    if (turn->has_range && !turn->is_limited) /* what budgets admit depends on the request */
        pool->local->rotations[turn->model].search = (struct process_search){
            .order_in_use = turn->order.in_use,
            .until_ms = until_ms,
            .announced = turn->order.announced,
            .empty = next->rank,
            .priority = next->priority,
        };
    return true;
}

/* Whatever bits and planes say: the first available key of the first priority that has one. It takes no turn. READY_NONE. */
static uint32_t find_in_slots(struct turn *turn)
{
    uint32_t used = pool_slots_used(turn->pool), found = READY_NONE;
    unsigned first = LAYOUT_PRIORITIES;
    for (uint32_t slot = 0; slot < used; slot++) {
        unsigned priority = order_priority(order_of(turn->pool, slot));
        if (priority < first && turn_has_passed(turn, turn_available_at_ms(turn, slot))) {
            first = priority;
            found = slot;
        }
    }
    return found;
}

/* Nothing was found. If there is something, and nothing has changed meanwhile, a plane hides it. */
static int look_in_words(struct turn *turn)
{
    int r = turn_look_in_words(turn);
    turn->hidden +=
        order_in_use(turn->pool) == turn->order.in_use && ready_announced(turn->pool) == turn->order.announced;
    return r;
}

/* ---- by affinity ---- */

/* So many slots that a number prefers are looked at, each of which may be empty, or of another priority, before the search
 * goes on from the first of them: keys next to each other then share what one of them cannot take. */
#define AFFINITY_SLOTS 8

/* A slot below `used`, and the next number (SplitMix64). */
static uint32_t preferred_slot(uint64_t *number, uint32_t used)
{
    *number += UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)((hash_mix(*number) >> 32) * used >> 32);
}

/* The key of one priority that the number prefers of those that are available; NULL: of all. */
static uint32_t find_preferred(struct turn *turn, const struct ready_filter *filter_or_null)
{
    uint32_t used = pool_slots_used(turn->pool);
    uint64_t number = turn->affinity;
    if (used == 0)
        return READY_NONE;
    for (int i = 0; i < AFFINITY_SLOTS; i++) {
        uint32_t slot = preferred_slot(&number, used);
        if (turn_find_in(turn, turn->model, filter_or_null, slot, slot + 1) != READY_NONE)
            return slot;
    }
    number = turn->affinity;
    return turn_find_from(turn, turn->model, filter_or_null, preferred_slot(&number, used));
}

/* The next key of the first priority that has one available, by the affinity of the request. */
static bool find_preferred_in_order(struct turn *turn, unsigned known, struct next_turn *next)
{
    uint64_t left = turn->order.in_use & ORDER_IN_USE_PRIORITIES;
    next->rank = 0;
    if (!order_matters(turn->order.in_use))
        next->slot = find_preferred(turn, NULL);
    for (; order_matters(turn->order.in_use) && left != 0; left &= left - 1, next->rank++) {
        next->priority = order_first_priority(left);
        struct ready_filter filter = order_filter(turn->pool, next->priority, 0);
        next->slot = next->rank >= known ? find_preferred(turn, &filter) : READY_NONE;
        if (next->slot != READY_NONE)
            break;
    }
    return next->slot != READY_NONE;
}

static int find_by_affinity(struct turn *turn, uint32_t *ret_slot)
{
    struct next_turn next = {.slot = READY_NONE};
    unsigned known = turn->is_limited ? 0 : known_empty(turn);
    if (!find_preferred_in_order(turn, known, &next))
        return look_in_words(turn);
    *ret_slot = next.slot;
    if (next.rank == 0 || is_first(turn, &next, known))
        return 0;
    turn->disturbed++;
    return -EBUSY;
}

static int claim_later(struct turn *turn, int tries, const struct next_turn *next, unsigned known)
{
    if (turn->has_range && !turn->is_burst)
        rotation_leave(turn->pool, turn->model);
    if (!is_first(turn, next, known)) {
        turn->disturbed++;
        return -EBUSY;
    }
    bool has_turn = tries >= NEXT_TURN_CLAIM_TRIES_MAX ||
                    next_turn_move_to(rotation_cursor(turn->pool, turn->model, next->rank), next);
    return has_turn ? 0 : -EBUSY;
}

int next_turn_claim_in_order(struct turn *turn, int tries, uint32_t *ret_slot)
{
    struct next_turn next;
    turn->order.earlier = 0;
    if (turn->affinity == 0 && !order_matters(turn->order.in_use))
        return next_turn_claim(turn, turn->model, tries, ret_slot);
    if (turn->hidden >= HIDDEN_TRIES_MAX || turn->disturbed >= DISTURBED_TRIES_MAX) {
        *ret_slot = find_in_slots(turn);
        return *ret_slot != READY_NONE ? 0 : turn_look_in_words(turn);
    }
    if (turn->affinity != 0)
        return find_by_affinity(turn, ret_slot);
    unsigned known = turn->is_limited ? 0 : known_empty(turn);
    if (!find_in_order(turn, known, &next))
        return look_in_words(turn);
    *ret_slot = next.slot;
    if (next.rank > 0)
        return claim_later(turn, tries, &next, known);
    struct ready_filter filter = order_filter(turn->pool, next.priority, next.round);
    next.filter_or_null = &filter;
    return next_turn_claim_found(turn, turn->model, tries, &next);
}
