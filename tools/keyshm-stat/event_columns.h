/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_EVENT_COLUMNS_H
#define KEYSHM_STAT_EVENT_COLUMNS_H

/* The properties of an event, as columns. */

#include "column.h"

extern const struct listing event_listing;

#endif
