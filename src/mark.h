/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_MARK_H
#define KEYSHM_MARK_H

/* Changing the status of a key: one compare-and-swap of its word. Nothing else changes a status. */

#include "slot.h"

/* A mark, with the policy applied to it. */
struct mark_request {
    enum keyshm_status status;
    enum keyshm_reason reason;
    enum keyshm_scope scope;
    unsigned model;
    int64_t duration_ms; /* as policy_duration_ms() */
    uint64_t stamp;
};

/* The word before and after a mark, for the log: of an available mark whatever the model, that of model 0. */
struct mark_change {
    keyshm_id id; /* of the key or group that was marked */
    uint64_t before;
    uint64_t after;
};

/* -ESTALE, -EBUSY. */
int mark(const struct keyshm_pool *pool, keyshm_id id, const struct mark_request *request,
         struct mark_change *ret_change);

/* A request with this pick has succeeded: the end of streaks and probes of the key's words and its group's, of those on
 * which nothing was marked since. 1: a probe has ended; 0. -ESTALE, -EBUSY. */
int mark_success(const struct keyshm_pool *pool, keyshm_id id, unsigned model, uint64_t stamp);

typedef void mark_fn(const struct keyshm_pool *pool, keyshm_id id);

/* Mark each key and group AVAILABLE of which a cooldown has ended, for that model, and call on_marked for it. Returns
 * how many. -EBUSY: other marks of one came between. */
int mark_all_expired(const struct keyshm_pool *pool, mark_fn *on_marked);

/* The same of each that is benched by one of these statuses (bits 1u << status). */
int mark_all_available(const struct keyshm_pool *pool, unsigned status_mask, mark_fn *on_marked);

/* 1; 0: it was so already. -ESTALE, -EBUSY. */
int mark_paused(const struct keyshm_pool *pool, keyshm_id id, bool is_paused);

#endif
