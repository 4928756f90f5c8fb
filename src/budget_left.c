/* SPDX-License-Identifier: MIT */
#include "budget_left.h"

#include "limit_sets.h"
#include "observed.h"
#include "places.h"
#include "pool_clock.h"

/* How often limits that change while they are looked at are looked at again. */
#define LOOK_TRIES_MAX 100

static const struct units_left no_limit = {.left = -1, .burst = -1};

/* Which limits it has, whatever the model and for the model. */
struct refs {
    uint32_t whole, of_model;
};

static struct refs refs_of(const struct keyshm_pool *pool, unsigned model, uint32_t subject)
{
    return (struct refs){.whole = limits_ref_of_subject(pool, 0, subject),
                         .of_model = model != 0 ? limits_ref_of_subject(pool, model, subject) : LIMITS_NONE};
}

static void keep_less(struct units_left *units, const struct units_left *other)
{
    if (other->burst >= 0 && (units->burst < 0 || other->left < units->left))
        *units = *other;
}

static uint64_t load_observed(const struct keyshm_pool *pool, uint32_t subject, unsigned number)
{
    return atomic_load_explicit(observed_word(pool, subject, (LIMITS_TOKENS_MASK >> number & 1) != 0),
                                memory_order_relaxed);
}

/* Of one rate. What is held is looked at before what is used, since who settles does it the other way round; and the clock
 * last, so that what was charged meanwhile does not count as owed for longer than it is. */
static struct units_left look_at_rate(const struct keyshm_pool *pool, unsigned model, uint32_t subject,
                                      const struct places *places_or_null, const struct layout_limits *limits,
                                      unsigned number)
{
    struct rate rate = limits_rate(limits, number);
    uint64_t held = places_or_null != NULL ? places_held(places_or_null, model, CELL_FREE) : 0;
    /* seq_cst: after them. */
    uint64_t used_ns = atomic_load_explicit(&pool_usage(pool, model, subject)->used_ns[number], memory_order_seq_cst);
    uint64_t now_ns = pool_now_ns(pool);
    uint64_t owed_ns = rate_owed_ns(rate_used_ns(used_ns), now_ns) + rate_cost_ns(rate.cost_ns, held);
    uint64_t left = rate_units(&rate, owed_ns), observed = UINT64_MAX;
    if (model == 0 && (used_ns & RATE_IS_OBSERVED) != 0)
        observed = observed_left_at(load_observed(pool, subject, number), now_ns / RATE_NS_PER_MS);
    return (struct units_left){.left = (int64_t)(left < observed ? left : observed),
                               .burst = (int64_t)rate_units(&rate, 0)};
}

/* Of one budget. */
static void look_at_limits(const struct keyshm_pool *pool, unsigned model, uint32_t subject, const struct places *places,
                           uint32_t ref, struct budget_left *left)
{
    if (ref == LIMITS_NONE)
        return;
    const struct layout_limits *limits = limits_of(pool, ref);
    uint64_t kinds = limits_kinds(limits);
    for (uint64_t more = kinds & LIMITS_RATES_MASK; more != 0; more &= more - 1) {
        unsigned number = (unsigned)__builtin_ctzll(more);
        bool is_held = (limits_held(kinds) >> number & 1) != 0;
        struct units_left units = look_at_rate(pool, model, subject, is_held ? places : NULL, limits, number);
        keep_less((LIMITS_TOKENS_MASK >> number & 1) != 0 ? &left->tokens : &left->requests, &units);
    }
    if (model == 0)
        left->cap = limits_cap(kinds);
}

static void look(const struct keyshm_pool *pool, unsigned model, uint32_t subject, const struct refs *refs,
                 struct budget_left *ret_left)
{
    struct places places = places_of(pool, subject);
    *ret_left = (struct budget_left){.requests = no_limit, .tokens = no_limit, .in_flight = places_count(&places)};
    look_at_limits(pool, 0, subject, &places, refs->whole, ret_left);
    look_at_limits(pool, model, subject, &places, refs->of_model, ret_left);
    ret_left->is_full = ret_left->cap != 0 && !places_have_free(&places, ret_left->cap);
}

void budget_left_of(const struct keyshm_pool *pool, unsigned model, uint32_t subject, struct budget_left *ret_left)
{
    struct refs refs, again = refs_of(pool, model, subject);
    int tries = 0;
    do {
        refs = again;
        look(pool, model, subject, &refs, ret_left);
        /* The limits were read before: who finds the same reference has read all of what it stands for. */
        atomic_thread_fence(memory_order_acquire);
        again = refs_of(pool, model, subject);
    } while ((again.whole != refs.whole || again.of_model != refs.of_model) && ++tries < LOOK_TRIES_MAX);
}

void budget_left_join(struct budget_left *left, const struct budget_left *other)
{
    keep_less(&left->requests, &other->requests);
    keep_less(&left->tokens, &other->tokens);
    left->is_full |= other->is_full;
}

unsigned budget_left_obstacles(const struct budget_left *left)
{
    bool is_used_up = left->requests.left == 0 || left->tokens.left == 0;
    return (is_used_up ? KEYSHM_BY_BUDGET : 0) | (left->is_full ? KEYSHM_BY_CAP : 0);
}
