/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_LISTING_H
#define KEYSHM_STAT_LISTING_H

/* Which listings there are, and how a column is found in one. */

#include "column.h"
#include "request.h"

/* NULL: it has none (SUBJECT_CHECK). */
const struct listing *listing_of(enum subject subject);

/* By its name: in any case, and with - or _ for a space. NULL: there is none. */
const struct column *listing_find(const struct listing *listing, const char *name);

#endif
