/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_POOL_COLUMNS_H
#define KEYSHM_STAT_POOL_COLUMNS_H

/* What is known of a pool: the members of its object in the JSON, and its metrics. The table's line for a pool says it
 * in its own way. */

#include "listing.h"

#define POOL_COLUMN_COUNT 17

extern const struct column pool_columns[POOL_COLUMN_COUNT];

/* An object with a number for each status. NULL: out of memory. */
json_t *by_status_json(const uint64_t counts[KEYSHM_STATUS_COUNT]);

/* An object whose members could not all be made is none. */
json_t *whole_or_nothing(json_t *object, bool is_whole);

#endif
