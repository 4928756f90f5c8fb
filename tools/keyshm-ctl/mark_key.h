/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_MARK_KEY_H
#define KEYSHM_CTL_MARK_KEY_H

/* Marks by number: the library has a call for each status. */

#include <stdbool.h>
#include <stdint.h>

#include "keyshm.h"

/* May a mark with this status have an end? */
bool mark_takes_duration(enum keyshm_status status);

/* `after_ms` counts only for a status that takes a duration: see keyshm_mark_rate_limited(),
 * keyshm_mark_quota_exceeded(). Errors as theirs. */
int mark_key(keyshm_pool *pool, keyshm_id id, enum keyshm_status status, int64_t after_ms);

#endif
