/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_HEADER_H
#define KEYSHM_STAT_WATCH_HEADER_H

/* What the first lines of a frame say of the pool. */

#include "frame.h"

#define HEADER_LINES_FULL 5  /* with a blank one */
#define HEADER_LINES_SHORT 2 /* for low screens */
#define HEADER_LINES_LEAST 1

/* Line `y` of the header that has frame->header_lines. */
void header_draw_line(const struct frame *frame, unsigned y, struct line *line);

/* What has befallen the pool; nothing is put when it is fine. */
void notice_draw(const struct frame *frame, struct line *line);
bool notice_is_due(const struct frame *frame);

#endif
