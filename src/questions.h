/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_QUESTIONS_H
#define KEYSHM_QUESTIONS_H

/* Questions that callers ask without a pick: what a request that says nothing of tokens could have, by the state words and by
 * the budgets. They change nothing, and can be asked on every attachment. */

#include "pool.h"

/* As keyshm_next_available_ms(), keyshm_is_available_for() and keyshm_available_count_for(). */
int64_t questions_next_ms(const struct keyshm_pool *pool, unsigned model);
int questions_is_available(const struct keyshm_pool *pool, keyshm_id id, unsigned model);
int questions_count(const struct keyshm_pool *pool, unsigned model);

#endif
