/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_BUDGET_H
#define KEYSHM_BUDGET_H

/*
 * What a request is charged to: up to four budgets, those of the key and of its group, each whatever the model and for the
 * model. A budget is a word for each rate (rate.h), and a charge one compare-and-swap of it.
 *
 * First all are looked at, then all are charged, and if one refuses after all, what was charged is given back. A process
 * that is killed in between has charged too much, which drains: more than is allowed is never admitted.
 */

#include "key_group.h"
#include "limit_sets.h"
#include "places.h"
#include "pool_clock.h"

/* What a request asks for. */
struct budget_request {
    uint64_t tokens;  /* as far as is known; at least one has to be left, or nothing to be owed */
    bool is_question; /* it is not made: nothing changes for it, and it can be asked on every attachment */
    bool is_lease;    /* it can take places: */
    uint64_t cell;    /* places.h; CELL_FREE: it has none yet, or this process has no row */
};

/* Why a budget does not admit it, where time alone does not help. */
enum {
    BUDGET_HAS_NO_PLACE = 1, /* all are taken, or others hold what it needs */
    BUDGET_NEEDS_LEASE = 2,  /* there is a cap, and the request is no lease */
    BUDGET_NEEDS_ROW = 4,
};

/* When that is, as far as the coarse clock tells, or exactly. */
struct budget_clock {
    struct rate_time time;
    bool is_exact;
};

#define PLACE_NONE UINT32_MAX

enum { BUDGET_OF_KEY, BUDGET_OF_KEY_FOR_MODEL, BUDGET_OF_GROUP, BUDGET_OF_GROUP_FOR_MODEL, BUDGETS };

/* Those of a key, for a request. */
struct budgets {
    keyshm_id id; /* of the key in the slot */
    uint32_t slot, key_group;
    unsigned model;
    bool has_others;        /* than that of the key, whatever the model */
    uint32_t refs[BUDGETS]; /* limit_sets.h */
};

/* What is charged, or was. */
struct budget_charges {
    uint64_t charged_ns; /* not later than that was */
    uint64_t cell;
    uint32_t key_place, group_place; /* where it is; PLACE_NONE: nowhere */
    uint32_t key_group;              /* in which the key was */
    unsigned obstacles;              /* of what was refused */
    unsigned count;
    struct budget_charge {
        _Atomic uint64_t *used_at;
        uint64_t used_ns, cost_ns, charged_ns; /* before, and after */
    } of[BUDGETS * LAYOUT_RATES];
    /* Of what providers have said is left: it is charged last, and not given back. */
    unsigned observed_count;
    struct budget_observed {
        _Atomic uint64_t *at;
        uint64_t before, after;
    } observed[2 * LAYOUT_OBSERVED]; /* of the key and its group */
};

/* Nothing is charged. */
ALWAYS_INLINE void budget_charges_init(struct budget_charges *charges)
{
    charges->charged_ns = charges->cell = 0;
    charges->key_place = charges->group_place = PLACE_NONE;
    charges->key_group = GROUP_NONE;
    charges->count = charges->observed_count = 0;
}

ALWAYS_INLINE struct budget_clock budget_coarse_clock(const struct keyshm_pool *pool, uint64_t coarse_now_ms)
{
    /* The coarse time is rounded down. */
    return (struct budget_clock){.time = {.early_ns = coarse_now_ms * RATE_NS_PER_MS,
                                          .late_ns = (coarse_now_ms + pool_coarse_lag_ms(pool) + 1) * RATE_NS_PER_MS}};
}

static inline struct budget_clock budget_exact_clock(const struct keyshm_pool *pool)
{
    uint64_t now_ns = pool_now_ns(pool);
    return (struct budget_clock){.time = {.early_ns = now_ns, .late_ns = now_ns}, .is_exact = true};
}

/* Those that are not the key's, whatever the model. */
ALWAYS_INLINE uint32_t budgets_load_ref(const struct keyshm_pool *pool, const struct budgets *budgets, unsigned i)
{
    unsigned model = i == BUDGET_OF_KEY_FOR_MODEL || i == BUDGET_OF_GROUP_FOR_MODEL ? budgets->model : 0;
    if (i == BUDGET_OF_KEY_FOR_MODEL)
        return model != 0 ? limits_ref_of_key(pool, model, budgets->slot) : LIMITS_NONE;
    if (budgets->key_group == GROUP_NONE || (i == BUDGET_OF_GROUP_FOR_MODEL && model == 0))
        return LIMITS_NONE;
    return limits_ref_of_group(pool, model, group_index(budgets->key_group));
}

/* Written in place, here and below: a copy would read in one piece what was just written in several, and wait for it. */
ALWAYS_INLINE void budgets_in_group(const struct keyshm_pool *pool, unsigned model, uint32_t slot, uint32_t key_group,
                                    struct budgets *ret_budgets)
{
    ret_budgets->slot = slot;
    ret_budgets->key_group = key_group;
    ret_budgets->model = model;
    /* acquire: a later key in the slot has forgotten what was used before its id is read. */
    ret_budgets->id = atomic_load_explicit(&pool_slot(pool, slot)->id, memory_order_acquire);
    ret_budgets->refs[BUDGET_OF_KEY] = limits_ref_of_key(pool, 0, slot);
    ret_budgets->has_others = model != 0 || key_group != GROUP_NONE;
    ret_budgets->refs[BUDGET_OF_KEY_FOR_MODEL] = ret_budgets->refs[BUDGET_OF_GROUP] =
        ret_budgets->refs[BUDGET_OF_GROUP_FOR_MODEL] = LIMITS_NONE;
    for (unsigned i = 1; ret_budgets->has_others && i < BUDGETS; i++)
        ret_budgets->refs[i] = budgets_load_ref(pool, ret_budgets, i);
}

