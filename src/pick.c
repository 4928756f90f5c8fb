/* SPDX-License-Identifier: MIT */
#include "pick.h"

#include <errno.h>
#include <string.h>

#include "next_turn.h"
#include "pace.h"
#include "probe.h"
#include "registers.h"
#include "slot.h"
#include "workers.h"

/* After this many tries give up: keys are being removed or marked as fast as they are found. */
#define PICK_TRIES_MAX 10000

/* And after this many changes of its word, each within a look at it, look for another key. */
#define WORD_TRIES_MAX 100

static bool is_available(uint64_t word, struct turn *turn)
{
    return turn_has_passed(turn, word_available_at_ms(word));
}

/* The words of the key, and those of its group, for this model. */
static bool are_others_available(struct turn *turn, uint32_t slot, struct others *ret_others)
{
    if (availability_of_others(turn->pool, turn->model, slot, turn->now_ms, ret_others))
        return true;
    turn_make_exact(turn);
    return availability_of_others(turn->pool, turn->model, slot, turn->now_ms, ret_others);
}

/*
 * Do the word of a copied key and the others let it be picked at one instant? The others were loaded before, perhaps when
 * another key was in the slot. So they are compared while this key is there and its word does not change; if that changes,
 * once more. And is it its turn at that instant?
 */
