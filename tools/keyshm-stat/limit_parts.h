/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_LIMIT_PARTS_H
#define KEYSHM_STAT_LIMIT_PARTS_H

/* The limits of a pool: those of its keys in general, of its groups, and of the keys that have others, each whatever the
 * model and for each model. */

#include <stddef.h>

#include "keyshm.h"

enum limit_kind { LIMIT_REQUESTS, LIMIT_TOKENS, LIMIT_REQUESTS_LONG, LIMIT_TOKENS_LONG, LIMIT_IN_FLIGHT, LIMIT_NONE };
#define LIMIT_KIND_COUNT 6

struct limit_part {
    keyshm_id id;                            /* of a key or a group; 0: the keys in general */
    const struct keyshm_key_snapshot *state; /* of it, in the snapshot; NULL: of the keys in general */
    unsigned model;
    enum limit_kind kind; /* LIMIT_NONE: a key that has none, where the keys in general have some */
    struct keyshm_rate rate;
    unsigned in_flight;
};

/* All zero: there are none. */
struct limits {
    struct limit_part *parts;
    size_t count;
};

/* Of a pool and the copy of its state, which must stay. -ENOMEM. Free with limits_free(), also after a failure. */
int limits_take(struct limits *limits, keyshm_pool *pool, const struct keyshm_snapshot *snapshot);
void limits_free(struct limits *limits);

const char *limit_kind_name(enum limit_kind kind);

#endif
