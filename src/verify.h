/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_VERIFY_H
#define KEYSHM_VERIFY_H

#include "pool.h"

/* As keyshm_verify(). */
int verify(const struct keyshm_pool *pool, keyshm_problem_fn *fn_or_null, void *user);

#endif
