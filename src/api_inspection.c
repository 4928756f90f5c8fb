/* SPDX-License-Identifier: MIT */

/* The public calls that look at a pool: each checks its arguments, and calls one module. */

#include "keyshm.h"

#include <errno.h>

#include "check.h"
#include "events.h"
#include "questions.h"
#include "snapshot.h"
#include "verify.h"
#include "workers.h"

int keyshm_is_available(keyshm_pool *pool, keyshm_id id)
{
    return keyshm_is_available_for(pool, id, 0);
}

int keyshm_is_available_for(keyshm_pool *pool, keyshm_id id, unsigned model)
{
    int r = pool != NULL ? check_is_key(pool, id) : -EINVAL;
    if (r == 0)
        r = check_model(pool, model);
    return r == 0 ? questions_is_available(pool, id, model) : r;
}

int keyshm_available_count(keyshm_pool *pool)
{
    return keyshm_available_count_for(pool, 0);
}

int keyshm_available_count_for(keyshm_pool *pool, unsigned model)
{
    int r = pool != NULL ? check_model(pool, model) : -EINVAL;
    return r == 0 ? questions_count(pool, model) : r;
}

int keyshm_snapshot(keyshm_pool *pool, struct keyshm_snapshot **ret_snapshot)
{
    return pool != NULL && ret_snapshot != NULL ? snapshot_take(pool, ret_snapshot) : -EINVAL;
}

int keyshm_inspect(keyshm_pool *pool, keyshm_id id, unsigned model, size_t size, struct keyshm_key_snapshot *ret_key)
{
    if (pool == NULL || ret_key == NULL)
        return -EINVAL;
    int r = check_model(pool, model);
    return r == 0 ? snapshot_inspect(pool, id, model, size, ret_key) : r;
}

int keyshm_workers(keyshm_pool *pool, struct keyshm_worker_list **ret_list)
{
    return pool != NULL && ret_list != NULL ? workers_list(pool, ret_list) : -EINVAL;
}

int keyshm_events(keyshm_pool *pool, struct keyshm_event_cursor *cursor_or_null, struct keyshm_event_list **ret_list)
{
    return pool != NULL && ret_list != NULL ? events_read(pool, cursor_or_null, ret_list) : -EINVAL;
}

int keyshm_verify(keyshm_pool *pool, keyshm_problem_fn *fn_or_null, void *user)
{
    return pool != NULL ? verify(pool, fn_or_null, user) : -EINVAL;
}
