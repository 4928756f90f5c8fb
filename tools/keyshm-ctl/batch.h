/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_BATCH_H
#define KEYSHM_CTL_BATCH_H

/* Keys that are all checked before the first of them is added. It holds secrets, and no more keys than the pool has room
 * for. */

#include <stdbool.h>
#include <stddef.h>

#include "keyshm.h"

struct batch {
    keyshm_pool *pool;
    size_t key_max;
    unsigned capacity;
    unsigned room; /* for keys that are not in the pool yet */
    bool replaces; /* the keys that are in the pool: then it has room for as many as its capacity */
    size_t count;
    char **keys; /* in the order they were given, without duplicates */
    void *tree;  /* the same keys, for tsearch(3) */
    char refusal[96];
    bool may_be_empty; /* a list without keys is no mistake */
    bool makes_group;  /* the group that they go into is not there before */
};

/* Begin with an empty batch. -ENOMEM; batch_end() is allowed then, too. */
int batch_begin(struct batch *batch, keyshm_pool *pool);

/* Wipe all keys. */
void batch_end(struct batch *batch);

/* Returns NULL, or why this pool cannot have such a key, in words that do not show it. */
const char *batch_check(struct batch *batch, const char *key, size_t length);

/* Take a copy of a key. Returns NULL, or why the pool cannot have it, in words that do not show it. */
const char *batch_take(struct batch *batch, const char *key, size_t length);

/* Is this key in the batch? */
bool batch_has(const struct batch *batch, const char *key);

#endif
