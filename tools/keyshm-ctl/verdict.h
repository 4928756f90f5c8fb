/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_VERDICT_H
#define KEYSHM_CTL_VERDICT_H

/* What an answer says, by the rules of its provider: found, told to a pool, and shown. */

#include <jansson.h>

#include "failure.h"
#include "keyshm-http.h"

/* Whose rules: those of the provider that --provider names, otherwise those of the pool. */
const char *verdict_provider(const char *name_or_null, keyshm_pool *pool);

/* Says on standard error what is wrong, and returns the exit status. */
enum exit_status verdict_find(const char *provider, const struct keyshm_http_response *response,
                              struct keyshm_http_verdict *ret_verdict);

/* On standard output, for people: some lines. */
void verdict_print(const struct keyshm_http_verdict *verdict);

/* The members of MEMBERS_OF_VERDICT. NULL: out of memory. */
json_t *verdict_json(const struct keyshm_http_verdict *verdict);

#endif
