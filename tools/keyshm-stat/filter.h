/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_FILTER_H
#define KEYSHM_STAT_FILTER_H

/* --status and --key: whether a request shows this key, or this event. */

#include "request.h"

bool filter_wants_key(const struct request *request, const struct keyshm_key_snapshot *key);
bool filter_wants_event(const struct request *request, const struct keyshm_event *event);

#endif
