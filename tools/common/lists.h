/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_LISTS_H
#define KEYSHM_COMMON_LISTS_H

/* Elements of what the library returns, by number. Those of a later library may be larger than this program knows, so
 * their distance is taken from the list. */

#include <stddef.h>

#include "keyshm.h"

static inline void *list_element(void *elements, size_t element_bytes, size_t i)
{
    return (char *)elements + i * element_bytes;
}

static inline struct keyshm_key_snapshot *list_key(const struct keyshm_snapshot *snapshot, size_t i)
{
    return list_element(snapshot->keys, snapshot->keys_bytes, i);
}

/* Of the model with this number: from 1 on. */
static inline const char *list_model(const struct keyshm_snapshot *snapshot, unsigned model)
{
    return list_element(snapshot->models, snapshot->models_bytes, model - 1);
}

static inline const struct keyshm_metadata *list_note(const struct keyshm_key_snapshot *key, size_t i)
{
    return list_element(key->metadata, key->element_bytes, i);
}

static inline struct keyshm_group_snapshot *list_group(const struct keyshm_snapshot *snapshot, size_t i)
{
    return list_element(snapshot->groups, snapshot->groups_bytes, i);
}

static inline const struct keyshm_event *list_event(const struct keyshm_event_list *list, size_t i)
{
    return list_element(list->events, list->element_bytes, i);
}

static inline const struct keyshm_worker *list_worker(const struct keyshm_worker_list *list, size_t i)
{
    return list_element(list->workers, list->element_bytes, i);
}

static inline const struct keyshm_held *list_lease(const struct keyshm_lease_list *list, size_t i)
{
    return list_element(list->leases, list->element_bytes, i);
}

static inline uid_t list_owner(const struct keyshm_owner_list *list, size_t i)
{
    return *(const uid_t *)list_element(list->owners, list->element_bytes, i);
}

static inline const char *list_provider(const struct keyshm_pool_list *list, size_t i)
{
    return list_element(list->providers, list->providers_bytes, i);
}

static inline const char *list_layout(const struct keyshm_pool_list *list, size_t i)
{
    return list_element(list->layouts, list->layouts_bytes, i);
}

#endif
