/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_SUBJECT_H
#define KEYSHM_SUBJECT_H

/*
 * What a mark is about: a key or a group. Each has a state word for every model, at the same number in each model's words
 * (layout_group_subject()), of which that of model 0 says whether it is there.
 *
 * When it is published, the words of the other models are made to say nothing, with a count of marks that is new: a
 * mark that was prepared for what had the number before misses. So publishing is one store, and so is the end.
 */

#include "key_group.h"
#include "slot.h"

#define SUBJECT_NONE UINT32_MAX

/* The number of the key or group with this id; SUBJECT_NONE: there can be none. */
static inline uint32_t subject_of(const struct keyshm_pool *pool, keyshm_id id)
{
    if (id_is_group(id))
        return id_group(id) < pool->settings.groups_max ? pool_group_subject(pool, id_group(id)) : SUBJECT_NONE;
    return id_slot(id) < pool->settings.capacity ? id_slot(id) : SUBJECT_NONE;
}

static inline bool subject_is_group(const struct keyshm_pool *pool, uint32_t subject)
{
    return subject >= pool->settings.capacity;
}

static inline struct layout_group *subject_group(const struct keyshm_pool *pool, uint32_t subject)
{
    return &pool->groups[subject - pool_group_subject(pool, 0)];
}

static inline _Atomic uint64_t *subject_id_at(const struct keyshm_pool *pool, uint32_t subject)
{
    return subject_is_group(pool, subject) ? &subject_group(pool, subject)->id : &pool_slot(pool, subject)->id;
}

/* How often it was marked with each status: tagged counters. */
static inline _Atomic uint64_t *subject_marked_at(const struct keyshm_pool *pool, uint32_t subject)
{
    return subject_is_group(pool, subject) ? subject_group(pool, subject)->marked : pool_slot(pool, subject)->marked;
}

/* The word of the key or group `id`, or a free one when it is not, or no longer, in the pool. */
static inline uint64_t subject_word_of(const struct keyshm_pool *pool, keyshm_id id)
{
    uint32_t subject = subject_of(pool, id);
    return subject != SUBJECT_NONE ? slot_word_at(&pool->words[subject], subject_id_at(pool, subject), id)
                                   : word_make_free(0);
}

/* For the owner of the mutex. From here on it is there, and available for every model; all else of it was stored before. */
void subject_publish(const struct keyshm_pool *pool, uint32_t subject);

/* And from here on it is not. */
void subject_withdraw(const struct keyshm_pool *pool, uint32_t subject);

#endif
