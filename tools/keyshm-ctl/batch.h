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
    size_t count;
    char **keys; /* in the order they were given, without duplicates */
    void *tree;  /* the same keys, for tsearch(3) */
    char refusal[96];
};

/* Begin with an empty batch. -ENOMEM; batch_end() is allowed then, too. */
int batch_begin(struct batch *batch, keyshm_pool *pool);

/* Wipe all keys. */
void batch_end(struct batch *batch);

/* Take a copy of a key. Returns NULL, or why the pool cannot have it, in words that do not show it. */
const char *batch_take(struct batch *batch, const char *key, size_t length);

/* Is this key in the batch? */
bool batch_has(const struct batch *batch, const char *key);

#endif
