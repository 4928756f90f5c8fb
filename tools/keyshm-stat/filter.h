/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_FILTER_H
#define KEYSHM_STAT_FILTER_H

/* --status and --key. For keys: request_wants_key(). */

#include "request.h"

bool request_wants_event(const struct request *request, const struct keyshm_event *event);

/* Is any of the two given? */
bool request_has_filter(const struct request *request);

#endif
