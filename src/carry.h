/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CARRY_H
#define KEYSHM_CARRY_H

#include "pool.h"

/* As keyshm_get_streak() and keyshm_raise_streak(), whose arguments are checked. */
int carry_get(const struct keyshm_pool *pool, keyshm_id id, unsigned model, struct keyshm_streak *ret_streak);
int carry_raise(const struct keyshm_pool *pool, keyshm_id id, unsigned model, const struct keyshm_streak *streak);

#endif
