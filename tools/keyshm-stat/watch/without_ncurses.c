/* SPDX-License-Identifier: MIT */
#include "live.h"
#include "program.h"

enum exit_status watch_live(const struct request *request)
{
    (void)request;
    return refuse("this keyshm-stat was built without ncurses, so it has no full-screen view; use --batch for "
                  "frames of text, or --json");
}
