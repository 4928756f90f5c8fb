/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_QUESTIONS_H
#define KEYSHM_QUESTIONS_H

/* Questions that callers ask without a pick: what a request could have, by the state words and by the budgets. Without tokens
 * it is one that does not say how many it will use. They change nothing, and can be asked on every attachment. */

#include "pool.h"

/* As keyshm_next_available_ms(), keyshm_wait_hint_ms(), keyshm_is_available_for() and keyshm_available_count_for(). */
int64_t questions_next_ms(const struct keyshm_pool *pool, unsigned model);
int64_t questions_wait_hint_ms(const struct keyshm_pool *pool, unsigned model, uint64_t tokens);
int questions_is_available(const struct keyshm_pool *pool, keyshm_id id, unsigned model);
int questions_count(const struct keyshm_pool *pool, unsigned model);

/* When the first key can be had for the request, if nothing changes but the time. 0: now. WORD_FOREVER: that is not known.
 * AVAILABILITY_NO_KEY. */
uint64_t questions_first_at_ms(const struct keyshm_pool *pool, unsigned model, uint64_t tokens);

/* Is there anything that some request could have? */
static inline bool questions_has_any(const struct keyshm_pool *pool)
{
    /* Nothing is available for a model, or for more tokens, that is not for this request. */
    return questions_first_at_ms(pool, 0, 0) == 0;
}

#endif