ALWAYS_INLINE void budgets_of(const struct keyshm_pool *pool, unsigned model, uint32_t slot, struct budgets *ret_budgets)
{
    budgets_in_group(pool, model, slot, key_group_of_slot(pool, slot), ret_budgets);
}

/* Is the key with this id, which is in the slot, still in this group, and are these limits still in force? Then what was read
 * of them since was all of one, and what was charged is this key's. */
ALWAYS_INLINE bool budgets_are_same(const struct keyshm_pool *pool, const struct budgets *budgets, keyshm_id id)
{
    if (id != budgets->id || key_group_of_slot(pool, budgets->slot) != budgets->key_group ||
        limits_ref_of_key(pool, 0, budgets->slot) != budgets->refs[BUDGET_OF_KEY])
        return false;
    bool is_same = true;
    for (unsigned i = 1; budgets->has_others && i < BUDGETS; i++)
        is_same &= budgets_load_ref(pool, budgets, i) == budgets->refs[i];
    return is_same;
}

/* The number behind the last that there is. */
static inline unsigned budgets_end(const struct budgets *budgets)
{
    return budgets->has_others ? BUDGETS : BUDGET_OF_KEY + 1;
}

ALWAYS_INLINE struct layout_usage *budget_usage(const struct keyshm_pool *pool, const struct budgets *budgets, unsigned i)
{
    unsigned model = i == BUDGET_OF_KEY || i == BUDGET_OF_GROUP ? 0 : budgets->model;
    bool is_group = i == BUDGET_OF_GROUP || i == BUDGET_OF_GROUP_FOR_MODEL;
    return pool_usage(pool, model, is_group ? pool_group_subject(pool, group_index(budgets->key_group)) : budgets->slot);
}

/* When that is in milliseconds; WORD_FOREVER: that is not known. */
static inline uint64_t budget_ms_of_ns(uint64_t at_ns)
{
    return rate_ms_of_ns(at_ns) < WORD_FOREVER ? rate_ms_of_ns(at_ns) : WORD_FOREVER;
}

/* Do they admit it now? Makes the clock exact if that depends on it. Otherwise *ret_at_ns is when they will, if nothing changes
 * but the time; RATE_NEVER_NS: that is not known. */
bool budgets_admit(const struct keyshm_pool *pool, const struct budgets *budgets, struct budget_request *request,
                   struct budget_clock *clock, uint64_t *ret_at_ns, unsigned *ret_obstacles);

/*
 * Many keys are asked, one after another, when they admit the same request. Most have the same limits: what the request costs
 * by them is computed once.
 */
struct budget_scan {
    uint32_t ref;  /* to the limits that this is of; LIMITS_NONE: of none yet */
    bool is_usual; /* they are rates, and nothing is held */
    unsigned count;
    struct budget_scan_rate {
        struct rate rate;
        uint64_t least_ns; /* what has to be left */
        unsigned number;
    } rates[LAYOUT_RATES];
};

/* Of no limits yet. */
static inline void budget_scan_begin(struct budget_scan *scan)
{
    scan->ref = LIMITS_NONE;
    scan->is_usual = true;
    scan->count = 0;
}

void budget_scan_read(const struct keyshm_pool *pool, uint32_t ref, struct budget_request *request,
                      struct budget_scan *ret_scan);

/* Of a key that is in no group, whatever the model. False: it is not so, and budgets_admit() is to be asked. */
ALWAYS_INLINE bool budget_scan(const struct keyshm_pool *pool, unsigned model, uint32_t slot,
                               struct budget_request *request, const struct rate_time *now, struct budget_scan *scan,
                               uint64_t *ret_at_ns)
{
    uint32_t ref = limits_ref_of_key(pool, 0, slot);
    if (model != 0 || key_group_of_slot(pool, slot) != GROUP_NONE)
        return false;
    if (ref != scan->ref)
        budget_scan_read(pool, ref, request, scan);
    *ret_at_ns = 0;
    for (unsigned i = 0; i < scan->count; i++) {
        const struct budget_scan_rate *rate = &scan->rates[i];
        /* relaxed: the word stands for itself alone. */
        uint64_t used_ns = atomic_load_explicit(&pool_usage(pool, 0, slot)->used_ns[rate->number], memory_order_relaxed);
        if ((used_ns & RATE_IS_OBSERVED) != 0)
            return false;
        uint64_t at_ns = rate_admits_at_ns(&rate->rate, used_ns, 0, rate->least_ns, now);
        *ret_at_ns = at_ns > *ret_at_ns ? at_ns : *ret_at_ns;
    }
    return scan->is_usual;
}

/* Charge it to all of them, and take its places; or nothing: false. */
bool budgets_charge(const struct keyshm_pool *pool, const struct budgets *budgets, struct budget_request *request,
                    struct budget_clock *clock, struct budget_charges *ret_charges);

/* The request is not made. */
void budgets_give_back(const struct keyshm_pool *pool, const struct budgets *budgets,
                       const struct budget_charges *charges);

/* Charge what was used, whatever is owed then. */
void budget_charge_used(const struct keyshm_pool *pool, _Atomic uint64_t *used_at, uint64_t cost_ns);

/* Give back what was charged at this time, as far as it has not drained. It may be that of another key by now, which has not
 * been charged that. */
void budget_give_back(const struct keyshm_pool *pool, const struct budgets *budgets, _Atomic uint64_t *used_at,
                      uint64_t cost_ns, uint64_t charged_ns);

/* A place is free, or holds no tokens any longer: worth a look. */
void budget_announce(const struct keyshm_pool *pool);

/* The same, if somebody was refused for it, or waits. */
void budget_announce_to(const struct keyshm_pool *pool, bool is_wanted);

#endif
