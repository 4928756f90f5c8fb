/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_BUDGETS_H
#define KEYSHM_HTTP_BUDGETS_H

/* What an answer says is left. */

#include "answer.h"

/* From the headers; times in them may need the date, which is one of the headers. */
void budgets_read_headers(struct answer *answer);

/* From the headers that stand in the body. */
void budgets_read_body(struct answer *answer);

/* Of each unit that of which the least is left. */
void budgets_tell(const struct answer *answer, struct keyshm_http_verdict *verdict);

/* The latest reset of what is used up, and the longest window of that; -1 and WINDOW_NONE: none. */
int64_t budgets_used_up_ms(const struct answer *answer, enum window *ret_window);

#endif
