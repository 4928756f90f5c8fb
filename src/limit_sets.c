/* SPDX-License-Identifier: MIT */
#include "limit_sets.h"

#include <errno.h>
#include <string.h>

#include "places.h"
#include "subject.h"

/* ---- a struct keyshm_limits, as an array ---- */

static const struct keyshm_rate *rate_in(const struct keyshm_limits *limits, unsigned number)
{
    const struct keyshm_rate *const rates[LAYOUT_RATES] = {
        [LAYOUT_REQUESTS] = &limits->requests,
        [LAYOUT_TOKENS] = &limits->tokens,
        [LAYOUT_REQUESTS_LONG] = &limits->requests_long,
        [LAYOUT_TOKENS_LONG] = &limits->tokens_long,
    };
    return rates[number];
}

static bool is_of_tokens(unsigned number)
{
    return (LIMITS_TOKENS_MASK >> number & 1) != 0;
}

const char *limits_find_wrong(const struct keyshm_pool *pool, unsigned model, uint32_t subject,
                              const struct keyshm_limits *limits)
{
    bool is_group = subject != LIMITS_OF_POOL && subject_is_group(pool, subject);
    for (unsigned i = 0; i < LAYOUT_RATES; i++) {
        const struct keyshm_rate *rate = rate_in(limits, i);
        if (rate->amount != 0 && (rate->per_ms < 1 || rate->per_ms > KEYSHM_DURATION_MAX_MS))
            return "the time of a rate is not 1 ms to 366 days";
        if (rate->charge != KEYSHM_CHARGE_AT_PICK && (rate->charge != KEYSHM_CHARGE_AT_RELEASE || !is_of_tokens(i)))
            return "a rate is charged at the pick, or of tokens at the release";
    }
    if (limits->in_flight != 0 && model != 0)
        return "a cap in flight is of a key or a group, not of a model";
    if (limits->in_flight > (is_group ? pool->settings.group_in_flight_max : pool->settings.in_flight_max))
        return "a cap in flight is above the pool's in_flight_max, or of a group its group_in_flight_max";
    return NULL;
}

/* ---- the limits that there are ---- */

/* Limits as they are stored. */
struct stored {
    uint64_t cost_ns[LAYOUT_RATES], burst_ns[LAYOUT_RATES];
    uint64_t kinds;
    uint64_t amount[LAYOUT_RATES], per_ms[LAYOUT_RATES], burst[LAYOUT_RATES];
};

static struct stored store_of(const struct keyshm_limits *limits)
{
    struct stored stored = {.kinds = (uint64_t)limits->in_flight << LIMITS_CAP_SHIFT};
    for (unsigned i = 0; i < LAYOUT_RATES; i++) {
        const struct keyshm_rate *rate = rate_in(limits, i);
        if (rate->amount == 0)
            continue;
        stored.amount[i] = rate->amount;
        stored.per_ms[i] = (uint64_t)rate->per_ms;
        stored.burst[i] = rate->burst != 0 ? rate->burst : rate_default_burst(rate->amount);
        stored.cost_ns[i] = rate_unit_cost_ns(stored.amount[i], stored.per_ms[i]);
        stored.burst_ns[i] = rate_cost_ns(stored.cost_ns[i], stored.burst[i]);
        stored.kinds |= UINT64_C(1) << i;
        if (rate->charge == KEYSHM_CHARGE_AT_RELEASE)
            stored.kinds |= UINT64_C(1) << (LIMITS_AT_RELEASE_SHIFT + i);
    }
    return stored;
}

static uint64_t load(const _Atomic uint64_t *at)
{
    return atomic_load_explicit(at, memory_order_relaxed);
}

static void store(_Atomic uint64_t *at, uint64_t value)
{
    atomic_store_explicit(at, value, memory_order_relaxed);
}

/* The rest follows from these. */
static bool is_equal(const struct layout_limits *at, const struct stored *stored)
{
    bool is_same = load(&at->kinds) == stored->kinds;
    for (unsigned i = 0; i < LAYOUT_RATES; i++)
        is_same &= load(&at->amount[i]) == stored->amount[i] && load(&at->per_ms[i]) == stored->per_ms[i] &&
                   load(&at->burst[i]) == stored->burst[i];
    return is_same;
}

static uint32_t references_of(const struct layout_limits *at)
{
    return atomic_load_explicit(&at->references, memory_order_relaxed);
}

static void count_reference(struct layout_limits *at, int change)
{
    atomic_store_explicit(&at->references, references_of(at) + (uint32_t)change, memory_order_relaxed);
}

