/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_PICK_H
#define KEYSHM_PICK_H

/* Picking the next key. */

#include "pool.h"

/* -EAGAIN, -ENOKEY. *ret_pick is written only on success. */
int pick_next(const struct keyshm_pool *pool, struct keyshm_pick *ret_pick);
int pick_next_for(const struct keyshm_pool *pool, unsigned model, struct keyshm_pick *ret_pick);

#endif
