/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_LIFT_H
#define KEYSHM_LIFT_H

/* The benches of all keys and groups, for all models, are lifted: each by a change of its word. */

#include "pool.h"

typedef void lift_fn(const struct keyshm_pool *pool, keyshm_id id);

/* Make each key and group AVAILABLE of which a cooldown has ended, but for those of which a probe is wanted, and call
 * on_lifted for it. Returns how many. -EBUSY: marks of one came between. */
int lift_expired(const struct keyshm_pool *pool, lift_fn *on_lifted);

/* Mark each AVAILABLE that is benched by one of these statuses (bits 1u << status). */
int lift_benches(const struct keyshm_pool *pool, unsigned status_mask, lift_fn *on_lifted);

#endif
