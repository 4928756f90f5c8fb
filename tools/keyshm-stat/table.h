/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_TABLE_H
#define KEYSHM_STAT_TABLE_H

/* Lines of a table that goes on: each is as wide as those before. */

#include "rows.h"

struct table_widths {
    bool is_begun;
    char widest[REQUEST_COLUMNS_MAX][CELL_SIZE]; /* what was in each column */
};

/* Print more rows; the headings come with the first. All zero widths are those of a new table. -ENOMEM. */
int table_go_on(struct table_widths *widths, const struct rows *rows, const struct request *request);

#endif
