/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_PROVIDER_RULES_H
#define KEYSHM_CTL_PROVIDER_RULES_H

/* The rules of the providers (keyshm-providers(5)). */

#include <jansson.h>
#include <keyshm-http.h>
#include <stdbool.h>

#include "failure.h"

/* These say on standard error what is wrong, and return the exit status. */

/* Read them. If one of their files is bad, say which line. */
enum exit_status provider_rules_load(void);

/* Those of a provider, or of all, as keyshm_http_describe() gives them: a list, which the caller frees. */
enum exit_status provider_rules_describe(const char *provider_or_null, json_t **ret_providers);

/* How a provider counts. */
struct provider_counting {
    enum keyshm_charge charge; /* of tokens */
    bool is_by_group;          /* all keys of an account share its limits */
};

/* Where its rules cannot be read: tokens at the release, each key for itself. */
struct provider_counting provider_rules_counting(const char *provider);

#endif
