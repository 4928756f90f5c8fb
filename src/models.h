/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_MODELS_H
#define KEYSHM_MODELS_H

/* The models of a pool: names that are added and stay. Model 0, "whatever the model", has none. */

#include "label.h"
#include "pool.h"

/* Is it a number of a model, or 0? */
static inline bool models_is_there(const struct keyshm_pool *pool, unsigned model)
{
    return model == 0 || model <= pool_models_used(pool);
}

/* -ENOENT. Lock-free, as the next one is. */
int models_find(const struct keyshm_pool *pool, const struct label *name, unsigned *ret_model);

/* The length; -ENOENT, -ERANGE. */
int models_name(const struct keyshm_pool *pool, unsigned model, char *buffer, size_t size);

/* For the owner of the mutex. Find it, or make it: then 1. -ENOSPC: models_max are there. */
int models_make(const struct keyshm_pool *pool, const struct label *name, unsigned *ret_model);

#endif
