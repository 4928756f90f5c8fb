/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_PICK_H
#define KEYSHM_PICK_H

/* Picking the next key, and what else is asked of the words alone. */

#include "slot.h"

/* -EAGAIN, -ENOKEY. *ret_pick is written only on success. */
int pick_next(const struct keyshm_pool *pool, struct keyshm_pick *ret_pick);

/* Milliseconds until a key is available; 0 when one is; -1 when no time is known. */
int64_t pick_next_available_ms(const struct keyshm_pool *pool);

int pick_available_count(const struct keyshm_pool *pool);

#endif
