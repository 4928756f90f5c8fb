/* SPDX-License-Identifier: MIT */
#ifndef BENCH_KEYSHM_POOL_H
#define BENCH_KEYSHM_POOL_H

#include "contender.h"

/* A pool under some load: what keyshm's contenders have as their state. */
struct pool {
    keyshm_pool *shared;
    struct load load;
    keyshm_id ids[]; /* of the keys, in order */
};

void *pool_open(const struct load *load);
void pool_close(void *state);

#endif
