/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_BATCH_H
#define KEYSHM_CTL_BATCH_H

/* Keys that are all checked before the first of them is added. Holds secrets; never more than its pool could hold. */

#include <stdbool.h>
#include <stddef.h>

#include "keyshm.h"

struct batch {
    keyshm_pool *pool;
    size_t key_max;
    unsigned capacity;
    unsigned room; /* for keys that are not in the pool yet */
    size_t count;
    char **keys; /* in the order they came in, without duplicates */
    void *tree;  /* of the same, for tsearch(3) */
    char refusal[96];
};

/* -ENOMEM. Begin with an empty batch also after an error: batch_end() is fine then. */
int batch_begin(struct batch *batch, keyshm_pool *pool);

/* Wipe all keys. */
void batch_end(struct batch *batch);

/* Take a copy of a key. Returns NULL, or why the pool could not take it; that does not show the key. */
const char *batch_take(struct batch *batch, const char *key, size_t length);

/* Has it taken that key? */
bool batch_has(const struct batch *batch, const char *key);

#endif
