/* SPDX-License-Identifier: MIT */
#include "mark_key.h"

#include <errno.h>

bool mark_takes_duration(enum keyshm_status status)
{
    return status == KEYSHM_RATE_LIMITED || status == KEYSHM_QUOTA_EXCEEDED;
}

int mark_key(keyshm_pool *pool, keyshm_id id, enum keyshm_status status, int64_t after_ms)
{
    switch (status) {
    case KEYSHM_AVAILABLE:
        return keyshm_mark_available(pool, id);
    case KEYSHM_RATE_LIMITED:
        return keyshm_mark_rate_limited(pool, id, after_ms);
    case KEYSHM_QUOTA_EXCEEDED:
        return keyshm_mark_quota_exceeded(pool, id, after_ms);
    case KEYSHM_INVALID:
        return keyshm_mark_invalid(pool, id);
    }
    return -EINVAL;
}
