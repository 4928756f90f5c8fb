/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_LEASE_H
#define KEYSHM_LEASE_H

/* A key that is lent for one request: what the token of a lease says, and how it ends. */

#include "budget.h"

/* A request was charged, and has its places. */
void lease_begin(const struct budget_request *request, const struct budget_charges *charges,
                 struct keyshm_lease *ret_lease);

/* As keyshm_settle(), keyshm_release() and keyshm_cancel(), of a writable attachment. */
int lease_settle(const struct keyshm_pool *pool, struct keyshm_lease *lease, uint64_t tokens_used);
int lease_release(const struct keyshm_pool *pool, struct keyshm_lease *lease);
int lease_cancel(const struct keyshm_pool *pool, struct keyshm_lease *lease);

/* Charge what a request holds in a place that is taken away from it: as if it had used that. */
void lease_charge_held(const struct keyshm_pool *pool, uint32_t subject, unsigned model, uint64_t tokens);

#endif
