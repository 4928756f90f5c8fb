/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_FOLLOW_H
#define KEYSHM_STAT_FOLLOW_H

#include "failure.h"
#include "request.h"

/* --follow: the events that are kept, then each new one, until a signal ends it or nobody reads it any more. */
enum exit_status follow_events(const struct request *request);

#endif