static void fill(struct layout_limits *at, const struct stored *stored)
{
    atomic_store_explicit(&at->version, atomic_load_explicit(&at->version, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    for (unsigned i = 0; i < LAYOUT_RATES; i++) {
        store(&at->cost_ns[i], stored->cost_ns[i]);
        store(&at->burst_ns[i], stored->burst_ns[i]);
        store(&at->amount[i], stored->amount[i]);
        store(&at->per_ms[i], stored->per_ms[i]);
        store(&at->burst[i], stored->burst[i]);
    }
    store(&at->kinds, stored->kinds);
}

static uint32_t ref_to(const struct keyshm_pool *pool, uint32_t number)
{
    uint32_t version = atomic_load_explicit(&pool->limits[number].version, memory_order_relaxed);
    return version << LIMITS_VERSION_SHIFT | (number + 1);
}

/* LIMITS_NONE: there is no room. */
static uint32_t find_or_make(const struct keyshm_pool *pool, const struct stored *stored)
{
    uint32_t free = pool->settings.limits_max;
    for (uint32_t i = 0; i < pool->settings.limits_max; i++) {
        bool is_used = references_of(&pool->limits[i]) != 0;
        if (is_used && is_equal(&pool->limits[i], stored))
            return ref_to(pool, i);
        free = !is_used && i < free ? i : free;
    }
    if (free == pool->settings.limits_max)
        return LIMITS_NONE;
    fill(&pool->limits[free], stored);
    return ref_to(pool, free);
}

static struct layout_limits *referred(const struct keyshm_pool *pool, uint32_t ref)
{
    return &pool->limits[limits_of(pool, ref) - pool->limits];
}

static bool are_there_any(const struct keyshm_pool *pool)
{
    for (uint32_t i = 0; i < pool->settings.limits_max; i++)
        if (references_of(&pool->limits[i]) != 0)
            return true;
    return false;
}

/* ---- whose they are ---- */

static _Atomic uint32_t *ref_at(const struct keyshm_pool *pool, unsigned model, uint32_t subject)
{
    return subject == LIMITS_OF_POOL ? &pool_model(pool, model)->limit_ref : limits_ref_at(pool, model, subject);
}

/* Counted before it is stored, and while it is: so limits that something refers to do not become others. Killed in between,
 * they are counted too often, until a recovery, which looks where the pool is limited. */
static void change_ref(const struct keyshm_pool *pool, _Atomic uint32_t *at, uint32_t ref)
{
    uint32_t before = atomic_load_explicit(at, memory_order_relaxed);
    if (ref != LIMITS_NONE) {
        order_set_limited(pool, true);
        count_reference(referred(pool, ref), 1);
    }
    /* release: pairs with the acquire of whoever reads the reference, who then finds the limits that it stands for. */
    atomic_store_explicit(at, ref, memory_order_release);
    if (before != LIMITS_NONE)
        count_reference(referred(pool, before), -1);
}

static void forget_used(const struct keyshm_pool *pool, unsigned model, uint32_t subject)
{
    for (unsigned i = 0; i < LAYOUT_RATES; i++)
        store(&pool_usage(pool, model, subject)->used_ns[i], 0);
    for (unsigned i = 0; model == 0 && i < LAYOUT_OBSERVED; i++)
        store(&pool->observed[subject].left[i], 0);
}

static void forget_used_of_all(const struct keyshm_pool *pool, unsigned model)
{
    for (uint32_t slot = 0; slot < pool_slots_used(pool); slot++)
        if (atomic_load_explicit(limits_ref_at(pool, model, slot), memory_order_relaxed) == LIMITS_NONE)
            forget_used(pool, model, slot);
}

int limits_find(const struct keyshm_pool *pool, const struct keyshm_limits *limits_or_null, uint32_t *ret_ref)
{
    *ret_ref = LIMITS_NONE;
    if (limits_or_null == NULL)
        return 0;
    struct stored stored = store_of(limits_or_null);
    *ret_ref = find_or_make(pool, &stored);
    return *ret_ref != LIMITS_NONE ? 0 : -ENOSPC;
}

void limits_set(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint32_t ref)
{
    change_ref(pool, ref_at(pool, model, subject), ref);
    if (ref == LIMITS_NONE && subject == LIMITS_OF_POOL)
        forget_used_of_all(pool, model);
    else if (ref == LIMITS_NONE)
        forget_used(pool, model, subject);
    order_set_limited(pool, are_there_any(pool));
}

void limits_leave(const struct keyshm_pool *pool, uint32_t subject)
{
    struct places places = places_of(pool, subject);
    bool has_left = false;
    places_clear(&places);
    for (unsigned model = 0; model <= pool_models_used(pool); model++) {
        _Atomic uint32_t *at = limits_ref_at(pool, model, subject);
        if (atomic_load_explicit(at, memory_order_relaxed) == LIMITS_NONE)
            continue;
        change_ref(pool, at, LIMITS_NONE);
        has_left = true;
    }
    if (has_left)
        order_set_limited(pool, are_there_any(pool));
}

/* A process that was killed while it removed the key before this one may have left what is in flight there, of others. */
void limits_enter(const struct keyshm_pool *pool, uint32_t subject)
{
    struct places places = places_of(pool, subject);
    places_clear(&places);
    for (unsigned model = 0; model <= pool_models_used(pool); model++)
        forget_used(pool, model, subject);
}

/* ---- reading them ---- */

static void load_limits(const struct layout_limits *at, struct keyshm_limits *ret_limits)
{
    struct keyshm_rate *const rates[LAYOUT_RATES] = {
        [LAYOUT_REQUESTS] = &ret_limits->requests,
        [LAYOUT_TOKENS] = &ret_limits->tokens,
        [LAYOUT_REQUESTS_LONG] = &ret_limits->requests_long,
        [LAYOUT_TOKENS_LONG] = &ret_limits->tokens_long,
    };
    uint64_t kinds = limits_kinds(at);
    for (unsigned i = 0; i < LAYOUT_RATES; i++) {
        if ((kinds >> i & 1) == 0)
            continue;
        rates[i]->amount = load(&at->amount[i]);
        rates[i]->per_ms = (int64_t)load(&at->per_ms[i]);
        rates[i]->burst = load(&at->burst[i]);
        rates[i]->charge =
            (kinds >> (LIMITS_AT_RELEASE_SHIFT + i) & 1) != 0 ? KEYSHM_CHARGE_AT_RELEASE : KEYSHM_CHARGE_AT_PICK;
    }
    ret_limits->in_flight = limits_cap(kinds);
}

/* How often limits that change while they are read are read again. */
#define READ_TRIES_MAX 100

void limits_get(const struct keyshm_pool *pool, unsigned model, uint32_t subject, struct keyshm_limits *ret_limits)
{
    for (int i = 0; i < READ_TRIES_MAX; i++) {
        *ret_limits = (struct keyshm_limits)KEYSHM_LIMITS_INIT;
        bool is_key = subject != LIMITS_OF_POOL && !subject_is_group(pool, subject);
        _Atomic uint32_t *at = ref_at(pool, model, subject);
        /* acquire: pairs with the release in change_ref(). */
        uint32_t own = atomic_load_explicit(at, memory_order_acquire);
        uint32_t ref = own == LIMITS_NONE && is_key ? limits_ref_of_pool(pool, model) : own;
        if (ref != LIMITS_NONE)
            load_limits(limits_of(pool, ref), ret_limits);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(at, memory_order_relaxed) == own &&
            (own != LIMITS_NONE || !is_key || limits_ref_of_pool(pool, model) == ref))
            return;
    }
}

/* ---- checking them ---- */

static bool is_stored(const struct layout_limits *at, const struct stored *stored)
{
    bool is_same = is_equal(at, stored);
    for (unsigned i = 0; i < LAYOUT_RATES; i++)
        is_same &= load(&at->cost_ns[i]) == stored->cost_ns[i] && load(&at->burst_ns[i]) == stored->burst_ns[i];
    return is_same;
}

/* Storing what they say gives the same again. */
bool limits_are_sound(const struct keyshm_pool *pool, uint32_t number)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    load_limits(&pool->limits[number], &limits);
    struct stored stored = store_of(&limits);
    return is_stored(&pool->limits[number], &stored);
}

