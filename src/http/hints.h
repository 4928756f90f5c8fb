/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_HINTS_H
#define KEYSHM_HTTP_HINTS_H

/* How long an answer says that is to be waited. */

#include "answer.h"

/* The latest of what headers and body say; -1: nothing. */
int64_t hints_ms(struct answer *answer);

/* What one header says; -1: nothing. */
int64_t hints_of_header_ms(struct answer *answer, unsigned header);

/* When a quota ends, by a message; -1: it does not say. */
int64_t hints_end_of_quota_ms(struct answer *answer);

/* The longest window that messages and fields name. */
enum window hints_window(const struct answer *answer);

#endif
