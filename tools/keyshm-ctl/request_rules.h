/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_REQUEST_RULES_H
#define KEYSHM_CTL_REQUEST_RULES_H

/* What a request to a provider can be made of. {key} stands for the key, in a header or behind the host of a URL. */

#include <stdbool.h>

#define REQUEST_KEY "{key}"

#define REQUEST_URL_RULE "a URL of http or https without blanks, with " REQUEST_KEY " behind its host only"
#define REQUEST_METHOD_RULE "1 to 16 of A-Z"
#define REQUEST_HEADER_RULE "NAME: VALUE, without control characters"

bool request_url_is_allowed(const char *url);
bool request_method_is_allowed(const char *method);
bool request_header_is_allowed(const char *header);

#endif
