/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_CHECK_EXCHANGE_H
#define KEYSHM_CTL_CHECK_EXCHANGE_H

/* A request with a key, and the provider's answer, by libcurl. All memory that may hold the key is wiped. */

#include <curl/curl.h>
#include <stdbool.h>

#include "keyshm-http.h"
#include "request.h"

struct exchange;

/* First of all, once in the process. -ENOMEM. */
int exchange_begin_all(CURLM **ret_multi);
void exchange_end_all(CURLM *multi);

/* Begin one, for curl_multi_perform(3). The key is not needed afterwards. -ENOMEM. */
int exchange_start(CURLM *multi, const struct check_request *request, const char *key, void *user,
                   struct exchange **ret_exchange);

/* One that is complete; NULL: none is. */
struct exchange *exchange_take(CURLM *multi);

/* What was given to exchange_start(). */
void *exchange_user(const struct exchange *exchange);

/* Of one that is complete. The response is valid until the end of the exchange. */
void exchange_read(const struct exchange *exchange, struct keyshm_http_response *ret_response);

/* In libcurl's words, which never show the URL: a static string. NULL: an answer came. */
const char *exchange_failure(const struct exchange *exchange);

/* Was the request not even sent, so that others would fare the same? */
bool exchange_is_unreachable(const struct exchange *exchange);

void exchange_end(CURLM *multi, struct exchange *exchange);

#endif
