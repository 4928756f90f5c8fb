/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_GROUPS_H
#define KEYSHM_GROUPS_H

/* The groups of a pool, and which keys are in them (key_group.h). */

#include "label.h"
#include "pool.h"

/* The id of the group that the key of the slot is in; 0: in none. */
keyshm_id groups_id_of_slot(const struct keyshm_pool *pool, uint32_t slot);

bool groups_is_there(const struct keyshm_pool *pool, keyshm_id group);

/* -ENOENT. Lock-free, as the next one is. */
int groups_find(const struct keyshm_pool *pool, const struct label *name, keyshm_id *ret_group);

/* The length; -ENOENT, -ERANGE. */
int groups_name(const struct keyshm_pool *pool, keyshm_id group, char *buffer, size_t size);

/* ---- for the owner of the mutex ---- */

/* Find it, or make it: then 1. -ENOSPC: groups_max are there. */
int groups_make(const struct keyshm_pool *pool, const struct label *name, keyshm_id *ret_group);

/* -ESTALE; -EBUSY: keys are in it. */
int groups_remove(const struct keyshm_pool *pool, keyshm_id group);

/* -ESTALE: there is no such key or group. */
int groups_set(const struct keyshm_pool *pool, keyshm_id key, keyshm_id group_or_0);

/* Put the key of the slot in the group, before it is published or to move it; and take the key of a free slot out of
 * its own. */
void groups_enter(const struct keyshm_pool *pool, uint32_t slot, keyshm_id group_or_0);
void groups_leave(const struct keyshm_pool *pool, uint32_t slot);

/* Wipe what belongs to no group, and count the keys of each again. */
void groups_recover(const struct keyshm_pool *pool);

#endif
