/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_FOLLOWED_H
#define KEYSHM_STAT_FOLLOWED_H

/* One pool whose events are followed, through its end and that of whoever takes its name. */

#include "reading.h"

struct followed {
    struct reading reading; /* its name, and what is new of it */
    keyshm_pool *pool;      /* NULL: there is none now */
    struct keyshm_event_cursor cursor;
    int told; /* negative errno: why there is none, as was told already */
};

/* NULL: out of memory. */
struct followed *followed_new(const struct pool_name *name);
void followed_free(struct followed *followed);

/* Read what is new. Says on standard error when the pool has gone, or is there again. Returns 0, -ENOMEM, or why it
 * cannot be read now; nothing is new then. */
int followed_read(struct followed *followed);

#endif
