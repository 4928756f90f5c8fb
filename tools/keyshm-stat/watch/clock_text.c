/* SPDX-License-Identifier: MIT */
#include "clock_text.h"

#include <time.h>

void clock_text(int64_t unix_ms, char ret_text[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(unix_ms / 1000);
    struct tm time = {0};
    localtime_r(&seconds, &time);
    if (strftime(ret_text, CLOCK_TEXT_SIZE, "%H:%M:%S", &time) == 0)
        ret_text[0] = '\0';
}
