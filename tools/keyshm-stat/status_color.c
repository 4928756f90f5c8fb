/* SPDX-License-Identifier: MIT */
#include "status_color.h"

enum color status_color(enum keyshm_status status)
{
    static const enum color colors[KEYSHM_STATUS_COUNT] = {
        [KEYSHM_AVAILABLE] = COLOR_OF_HEALTH,
        [KEYSHM_RATE_LIMITED] = COLOR_OF_DELAY,
        [KEYSHM_QUOTA_EXCEEDED] = COLOR_OF_LIMIT,
        [KEYSHM_INVALID] = COLOR_OF_FAILURE,
    };
    return (unsigned)status < KEYSHM_STATUS_COUNT ? colors[status] : NO_COLOR;
}
