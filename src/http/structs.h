/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_STRUCTS_H
#define KEYSHM_HTTP_STRUCTS_H

/* The structs of the interface, which begin with their size: programs of other versions have them shorter or longer. */

#include <keyshm-http.h>
#include <stdbool.h>

/* What the caller's version does not have gets its default. -EINVAL without a size, -E2BIG when a later field is set. */
int response_read(const struct keyshm_http_response *response, struct keyshm_http_response *ret_response);
int verdict_read(const struct keyshm_http_verdict *verdict, struct keyshm_http_verdict *ret_verdict);

/* Most programs have the same version: then it need not be read. */
static inline bool response_is_known(const struct keyshm_http_response *response)
{
    return response->size == sizeof(*response);
}

static inline bool verdict_is_known(const struct keyshm_http_verdict *verdict)
{
    return verdict->size == sizeof(*verdict);
}

/* -EINVAL without a size. */
int verdict_check(const struct keyshm_http_verdict *verdict);

/* As much as the caller's version has. */
void verdict_give(const struct keyshm_http_verdict *verdict, struct keyshm_http_verdict *ret_verdict);

#endif
