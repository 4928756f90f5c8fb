/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_GRAPH_H
#define KEYSHM_STAT_WATCH_GRAPH_H

/* Bars and sparklines: block characters where the locale has them, ASCII elsewhere. */

#include "history.h"
#include "line.h"

/* Fill `fraction` (0 to 1) of `width` columns. It looks empty only at 0, and full only at 1. */
void graph_put_bar(struct line *line, enum style style, double fraction, unsigned width);

/* A column for each of `steps` equal parts of the minute: the highest character is for `most_per_s`. Unknown parts are
 * blank. */
void graph_put_history(struct line *line, enum style style, const struct history *history, unsigned steps,
                       double most_per_s);

/* The highest rate of any part. */
double graph_most_per_s(const struct history *history, unsigned steps);

/* The largest number of steps that fits in `width` columns and divides a minute; 0: too narrow. */
unsigned graph_steps(unsigned width);

#endif
