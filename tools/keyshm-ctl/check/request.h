/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_CHECK_REQUEST_H
#define KEYSHM_CTL_CHECK_REQUEST_H

/* The request by which a provider is asked about a key: as its rules say, or the command line. */

#include <jansson.h>

#include "arguments.h"
#include "failure.h"

#define CHECK_HEADERS_MAX 32

struct check_request {
    const char *rules; /* the name of the provider by whose rules answers are judged */
    const char *url, *method;
    const char *headers[CHECK_HEADERS_MAX];
    size_t header_count;
    json_t *described; /* what texts of the rules belong to */
};

/* Says on standard error what is wrong. */
enum exit_status check_request_choose(const struct arguments *arguments, const char *rules,
                                      struct check_request *ret_request);
void check_request_free(struct check_request *request);

/* With the key in the place of {key}. Returns NULL if there is no memory; free it with secret_free(). */
char *check_request_fill(const char *text, const char *key);

#endif
