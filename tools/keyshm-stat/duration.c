/* SPDX-License-Identifier: MIT */
#include "duration.h"

#include <inttypes.h>
#include <stdio.h>

void duration_text(int64_t duration_ms, char ret_text[DURATION_SIZE])
{
    int64_t tenths = duration_ms > 0 ? duration_ms / 100 : 0;
    int64_t seconds = tenths / 10, minutes = seconds / 60, hours = minutes / 60, days = hours / 24;
    /* Not as floating point, whose decimal point depends on the locale. */
    if (minutes == 0)
        snprintf(ret_text, DURATION_SIZE, "%" PRId64 ".%" PRId64 "s", seconds, tenths % 10);
    else if (hours == 0)
        snprintf(ret_text, DURATION_SIZE, "%" PRId64 "m %02" PRId64 "s", minutes, seconds % 60);
    else if (days == 0)
        snprintf(ret_text, DURATION_SIZE, "%" PRId64 "h %02" PRId64 "m", hours, minutes % 60);
    else
        snprintf(ret_text, DURATION_SIZE, "%" PRId64 "d %02" PRId64 "h", days, hours % 24);
}
