/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_BUDGETS_H
#define KEYSHM_HTTP_BUDGETS_H

/* What an answer says is left. */

#include "answer.h"

/* A header that says something of a budget. */
struct budget_header {
    const struct header_name *name;
    const char *value;
    size_t length;
};

enum { BUDGET_HEADERS_MAX = 64 };

/* What the name says of a budget: for the provider, or by its general meaning; NULL: nothing. */
static inline const struct header_name *
budgets_name(const struct provider *provider, const struct header_name *general_or_null, const char *name, size_t length)
{
    const struct header_name *own =
        provider->budget_names.places != NULL ? header_names_find(&provider->budget_names, name, length) : NULL;
    if (own != NULL)
        return own;
    return general_or_null != NULL && general_or_null->part != BUDGET_NO_PART ? general_or_null : NULL;
}

void budgets_read_headers(struct answer *answer, const struct budget_header *headers, unsigned count);

/* From the headers that stand in the body. */
void budgets_read_body(struct answer *answer);

/* Of each unit that of which the least is left. */
void budgets_tell(const struct answer *answer, struct keyshm_http_verdict *verdict);

/* The latest reset of what is used up, and the longest window of that; -1 and WINDOW_NONE: none. */
int64_t budgets_used_up_ms(const struct answer *answer, enum window *ret_window);

#endif
