/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_FOLLOW_H
#define KEYSHM_STAT_FOLLOW_H

#include "request.h"

/* --follow: the events that are kept, and then each as it comes, until a signal ends it or nobody reads it any more. */
enum exit_status follow_events(const struct request *request);

#endif
