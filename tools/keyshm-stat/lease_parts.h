/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_LEASE_PARTS_H
#define KEYSHM_STAT_LEASE_PARTS_H

/* The leases of a pool, with what is known of their keys. */

#include <stddef.h>

#include "keyshm.h"

struct lease_part {
    const struct keyshm_held *held;
    char masked_key[KEYSHM_MASKED_SIZE]; /* "": the key was removed */
    keyshm_id group;                     /* of the key; 0: none */
};

/* All zero: there are none. */
struct leases {
    struct keyshm_lease_list *list;
    struct lease_part *parts; /* one for each of the list, the oldest first */
    size_t count;
};

/* -ENOMEM. Free with leases_free(), also after a failure. */
int leases_take(struct leases *leases, keyshm_pool *pool);
void leases_free(struct leases *leases);

#endif
