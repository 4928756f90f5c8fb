/* SPDX-License-Identifier: MIT */
#ifndef FOR_MODEL_H
#define FOR_MODEL_H

/* Picks and marks for a model; 0: whatever the model. */

#include <keyshm.h>

/* As keyshm_acquire(). *ret_pick is written on success. */
static inline int pick_for_model(keyshm_pool *attachment, unsigned model, struct keyshm_pick *ret_pick)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.model = model;
    int r = keyshm_acquire(attachment, &request, &lease);
    if (r == 0)
        *ret_pick = lease.pick;
    return r;
}

/* As keyshm_mark(), of a key or a group. */
static inline int mark_for_model(keyshm_pool *attachment, keyshm_id id, unsigned model, enum keyshm_status status,
                                 int64_t duration_ms)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = status;
    mark.duration_ms = duration_ms;
    mark.model = model;
    return keyshm_mark(attachment, id, &mark);
}

#endif
