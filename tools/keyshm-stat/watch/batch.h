/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_BATCH_H
#define KEYSHM_STAT_WATCH_BATCH_H

/* The live view as text: a frame of each pool with a blank line between, and after the interval the next ones. */

#include "failure.h"
#include "request.h"

/* request->iterations times, or until a signal ends it or nobody reads it any more. */
enum exit_status watch_batch(const struct request *request);

#endif
