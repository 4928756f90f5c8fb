/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_SUCCESS_H
#define KEYSHM_SUCCESS_H

/* A request has succeeded: what that ends of each of the four words. */

#include "pool.h"

/* The end of streaks and probes of the words of the key and of the group that it is in, of those on which nothing was
 * marked since the pick that had this stamp. 1: a probe has ended; 0. -ESTALE, -EBUSY. */
int success_report(const struct keyshm_pool *pool, keyshm_id id, unsigned model, uint64_t stamp);

#endif
