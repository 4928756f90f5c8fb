/* SPDX-License-Identifier: MIT */
#include "models.h"

#include <errno.h>

#include "ready_bits.h"

static void load_name(const struct keyshm_pool *pool, unsigned model, struct label *ret_name)
{
    const struct layout_model *at = pool_model(pool, model);
    label_load(&at->name_length, at->name, ret_name);
}

int models_find(const struct keyshm_pool *pool, const struct label *name, unsigned *ret_model)
{
    for (unsigned model = 1; model <= pool_models_used(pool); model++) {
        struct label known;
        load_name(pool, model, &known);
        if (label_is_equal(&known, name)) {
            *ret_model = model;
            return 0;
        }
    }
    return -ENOENT;
}

int models_name(const struct keyshm_pool *pool, unsigned model, char *buffer, size_t size)
{
    struct label name;
    if (model == 0 || !models_is_there(pool, model))
        return -ENOENT;
    load_name(pool, model, &name);
    return label_copy(&name, buffer, size);
}

/* Killed before the model is counted, there is none, and the next one is made over it. Its words say nothing
 * yet: a key that is available whatever the model is available for it. */
int models_make(const struct keyshm_pool *pool, const struct label *name, unsigned *ret_model)
{
    if (models_find(pool, name, ret_model) == 0)
        return 0;
    unsigned model = pool_models_used(pool) + 1;
    if (model > pool->settings.models_max)
        return -ENOSPC;
    struct layout_model *at = pool_model(pool, model);
    label_store(&at->name_length, at->name, name);
    ready_set_all(pool, model);
    /* release: pairs with the acquire in pool_models_used(). */
    atomic_store_explicit(&pool->header->models_used, model, memory_order_release);
    *ret_model = model;
    return 1;
}
