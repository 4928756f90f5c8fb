/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_LIMIT_COLUMNS_H
#define KEYSHM_STAT_LIMIT_COLUMNS_H

/* The limits in force, as columns: a row for each rate and each cap. */

#include "column.h"

extern const struct listing limit_listing;

#endif
