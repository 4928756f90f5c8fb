/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_PARTS_H
#define KEYSHM_STAT_PARTS_H

/* What a pool is divided into: its groups and its models, with what is counted of each and of all of it, and as names for
 * keys and events. */

#include <stdbool.h>
#include <stdint.h>

#include "keyshm.h"

struct group_part {
    keyshm_id id;
    char name[KEYSHM_NAME_MAX + 1];               /* "": it was removed */
    const struct keyshm_group_snapshot *snapshot; /* NULL, and nothing is counted: only the name was read */
    unsigned available;                           /* keys of it that can be picked */
    uint64_t picks;                               /* of its keys, as long as they are in the pool */
};

struct model_part {
    unsigned number;
    char name[KEYSHM_NAME_MAX + 1];
    unsigned available; /* keys that can be picked for it */
};

/* All zero: there are none. */
struct parts {
    unsigned available;        /* keys that can be picked: nothing benches them */
    unsigned paused;           /* keys that are paused, or whose group is */
    bool has_requests;         /* any of them has a limit of requests, or its group */
    bool has_tokens;           /* the same of tokens */
    bool has_places;           /* the same of requests in flight, or some are in flight */
    struct group_part *groups; /* sorted by id */
    unsigned group_count;
    struct model_part *models; /* model m is at m - 1 */
    unsigned model_count;
};

/* Of a pool and the copy of its state, which must stay. -ENOMEM. Free with parts_free(), also after a failure. */
int parts_take(struct parts *parts, keyshm_pool *pool, const struct keyshm_snapshot *snapshot);

/* Only the names: of all models, and of the groups that these events are about. -ENOMEM. */
int parts_take_names(struct parts *parts, keyshm_pool *pool, const struct keyshm_event_list *events);

void parts_free(struct parts *parts);

/* NULL: there is none. */
const struct group_part *parts_group(const struct parts *parts, keyshm_id id);

/* "": none, or not known. */
const char *parts_group_name(const struct parts *parts, keyshm_id id);
const char *parts_model_name(const struct parts *parts, unsigned model);

#endif
