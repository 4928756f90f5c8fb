/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_TAGGED_H
#define KEYSHM_TAGGED_H

/*
 * A tagged word: 24 bits of a key's generation, 40 of a counter or a time. A process that was stopped between picking a
 * key and counting the pick may resume when the slot holds another key; the tag makes its store miss.
 */

#include <stdatomic.h>

#include "state_word.h"

#define TAG_VALUE_BITS 40
#define TAG_VALUE_MASK ((UINT64_C(1) << TAG_VALUE_BITS) - 1)

static inline uint64_t tagged_make(keyshm_id id, uint64_t value)
{
    return id_generation(id) << TAG_VALUE_BITS | (value & TAG_VALUE_MASK);
}

static inline bool tagged_is_of(uint64_t tagged, keyshm_id id)
{
    return tagged_make(id, tagged) == tagged;
}

/* The value; 0 when it belongs to another key. */
static inline uint64_t tagged_value(uint64_t tagged, keyshm_id id)
{
    return tagged_is_of(tagged, id) ? tagged & TAG_VALUE_MASK : 0;
}

/* Increments by other processes can make ours miss. The counts are for people: rather than try without bound, drop one.
 */
#define TAGGED_TRIES_MAX 1000

static inline void tagged_increment(_Atomic uint64_t *tagged, keyshm_id id)
{
    uint64_t old = atomic_load_explicit(tagged, memory_order_relaxed);
    for (int i = 0; i < TAGGED_TRIES_MAX && tagged_is_of(old, id); i++)
        if (atomic_compare_exchange_weak_explicit(tagged, &old, tagged_make(id, old + 1), memory_order_relaxed,
                                                  memory_order_relaxed))
            return;
}

/* Raise it to the value; a late store does not lower it. */
static inline void tagged_raise(_Atomic uint64_t *tagged, keyshm_id id, uint64_t value)
{
    uint64_t old = atomic_load_explicit(tagged, memory_order_relaxed);
    /* One try: when another process got in between, its stamp is as new as ours. */
    if (tagged_is_of(old, id) && old < tagged_make(id, value))
        atomic_compare_exchange_strong_explicit(tagged, &old, tagged_make(id, value), memory_order_relaxed,
                                                memory_order_relaxed);
}

#endif
