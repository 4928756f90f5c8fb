/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_AVAILABILITY_H
#define KEYSHM_AVAILABILITY_H

/*
 * Whether a key can be had. Four words say so, in two pairs: the key's and its group's, whatever the model, and the
 * same of one model. A pair is available when both of its words are; for model 0 there is one pair.
 */

#include "key_group.h"
#include "pool.h"
#include "state_word.h"

struct pair {
    uint64_t key;
    uint64_t group; /* of a key without a group: AVAILABLE */
};

/* A word of a model that says nothing is AVAILABLE: nobody has marked the key for that model. That of a key which is older
 * than the model has not counted its coming yet. */
static inline uint64_t availability_of_model(uint64_t word)
{
    return word_is_live(word) ? word : word_make_available(word_marks(word) != 0 ? word_marks(word) : 1);
}

static inline uint64_t availability_marks_of_model(uint64_t word)
{
    return word_marks(availability_of_model(word));
}

ALWAYS_INLINE bool word_of_model_is_available(uint64_t word, uint64_t now_ms)
{
    return word_is_available(word, now_ms) || !word_is_live(word);
}

static inline uint64_t pair_load_key(const struct keyshm_pool *pool, unsigned model, uint32_t slot, memory_order order)
{
    uint64_t word = atomic_load_explicit(pool_word(pool, model, slot), order);
    return model == 0 ? word : availability_of_model(word);
}

static inline uint64_t pair_load_group(const struct keyshm_pool *pool, unsigned model, uint32_t key_group,
                                       memory_order order)
{
    if (key_group == GROUP_NONE)
        return word_make_available(0);
    uint32_t subject = pool_group_subject(pool, group_index(key_group));
    return availability_of_model(atomic_load_explicit(pool_word(pool, model, subject), order));
}

/* As a key of this group. */
static inline struct pair pair_load_in(const struct keyshm_pool *pool, unsigned model, uint32_t slot, uint32_t key_group,
                                       memory_order order)
{
    struct pair pair;
    pair.key = pair_load_key(pool, model, slot, order);
    pair.group = pair_load_group(pool, model, key_group, order);
    return pair;
}

/* Reads again until the slot's group is the same before and after: the place of a removed group may have been given to
 * another. A key that is removed leaves its group after its word is free, and one that is added is in its group before
 * its word is published. Bounded: others would have to move the key each time. */
static inline struct pair pair_load(const struct keyshm_pool *pool, unsigned model, uint32_t slot, memory_order order)
{
    struct pair pair;
    uint32_t key_group, again = key_group_of_slot(pool, slot);
    int tries = 0;
    do {
        key_group = again;
        pair = pair_load_in(pool, model, slot, key_group, order);
        again = key_group_of_slot(pool, slot);
    } while (again != key_group && ++tries < GROUP_TRIES_MAX);
    return pair;
}

static inline bool pair_is_available(const struct pair *pair, uint64_t now_ms)
{
    return word_is_available(pair->key, now_ms) && word_is_available(pair->group, now_ms);
}

/*
 * The stamp of a pick: the counts of marks of the four words, each of WORD_MARKS_BITS: the key's, and from there up its word for
 * the model, its group's, and the group's for the model. So each word tells by itself whether something bad was marked
 * since.
 */
#define STAMP_MODEL_SHIFT WORD_MARKS_BITS
#define STAMP_GROUP_SHIFT (2 * WORD_MARKS_BITS)
/* It knows these words; those of another model or group it does not. */
#define STAMP_HAS_MODEL (UINT64_C(1) << 4 * WORD_MARKS_BITS)
#define STAMP_HAS_GROUP (UINT64_C(2) << 4 * WORD_MARKS_BITS)

/* All words but the key's own, as they were read. */
struct others {
    uint32_t key_group;
    uint64_t group, key_of_model, group_of_model;
};

/* Of a key without a group, whatever the model, there are none. */
static inline bool availability_is_simple(unsigned model, uint32_t key_group)
{
    return model == 0 && key_group == GROUP_NONE;
}

/* The words of its group, which it is in. A key that was moved meanwhile is looked at again by the caller:
 * availability_others_are_same(). */
ALWAYS_INLINE bool availability_of_group(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms,
                                         struct others *others)
{
    uint32_t group = group_index(others->key_group);
    others->group = key_group_word(pool, 0, group);
    if (model != 0)
        others->group_of_model = key_group_word(pool, model, group);
    return word_of_model_is_available(others->group, now_ms) &&
           (model == 0 || word_of_model_is_available(others->group_of_model, now_ms));
}

