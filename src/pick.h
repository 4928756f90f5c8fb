/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_PICK_H
#define KEYSHM_PICK_H

/* Picking the next key. */

#include "budget.h"

/* -EAGAIN, -ENOKEY. *ret_pick is written only on success. */
int pick_next(const struct keyshm_pool *pool, struct keyshm_pick *ret_pick);

/* And what it was charged. */
int pick_next_for(const struct keyshm_pool *pool, unsigned model, struct budget_request *request,
                  struct keyshm_pick *ret_pick, struct budget_charges *ret_charges);

#endif
