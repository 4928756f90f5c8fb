/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_KEY_HELP_H
#define KEYSHM_STAT_WATCH_KEY_HELP_H

#include "line.h"

/* Line `y` of the help: the keys, and what the columns are. Beyond its end nothing is put. */
void key_help_draw_line(unsigned y, struct line *line);

/* Which line comes first on a screen of `lines`, if `top` is wanted: as much of the help is seen as can be. */
unsigned key_help_top(unsigned top, unsigned lines);

#endif
