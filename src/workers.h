/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_WORKERS_H
#define KEYSHM_WORKERS_H

/*
 * Who is attached: a table with a row for each attachment that can write. A hint for people; nothing is decided by it.
 *
 * A row is taken by a compare-and-swap of its owner word, then filled in, then said to be. Killed between, it is the row
 * of a dead process, as any other. A process takes a row when it attaches; a child that inherits an attachment, at its
 * first pick or mark. A dead process's row is shown until the search for a free one, which goes round, comes to it.
 */

#include "pool.h"
#include "process_local.h"

#define WORKER_NONE UINT32_MAX /* every row was taken by a living process */

/* Take a row for this process, unless it has one. Returns its number, from 1, or WORKER_NONE. */
uint32_t workers_enter(const struct keyshm_pool *pool);

/* Give it back. */
void workers_leave(const struct keyshm_pool *pool);

/* getpid(2), and kept for the next time. */
uint32_t workers_ask_process_id(const struct keyshm_pool *pool);

/* This process. */
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
    /* Not one step: that would cost as much as half of a pick. The row is this process's alone; threads may lose some. */
    _Atomic uint64_t *picks = &pool->workers[row - 1].picks;
    atomic_store_explicit(picks, atomic_load_explicit(picks, memory_order_relaxed) + 1, memory_order_relaxed);
}

/* As keyshm_workers(). */
int workers_list(const struct keyshm_pool *pool, struct keyshm_worker_list **ret_list);

#endif
