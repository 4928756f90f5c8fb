/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_POLICY_H
#define KEYSHM_POLICY_H

/*
 * The policy of a pool: how marks are understood. Each field is one word of the segment, stored and loaded by itself,
 * so that a change needs no lock, and a process killed in the middle of one has made a part of it.
 */

#include "pool.h"

extern const struct keyshm_policy policy_default;

/* -EINVAL when a field is outside its range. */
int policy_check(const struct keyshm_policy *policy);

/* Store all fields, and record that. */
void policy_set(const struct keyshm_pool *pool, const struct keyshm_policy *policy);

/* All fields but the size. What the segment has outside its range is read as the nearest value within it. */
void policy_read(const struct keyshm_pool *pool, struct keyshm_policy *ret_policy);

/* The duration of a mark, by the policy: not negative, or -1 for until marked. *ret_was_too_long: it was shortened. */
int64_t policy_duration_ms(const struct keyshm_pool *pool, enum keyshm_status status, int64_t duration_ms,
                           bool *ret_was_too_long);

#endif
