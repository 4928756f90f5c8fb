/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_POOL_H
#define KEYSHM_POOL_H

/* A process's attachment: where the parts of the segment are mapped. Everything that bounds an access is copied here
 * once, on attach, after it was checked, and never read from the segment again. Nothing in here changes afterwards. */

#include <stdbool.h>

#include "layout.h"
#include "segment_name.h"

struct keyshm_pool {
    struct layout_header *header;
    _Atomic uint64_t *words;
    _Atomic uint64_t *ready;
    _Atomic uint64_t *due;
    _Atomic uint32_t *index;
    unsigned char *slots;
    struct layout_event *events;
    struct layout_worker *workers;
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

static inline struct layout_slot *pool_slot(const struct keyshm_pool *pool, uint32_t slot)
{
    return (struct layout_slot *)(void *)(pool->slots + (size_t)slot * pool->settings.slot_bytes);
}

#endif
