/* SPDX-License-Identifier: MIT */

/* https://no-color.org */

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "request.h"

static bool is_declined(void)
{
    const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return (no_color != NULL && no_color[0] != '\0') || (terminal != NULL && strcmp(terminal, "dumb") == 0);
}

bool request_wants_color(const struct request *request)
{
    if (request->color == COLOR_AUTO)
        return isatty(STDOUT_FILENO) && !is_declined();
    return request->color == COLOR_ALWAYS;
}
