/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_GRAPH_H
#define KEYSHM_STAT_WATCH_GRAPH_H

/* Bars and sparklines: block characters where the locale has them, ASCII elsewhere. */

#include "history.h"
#include "line.h"

/* `fraction` (0 to 1) of `width` columns is full. Never looks empty before it is, nor full. */
void graph_put_bar(struct line *line, enum style style, double fraction, unsigned width);

/* A column for each of `steps` equal parts of the minute: the highest for `most_per_s`. What is not known is blank. */
void graph_put_history(struct line *line, enum style style, const struct history *history, unsigned steps,
                       double most_per_s);

/* The most of any part. */
double graph_most_per_s(const struct history *history, unsigned steps);

/* The most steps, of those that divide a minute, for `width` columns; 0: too narrow. */
unsigned graph_steps(unsigned width);

#endif
