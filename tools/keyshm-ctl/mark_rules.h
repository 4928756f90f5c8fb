/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_MARK_RULES_H
#define KEYSHM_CTL_MARK_RULES_H

/* A mark of one key, for whatever model. */

#include <stdbool.h>
#include <stdint.h>

#include "keyshm.h"

/* May a mark with this status have an end? */
bool mark_takes_duration(enum keyshm_status status);

/* The reason that the library's call for this status records. */
enum keyshm_reason mark_default_reason(enum keyshm_status status);

/* `after_ms` counts only for a status that takes a duration. Errors as keyshm_mark(). */
int mark_key(keyshm_pool *pool, keyshm_id id, enum keyshm_status status, int64_t after_ms, enum keyshm_reason reason);

#endif
