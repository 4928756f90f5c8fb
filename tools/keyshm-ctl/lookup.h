/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_LOOKUP_H
#define KEYSHM_CTL_LOOKUP_H

/* How things stand in a pool. */

#include "keyshm.h"

/* A snapshot of a pool, by an attachment that cannot write. Errors as keyshm_attach_readonly() and keyshm_snapshot(). */
int lookup_pool(const char *provider, struct keyshm_snapshot **ret_snapshot);

/* The key with that id, or NULL. */
const struct keyshm_key_snapshot *lookup_key(const struct keyshm_snapshot *snapshot, keyshm_id id);

/* What of that name is kept with a key, or NULL. */
const char *lookup_metadata(const struct keyshm_key_snapshot *key, const char *name);

#endif
