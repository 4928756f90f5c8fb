/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_HEADER_H
#define KEYSHM_STAT_WATCH_HEADER_H

/* The first lines of a frame, about the pool; and the line below them when something happened to it. */

#include <stdbool.h>
#include <stdint.h>

#include "line.h"
#include "request.h"
#include "session.h"
#include "watched_pools.h"

#define HEADER_LINES_SHORT 2 /* for low screens; a full header has more */
#define HEADER_LINES_LEAST 1

/* What is drawn, where and when. */
struct scene {
    const struct request *request;
    struct session *session; /* scrolling beyond the end is corrected in it */
    const struct watched_pools *pools;
    const struct watched *watched; /* NULL: there are no pools */
    bool is_text;                  /* all rows, without hints about keys to press */
    unsigned columns;
    int64_t now_ms;
    int64_t unix_ms;
};

/* The lines of a full header, with a blank one: more for a pool that has groups or models. */
unsigned header_full_lines(const struct scene *scene);

/* Line `y` of a header of `lines`, one of these numbers. */
void header_draw_line(const struct scene *scene, unsigned lines, unsigned y, struct line *line);

/* What happened to the pool. Draws nothing when there is nothing to say. */
void notice_draw(const struct scene *scene, struct line *line);
bool notice_is_due(const struct scene *scene);

#endif
