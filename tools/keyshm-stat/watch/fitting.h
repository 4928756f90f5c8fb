/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_FITTING_H
#define KEYSHM_STAT_WATCH_FITTING_H

/* Which fields a line has room for, and how wide each is. */

#include "fields.h"
#include "key_rows.h"

/* The widths that fields needed so far, in columns; all 0 in the beginning. They only grow, so that columns do not jump
 * about. */
struct fitting_needs {
    unsigned widths[FIELD_COUNT];
};

struct fitting {
    unsigned count;
    struct {
        const struct field *field;
        unsigned width;
    } columns[FIELD_COUNT];
    double most_per_s; /* what the highest column of a sparkline stands for */
};

void fitting_measure(struct fitting_needs *needs, const struct key_row *row);

/* For lines of `limit` columns. */
void fitting_make(struct fitting *ret_fitting, const struct fitting_needs *needs, unsigned limit);

/* All rows of a frame have the same scale. */
void fitting_scale(struct fitting *fitting, const struct key_row *rows, unsigned count);

void fitting_draw_headings(const struct fitting *fitting, const struct key_order *order, struct line *line);

/* A `faint` row tells of what was, and is not any more. */
void fitting_draw_row(const struct fitting *fitting, const struct key_row *row, bool is_faint, struct line *line);

#endif
