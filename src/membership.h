/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_MEMBERSHIP_H
#define KEYSHM_MEMBERSHIP_H

/* Membership: which keys are in the pool, and which groups and models there are. Changes take the mutex;
 * membership_find() does not. As the calls of the same names, whose arguments are checked; 1: the group or the model
 * was made. */

#include "label.h"
#include "slot.h"

int membership_add(struct keyshm_pool *pool, const struct slot_key *key, keyshm_id group_or_0, keyshm_id *ret_id);
int membership_replace(struct keyshm_pool *pool, keyshm_id group_or_0, const char *const *keys, size_t count,
                       struct keyshm_replaced *replaced);
int membership_remove(struct keyshm_pool *pool, keyshm_id id);
int membership_find(const struct keyshm_pool *pool, const struct slot_key *key, keyshm_id *ret_id);
int membership_group(struct keyshm_pool *pool, const struct label *name, keyshm_id *ret_group);
int membership_model(struct keyshm_pool *pool, const struct label *name, unsigned *ret_model);
int membership_remove_group(struct keyshm_pool *pool, keyshm_id group);
int membership_set_priority(struct keyshm_pool *pool, keyshm_id id, unsigned priority);
/* As keyshm_set_limits(), of limits that are right. */
int membership_set_limits(struct keyshm_pool *pool, keyshm_id id_or_0, unsigned model,
                          const struct keyshm_limits *limits_or_null);

int membership_set_weight(struct keyshm_pool *pool, keyshm_id id, unsigned weight);
int membership_set_group(struct keyshm_pool *pool, keyshm_id key, keyshm_id group_or_0);
int membership_repair(struct keyshm_pool *pool);
int membership_set_metadata(struct keyshm_pool *pool, keyshm_id id, const char *name, const char *value_or_null);

#endif
