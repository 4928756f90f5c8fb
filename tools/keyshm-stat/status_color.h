/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_STATUS_COLOR_H
#define KEYSHM_STAT_STATUS_COLOR_H

#include "keyshm.h"

/* The colours of ECMA-48, and of curses, that this program uses. */
enum color {
    NO_COLOR = -1, /* whatever the terminal's own is */
    COLOR_OF_FAILURE = 1,
    COLOR_OF_HEALTH = 2,
    COLOR_OF_DELAY = 3,
    COLOR_OF_LIMIT = 5,
};

enum color status_color(enum keyshm_status status);

#endif
