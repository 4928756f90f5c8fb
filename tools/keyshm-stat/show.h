/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_SHOW_H
#define KEYSHM_STAT_SHOW_H

/* Documents: the pools are read one after the other, and shown in the format that was asked for. */

#include "failure.h"
#include "request.h"

/* Print one document. Returns the worst exit status of all pools. */
enum exit_status show_once(const struct request *request);

/* Print one at each interval, as often as asked for. A signal ends it between two of them. */
enum exit_status show_repeatedly(const struct request *request);

#endif
