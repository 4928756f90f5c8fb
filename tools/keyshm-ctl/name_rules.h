/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_NAME_RULES_H
#define KEYSHM_CTL_NAME_RULES_H

/* Groups, models and pools, as people name them. No message repeats a name: it may be a key in the wrong place. */

#include <stdbool.h>

#include "failure.h"
#include "keyshm.h"
#include "metadata_rules.h"

#define NAME_RULE "1 to 128 bytes of UTF-8 with no control characters and no space at either end"

/* As the library has it, but UTF-8, so that it can be exported as JSON. */
bool name_is_allowed(const char *name);

#define NAME_OF_POOL_RULE "1 to 64 of A-Z a-z 0-9 . _ -, the first not a dot"

/* As the library has the name of a provider, or of its rules. */
bool name_is_of_pool(const char *name);

/* Is a key in the name of a group or a model of the pool? */
bool name_reveals_any(const struct keyshm_snapshot *snapshot, is_key_fn *is_key, void *user);

/* These say on standard error what is wrong, and return the exit status. */

enum exit_status name_find_group(const char *provider, keyshm_pool *pool, const char *name, keyshm_id *ret_group);

/* Find it, or make it. A name that has a key of the pool in it is refused: everyone who can inspect the pool sees it. */
enum exit_status name_make_group(const char *provider, keyshm_pool *pool, const char *name, keyshm_id *ret_group);

/* Would that make it, as far as the name decides? */
enum exit_status name_check_group(const char *provider, keyshm_pool *pool, const char *name);

/* The same for a model. */
enum exit_status name_make_model(const char *provider, keyshm_pool *pool, const char *name, unsigned *ret_model);

/* Only find it. */
enum exit_status name_find_model(const char *provider, keyshm_pool *pool, const char *name, unsigned *ret_model);

/* For requests and marks: a model for which the pool has no room is model 0, with a warning, as are all without a name. */
enum exit_status name_choose_model(const char *provider, keyshm_pool *pool, const char *name_or_null,
                                   unsigned *ret_model);

#endif
