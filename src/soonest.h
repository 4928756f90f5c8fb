/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_SOONEST_H
#define KEYSHM_SOONEST_H

/* A key that is not available, for a caller that would rather risk a refusal than have none: KEYSHM_SOONEST. */

#include "budget.h"

/* The key whose bench ends first, by itself, of those that are not paused or invalid and whose budgets admit the request.
 * -EAGAIN: there is none. -EBUSY: one is available, or others were faster. */
int soonest_pick(const struct keyshm_pool *pool, unsigned model, const struct budget_request *request,
                 struct keyshm_pick *ret_pick, struct budget_charges *ret_charges);

#endif
