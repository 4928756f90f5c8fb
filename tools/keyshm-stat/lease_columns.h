/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_LEASE_COLUMNS_H
#define KEYSHM_STAT_LEASE_COLUMNS_H

/* Who holds what, since when, as columns. */

#include "column.h"

extern const struct listing lease_listing;

#endif
