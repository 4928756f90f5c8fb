/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_TABLE_H
#define KEYSHM_STAT_TABLE_H

/* For people, and --raw, which has the same rows with one word for each cell. */

#include "document.h"
#include "rows.h"

extern const struct view table_view;

/* A table to which lines are added over time. All zero: a new one. */
struct table_widths {
    bool is_begun;
    char widest[REQUEST_COLUMNS_MAX][CELL_SIZE]; /* the widest text so far in each column */
};

/* Print more rows, with columns at least as wide as before; the headings come before the first. The columns are the
 * same from the first row on, whatever the pools have by then. -ENOMEM. */
int table_go_on(struct table_widths *widths, const struct rows *rows, const struct request *request);

#endif
