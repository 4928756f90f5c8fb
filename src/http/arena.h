/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_ARENA_H
#define KEYSHM_HTTP_ARENA_H

/* Memory that is freed all at once. After an allocation that failed, all others fail. */

#include <stdbool.h>
#include <stddef.h>

struct arena {
    struct arena_block *last;
    bool has_failed;
};

/* Zeroed; NULL when there is no memory. */
void *arena_alloc(struct arena *arena, size_t bytes);

/* As calloc(3); NULL also for 0 elements. */
void *arena_array(struct arena *arena, size_t count, size_t element_bytes);

void arena_free(struct arena *arena);

#endif
