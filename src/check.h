/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CHECK_H
#define KEYSHM_CHECK_H

/* The checks of arguments that several public calls have in common. Each returns 0, or logs why the call is refused, and
 * returns the error. Those of the hot calls are in line, and only the refusal is not. */

#include <errno.h>

#include "key_group.h"
#include "label.h"
#include "models.h"
#include "refuse.h"

static inline int check_writable(const struct keyshm_pool *pool)
{
    if (pool == NULL)
        return refuse_call(NULL, -EINVAL, "no pool");
    return pool->readonly ? refuse_call(pool, -EROFS, "the attachment is read-only") : 0;
}

/* Where a key is needed, a group is none. */
static inline int check_is_key(const struct keyshm_pool *pool, keyshm_id id)
{
    return id_is_group(id) ? refuse_call(pool, -EINVAL, "the id is of a group, not of a key") : 0;
}

static inline int check_group(const struct keyshm_pool *pool, keyshm_id group_or_0)
{
    if (group_or_0 != 0 && !id_is_group(group_or_0))
        return refuse_call(pool, -EINVAL, "the id is of a key, not of a group");
    return 0;
}

static inline int check_model(const struct keyshm_pool *pool, unsigned model)
{
    return models_is_there(pool, model) ? 0 : refuse_call(pool, -EINVAL, "a model that the pool does not have");
}

int check_provider(const char *provider);

/* A key as keyshm_add() accepts it. */
int check_key(const struct keyshm_pool *pool, const char *key, size_t *ret_length);

/* The name of a group or a model. */
int check_name(const struct keyshm_pool *pool, const char *name, struct label *ret_label);

#endif