static bool is_still_available(struct turn *turn, uint32_t slot, struct slot_copy *copy, const struct others *others,
                               const struct budgets *budgets_or_null)
{
    for (int tries = 0; tries < WORD_TRIES_MAX; tries++) {
        uint64_t word = copy->word;
        if (!is_available(word, turn) ||
            !turn_is_in_order(turn->pool, turn->is_ordered ? &turn->order : NULL, budgets_or_null != NULL) ||
            !availability_others_are_same(turn->pool, turn->model, slot, others) ||
            (budgets_or_null != NULL && !budgets_are_same(turn->pool, budgets_or_null, copy->id)) ||
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
                          struct others *others, const struct budgets *budgets_or_null)
{
    int r = are_others_available(turn, slot, others) ? slot_copy_key(turn->pool, slot, copy, words) : -ESTALE;
    if (r < 0 || !is_still_available(turn, slot, copy, others, budgets_or_null))
        return -ESTALE;
    return take_probes(turn, slot, copy->word, others) ? 0 : -EAGAIN;
}

/* A long key, one whose availability depends on the exact time, or one that is given as a probe. */
static __attribute__((noinline)) int take_slowly(struct turn *turn, uint32_t slot, const struct budgets *budgets_or_null,
                                                 struct keyshm_pick *ret_pick)
{
    uint64_t words[SLOT_KEY_WORDS_MAX];
    struct slot_copy copy = {.length = turn->pool->settings.key_max};
    struct others others;
    int r = -EAGAIN;
    for (int tries = 0; r == -EAGAIN && tries < WORD_TRIES_MAX; tries++)
        r = copy_and_probe(turn, slot, &copy, words, &others, budgets_or_null);
    if (r == 0) {
        memcpy(ret_pick->key, words, copy.length);
        pick_complete(&copy, turn->model, availability_stamp(copy.word, turn->model, &others), turn->now_ms, ret_pick);
    }
    /* The caller can wipe only its own copy. Of another key, the copy before may have been longer. */
    explicit_bzero(words, (size_t)slot_key_words(turn->pool->settings.key_max) * 8);
    registers_wipe();
    return r;
}

/* A key of up to 64 bytes that is available at this time, with others that were found to be; -ESTALE: it is longer, or
 * not available, or wants a probe, or is no longer there, or a word or the order is not the same. All is looked at as by
 * is_still_available(). */
ALWAYS_INLINE int take_head(const struct keyshm_pool *pool, unsigned model, uint32_t slot,
                            const struct turn_order *order_or_null, const struct budgets *budgets_or_null,
                            const struct others *others, uint64_t now_ms, struct keyshm_pick *ret_pick)
{
    struct slot_copy copy;
    if (slot_copy_begin(pool, slot, &copy) < 0 || copy.length > SLOT_HEAD_BYTES)
        return -ESTALE;
    /* Nothing may be called from here until the key is handed over, or the compiler would save it on the stack. */
    struct slot_head head = slot_load_head(&copy);
    uint64_t word = copy.word;
    if (!turn_is_in_order(pool, order_or_null, budgets_or_null != NULL) ||
        !availability_others_are_same(pool, model, slot, others) ||
        (budgets_or_null != NULL && !budgets_are_same(pool, budgets_or_null, copy.id)) || slot_copy_end(&copy) < 0 ||
        copy.word != word || !word_is_open(word, now_ms) || probe_is_wanted_by(model, others)) {
        slot_forget_head(head);
        return -ESTALE;
    }
    slot_give_head(head, ret_pick->key);
    pick_complete(&copy, model, availability_stamp(copy.word, model, others), now_ms, ret_pick);
    return 0;
}

/* -ESTALE when the key, after its bytes were read, is no longer there or no longer available. A change of the word that
 * leaves it available (its cooldown was reset, say) does not cost it its turn. */
ALWAYS_INLINE int take(struct turn *turn, unsigned model, bool is_ordered, uint32_t slot,
                       const struct budgets *budgets_or_null, struct keyshm_pick *ret_pick)
{
    struct others others;
    bool is_taken = availability_of_others(turn->pool, model, slot, turn->now_ms, &others) &&
                    take_head(turn->pool, model, slot, is_ordered ? &turn->order : NULL, budgets_or_null, &others,
                              turn->now_ms, ret_pick) == 0;
    return is_taken ? 0 : take_slowly(turn, slot, budgets_or_null, ret_pick);
}

/* The same where there are limits. -ESTALE also when its budgets do not admit the request. */
static int take_charged(struct turn *turn, uint32_t slot, struct keyshm_pick *ret_pick,
                        struct budget_charges *ret_charges)
{
    struct budgets budgets;
    budgets_of(turn->pool, turn->model, slot, &budgets);
    if (!budgets_charge(turn->pool, &budgets, &turn->request, &turn->clock, ret_charges)) {
        turn->obstacles |= ret_charges->obstacles;
        return -ESTALE;
    }
    if (take(turn, turn->model, true, slot, &budgets, ret_pick) == 0)
        return 0;
    budgets_give_back(turn->pool, &budgets, ret_charges);
    return -ESTALE;
}

/* Where keys are alike, and without limits. -ESTALE: they are so no longer; turn->slot is then the one whose turn was taken all the same. */
ALWAYS_INLINE int take_next(struct turn *turn, unsigned model, struct keyshm_pick *ret_pick)
{
    for (int tries = 0; tries < PICK_TRIES_MAX; tries++) {
        uint32_t slot = next_turn_in_range(turn, model, false);
        int r = slot != READY_NONE ? 0 : next_turn_claim(turn, model, tries, &slot);
        if (r == 0 && take(turn, model, false, slot, NULL, ret_pick) == 0)
            return 0;
        if (!order_is_plain(order_in_use(turn->pool))) {
            turn->slot = r == 0 ? slot : READY_NONE;
            return -ESTALE;
        }
        if (r < 0 && r != -EBUSY)
            return r;
    }
    return -EBUSY;
}

/* Again: exactly, as it may have been the coarse clock that hid a key, which is late by more than a tick where the machine has
 * too much to do. */
static void read_time(struct turn *turn)
{
    turn->now_ms = pool_now_ms(turn->pool);
    turn->is_exact = true;
    turn->clock = budget_exact_clock(turn->pool);
}

/* Before the time: what was available then, and is so still when this has not changed, was so at that time. */
ALWAYS_INLINE struct turn_order read_order(const struct keyshm_pool *pool)
{
    return (struct turn_order){.in_use = order_in_use(pool), .announced = ready_announced(pool)};
}

/* Where keys differ in priority or weight, or there are limits. */
static int take_next_in_order(struct turn *turn, struct keyshm_pick *ret_pick, struct budget_charges *ret_charges)
{
    for (int tries = 0; tries < PICK_TRIES_MAX; tries++) {
        if (tries > 0) {
            turn->order = read_order(turn->pool);
            read_time(turn);
            budget_charges_init(ret_charges); /* of a try before: if there are no limits any more, none is made */
        }
        turn->is_limited = order_is_limited(turn->order.in_use);
        uint32_t slot = turn->affinity == 0 ? next_turn_in_range(turn, turn->model, true) : READY_NONE;
        int r = slot != READY_NONE ? 0 : next_turn_claim_in_order(turn, tries, &slot);
        if (r == 0 && (turn->is_limited ? take_charged(turn, slot, ret_pick, ret_charges)
                                        : take(turn, turn->model, true, slot, NULL, ret_pick)) == 0)
            return 0;
        turn->disturbed += r == 0;
        if (r < 0 && r != -EBUSY)
            return r;
    }
    return -EBUSY;
}

ALWAYS_INLINE void sweep(struct turn *turn, unsigned model)
{
    if (turn_has_passed(turn, ready_next_due_ms(turn->pool, model))) {
        turn_make_exact(turn); /* or the sweep would miss a key whose deadline lies between the two clocks */
        ready_sweep(turn->pool, model, turn->now_ms);
    }
}

/* Any pick. */
ALWAYS_INLINE int pick_any(struct turn *turn, unsigned model, bool is_ordered, struct keyshm_pick *ret_pick,
                           struct budget_charges *ret_charges)
{
    const struct keyshm_pool *pool = turn->pool;
    sweep(turn, 0);
    if (model != 0)
        sweep(turn, model);
    turn->has_range = rotation_begin(pool, model, turn->now_ms, turn->is_burst);
    int r = -EAGAIN;
    if (!turn->has_range || !turn->is_limited || !turn_is_refused(turn))
        r = is_ordered ? take_next_in_order(turn, ret_pick, ret_charges) : take_next(turn, model, ret_pick);
    if (turn->has_range)
        rotation_end(pool);
    if (r == 0)
        workers_count_pick(pool, turn->now_ms);
    return r;
}

/* Whatever the model, without all that is for models: it is a third less. */
static __attribute__((noinline)) int pick_slowly(struct turn *turn, struct keyshm_pick *ret_pick)
{
    return pick_any(turn, 0, false, ret_pick, NULL);
}

static __attribute__((noinline)) int pick_slowly_for(struct turn *turn, struct keyshm_pick *ret_pick)
{
    return pick_any(turn, turn->model, false, ret_pick, NULL);
}

/* Where there are limits: what is asked for, and what is charged. */
struct charging {
    struct budget_request *request;
    struct budget_clock clock;
    struct budget_charges *ret_charges;
};

/* The same of a key whose budgets admit the request. */
ALWAYS_INLINE bool take_charged_head(const struct keyshm_pool *pool, unsigned model, uint32_t slot,
                                     const struct turn_order *order_or_null, struct charging *charging,
                                     const struct others *others, uint64_t now_ms, struct keyshm_pick *ret_pick)
{
    struct budgets budgets;
    budgets_of(pool, model, slot, &budgets);
    if (!budgets_charge(pool, &budgets, charging->request, &charging->clock, charging->ret_charges))
        return false;
    if (take_head(pool, model, slot, order_or_null, &budgets, others, now_ms, ret_pick) == 0)
        return true;
    budgets_give_back(pool, &budgets, charging->ret_charges);
    return false;
}

/* What most picks of a burst are: the next slot of the range has a short key that is available, and nothing is due.
 * False: it is not so; *ret_slot is then the slot whose turn was taken all the same, or READY_NONE. */
ALWAYS_INLINE bool pick_quickly(const struct keyshm_pool *pool, unsigned model, struct turn_order *order_or_null,
                                struct charging *charging_or_null, uint64_t now_ms, struct keyshm_pick *ret_pick,
                                uint32_t *ret_slot)
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
    struct ready_filter filter;
    const struct ready_filter *filter_or_null =
        order_or_null != NULL ? next_turn_filter(pool, order_or_null->in_use, range.round, &filter) : NULL;
    uint32_t slot = turn_find_quickly(pool, model, filter_or_null, now_ms, range.begin, range.end, &others);
    bool is_taken = false;
    if (slot != READY_NONE)
        atomic_store_explicit(at, claim_after(word, slot), memory_order_relaxed);
    else if (order_or_null != NULL && charging_or_null == NULL && range.begin >= range.end)
        slot = next_turn_claim_quickly(pool, model, now_ms, order_or_null, &others);
    if (slot != READY_NONE) {
        is_taken = charging_or_null == NULL
                       ? take_head(pool, model, slot, order_or_null, NULL, &others, now_ms, ret_pick) == 0
                       : take_charged_head(pool, model, slot, order_or_null, charging_or_null, &others, now_ms, ret_pick);
        *ret_slot = slot;
    }
    rotation_end(pool);
    if (is_taken)
        workers_count_pick(pool, now_ms);
    return is_taken;
}

/* Where keys differ in priority or weight, or there are limits, or it was so when this was asked last. `taken` is the slot
 * whose turn was taken already; READY_NONE: none was. */
static int pick_slowly_in_order(const struct keyshm_pool *pool, unsigned model, uint32_t taken, uint64_t now_ms,
                                bool is_burst, const struct turn_order *order, struct budget_request *request,
                                struct keyshm_pick *ret_pick, struct budget_charges *ret_charges)
{
    struct budget_scan scan;
    budget_scan_begin(&scan);
    struct turn turn = {
        .pool = pool,
        .model = model,
        .scan = &scan,
        .now_ms = now_ms,
        .is_burst = is_burst,
        .slot = taken != READY_NONE && order_is_first(pool, order->in_use, taken) ? taken : READY_NONE,
        .is_ordered = true,
        .order = *order,
        .is_limited = order_is_limited(order->in_use),
        .request = *request,
        .clock = budget_coarse_clock(pool, now_ms),
    };
    return pick_any(&turn, model, true, ret_pick, ret_charges);
}

/* Of NULL: all keys are alike, but for their limits. */
ALWAYS_INLINE int pick_charged(const struct keyshm_pool *pool, unsigned model, struct turn_order *order,
                               struct turn_order *order_or_null, struct budget_request *request,
                               struct keyshm_pick *ret_pick, struct budget_charges *ret_charges)
{
    uint32_t taken = READY_NONE;
    uint64_t coarse_ms = clock_coarse_ms();
    bool is_burst = pace_is_burst(pool, coarse_ms);
    uint64_t now_ms = pool_ms_of_coarse(pool, coarse_ms);
    struct charging charging = {
        .request = request, .clock = budget_coarse_clock(pool, now_ms), .ret_charges = ret_charges};
    if (is_burst && pick_quickly(pool, model, order_or_null, &charging, now_ms, ret_pick, &taken))
        return 0;
    return pick_slowly_in_order(pool, model, taken, now_ms, is_burst, order, request, ret_pick, ret_charges);
}

static struct budget_charges *charges_or(struct budget_charges *charges_or_null, struct budget_charges *others)
{
    return charges_or_null != NULL ? charges_or_null : others;
}

/* A pick that is no lease says nothing, and nobody wants to know what it was charged. */
static __attribute__((noinline)) int pick_limited(const struct keyshm_pool *pool, unsigned model,
                                                  struct budget_request *request_or_null, struct keyshm_pick *ret_pick,
                                                  struct budget_charges *ret_charges_or_null)
{
    struct turn_order order = read_order(pool);
    struct budget_request nothing = {.tokens = 0}, *request = request_or_null != NULL ? request_or_null : &nothing;
    struct budget_charges ignored, *ret_charges = charges_or(ret_charges_or_null, &ignored);
    if (order_matters(order.in_use))
        return pick_charged(pool, model, &order, &order, request, ret_pick, ret_charges);
    /* Whatever the model, without all that is for models: it is a fifth less. */
    return model == 0 ? pick_charged(pool, 0, &order, NULL, request, ret_pick, ret_charges)
                      : pick_charged(pool, model, &order, NULL, request, ret_pick, ret_charges);
}

static __attribute__((noinline)) int pick_in_order(const struct keyshm_pool *pool, unsigned model, uint32_t taken,
                                                   struct budget_request *request_or_null, struct keyshm_pick *ret_pick,
                                                   struct budget_charges *ret_charges_or_null)
{
    struct turn_order order = read_order(pool);
    struct budget_request nothing = {.tokens = 0}, *request = request_or_null != NULL ? request_or_null : &nothing;
    struct budget_charges ignored, *ret_charges = charges_or(ret_charges_or_null, &ignored);
    uint64_t coarse_ms = clock_coarse_ms();
    bool is_burst = pace_is_burst(pool, coarse_ms);
    uint64_t now_ms = pool_ms_of_coarse(pool, coarse_ms);
    if (is_burst && taken == READY_NONE && !order_is_limited(order.in_use) &&
        pick_quickly(pool, model, &order, NULL, now_ms, ret_pick, &taken))
        return 0;
    return pick_slowly_in_order(pool, model, taken, now_ms, is_burst, &order, request, ret_pick, ret_charges);
}

ALWAYS_INLINE int pick(const struct keyshm_pool *pool, unsigned model, struct budget_request *request,
                       struct keyshm_pick *ret_pick, struct budget_charges *ret_charges)
{
    uint64_t in_use = order_in_use(pool);
    if (!order_is_plain(in_use))
        return order_is_limited(in_use) ? pick_limited(pool, model, request, ret_pick, ret_charges)
                                        : pick_in_order(pool, model, READY_NONE, request, ret_pick, ret_charges);
    uint64_t coarse_ms = clock_coarse_ms();
    bool is_burst = pace_is_burst(pool, coarse_ms);
    uint64_t now_ms = pool_ms_of_coarse(pool, coarse_ms);
    uint32_t slot = READY_NONE;
    if (is_burst && pick_quickly(pool, model, NULL, NULL, now_ms, ret_pick, &slot))
        return 0;
    struct turn turn = {
        .pool = pool, .model = model, .now_ms = now_ms, .is_burst = is_burst, .is_exact = is_burst, .slot = slot};
    int r = model == 0 ? pick_slowly(&turn, ret_pick) : pick_slowly_for(&turn, ret_pick);
    return r != -ESTALE ? r : pick_in_order(pool, model, turn.slot, request, ret_pick, ret_charges);
}

int pick_by_affinity(const struct keyshm_pool *pool, unsigned model, uint64_t affinity,
                     const struct budget_request *request, struct keyshm_pick *ret_pick,
                     struct budget_charges *ret_charges)
{
    struct budget_scan scan;
    budget_scan_begin(&scan);
    budget_charges_init(ret_charges);
    struct turn turn = {
        .pool = pool,
        .model = model,
        .scan = &scan,
        .is_ordered = true,
        .affinity = affinity,
        .slot = READY_NONE,
        .order = read_order(pool),
        .request = *request,
    };
    uint64_t coarse_ms = clock_coarse_ms();
    turn.is_burst = pace_is_burst(pool, coarse_ms);
    turn.now_ms = pool_ms_of_coarse(pool, coarse_ms);
    turn.clock = budget_coarse_clock(pool, turn.now_ms);
    turn.is_limited = order_is_limited(turn.order.in_use);
    return pick_any(&turn, model, true, ret_pick, ret_charges);
}

int pick_next(const struct keyshm_pool *pool, struct keyshm_pick *ret_pick)
{
    return pick(pool, 0, NULL, ret_pick, NULL);
}

int pick_next_for(const struct keyshm_pool *pool, unsigned model, struct budget_request *request,
                  struct keyshm_pick *ret_pick, struct budget_charges *ret_charges)
{
    budget_charges_init(ret_charges);
    return model == 0 ? pick(pool, 0, request, ret_pick, ret_charges) : pick(pool, model, request, ret_pick, ret_charges);
}