bool limits_ref_is_sound(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint32_t ref)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    uint32_t number = (ref & LIMITS_NUMBER_MASK) - 1;
    if (number >= pool->settings.limits_max || ref != ref_to(pool, number))
        return false;
    load_limits(&pool->limits[number], &limits);
    return limits_find_wrong(pool, model, subject, &limits) == NULL;
}

uint32_t limits_references(const struct keyshm_pool *pool, uint32_t number)
{
    return references_of(&pool->limits[number]);
}

/* ---- recovering ---- */

static void count_again(const struct keyshm_pool *pool, const _Atomic uint32_t *at)
{
    uint32_t ref = atomic_load_explicit(at, memory_order_relaxed);
    if (ref != LIMITS_NONE)
        count_reference(referred(pool, ref), 1);
}

void limits_recover(const struct keyshm_pool *pool)
{
    if (!order_is_limited(order_in_use(pool)))
        return;
    for (uint32_t i = 0; i < pool->settings.limits_max; i++)
        atomic_store_explicit(&pool->limits[i].references, 0, memory_order_relaxed);
    for (unsigned model = 0; model <= pool_models_used(pool); model++) {
        count_again(pool, &pool_model(pool, model)->limit_ref);
        for (uint32_t subject = 0; subject < pool->settings.words_per_model; subject++) {
            _Atomic uint32_t *at = limits_ref_at(pool, model, subject);
            /* It was removed, and its limits were not yet. */
            if (!word_is_live(atomic_load_explicit(&pool->words[subject], memory_order_relaxed)))
                atomic_store_explicit(at, LIMITS_NONE, memory_order_relaxed);
            count_again(pool, at);
        }
    }
    order_set_limited(pool, are_there_any(pool));
}
