/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_ATTACHMENT_H
#define KEYSHM_ATTACHMENT_H

/* A process's attachment to a pool: created with its pool, made to an existing one, and closed. Refusals are logged here
 * or in segment.c, where their reason is known. */

#include "pool.h"

/* Make a segment of the user options->owner, initialise it completely, and only then give it its name (or none). */
int attachment_create(struct keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options,
                      bool named);

/* Map the segment of user `owner`, after checking everything in it that is ever trusted. */
int attachment_attach(struct keyshm_pool **ret_pool, uid_t owner, const char *provider, bool readonly);

/* As keyshm_open(). */
int attachment_open(struct keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options);

void attachment_close(struct keyshm_pool *pool);

#endif
