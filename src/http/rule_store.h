/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_RULE_STORE_H
#define KEYSHM_HTTP_RULE_STORE_H

/* The rules in force. */

#include "rule_set.h"

/* They stay valid as long as the process. The first call reads the files. 0 or -ENOMEM. */
int rule_store_get(const struct rule_set **ret_set);

/* Can a pool have this name? */
bool rule_store_is_provider_name(const char *name);

/* The same, and of those the rules of the provider, as rule_set_find(). Faster than both. */
int rule_store_find(const char *name, const struct rule_set **ret_set, const struct provider **ret_provider);

/* By the provider's name, or what stands before a '.' or '-' in it; the general rules if there are none. */
const struct provider *rule_set_find(const struct rule_set *set, const char *name);

#endif
