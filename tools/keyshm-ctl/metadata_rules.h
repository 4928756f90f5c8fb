/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_METADATA_RULES_H
#define KEYSHM_CTL_METADATA_RULES_H

/* Which notes may be kept with a key, and what may not be in them, nor in the name of a group or a model. */

#include <stdbool.h>

#include "keyshm.h"

#define METADATA_NAME_RULE "1 to 32 of A-Z a-z 0-9 . _ -"
#define METADATA_VALUE_RULE "0 to 120 bytes of UTF-8 with no control characters"

bool metadata_name_is_allowed(const char *name);
bool metadata_value_is_allowed(const char *value);

typedef bool is_key_fn(const char *text, void *user);

/* Is the text, or a word in it, a key? It is shown to everyone who can inspect the pool. */
bool metadata_reveals_any(const char *text, is_key_fn *is_key, void *user);

/* The same for the keys of a pool. */
bool metadata_reveals_key(keyshm_pool *pool, const char *text);

#endif
