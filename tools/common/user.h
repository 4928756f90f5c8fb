/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_USER_H
#define KEYSHM_COMMON_USER_H

/* The user whose pools this is about: the effective one, or that of --user. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "program.h"

uid_t user_of_pools(void);

/* Take the value of --user: a name, or a number. Says on standard error what is wrong; only root may name another user. */
enum exit_status user_choose(const char *name);

#define USER_NAME_SIZE 256 /* LOGIN_NAME_MAX */

/* Its name, or its number where it has none. */
void user_name(uid_t user, char ret_name[USER_NAME_SIZE]);

/* Another user who has a pool of this name. */
bool user_find_other(const char *provider, uid_t *ret_user);

/* Another layout in which that user has a pool of this name. */
bool user_find_layout(const char *provider, char *ret_layout, size_t size);

/* Has that user a pool of this name and layout? */
bool user_has_layout(const char *provider, const char *layout);

#endif
