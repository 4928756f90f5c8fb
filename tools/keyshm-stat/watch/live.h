/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_LIVE_H
#define KEYSHM_STAT_WATCH_LIVE_H

/* The live view: pools are read again and again, and shown on the whole terminal. It never writes to a pool, and takes no
 * lock. */

#include "failure.h"
#include "request.h"

/* Until the user or a signal ends it. Refuses when it was built without ncurses. */
enum exit_status watch_live(const struct request *request);

#endif
