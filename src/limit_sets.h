/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_LIMIT_SETS_H
#define KEYSHM_LIMIT_SETS_H

/*
 * Which limits there are, and whose they are. Most keys have the same, so different ones are stored once, and a key, a
 * group, or either for one model has a reference to them:
 *
 *   reference   bits 31..16 the low bits of the version; 15..0 1 + the number of the limits; 0: none
 *
 * Limits that nothing refers to any longer may become others, with another version. So a reader that finds the same
 * reference after it has read them has read what that stands for.
 *
 * A key without limits of its own for a model has those of the pool for it, if there are any (struct layout_model).
 *
 *   kinds       bits 31..16 the cap of requests in flight; 0: none
 *               bits 7..4   the rates that are charged at release, 3..0 the rates that there are: in the order of
 *                           enum LAYOUT_REQUESTS
 */

#include "order.h"
#include "rate.h"

#define LIMITS_NONE UINT32_C(0)
#define LIMITS_NUMBER_MASK UINT32_C(0xffff)
#define LIMITS_VERSION_SHIFT 16

#define LIMITS_RATES_MASK ((UINT64_C(1) << LAYOUT_RATES) - 1)
#define LIMITS_AT_RELEASE_SHIFT LAYOUT_RATES
#define LIMITS_CAP_SHIFT 16
#define LIMITS_TOKENS_MASK (UINT64_C(1) << LAYOUT_TOKENS | UINT64_C(1) << LAYOUT_TOKENS_LONG)
_Static_assert(KEYSHM_GROUP_IN_FLIGHT_MAX <= UINT16_MAX && KEYSHM_IN_FLIGHT_MAX <= UINT16_MAX, "room for a cap");

static inline unsigned limits_cap(uint64_t kinds)
{
    return (unsigned)(kinds >> LIMITS_CAP_SHIFT) & UINT16_MAX;
}

/* The rates that hold tokens while a request is in flight. */
static inline uint64_t limits_held(uint64_t kinds)
{
    return kinds >> LIMITS_AT_RELEASE_SHIFT & kinds & LIMITS_TOKENS_MASK;
}

ALWAYS_INLINE _Atomic uint32_t *limits_ref_at(const struct keyshm_pool *pool, unsigned model, uint32_t subject)
{
    return &pool->limit_refs[(size_t)model * pool->settings.words_per_model + subject];
}

/* acquire, here and below: pairs with the release in limit_sets.c. */
ALWAYS_INLINE uint32_t limits_ref_of_pool(const struct keyshm_pool *pool, unsigned model)
{
    return atomic_load_explicit(&pool_model(pool, model)->limit_ref, memory_order_acquire);
}

/* Of the key in the slot: its own, or those of the pool. */
ALWAYS_INLINE uint32_t limits_ref_of_key(const struct keyshm_pool *pool, unsigned model, uint32_t slot)
{
    uint32_t ref = atomic_load_explicit(limits_ref_at(pool, model, slot), memory_order_acquire);
    return ref != LIMITS_NONE ? ref : limits_ref_of_pool(pool, model);
}

ALWAYS_INLINE uint32_t limits_ref_of_group(const struct keyshm_pool *pool, unsigned model, uint32_t group)
{
    return atomic_load_explicit(limits_ref_at(pool, model, pool_group_subject(pool, group)), memory_order_acquire);
}

ALWAYS_INLINE uint32_t limits_ref_of_subject(const struct keyshm_pool *pool, unsigned model, uint32_t subject)
{
    uint32_t groups_begin = pool_group_subject(pool, 0);
    return subject < groups_begin ? limits_ref_of_key(pool, model, subject)
                                  : limits_ref_of_group(pool, model, subject - groups_begin);
}

/* Of a reference that is not LIMITS_NONE. Bounded, whatever the segment says. */
ALWAYS_INLINE const struct layout_limits *limits_of(const struct keyshm_pool *pool, uint32_t ref)
{
    uint32_t number = (ref & LIMITS_NUMBER_MASK) - 1;
    return &pool->limits[number < pool->settings.limits_max ? number : 0];
}

/* relaxed, here and below: the reference is loaded with acquire before them, and looked at again after them. */
ALWAYS_INLINE uint64_t limits_kinds(const struct layout_limits *limits)
{
    return atomic_load_explicit(&limits->kinds, memory_order_relaxed);
}

/* Whatever the segment says, no sum of these overflows. */
ALWAYS_INLINE struct rate limits_rate(const struct layout_limits *limits, unsigned number)
{
    uint64_t burst_ns = atomic_load_explicit(&limits->burst_ns[number], memory_order_relaxed);
    return (struct rate){
        .cost_ns = atomic_load_explicit(&limits->cost_ns[number], memory_order_relaxed),
        .burst_ns = burst_ns < RATE_LONGEST_NS ? burst_ns : RATE_LONGEST_NS,
    };
}

/* Those in force for a key or group, or with subject LIMITS_OF_POOL for the keys that have none of their own; none: all
 * zero. */
#define LIMITS_OF_POOL UINT32_MAX
void limits_get(const struct keyshm_pool *pool, unsigned model, uint32_t subject, struct keyshm_limits *ret_limits);

/* What is wrong with them, for such a subject; NULL: nothing. */
const char *limits_find_wrong(const struct keyshm_pool *pool, unsigned model, uint32_t subject,
                              const struct keyshm_limits *limits);

/* Is it a reference to limits that are there, and can be those of this subject? */
bool limits_ref_is_sound(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint32_t ref);

/* Are the limits with this number as keyshm writes them? */
bool limits_are_sound(const struct keyshm_pool *pool, uint32_t number);

/* So many references there are to them. */
uint32_t limits_references(const struct keyshm_pool *pool, uint32_t number);

/* ---- for the owner of the mutex ---- */

/* A reference to these limits; to NULL: LIMITS_NONE. -ENOSPC: there are limits_max different ones. Until something has it,
 * nothing has changed. */
int limits_find(const struct keyshm_pool *pool, const struct keyshm_limits *limits_or_null, uint32_t *ret_ref);

/* With LIMITS_NONE, what was used is forgotten. */
void limits_set(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint32_t ref);

/* A key or a group is gone, and a new one in its place begins without limits, without anything used or in flight. */
void limits_leave(const struct keyshm_pool *pool, uint32_t subject);
void limits_enter(const struct keyshm_pool *pool, uint32_t subject);

/* What is counted of references. */
void limits_recover(const struct keyshm_pool *pool);

#endif
