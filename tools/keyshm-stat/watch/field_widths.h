/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_FIELD_WIDTHS_H
#define KEYSHM_STAT_WATCH_FIELD_WIDTHS_H

/* Which fields a line has room for, and how wide each is. */

#include "fields.h"
#include "key_rows.h"

/* The widths that fields needed so far, in columns of the screen; all 0 at first. They only grow, so that fields keep
 * their places. */
struct field_needs {
    unsigned widths[FIELD_COUNT];
};

struct field_widths {
    unsigned count;
    struct {
        const struct field *field;
        unsigned width;
    } columns[FIELD_COUNT];
    double most_per_s; /* of the highest column of a sparkline */
};

void field_widths_measure(struct field_needs *needs, const struct key_row *row);

/* For lines of `limit` columns. */
void field_widths_make(struct field_widths *ret_widths, const struct field_needs *needs, unsigned limit);

/* All rows of a frame have the same scale. */
void field_widths_scale(struct field_widths *widths, const struct key_row *rows, unsigned count);

void field_widths_draw_headings(const struct field_widths *widths, const struct key_order *order, struct line *line);

/* A `faint` row is out of date. */
void field_widths_draw_row(const struct field_widths *widths, const struct key_row *row, bool is_faint,
                           struct line *line);

#endif
