/* SPDX-License-Identifier: MIT */
#include "color.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum color color_of_status(enum keyshm_status status)
{
    static const enum color colors[KEYSHM_STATUS_COUNT] = {
        [KEYSHM_AVAILABLE] = COLOR_OF_HEALTH,
        [KEYSHM_RATE_LIMITED] = COLOR_OF_DELAY,
        [KEYSHM_QUOTA_EXCEEDED] = COLOR_OF_LIMIT,
        [KEYSHM_INVALID] = COLOR_OF_FAILURE,
    };
    return (unsigned)status < KEYSHM_STATUS_COUNT ? colors[status] : NO_COLOR;
}

/* https://no-color.org */
static bool is_declined(void)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return (no_color != NULL && no_color[0] != '\0') || (terminal != NULL && strcmp(terminal, "dumb") == 0);
}

bool color_is_wanted(enum color_when when)
{
    if (when == COLOR_AUTO)
        return isatty(STDOUT_FILENO) && !is_declined();
    return when == COLOR_ALWAYS;
}
