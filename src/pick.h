/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_PICK_H
#define KEYSHM_PICK_H

/* Picking the next key, and the questions that the state words alone answer. */

#include "pool.h"

/* -EAGAIN, -ENOKEY. *ret_pick is written only on success. */
int pick_next(const struct keyshm_pool *pool, struct keyshm_pick *ret_pick);
int pick_next_for(const struct keyshm_pool *pool, unsigned model, struct keyshm_pick *ret_pick);

/* Milliseconds until a key is available; 0 when one is; -1 when no time is known. */
int64_t pick_next_available_ms(const struct keyshm_pool *pool, unsigned model);

/* As keyshm_is_available_for() and keyshm_available_count_for(). */
int pick_is_available(const struct keyshm_pool *pool, keyshm_id id, unsigned model);
int pick_available_count(const struct keyshm_pool *pool, unsigned model);

#endif
