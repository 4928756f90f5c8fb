/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_RING_H
#define KEYSHM_STAT_WATCH_RING_H

/* The pools that are watched, of which one is shown at a time. What is known of one stays known while others are. */

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

struct ring {
    struct watched **pools;
    size_t count;
    size_t shown; /* an index; of no meaning when there are none */
};

void ring_begin(struct ring *ring);
void ring_end(struct ring *ring);

/* Read all pools for the first time. Those that were named must be there: one that is not is most often misspelt. Tells
 * what is wrong, and returns the exit status. */
enum exit_status ring_open(struct ring *ring, const struct request *request);

/* Update, and read all of them. What cannot be read, its model knows. */
void ring_read_all(struct ring *ring, const struct request *request);

/* Update, and read the one that is shown. */
void ring_read_shown(struct ring *ring, const struct request *request);

/* NULL: there is none. */
struct watched *ring_shown(const struct ring *ring);

void ring_next(struct ring *ring);
void ring_previous(struct ring *ring);

#endif
