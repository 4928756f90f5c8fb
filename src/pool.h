/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_POOL_H
#define KEYSHM_POOL_H

/* A process's attachment: where the parts of the segment are mapped. Everything that bounds an access is copied here
 * once, on attach, after it was checked, and never read from the segment again. Nothing in here changes afterwards. */

#include <stdbool.h>

#include "compiler.h"
#include "layout.h"
#include "segment_name.h"

struct keyshm_pool {
    struct layout_header *header;
    _Atomic uint64_t *words;
    struct layout_history *histories;
    _Atomic uint32_t *limit_refs;
    struct layout_usage *usages;
    struct layout_observed *observed;
    struct layout_places *places;
    _Atomic uint64_t *cells;
    struct layout_note *notes;
    struct layout_limits *limits;
    _Atomic uint32_t *key_groups; /* NULL: the pool cannot have groups */
    _Atomic uint64_t *ready;
    _Atomic uint64_t *planes;
    _Atomic uint64_t *due;
    struct layout_group *groups;
    _Atomic uint32_t *index;
    unsigned char *slots;
    struct layout_event *events;
    struct layout_worker *workers;
    _Atomic uint32_t *waiting; /* of each of these */
    struct layout_settings settings;
    uint64_t stamp;             /* of this library; equal to the segment's */
    uint32_t mutex_word_offset; /* in the mutex: the futex word; or LOCK_WORD_UNKNOWN (lock.h) */
    uint32_t coarse_lag_ms;     /* pool_clock.h */
    bool readonly;
    struct process_local *local; /* process_local.h; NULL: none */
    _Atomic bool was_ended;      /* attachment.c: the process is ending, and has left the pool */

    /* The mapped file, and the name under which it was found or put. */
    bool named; /* false: anonymous, and the rest is not set */
    int fd;     /* it stays open; the program may have closed it */
    char name[SEGMENT_NAME_SIZE];
    dev_t device;
    ino_t inode;
};

static inline bool pool_is_unchanged(const struct keyshm_pool *pool)
{
    return layout_is_unchanged(pool->header, &pool->settings, pool->stamp);
}

/* No slot at or above it holds a key. Bounded, whatever the segment says. */
static inline uint32_t pool_slots_used(const struct keyshm_pool *pool)
{
    /* acquire: pairs with the release in membership.c, so that a reader that sees a slot counted also sees it
     * initialised. */
    uint32_t used = atomic_load_explicit(&pool->header->slots_used, memory_order_acquire);
    return used < pool->settings.capacity ? used : pool->settings.capacity;
}

/* No group at or above it was ever made. Bounded as well. */
static inline uint32_t pool_groups_used(const struct keyshm_pool *pool)
{
    /* acquire: pairs with the release in groups.c. */
    uint32_t used = atomic_load_explicit(&pool->header->groups_used, memory_order_acquire);
    return used < pool->settings.groups_max ? used : pool->settings.groups_max;
}

/* There are models from 1 to this one. */
static inline uint32_t pool_models_used(const struct keyshm_pool *pool)
{
    /* acquire: pairs with the release in models.c, so that a model that is counted has its name. */
    uint32_t used = atomic_load_explicit(&pool->header->models_used, memory_order_acquire);
    return used < pool->settings.models_max ? used : pool->settings.models_max;
}

/* What the model has. 0: whatever the model. */
static inline struct layout_model *pool_model(const struct keyshm_pool *pool, unsigned model)
{
    void *model_0 = (unsigned char *)pool->header + offsetof(struct layout_header, model_0);
    return (struct layout_model *)model_0 + model; /* the others follow it, but are not in that struct */
}

/* The state word of a slot or a group (layout_group_subject()). */
ALWAYS_INLINE _Atomic uint64_t *pool_word(const struct keyshm_pool *pool, unsigned model, uint32_t subject)
{
    return &pool->words[(size_t)model * pool->settings.words_per_model + subject];
}

/* What is remembered beside it. */
static inline struct layout_history *pool_history(const struct keyshm_pool *pool, unsigned model, uint32_t subject)
{
    return &pool->histories[(size_t)model * pool->settings.words_per_model + subject];
}

/* What it has used of its limits for the model. */
ALWAYS_INLINE struct layout_usage *pool_usage(const struct keyshm_pool *pool, unsigned model, uint32_t subject)
{
    return &pool->usages[(size_t)model * pool->settings.words_per_model + subject];
}

ALWAYS_INLINE uint32_t pool_group_subject(const struct keyshm_pool *pool, uint32_t group)
{
    return layout_group_subject(pool->settings.capacity, group);
}

/* Behind all slots and groups. */
static inline uint32_t pool_subjects_end(const struct keyshm_pool *pool)
{
    return pool_group_subject(pool, pool->settings.groups_max);
}

static inline struct layout_slot *pool_slot(const struct keyshm_pool *pool, uint32_t slot)
{
    return (struct layout_slot *)(void *)(pool->slots + (size_t)slot * pool->settings.slot_bytes);
}

#endif
