/* SPDX-License-Identifier: MIT */
#include "mark_rules.h"

bool mark_takes_duration(enum keyshm_status status)
{
    return status == KEYSHM_RATE_LIMITED || status == KEYSHM_QUOTA_EXCEEDED;
}

enum keyshm_reason mark_default_reason(enum keyshm_status status)
{
    static const enum keyshm_reason reasons[KEYSHM_STATUS_COUNT] = {
        [KEYSHM_AVAILABLE] = KEYSHM_REASON_NONE,
        [KEYSHM_RATE_LIMITED] = KEYSHM_REASON_RATE_LIMIT,
        [KEYSHM_QUOTA_EXCEEDED] = KEYSHM_REASON_QUOTA,
        [KEYSHM_INVALID] = KEYSHM_REASON_AUTHENTICATION,
    };
    return reasons[status];
}
