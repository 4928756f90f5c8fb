/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_POOL_COLUMNS_H
#define KEYSHM_STAT_POOL_COLUMNS_H

/* The properties of a pool: the columns of --pools, the members of its object in the JSON, and its metrics. The line
 * above the table of its keys is pool_line.c's. */

#include "column.h"

extern const struct listing pool_listing;

#endif
