/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_SEGMENT_H
#define KEYSHM_SEGMENT_H

/* The segment as a file and a mapping: made, found, checked and let go. Every refusal is logged here, where its reason is
 * known. */

#include "pool.h"

/* Make a segment, initialise it completely, and only then give it its name (or none). */
int segment_create(struct keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options, bool named);

/* Map an existing one of user `owner`, after checking everything in it that is ever trusted. */
int segment_attach(struct keyshm_pool **ret_pool, uid_t owner, const char *provider, bool readonly);

void segment_detach(struct keyshm_pool *pool);

/* As keyshm_is_replaced(). */
int segment_is_replaced(const struct keyshm_pool *pool);

/* The header is still the one that was checked on attach: nobody has written another file over this one. */
bool segment_is_intact(const struct keyshm_pool *pool);

#endif
