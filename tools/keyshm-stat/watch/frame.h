/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_FRAME_H
#define KEYSHM_STAT_WATCH_FRAME_H

/* What is shown at one moment, line by line; a screen and a text file differ only in where the lines go. */

#include <stdbool.h>
#include <stdint.h>

#include "field_widths.h"
#include "key_rows.h"
#include "line.h"
#include "session.h"
#include "watched_pools.h"

#define FRAME_COLUMNS_MIN 20
#define FRAME_LINES_MIN 4

struct frame {
    const struct request *request;
    struct session *session; /* what does not fit into it is put right */
    const struct watched_pools *pools;
    const struct watched *watched; /* NULL: there are no pools */
    bool is_text;                  /* all rows, nothing about keys that could be pressed */
    unsigned columns;
    unsigned lines; /* of the screen; those of a text are counted by frame_make() */
    int64_t now_ms;
    int64_t unix_ms;

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
