/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_COLOR_H
#define KEYSHM_STAT_COLOR_H

/* The colours that this program uses, and when it uses them. */

#include <stdbool.h>

#include "keyshm.h"

enum color_when {
    COLOR_AUTO,
    COLOR_ALWAYS,
    COLOR_NEVER,
};

/* As ECMA-48 and curses number them. */
enum color {
    NO_COLOR = -1, /* the terminal's own */
    COLOR_OF_FAILURE = 1,
    COLOR_OF_HEALTH = 2,
    COLOR_OF_DELAY = 3,
    COLOR_OF_LIMIT = 5,
};
#define COLOR_COUNT 8

enum color color_of_status(enum keyshm_status status);

/* Whether standard output gets colours. COLOR_AUTO: if it is a terminal and the environment does not object. */
bool color_is_wanted(enum color_when when);

#endif
