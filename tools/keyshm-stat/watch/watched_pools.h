/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_WATCHED_POOLS_H
#define KEYSHM_STAT_WATCH_WATCHED_POOLS_H

/* The pools that are watched, of which one is shown at a time. The model of each is kept meanwhile. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "failure.h"
#include "model.h"
#include "request.h"

struct watched {
    uid_t owner;
    char provider[KEYSHM_PROVIDER_MAX + 1];
    struct model model;
};

struct watched_pools {
    struct watched **pools;
    size_t count;
    size_t shown; /* an index; without meaning when there are none */
};

void watched_pools_begin(struct watched_pools *pools);
void watched_pools_end(struct watched_pools *pools);

/* Read all pools for the first time. Those that were named must exist: a missing one is most often misspelt. Reports what
 * is wrong, and returns the exit status. */
enum exit_status watched_pools_open(struct watched_pools *pools, const struct request *request);

/* Update, and read all of them. Failures are recorded in their models. */
void watched_pools_read_all(struct watched_pools *pools, const struct request *request);

/* Update, and read the one that is shown. */
void watched_pools_read_shown(struct watched_pools *pools, const struct request *request);

/* NULL: there is none. */
struct watched *watched_pools_shown(const struct watched_pools *pools);

void watched_pools_next(struct watched_pools *pools);
void watched_pools_previous(struct watched_pools *pools);

#endif
