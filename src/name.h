/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_NAME_H
#define KEYSHM_NAME_H

/* What the segments of named pools are called, and which there are. */

#include <stdbool.h>

#include "keyshm.h"

/* Where shm_open(3) keeps its objects (shm_overview(7)). It cannot make an unnamed one, so creation needs the path. */
#define NAME_DIRECTORY "/dev/shm"

/* "/keyshm.UID.PROVIDER": the uid, so that two users' pools of one name do not collide. */
#define NAME_SIZE (sizeof("/keyshm.4294967295.") + KEYSHM_PROVIDER_MAX)

bool name_is_valid(const char *provider);

void name_make(char name[NAME_SIZE], uid_t owner, const char *provider);

/* As keyshm_unlink(), keyshm_list_owners() and keyshm_list_pools(). */
int name_unlink(const char *provider);
int name_list_owners(struct keyshm_owner_list **ret_list);
int name_list(uid_t owner, struct keyshm_pool_list **ret_list);

#endif
