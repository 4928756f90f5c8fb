/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_GROUP_COLUMNS_H
#define KEYSHM_STAT_GROUP_COLUMNS_H

/* The properties of a group, as columns. */

#include "column.h"

extern const struct listing group_listing;

#endif
