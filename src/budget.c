/* SPDX-License-Identifier: MIT */
#include "budget.h"

#include "observed.h"
#include "ready_bits.h"
#include "waiters.h"

/* How often a charge is tried while others charge the same budget. */
#define CHARGE_TRIES_MAX 10000

static uint64_t load_used(const _Atomic uint64_t *at)
{
    /* relaxed: the word stands for itself alone. */
    return atomic_load_explicit(at, memory_order_relaxed);
}

static uint64_t later(uint64_t a_ns, uint64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

/* What a request costs of a rate, and what has to be left for it: where it is not known how many tokens it will use, one. */
struct price {
    uint64_t cost_ns, least_ns;
};

static bool is_of_tokens(unsigned number)
{
    return (LIMITS_TOKENS_MASK >> number & 1) != 0;
}

ALWAYS_INLINE struct price price_of(const struct rate *rate, unsigned number, struct budget_request *request)
{
    if (!is_of_tokens(number))
        return (struct price){.cost_ns = rate->cost_ns, .least_ns = rate->cost_ns};
    uint64_t cost_ns = rate_cost_ns(rate->cost_ns, request->tokens);
    return (struct price){.cost_ns = cost_ns, .least_ns = request->tokens != 0 ? cost_ns : rate->cost_ns};
}

/* ---- places ---- */

static uint32_t subject_of_budget(const struct keyshm_pool *pool, const struct budgets *budgets, bool is_group)
{
    return is_group ? pool_group_subject(pool, group_index(budgets->key_group)) : budgets->slot;
}

static bool is_of_group(unsigned i)
{
    return i == BUDGET_OF_GROUP || i == BUDGET_OF_GROUP_FOR_MODEL;
}

/* Of the key, or of its group: does a request need a place there? */
struct need {
    struct places places;
    unsigned cap;
    bool is_needed;
    bool holds; /* tokens, there */
};

static uint64_t kinds_of(const struct keyshm_pool *pool, const struct budgets *budgets, unsigned i)
{
    return budgets->refs[i] != LIMITS_NONE ? limits_kinds(limits_of(pool, budgets->refs[i])) : 0;
}

static unsigned obstacle_of(const struct budget_request *request)
{
    if (request->is_question)
        return BUDGET_HAS_NO_PLACE;
    return !request->is_lease ? BUDGET_NEEDS_LEASE : request->cell == CELL_FREE ? BUDGET_NEEDS_ROW : BUDGET_HAS_NO_PLACE;
}

static bool has_room_for(const struct keyshm_pool *pool, const struct need *need, struct budget_request *request)
{
    if (request->is_question)
        return places_have_free(&need->places, need->cap);
    if (request->is_lease && request->cell == CELL_FREE)
        request->cell = places_new_cell(pool);
    return request->cell != CELL_FREE && places_have_room(&need->places, need->cap);
}

/* Where there is no cap, and no place is free, the tokens are charged at the pick: never a hidden cap. */
ALWAYS_INLINE void find_need(const struct keyshm_pool *pool, const struct budgets *budgets, bool is_group,
                             struct budget_request *request, struct need *ret_need, unsigned *obstacles)
{
    unsigned whole = is_group ? BUDGET_OF_GROUP : BUDGET_OF_KEY;
    uint64_t kinds = kinds_of(pool, budgets, whole), of_model = kinds_of(pool, budgets, whole + 1);
    bool would_hold = request->is_lease && request->tokens != 0 && (limits_held(kinds) | limits_held(of_model)) != 0;
    ret_need->cap = limits_cap(kinds);
    ret_need->is_needed = ret_need->holds = false;
    if (ret_need->cap == 0 && !would_hold)
        return;
    ret_need->places = places_of(pool, subject_of_budget(pool, budgets, is_group));
    bool has_room = has_room_for(pool, ret_need, request);
    if (ret_need->cap != 0 && !has_room)
        *obstacles |= obstacle_of(request);
    ret_need->is_needed = ret_need->cap != 0 || has_room;
    ret_need->holds = would_hold && has_room;
}

/* Both. */
struct needs {
    struct need of_key, of_group;
};

static void find_needs(const struct keyshm_pool *pool, const struct budgets *budgets, struct budget_request *request,
                       struct needs *ret_needs, unsigned *obstacles)
{
    find_need(pool, budgets, false, request, &ret_needs->of_key, obstacles);
    ret_needs->of_group.is_needed = ret_needs->of_group.holds = false;
    if (budgets->key_group != GROUP_NONE)
        find_need(pool, budgets, true, request, &ret_needs->of_group, obstacles);
}

/* ---- looking ---- */

/* What others hold of a rate. */
static uint64_t held_ns(const struct keyshm_pool *pool, const struct budgets *budgets, unsigned i,
                        const struct rate *rate, uint64_t own_cell)
{
    struct places places = places_of(pool, subject_of_budget(pool, budgets, is_of_group(i)));
    unsigned model = i == BUDGET_OF_KEY || i == BUDGET_OF_GROUP ? 0 : budgets->model;
    return rate_cost_ns(rate->cost_ns, places_held(&places, model, own_cell));
}

/* A look at a budget. */
struct look {
    uint64_t at_ns; /* when it admits the request */
    bool
        is_close; /* that depends on the exact time; also when an empty bucket, which is filled from the latest time, would
                           lose up to a tick of its burst */
    unsigned obstacles;
};

/* The places are wanted before it is said that what is held in them is in the way. */
static uint64_t admits_at_ns(const struct keyshm_pool *pool, const struct budgets *budgets, unsigned i,
                             const struct budget_request *request, const struct rate *rate, uint64_t used_ns,
                             uint64_t least_ns, const struct rate_time *now, unsigned *obstacles)
{
    uint64_t at_ns = rate_admits_at_ns(rate, used_ns, held_ns(pool, budgets, i, rate, CELL_FREE), least_ns, now);
    if (at_ns <= now->early_ns)
        return at_ns;
    struct places places = places_of(pool, subject_of_budget(pool, budgets, is_of_group(i)));
    *obstacles |= BUDGET_HAS_NO_PLACE;
    if (request->is_question)
        return at_ns;
    places_want(&places);
    return rate_admits_at_ns(rate, used_ns, held_ns(pool, budgets, i, rate, CELL_FREE), least_ns, now);
}

/* What its provider has said is left, of requests or of tokens. */
static void plan_observed(const struct keyshm_pool *pool, const struct budgets *budgets, unsigned i, bool is_of_tokens,
                          const struct budget_request *request, const struct rate_time *now,
                          struct budget_charges *charges, struct look *look)
{
    uint64_t units = is_of_tokens ? request->tokens : 1, now_ms = now->early_ns / RATE_NS_PER_MS;
    struct budget_observed *charge = &charges->observed[charges->observed_count];
    charge->at = observed_word(pool, subject_of_budget(pool, budgets, is_of_group(i)), is_of_tokens);
    charge->before = load_used(charge->at);
    charge->after = observed_charged(charge->before, units, now_ms);
    charges->observed_count += charge->after != charge->before;
    look->at_ns = later(look->at_ns, observed_admits_at_ms(charge->before, units, now_ms) * RATE_NS_PER_MS);
}

/* Add what one budget is to be charged. */
static void plan_budget(const struct keyshm_pool *pool, const struct budgets *budgets, unsigned i, bool holds,
                        struct budget_request *request, const struct rate_time *now, struct budget_charges *charges,
                        struct look *look)
{
    const struct layout_limits *limits = limits_of(pool, budgets->refs[i]);
    struct layout_usage *usage = budget_usage(pool, budgets, i);
    uint64_t kinds = limits_kinds(limits);
    bool is_observed[] = {false, false}; /* of requests, of tokens */
    for (uint64_t left = kinds & LIMITS_RATES_MASK; left != 0; left &= left - 1) {
        unsigned number = (unsigned)__builtin_ctzll(left);
        bool is_held = (limits_held(kinds) >> number & 1) != 0;
        struct rate rate = limits_rate(limits, number);
        struct price price = price_of(&rate, number, request);
        struct budget_charge *charge = &charges->of[charges->count++];
        charge->used_at = &usage->used_ns[number];
        charge->used_ns = load_used(charge->used_at);
        charge->cost_ns = is_held && holds ? 0 : price.cost_ns;
        uint64_t used_ns = rate_used_ns(charge->used_ns);
        charge->charged_ns = rate_with_used(charge->used_ns, rate_charged(used_ns, charge->cost_ns, now));
        look->is_close |= used_ns < now->late_ns;
        uint64_t at_ns =
            is_held ? admits_at_ns(pool, budgets, i, request, &rate, used_ns, price.least_ns, now, &look->obstacles)
                    : rate_admits_at_ns(&rate, used_ns, 0, price.least_ns, now);
        look->at_ns = later(look->at_ns, at_ns);
        is_observed[is_of_tokens(number)] |= (charge->used_ns & RATE_IS_OBSERVED) != 0;
    }
    for (int of_tokens = 0; of_tokens < 2; of_tokens++)
        if (is_observed[of_tokens] && (i == BUDGET_OF_KEY || i == BUDGET_OF_GROUP))
            plan_observed(pool, budgets, i, of_tokens != 0, request, now, charges, look);
}

/* Of all budgets. */
static void plan(const struct keyshm_pool *pool, const struct budgets *budgets, const struct needs *needs,
                 struct budget_request *request, const struct budget_clock *clock, struct budget_charges *ret_charges,
                 struct look *ret_look)
{
    *ret_look = (struct look){.at_ns = 0};
    ret_charges->charged_ns = clock->time.early_ns;
    ret_charges->count = ret_charges->observed_count = 0;
    for (unsigned i = 0; i < budgets_end(budgets); i++)
        if (budgets->refs[i] != LIMITS_NONE)
            plan_budget(pool, budgets, i, (is_of_group(i) ? &needs->of_group : &needs->of_key)->holds, request,
                        &clock->time, ret_charges, ret_look);
    ret_look->is_close |= ret_look->at_ns > clock->time.early_ns;
}

/* When they admit it. */
static uint64_t plan_exactly(const struct keyshm_pool *pool, const struct budgets *budgets, const struct needs *needs,
                             struct budget_request *request, struct budget_clock *clock,
                             struct budget_charges *ret_charges)
{
    struct look look;
    plan(pool, budgets, needs, request, clock, ret_charges, &look);
    if (look.is_close && !clock->is_exact) {
        *clock = budget_exact_clock(pool);
        plan(pool, budgets, needs, request, clock, ret_charges, &look);
    }
    if (look.at_ns > clock->time.early_ns)
        ret_charges->obstacles |= look.obstacles;
    return look.at_ns;
}

/* The needs are looked at first: they are not in force while something else is in the way. */
static uint64_t look_at_all(const struct keyshm_pool *pool, const struct budgets *budgets, struct budget_request *request,
                            struct budget_clock *clock, struct needs *ret_needs, struct budget_charges *ret_charges)
{
    ret_charges->obstacles = 0;
    find_needs(pool, budgets, request, ret_needs, &ret_charges->obstacles);
    unsigned obstacles = ret_charges->obstacles;
    uint64_t at_ns = plan_exactly(pool, budgets, ret_needs, request, clock, ret_charges);
    return obstacles == 0 ? at_ns : RATE_NEVER_NS;
}

/* What it holds, and what others hold, fits: looked at after it was noted, so of two that come at once one sees the other. What
 * is held is looked at before what was used, since who settles does it the other way round: what is no longer seen held is
 * seen used. */
ALWAYS_INLINE bool holds_fit(const struct keyshm_pool *pool, const struct budgets *budgets, unsigned i, uint64_t kinds,
                             struct budget_request *request, uint64_t own_cell, const struct budget_clock *clock)
{
    const struct layout_limits *limits = limits_of(pool, budgets->refs[i]);
    struct places places = places_of(pool, subject_of_budget(pool, budgets, is_of_group(i)));
    unsigned model = i == BUDGET_OF_KEY || i == BUDGET_OF_GROUP ? 0 : budgets->model;
    bool fits = true;
    for (uint64_t left = limits_held(kinds); left != 0; left &= left - 1) {
        unsigned number = (unsigned)__builtin_ctzll(left);
        struct rate rate = limits_rate(limits, number);
        struct price price = price_of(&rate, number, request);
        uint64_t others_ns = rate_cost_ns(rate.cost_ns, places_held(&places, model, own_cell));
        /* seq_cst: after them. */
        uint64_t used_ns = atomic_load_explicit(&budget_usage(pool, budgets, i)->used_ns[number], memory_order_seq_cst);
        fits &= rate_admits(&rate, rate_used_ns(used_ns), others_ns, price.least_ns, &clock->time);
    }
    return fits;
}

/* A provider was heard about one of the rates that are held, so that observed.h may have more to say. */
ALWAYS_INLINE bool is_observed(const struct layout_usage *usage, uint64_t held)
{
    uint64_t words = 0;
    for (; held != 0; held &= held - 1)
        words |= load_used(&usage->used_ns[__builtin_ctzll(held)]);
    return (words & RATE_IS_OBSERVED) != 0;
}

/* Is there a place, and does what it is to hold there fit? False: not, or that has to be looked at in another way. */
static bool admits_in_place(const struct keyshm_pool *pool, const struct budgets *budgets, unsigned i, uint64_t kinds,
                            struct budget_request *request, const struct budget_clock *clock)
{
    uint64_t held = limits_held(kinds);
    if (!request->is_lease || request->is_question || (i != BUDGET_OF_KEY && i != BUDGET_OF_GROUP) ||
        (held != 0 && request->tokens == 0))
        return false;
    if (request->cell == CELL_FREE)
        request->cell = places_new_cell(pool);
    struct places places = places_of(pool, subject_of_budget(pool, budgets, is_of_group(i)));
    return request->cell != CELL_FREE && !is_observed(budget_usage(pool, budgets, i), held) &&
           places_have_free(&places, limits_cap(kinds)) && holds_fit(pool, budgets, i, kinds, request, CELL_FREE, clock);
}

/* The usual: where there is no cap and nothing is held, or there is room, a look at each rate says when it admits the request.
 * False: it is not so. */
ALWAYS_INLINE bool look_quickly(const struct keyshm_pool *pool, const struct budgets *budgets,
                                struct budget_request *request, const struct budget_clock *clock, uint64_t *ret_at_ns)
{
    *ret_at_ns = 0;
    for (unsigned i = 0; i < budgets_end(budgets); i++) {
        if (budgets->refs[i] == LIMITS_NONE)
            continue;
        const struct layout_limits *limits = limits_of(pool, budgets->refs[i]);
        const struct layout_usage *usage = budget_usage(pool, budgets, i);
        uint64_t kinds = limits_kinds(limits), held = limits_held(kinds);
        if ((limits_cap(kinds) != 0 || held != 0) && !admits_in_place(pool, budgets, i, kinds, request, clock))
            return false;
        for (uint64_t left = kinds & LIMITS_RATES_MASK & ~held; left != 0; left &= left - 1) {
            unsigned number = (unsigned)__builtin_ctzll(left);
            struct rate rate = limits_rate(limits, number);
            uint64_t least_ns = price_of(&rate, number, request).least_ns, used_ns = load_used(&usage->used_ns[number]);
            if ((used_ns & RATE_IS_OBSERVED) != 0)
                return false;
            *ret_at_ns = later(*ret_at_ns, rate_admits_at_ns(&rate, used_ns, 0, least_ns, &clock->time));
        }
    }
    return true;
}

static __attribute__((noinline)) bool look_slowly(const struct keyshm_pool *pool, const struct budgets *budgets,
                                                  struct budget_request *request, struct budget_clock *clock,
                                                  uint64_t *ret_at_ns, unsigned *ret_obstacles)
{
    struct budget_charges charges;
    struct needs needs;
    *ret_at_ns = look_at_all(pool, budgets, request, clock, &needs, &charges);
    *ret_obstacles = charges.obstacles;
    return *ret_at_ns <= clock->time.early_ns;
}

/* What is admitted by the coarse clock is so by the exact one; what is refused may not be. */
bool budgets_admit(const struct keyshm_pool *pool, const struct budgets *budgets, struct budget_request *request,
                   struct budget_clock *clock, uint64_t *ret_at_ns, unsigned *ret_obstacles)
{
    bool is_usual = look_quickly(pool, budgets, request, clock, ret_at_ns);
    if (!is_usual || (*ret_at_ns > clock->time.early_ns && !clock->is_exact))
        return look_slowly(pool, budgets, request, clock, ret_at_ns, ret_obstacles);
    *ret_obstacles = 0;
    return *ret_at_ns <= clock->time.early_ns;
}

void budget_scan_read(const struct keyshm_pool *pool, uint32_t ref, struct budget_request *request,
                      struct budget_scan *ret_scan)
{
    const struct layout_limits *limits = ref != LIMITS_NONE ? limits_of(pool, ref) : NULL;
    uint64_t kinds = limits != NULL ? limits_kinds(limits) : 0;
    ret_scan->ref = ref;
    ret_scan->is_usual = limits_cap(kinds) == 0 && limits_held(kinds) == 0;
    ret_scan->count = 0;
    for (uint64_t left = ret_scan->is_usual ? kinds & LIMITS_RATES_MASK : 0; left != 0; left &= left - 1) {
        struct budget_scan_rate *rate = &ret_scan->rates[ret_scan->count++];
        rate->number = (unsigned)__builtin_ctzll(left);
        rate->rate = limits_rate(limits, rate->number);
        rate->least_ns = price_of(&rate->rate, rate->number, request).least_ns;
    }
}

/* ---- charging ---- */

/* The key and the group that were charged, or the last in their place: what was charged is forgotten when another comes there. */
static bool are_last(const struct keyshm_pool *pool, const struct budgets *budgets)
{
    return atomic_load_explicit(&pool_slot(pool, budgets->slot)->id, memory_order_acquire) == budgets->id &&
           (budgets->key_group == GROUP_NONE || key_group_is_last(pool, budgets->key_group));
}

void budget_give_back(const struct keyshm_pool *pool, const struct budgets *budgets, _Atomic uint64_t *used_at,
                      uint64_t cost_ns, uint64_t charged_ns)
{
    uint64_t now_ns = pool_now_ns(pool);
    /* acquire, twice: pairs with the release in commit(). Whose charge is in the word, of that the id is read then. */
    uint64_t used_ns = atomic_load_explicit(used_at, memory_order_acquire);
    for (int tries = 0; tries < CHARGE_TRIES_MAX && are_last(pool, budgets); tries++) {
        uint64_t after_ns = rate_with_used(used_ns, rate_given_back(rate_used_ns(used_ns), cost_ns, charged_ns, now_ns));
        if (after_ns == used_ns || atomic_compare_exchange_weak_explicit(used_at, &used_ns, after_ns,
                                                                         memory_order_acquire, memory_order_acquire))
            return;
    }
}

static void give_back_charges(const struct keyshm_pool *pool, const struct budgets *budgets,
                              const struct budget_charges *charges)
{
    for (unsigned i = charges->count; i > 0; i--)
        budget_give_back(pool, budgets, charges->of[i - 1].used_at, charges->of[i - 1].cost_ns, charges->charged_ns);
}

/* Last, as it is not given back: when one of them has changed, what the others lose is found again in the next window. */
static __attribute__((noinline)) bool commit_observed(const struct budget_charges *charges)
{
    for (unsigned i = 0; i < charges->observed_count; i++) {
        const struct budget_observed *charge = &charges->observed[i];
        uint64_t before = charge->before;
        /* relaxed: the word stands for itself alone. */
        if (!atomic_compare_exchange_strong_explicit(charge->at, &before, charge->after, memory_order_relaxed,
                                                     memory_order_relaxed))
            return false;
    }
    return true;
}

/* False: others have charged one of the budgets meanwhile, and nothing was charged. */
ALWAYS_INLINE bool commit(const struct keyshm_pool *pool, const struct budgets *budgets, struct budget_charges *charges)
{
    for (unsigned i = 0; i < charges->count; i++) {
        const struct budget_charge *charge = &charges->of[i];
        uint64_t used_ns = charge->used_ns;
        /* release: pairs with the acquire in budget_give_back(). */
        if (charge->cost_ns == 0 || atomic_compare_exchange_strong_explicit(charge->used_at, &used_ns, charge->charged_ns,
                                                                            memory_order_release, memory_order_relaxed))
            continue;
        charges->count = i;
        give_back_charges(pool, budgets, charges);
        return false;
    }
    if (charges->observed_count == 0 || commit_observed(charges))
        return true;
    give_back_charges(pool, budgets, charges);
    return false;
}

void budget_charge_used(const struct keyshm_pool *pool, _Atomic uint64_t *used_at, uint64_t cost_ns)
{
    if (cost_ns == 0)
        return;
    uint64_t used_ns = load_used(used_at);
    /* The exact clock: the coarse one may be behind by more than a tick after the machine has slept, until a pick looks (pace.h). */
    const struct rate_time now = budget_exact_clock(pool).time;
    /* release: who finds the tokens no longer held (places_settle()) finds them here. */
    for (int tries = 0; tries < CHARGE_TRIES_MAX; tries++)
        if (atomic_compare_exchange_weak_explicit(
                used_at, &used_ns, rate_with_used(used_ns, rate_charged(rate_used_ns(used_ns), cost_ns, &now)),
                memory_order_seq_cst, memory_order_relaxed))
            return;
}

void budget_announce(const struct keyshm_pool *pool)
{
    ready_count_announcement(pool);
}

void budget_announce_to(const struct keyshm_pool *pool, bool is_wanted)
{
    if (is_wanted || waiters_are_expected(pool))
        budget_announce(pool);
}

/* ---- with places ---- */

static void leave(const struct keyshm_pool *pool, const struct places *places, uint32_t place, uint64_t cell)
{
    bool is_wanted;
    if (places_give_back(places, place, cell, &is_wanted))
        budget_announce_to(pool, is_wanted);
}

static void leave_places(const struct keyshm_pool *pool, const struct budgets *budgets,
                         const struct budget_charges *charges)
{
    if (charges->group_place != PLACE_NONE) {
        struct places places = places_of(pool, subject_of_budget(pool, budgets, true));
        leave(pool, &places, charges->group_place, charges->cell);
    }
    if (charges->key_place != PLACE_NONE) {
        struct places places = places_of(pool, budgets->slot);
        leave(pool, &places, charges->key_place, charges->cell);
    }
}

static int take_place(const struct need *need, uint64_t cell, const struct place_note *note, uint32_t *ret_place)
{
    return need->is_needed ? places_take(&need->places, need->cap, cell, note, ret_place) : 0;
}

/* -EAGAIN: another was faster, and none was taken. */
static int take_places(const struct keyshm_pool *pool, const struct budgets *budgets, const struct needs *needs,
                       struct budget_request *request, struct budget_charges *charges)
{
    struct place_note note = {
        .model = budgets->model,
        .slot = budgets->slot,
        .now_ms = charges->charged_ns / RATE_NS_PER_MS,
        .tokens = needs->of_key.holds ? request->tokens : 0,
    };
    charges->cell = request->cell;
    int r = take_place(&needs->of_key, request->cell, &note, &charges->key_place);
    if (r < 0)
        return r;
    note.tokens = needs->of_group.holds ? request->tokens : 0;
    note.has_key_cell = charges->key_place != PLACE_NONE;
    r = take_place(&needs->of_group, request->cell, &note, &charges->group_place);
    if (r < 0)
        leave_places(pool, budgets, charges);
    return r;
}

static bool all_holds_fit(const struct keyshm_pool *pool, const struct budgets *budgets, const struct needs *needs,
                          struct budget_request *request, const struct budget_clock *clock)
{
    bool fits = true;
    for (unsigned i = 0; i < budgets_end(budgets); i++)
        if ((is_of_group(i) ? &needs->of_group : &needs->of_key)->holds && budgets->refs[i] != LIMITS_NONE)
            fits &= holds_fit(pool, budgets, i, kinds_of(pool, budgets, i), request, request->cell, clock);
    return fits;
}

static __attribute__((noinline)) bool charge_slowly(const struct keyshm_pool *pool, const struct budgets *budgets,
                                                    struct budget_request *request, struct budget_clock *clock,
                                                    struct budget_charges *ret_charges)
{
    for (int tries = 0; tries < CHARGE_TRIES_MAX; tries++) {
        struct needs needs;
        ret_charges->key_place = ret_charges->group_place = PLACE_NONE;
        if (look_at_all(pool, budgets, request, clock, &needs, ret_charges) > clock->time.early_ns)
            break;
        if (take_places(pool, budgets, &needs, request, ret_charges) < 0)
            continue;
        if (commit(pool, budgets, ret_charges)) {
            if (all_holds_fit(pool, budgets, &needs, request, clock))
                return true;
            give_back_charges(pool, budgets, ret_charges);
        }
        leave_places(pool, budgets, ret_charges);
    }
    ret_charges->key_place = ret_charges->group_place = PLACE_NONE;
    ret_charges->count = 0;
    return false;
}

/* ---- the usual ---- */

enum plan_outcome {
    PLAN_FITS,
    PLAN_FITS_IN_PLACE, /* as far as the rates tell; and there is a cap, or tokens are to be held */
    PLAN_FITS_IF_EXACT, /* a bucket is empty: by the coarse clock it would lose up to a tick of its burst */
    PLAN_IS_NOT_USUAL,
};

/* The usual: each rate admits the request. */
ALWAYS_INLINE enum plan_outcome plan_quickly(const struct layout_limits *limits, struct layout_usage *usage,
                                             struct budget_request *request, const struct budget_clock *clock,
                                             struct budget_charges *charges)
{
    uint64_t kinds = limits_kinds(limits), held = limits_held(kinds);
    if (held != 0 && (!request->is_lease || request->tokens == 0))
        return PLAN_IS_NOT_USUAL;
    for (uint64_t left = kinds & LIMITS_RATES_MASK & ~held; left != 0; left &= left - 1) {
        unsigned number = (unsigned)__builtin_ctzll(left);
        struct rate rate = limits_rate(limits, number);
        struct price price = price_of(&rate, number, request);
        struct budget_charge *charge = &charges->of[charges->count++];
        charge->used_at = &usage->used_ns[number];
        charge->used_ns = load_used(charge->used_at);
        charge->cost_ns = price.cost_ns;
        uint64_t from_ns = charge->used_ns; /* one that is observed is too late, and goes the slow way */
        if (from_ns < clock->time.late_ns) {
            if (!clock->is_exact)
                return PLAN_FITS_IF_EXACT;
            from_ns = clock->time.late_ns;
        }
        charge->charged_ns = from_ns + price.cost_ns;
        if (from_ns + price.least_ns > clock->time.early_ns + rate.burst_ns)
            return PLAN_IS_NOT_USUAL;
    }
    return limits_cap(kinds) == 0 && held == 0 ? PLAN_FITS : PLAN_FITS_IN_PLACE;
}

ALWAYS_INLINE enum plan_outcome plan_all_quickly(const struct keyshm_pool *pool, const struct budgets *budgets,
                                                 struct budget_request *request, const struct budget_clock *clock,
                                                 struct budget_charges *ret_charges)
{
    enum plan_outcome outcome = PLAN_FITS;
    ret_charges->charged_ns = clock->time.early_ns;
    ret_charges->count = 0;
    if (budgets->refs[BUDGET_OF_KEY] != LIMITS_NONE)
        outcome = plan_quickly(limits_of(pool, budgets->refs[BUDGET_OF_KEY]), pool_usage(pool, 0, budgets->slot), request,
                               clock, ret_charges);
    for (unsigned i = 1; budgets->has_others && i < BUDGETS && outcome == PLAN_FITS; i++)
        if (budgets->refs[i] != LIMITS_NONE)
            outcome = plan_quickly(limits_of(pool, budgets->refs[i]), budget_usage(pool, budgets, i), request, clock,
                                   ret_charges);
    return outcome;
}

static __attribute__((noinline)) enum plan_outcome
plan_all_exactly(const struct keyshm_pool *pool, const struct budgets *budgets, struct budget_request *request,
                 struct budget_clock *clock, struct budget_charges *ret_charges)
{
    *clock = budget_exact_clock(pool);
    return plan_all_quickly(pool, budgets, request, clock, ret_charges);
}

/* What was planned, in a place of its budget. */
ALWAYS_INLINE bool charge_in(const struct keyshm_pool *pool, const struct budgets *budgets, unsigned i,
                             struct budget_request *request, const struct budget_clock *clock,
                             struct budget_charges *charges)
{
    struct places places = places_of(pool, subject_of_budget(pool, budgets, is_of_group(i)));
    uint64_t kinds = limits_kinds(limits_of(pool, budgets->refs[i])), held = limits_held(kinds);
    struct place_note note = {
        .model = budgets->model,
        .slot = budgets->slot,
        .now_ms = charges->charged_ns / RATE_NS_PER_MS,
        .tokens = held != 0 ? request->tokens : 0,
    };
    /* What is held is looked at before anything is written, too: a request that does not fit is in nobody's way. */
    if ((limits_cap(kinds) == 0 && held == 0) || is_observed(budget_usage(pool, budgets, i), held) ||
        !holds_fit(pool, budgets, i, kinds, request, CELL_FREE, clock) ||
        places_take(&places, limits_cap(kinds), request->cell, &note,
                    is_of_group(i) ? &charges->group_place : &charges->key_place) < 0)
        return false;
    charges->cell = request->cell;
    if (commit(pool, budgets, charges)) {
        if (holds_fit(pool, budgets, i, kinds, request, request->cell, clock))
            return true;
        give_back_charges(pool, budgets, charges);
    }
    leave_places(pool, budgets, charges);
    return false;
}

/* The same, where that of the key, or of its group, is the only one. False: it is not so, or it does not fit after all. */
static __attribute__((noinline)) bool charge_in_place(const struct keyshm_pool *pool, const struct budgets *budgets,
                                                      struct budget_request *request, const struct budget_clock *clock,
                                                      struct budget_charges *charges)
{
    if (request->is_lease && request->cell == CELL_FREE)
        request->cell = places_new_cell(pool);
    if (!request->is_lease || request->cell == CELL_FREE)
        return false;
    if (!budgets->has_others)
        return charge_in(pool, budgets, BUDGET_OF_KEY, request, clock, charges);
    bool is_groups = budgets->model == 0 && budgets->refs[BUDGET_OF_KEY] == LIMITS_NONE;
    return is_groups && charge_in(pool, budgets, BUDGET_OF_GROUP, request, clock, charges);
}

bool budgets_charge(const struct keyshm_pool *pool, const struct budgets *budgets, struct budget_request *request,
                    struct budget_clock *clock, struct budget_charges *ret_charges)
{
    budget_charges_init(ret_charges);
    ret_charges->key_group = budgets->key_group;
    enum plan_outcome outcome = plan_all_quickly(pool, budgets, request, clock, ret_charges);
    if (outcome == PLAN_FITS_IF_EXACT)
        outcome = plan_all_exactly(pool, budgets, request, clock, ret_charges);
    return (outcome == PLAN_FITS && commit(pool, budgets, ret_charges)) ||
           (outcome == PLAN_FITS_IN_PLACE && charge_in_place(pool, budgets, request, clock, ret_charges)) ||
           charge_slowly(pool, budgets, request, clock, ret_charges);
}

void budgets_give_back(const struct keyshm_pool *pool, const struct budgets *budgets,
                       const struct budget_charges *charges)
{
    leave_places(pool, budgets, charges);
    give_back_charges(pool, budgets, charges);
    budget_announce(pool);
}
