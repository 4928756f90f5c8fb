/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_TABLE_H
#define KEYSHM_TABLE_H

/* Membership: which keys are in the pool. Changes take the mutex; table_find() does not. */

#include "slot.h"

int table_add(struct keyshm_pool *pool, const struct slot_key *key, keyshm_id *ret_id);
int table_remove(struct keyshm_pool *pool, keyshm_id id);
int table_find(const struct keyshm_pool *pool, const struct slot_key *key, keyshm_id *ret_id);
int table_repair(struct keyshm_pool *pool);
int table_set_metadata(struct keyshm_pool *pool, keyshm_id id, const char *name, const char *value_or_null);

#endif
