/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_MARK_H
#define KEYSHM_MARK_H

/* Changing the status of a key: one compare-and-swap of its word. Nothing else changes a status. */

#include "slot.h"

/* The word before and after a mark, for the log. */
struct mark_change {
    uint64_t before;
    uint64_t after;
};

/* `duration_ms` from now, or, when negative, until marked available; ignored for AVAILABLE and INVALID. -ESTALE, -EBUSY.
 */
int mark(const struct keyshm_pool *pool, keyshm_id id, enum keyshm_status status, int64_t duration_ms,
         struct mark_change *ret_change);

/* Mark each key AVAILABLE whose cooldown has ended, and call on_marked for it. Returns the number of keys. */
int mark_all_expired(const struct keyshm_pool *pool, void (*on_marked)(const struct keyshm_pool *pool, keyshm_id id));

#endif
