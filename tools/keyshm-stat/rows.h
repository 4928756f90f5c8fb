/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_ROWS_H
#define KEYSHM_STAT_ROWS_H

/* The rows of a listing that a request is about: those that its filters let through, as it sorts them. */

#include "listing.h"
#include "request.h"

struct rows {
    struct row *rows;
    size_t count;
};

/* Add what was read of a pool. -ENOMEM. All zero is no rows; free with rows_free(). */
int rows_add(struct rows *rows, const struct request *request, const struct reading *reading);
void rows_sort(struct rows *rows, const struct request *request);
void rows_free(struct rows *rows);

#endif
