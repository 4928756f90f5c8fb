/* SPDX-License-Identifier: MIT */
#ifndef DRIVE_H
#define DRIVE_H

/* Workers that share keys through a pool, and have more requests for a provider (server.h) than it answers. */

#include "rule.h"

enum drive_way {
    DRIVE_COUNTED,  /* the pool has limits */
    DRIVE_OBSERVED, /* and is told what the answers say is left */
    DRIVE_LEARNED,  /* it has none, and learns by being refused */
};

struct drive {
    enum drive_way way;
    struct rule rule;
    unsigned keys, workers;
    unsigned amount, burst; /* the pool's limit: so many in the rule's time */
    int64_t duration_ms;
    bool kills; /* a worker in each of the rule's times; another takes its place */
};

struct drive_outcome {
    unsigned answered, refused;
    unsigned most;      /* that the server would have answered in the time between the first request and the last */
    int64_t longest_ms; /* that a request took, from its pick until after its report */
};

struct drive_outcome drive_run(const struct drive *drive);

#endif
