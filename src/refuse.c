/* SPDX-License-Identifier: MIT */
#include "refuse.h"

#include <errno.h>

#include "key_group.h"
#include "log.h"

void refuse_log(const struct keyshm_pool *pool_or_null, const char *reason)
{
    log_message(KEYSHM_LOG_WARNING, "%s: refused: %s", pool_or_null != NULL ? pool_or_null->settings.provider : "keyshm",
                reason);
}

int refuse_stale(const struct keyshm_pool *pool, keyshm_id id)
{
    log_message(KEYSHM_LOG_WARNING, "%s: refused: the %s with id %llu is not, or no longer, in the pool",
                pool->settings.provider, id_is_group(id) ? "group" : "key", (unsigned long long)id);
    return -ESTALE;
}
