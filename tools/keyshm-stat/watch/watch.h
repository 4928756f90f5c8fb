/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_WATCH_H
#define KEYSHM_STAT_WATCH_WATCH_H

/* The live view of pools. It reads them as often as asked; it never writes to one, and takes no lock. */

#include "failure.h"
#include "request.h"

/* Full-screen, until the person at the terminal or a signal ends it. Says so when it was built without ncurses. */
enum exit_status watch_live(const struct request *request);

/* request->iterations frames as text on standard output, or as many as there is time for. */
enum exit_status watch_batch(const struct request *request);

#endif
