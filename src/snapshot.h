/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_SNAPSHOT_H
#define KEYSHM_SNAPSHOT_H

#include "pool.h"

/* As keyshm_snapshot(). */
int snapshot_take(const struct keyshm_pool *pool, struct keyshm_snapshot **ret_snapshot);

/* As keyshm_inspect(). */
int snapshot_inspect(const struct keyshm_pool *pool, keyshm_id id, unsigned model, size_t size,
                     struct keyshm_key_snapshot *ret_key);

#endif
