/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_SIZED_STRUCT_H
#define KEYSHM_SIZED_STRUCT_H

/* Structs that begin with their size, which says how many fields the caller's version of them has. */

#include <stddef.h>

#include "pool.h"

/*
 * Copy a struct that begins with its size over one with the defaults: fields that the caller's version does not have
 * keep them. -EINVAL when it has no size, -E2BIG when a field of a later version is set.
 */
int sized_struct_read(const struct keyshm_pool *pool_or_null, const void *from, void *to, size_t known_size);

/* The other way: what the caller's version has of a struct. It begins with its size, which stays. */
void sized_struct_give(const void *known, size_t known_size, void *ret);

#endif
