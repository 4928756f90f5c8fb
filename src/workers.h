/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_WORKERS_H
#define KEYSHM_WORKERS_H

/*
 * The attached processes: a table with a row for each attachment that can write. For people to look at; no decision
 * depends on it.
 *
 * A row is taken by a compare-and-swap of its owner word, then filled in, then flagged as filled. A process killed in
 * between leaves the row of a dead process, like any other. A process takes a row when it attaches; a child that
 * inherits an attachment takes one at its first pick or mark. The row of a dead process stays visible until the search
 * for a free row, which goes round, reaches it.
 */

#include "pool.h"
#include "process_local.h"

#define WORKER_NONE UINT32_MAX /* living processes have every row */

/* Take a row for this process, unless it has one. Returns its number, from 1, or WORKER_NONE. */
uint32_t workers_enter(const struct keyshm_pool *pool);

/* Give it back. */
void workers_leave(const struct keyshm_pool *pool);

/* Call getpid(2), and keep the result for workers_process_id(). */
uint32_t workers_ask_process_id(const struct keyshm_pool *pool);

/* The id of this process. */
static inline uint32_t workers_process_id(const struct keyshm_pool *pool)
{
    uint32_t pid = pool->local != NULL ? atomic_load_explicit(&pool->local->pid, memory_order_relaxed) : 0;
    return pid != 0 ? pid : workers_ask_process_id(pool);
}

static inline void workers_count_pick(const struct keyshm_pool *pool)
{
    if (pool->local == NULL)
        return;
    uint32_t row = atomic_load_explicit(&pool->local->row, memory_order_relaxed);
    if (row == 0)
        row = workers_enter(pool);
    if (row == WORKER_NONE)
        return;
    /* Not an atomic increment, which would cost half as much as a pick. Only this process writes the row; its threads
     * may lose counts. */
    _Atomic uint64_t *picks = &pool->workers[row - 1].picks;
    atomic_store_explicit(picks, atomic_load_explicit(picks, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* As keyshm_workers(). */
int workers_list(const struct keyshm_pool *pool, struct keyshm_worker_list **ret_list);

#endif
