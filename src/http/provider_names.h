/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_PROVIDER_NAMES_H
#define KEYSHM_HTTP_PROVIDER_NAMES_H

/* The table of the names of providers in a set of rules. Every answer has its provider looked up, so this is fast. */

#include "rule_set.h"

/* Room for `count` names, in the set's arena. */
bool provider_names_init(struct rule_set *set, size_t count);

/* It stays another provider's if that has it already. */
void provider_names_add(struct rule_set *set, const char *name, const struct provider *provider);

/* Exactly this name, of at most KEYSHM_PROVIDER_MAX bytes, in any case; NULL: no provider has it. */
const struct provider_name *provider_names_find(const struct rule_set *set, const char *name, size_t length);

#endif
