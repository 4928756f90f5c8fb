/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_STRUCTS_H
#define KEYSHM_HTTP_STRUCTS_H

/* The structs of the interface, which begin with their size: programs of other versions have them shorter or longer. */

#include <keyshm-http.h>

/* What the caller's version does not have gets its default. -EINVAL without a size, -E2BIG when a later field is set. */
int response_read(const struct keyshm_http_response *response, struct keyshm_http_response *ret_response);
int verdict_read(const struct keyshm_http_verdict *verdict, struct keyshm_http_verdict *ret_verdict);

/* -EINVAL without a size. */
int verdict_check(const struct keyshm_http_verdict *verdict);

/* As much as the caller's version has. */
void verdict_give(const struct keyshm_http_verdict *verdict, struct keyshm_http_verdict *ret_verdict);

#endif