/* Load them, those that there are, and return whether they allow a pick now. */
ALWAYS_INLINE bool availability_of_others(const struct keyshm_pool *pool, unsigned model, uint32_t slot, uint64_t now_ms,
                                          struct others *ret_others)
{
    *ret_others = (struct others){.key_group = key_group_of_slot(pool, slot)};
    /* acquire: as in pair_load_key(). */
    if (model != 0)
        ret_others->key_of_model = atomic_load_explicit(pool_word(pool, model, slot), memory_order_acquire);
    if (model != 0 && !word_of_model_is_available(ret_others->key_of_model, now_ms))
        return false;
    return ret_others->key_group == GROUP_NONE || availability_of_group(pool, model, now_ms, ret_others);
}

/* Are they still the same? Then nothing was marked in between. What is not seen is a pause that has begun and ended within
 * the pick, of the key's own word too: it is not counted, as a mark is. */
ALWAYS_INLINE bool availability_others_are_same(const struct keyshm_pool *pool, unsigned model, uint32_t slot,
                                                const struct others *others)
{
    if (key_group_of_slot(pool, slot) != others->key_group)
        return false;
    if (availability_is_simple(model, others->key_group))
        return true;
    /* acquire, here and below: as pair_load_key() and pair_load_group(). */
    if (model != 0 && atomic_load_explicit(pool_word(pool, model, slot), memory_order_acquire) != others->key_of_model)
        return false;
    if (others->key_group == GROUP_NONE)
        return true;
    uint32_t subject = pool_group_subject(pool, group_index(others->key_group));
    return atomic_load_explicit(&pool->words[subject], memory_order_acquire) == others->group &&
           (model == 0 ||
            atomic_load_explicit(pool_word(pool, model, subject), memory_order_acquire) == others->group_of_model);
}

/* The count of marks of a group, mixed with which group it is: a key may be moved to another one. Twice gives the count
 * again. */
static inline uint64_t stamp_of_group(uint64_t marks, uint32_t key_group)
{
    return (marks ^ (key_group * UINT32_C(2654435761) >> 16)) & WORD_MARKS_MASK;
}

static inline uint64_t availability_stamp(uint64_t key_word, unsigned model, const struct others *others)
{
    uint64_t stamp = word_marks(key_word);
    if (availability_is_simple(model, others->key_group))
        return stamp;
    if (model != 0)
        stamp |= STAMP_HAS_MODEL | availability_marks_of_model(others->key_of_model) << STAMP_MODEL_SHIFT;
    if (others->key_group == GROUP_NONE)
        return stamp;
    uint64_t of_model =
        model != 0 ? stamp_of_group(availability_marks_of_model(others->group_of_model), others->key_group) : 0;
    return stamp | STAMP_HAS_GROUP |
           (stamp_of_group(word_marks(others->group), others->key_group) | of_model << STAMP_MODEL_SHIFT)
               << STAMP_GROUP_SHIFT;
}

/* When it is available, if nothing is marked: 0: it is; WORD_FOREVER: never. */
static inline uint64_t pair_available_at_ms(const struct pair *pair)
{
    uint64_t key_ms = word_available_at_ms(pair->key), group_ms = word_available_at_ms(pair->group);
    return key_ms > group_ms ? key_ms : group_ms;
}

/* ---- questions that the words alone answer ---- */

/* Behind all times: there is no key in the slot. */
#define AVAILABILITY_NO_KEY (WORD_FOREVER + 1)

/* Of a key that has several words to look at. */
uint64_t availability_of_all_at_ms(const struct keyshm_pool *pool, unsigned model, uint32_t slot);

/* When the key in the slot is available for the model, if nothing is marked: 0: it is; WORD_FOREVER: never. */
ALWAYS_INLINE uint64_t availability_at_ms(const struct keyshm_pool *pool, unsigned model, uint32_t slot)
{
    if (availability_is_simple(model, key_group_of_slot(pool, slot))) {
        /* acquire: pairs with the release in ready_announce() by way of the count, where that is read before and after
         * (pick.c). */
        uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_acquire);
        if (key_group_of_slot(pool, slot) == GROUP_NONE)
            return word_is_live(word) ? word_available_at_ms(word) : AVAILABILITY_NO_KEY;
    }
    return availability_of_all_at_ms(pool, model, slot);
}

/* Of all keys, when the first is. */
uint64_t availability_first_at_ms(const struct keyshm_pool *pool, unsigned model);

#endif
