/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_FRAME_H
#define KEYSHM_STAT_WATCH_FRAME_H

/* What is shown at one moment, line by line: the same for a screen and for a text. */

#include "field_widths.h"
#include "header.h"
#include "key_rows.h"
#include "line.h"

#define FRAME_COLUMNS_MIN 20
#define FRAME_LINES_MIN 4

struct frame {
    struct scene scene;
    unsigned lines; /* of the screen; of a text, frame_make() counts them */

    /* The rest is made by frame_make(). */
    struct key_rows rows;
    struct field_widths widths;
    unsigned header_lines;
    unsigned notice_lines;
    unsigned footer_lines;
};

/* -ENOMEM. Free with frame_free(). */
int frame_make(struct frame *frame);
void frame_free(struct frame *frame);

/* Line `y` from the top, 0 to lines - 1. */
void frame_draw_line(const struct frame *frame, unsigned y, struct line *line);

#endif
