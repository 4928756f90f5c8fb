/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WORKER_COLUMNS_H
#define KEYSHM_STAT_WORKER_COLUMNS_H

/* The properties of a process that is, or was, attached, as columns. */

#include "column.h"

extern const struct listing worker_listing;

#endif
