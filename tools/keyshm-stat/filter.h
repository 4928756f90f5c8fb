/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_FILTER_H
#define KEYSHM_STAT_FILTER_H

/* --status, --key and --group: whether a request shows this key, this group, or what is about one. */

#include "lease_parts.h"
#include "limit_parts.h"
#include "parts.h"
#include "request.h"

bool filter_wants_key(const struct request *request, const struct parts *parts, const struct keyshm_key_snapshot *key);
bool filter_wants_group(const struct request *request, const struct keyshm_group_snapshot *group);
bool filter_wants_event(const struct request *request, const struct parts *parts, const struct keyshm_event *event);
bool filter_wants_lease(const struct request *request, const struct parts *parts, const struct lease_part *lease);
bool filter_wants_limit(const struct request *request, const struct parts *parts, const struct limit_part *limit);

#endif
