/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_ROWS_H
#define KEYSHM_STAT_ROWS_H

/* The rows that a request asks for: those that its filters let through, as it sorts them. */

#include "column.h"
#include "request.h"

struct rows {
    struct row *rows;
    size_t count;
};

/* Add what was read of a pool. -ENOMEM. All zero is no rows; free with rows_free(). */
int rows_add(struct rows *rows, const struct request *request, const struct reading *reading);
int rows_add_all(struct rows *rows, const struct request *request, struct reading *const *readings, size_t count);
void rows_sort(struct rows *rows, const struct request *request);
void rows_free(struct rows *rows);

/* How the request orders two rows; by row.order if it makes no difference. As strcmp(3). */
int rows_compare(const struct request *request, const struct row *a, const struct row *b);

#endif
