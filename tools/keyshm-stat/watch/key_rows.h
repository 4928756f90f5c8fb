/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_KEY_ROWS_H
#define KEYSHM_STAT_WATCH_KEY_ROWS_H

/* Which keys of a model are shown, and in which order. */

#include <stdbool.h>
#include <stddef.h>

#include "fields.h"
#include "request.h"

#define KEY_ROWS_FILTER_SIZE 64

struct key_order {
    const struct field *field; /* NULL: as the command line asked for */
    bool is_reversed;
};

struct key_rows {
    struct key_row *rows;
    unsigned count;
};

/*
 * Those that the request wants and that match the filter: a part of the masked key, the label, the group or the status,
 * or the whole of one when the filter is a pattern (fnmatch(3)). The case does not matter; "" matches all. -ENOMEM.
 */
int key_rows_select(struct key_rows *ret_rows, const struct model *model, const struct request *request,
                    const struct key_order *order, const char *filter);
void key_rows_free(struct key_rows *rows);

#endif
