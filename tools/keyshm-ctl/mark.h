/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_MARK_H
#define KEYSHM_CTL_MARK_H

#include "keyshm.h"

/* Mark a key with a status. `after_ms` is for those that may have an end: see keyshm_mark_rate_limited(),
 * keyshm_mark_quota_exceeded(). Errors as theirs. */
int mark_key(keyshm_pool *pool, keyshm_id id, enum keyshm_status status, int64_t after_ms);

#endif
