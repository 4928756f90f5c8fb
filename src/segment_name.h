/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_SEGMENT_NAME_H
#define KEYSHM_SEGMENT_NAME_H

/* The names of the segments of named pools: made, unlinked, listed. */

#include <stdbool.h>

#include "keyshm.h"

/* Where shm_open(3) keeps its objects (shm_overview(7)). It cannot make an unnamed object, so creation needs the path. */
#define SEGMENT_NAME_DIRECTORY "/dev/shm"

/*
 * "/keyshm.UID.LAYOUT.PROVIDER": with the uid, so that pools of the same name of two users do not collide; with the
 * layout, so that the pools of two versions of keyshm do not. The uid is the one that the parent user namespace has for
 * it (user_namespaces(7)): root of a container that shares the directory with its host must not take the name of the
 * host's root.
 */
#define SEGMENT_NAME_SIZE (sizeof("/keyshm.4294967295..") + KEYSHM_LAYOUT_NAME_MAX + KEYSHM_PROVIDER_MAX)

bool segment_name_is_valid(const char *provider);

/* Of this library's layout. */
void segment_name_make(char name[SEGMENT_NAME_SIZE], uid_t owner, const char *provider);

/* Warn if root has a pool for `provider` while `owner` is another, or if `owner` has one of another layout. */
void segment_name_warn_of_others(uid_t owner, const char *provider);

/* As keyshm_unlink_user(), keyshm_list_owners() and keyshm_list_pools(). */
int segment_name_unlink(uid_t owner, const char *provider);
int segment_name_list_owners(struct keyshm_owner_list **ret_list);
int segment_name_list(uid_t owner, struct keyshm_pool_list **ret_list);

#endif
