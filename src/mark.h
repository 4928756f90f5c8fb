/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_MARK_H
#define KEYSHM_MARK_H

/* Changing the status of a key: one compare-and-swap of its word. The only place where a status changes. */

#include "slot.h"

/* What a mark found and left, for whoever wants to tell it. */
struct mark_change {
    uint64_t before;
    uint64_t after;
};

/* `duration_ms` from now, or, when negative, until marked available; ignored for AVAILABLE and INVALID. -ESTALE, -EBUSY.
 */
int mark(const struct keyshm_pool *pool, keyshm_id id, enum keyshm_status status, int64_t duration_ms,
         struct mark_change *ret_change);

/* AVAILABLE, if the key in the slot is one whose cooldown has ended: then its id, otherwise -EAGAIN. */
int mark_expired(const struct keyshm_pool *pool, uint32_t slot, uint64_t now_ms, keyshm_id *ret_id);

#endif
