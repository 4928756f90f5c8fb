/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_PICK_H
#define KEYSHM_PICK_H

/* Picking the next key. */

#include "budget.h"
#include "slot.h"
#include "tagged.h"

/* -EAGAIN, -ENOKEY. *ret_pick is written only on success. */
int pick_next(const struct keyshm_pool *pool, struct keyshm_pick *ret_pick);

/* And what it was charged. */
int pick_next_for(const struct keyshm_pool *pool, unsigned model, struct budget_request *request,
                  struct keyshm_pick *ret_pick, struct budget_charges *ret_charges);

/* The same for the key that this number prefers; 0 is none. It takes no turn. */
int pick_by_affinity(const struct keyshm_pool *pool, unsigned model, uint64_t affinity,
                     const struct budget_request *request, struct keyshm_pick *ret_pick,
                     struct budget_charges *ret_charges);

/* The key's bytes are in *ret_pick: complete it, and count the pick. */
ALWAYS_INLINE void pick_complete(const struct slot_copy *copy, unsigned model, uint64_t stamp, uint64_t now_ms,
                                 struct keyshm_pick *ret_pick)
{
    slot_complete_pick(copy, model, stamp, ret_pick);
    tagged_increment(&copy->at->picks, copy->id);
    tagged_raise(&copy->at->last_used_ms, copy->id, now_ms);
}

#endif
