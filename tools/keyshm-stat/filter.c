/* SPDX-License-Identifier: MIT */
#include "filter.h"

#include <fnmatch.h>

#include "text.h"

static bool wants_status(const struct request *request, int status)
{
    return request->statuses == 0 || (status >= 0 && (request->statuses & (1u << status)) != 0);
}

/* The pattern is matched with what is shown, so that it cannot reveal more of a key. */
static bool wants_masked(const struct request *request, const char *masked_key)
{
    char text[KEYSHM_MASKED_SIZE];
    if (request->key_pattern == NULL)
        return true;
    text_masked(masked_key, text);
    return fnmatch(request->key_pattern, text, 0) == 0;
}

/* A key or an event of no group has the name "". */
static bool wants_group(const struct request *request, const char *name)
{
    return request->group_pattern == NULL || fnmatch(request->group_pattern, name, 0) == 0;
}

bool filter_wants_key(const struct request *request, const struct parts *parts, const struct keyshm_key_snapshot *key)
{
    return wants_status(request, (int)key->status) && wants_masked(request, key->masked_key) &&
           wants_group(request, parts_group_name(parts, key->group));
}

bool filter_wants_group(const struct request *request, const struct keyshm_group_snapshot *group)
{
    return wants_status(request, (int)group->state.status) && wants_group(request, group->name);
}

bool filter_wants_event(const struct request *request, const struct parts *parts, const struct keyshm_event *event)
{
    const char *group = event->scope == KEYSHM_SCOPE_GROUP ? parts_group_name(parts, event->id) : "";
    return wants_status(request, event->to) && wants_masked(request, event->masked_key) && wants_group(request, group);
}

bool filter_wants_lease(const struct request *request, const struct parts *parts, const struct lease_part *lease)
{
    return wants_masked(request, lease->masked_key) && wants_group(request, parts_group_name(parts, lease->group));
}

bool filter_wants_limit(const struct request *request, const struct parts *parts, const struct limit_part *limit)
{
    const char *masked_key = limit->state != NULL ? limit->state->masked_key : "";
    return wants_masked(request, masked_key) && wants_group(request, parts_group_name(parts, limit->id));
}
