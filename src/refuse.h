/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_REFUSE_H
#define KEYSHM_REFUSE_H

/* A call that is refused says why in the log, outside the hot path of calls that are not refused. */

#include "pool.h"

__attribute__((cold, noinline)) void refuse_log(const struct keyshm_pool *pool_or_null, const char *reason);

/* The error. In line, so that compilers and analysers see which it is. */
static inline int refuse_call(const struct keyshm_pool *pool_or_null, int error, const char *reason)
{
    refuse_log(pool_or_null, reason);
    return error;
}

/* -ESTALE: the key or group is not, or no longer, in the pool. */
__attribute__((cold, noinline)) int refuse_stale(const struct keyshm_pool *pool, keyshm_id id);

#endif
