/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_MARK_H
#define KEYSHM_MARK_H

/* Changing the status of a key: one compare-and-swap of its word. Nothing else changes a status. */

#include "report.h"

/* A mark, with the policy applied to it. */
struct mark_request {
    enum keyshm_status status;
    enum keyshm_reason reason;
    enum keyshm_scope scope;
    unsigned model;
    int64_t duration_ms; /* as policy_duration_ms() */
    uint64_t stamp;
};

/* -ESTALE, -EBUSY. */
int mark(const struct keyshm_pool *pool, keyshm_id id, const struct mark_request *request,
         struct report_change *ret_change);

/* 1; 0: it was so already. -ESTALE, -EBUSY. */
int mark_paused(const struct keyshm_pool *pool, keyshm_id id, bool is_paused);

#endif
