/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_LOOKUP_H
#define KEYSHM_CTL_LOOKUP_H

/* Look at a pool without changing it. */

#include "arguments.h"
#include "failure.h"
#include "keyshm.h"

/* A snapshot of a pool, attached read-only. Errors as keyshm_attach_readonly() and keyshm_snapshot(). */
int lookup_pool(const char *provider, struct keyshm_snapshot **ret_snapshot);

/* The key with that id, or NULL. */
const struct keyshm_key_snapshot *lookup_key(const struct keyshm_snapshot *snapshot, keyshm_id id);

/* How many keys have that masked form, and the id of one of them. */
unsigned lookup_masked(const struct keyshm_snapshot *snapshot, const char *masked_key, keyshm_id *ret_id);

/* If a masked key was given in the place of an id or of a list of ids, find the id. It must be that of one key. Returns the
 * exit status. */
enum exit_status lookup_masked_key(struct arguments *arguments);

/* Is each of the ids that of a key, and of one in that group, unless it is 0? If not, say so. Returns the exit status. */
enum exit_status lookup_check_keys(const char *provider, keyshm_pool *pool, const struct id_list *ids,
                                   keyshm_id in_group);

/* The group with that id, or NULL. */
const struct keyshm_group_snapshot *lookup_group(const struct keyshm_snapshot *snapshot, keyshm_id id);

/* The value of a key's note, or NULL. */
const char *lookup_metadata(const struct keyshm_key_snapshot *key, const char *name);

#endif
