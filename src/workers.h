/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_WORKERS_H
#define KEYSHM_WORKERS_H

/*
 * The attached processes: a table with a row for each attachment that can write. It also decides which process has
 * ended, for those who take over what it has left.
 *
 * A row is taken by a compare-and-swap of its owner word, then filled in, then flagged as filled. A process killed in
 * between leaves the row of a dead process, like any other. A process takes a row when it attaches; a child that
 * inherits an attachment takes one at its first pick or mark. The row of a process that has closed its attachment or
 * ended stays visible until the search for a row, which goes round, reaches it.
 *
 *   owner word  bits 63..32 process id; 0: free
 *               bits 31..3  owners so far, so that no two have the same word
 *               bit  2      it was not certain that the process id is one of the PID namespace of the pool's creator
 *               bit  1      the attachment was closed
 *               bit  0      the rest of the row is filled in
 *
 * An owner is named by its token: the number of the row, from 1, and the low half of the owner word as it is while it
 * is attached. Another low half means that it has closed the attachment or ended, without a look at any process.
 */

#include "pool.h"
#include "process_local.h"

#define WORKER_IS_FILLED UINT64_C(1)
#define WORKER_HAS_CLOSED UINT64_C(2)
#define WORKER_IS_FOREIGN UINT64_C(4)
#define WORKER_COUNT_STEP UINT64_C(8)

/* Take a row for this process when it attaches. */
void workers_enter_attached(const struct keyshm_pool *pool, uint64_t now_ms);

/* Take a row for this process, unless it has one. Returns its token; 0: all rows belong to others that are, or may be,
 * alive. Looks at the table again only after a second. */
uint64_t workers_enter(const struct keyshm_pool *pool, uint64_t now_ms);

/* The same for who cannot do without: looks at every row before it says that all belong to others that are alive. */
uint64_t workers_enter_surely(const struct keyshm_pool *pool, uint64_t now_ms);

/* The attachment is closed, or the process calls exit(3). */
void workers_leave(const struct keyshm_pool *pool);

/* Has the owner of this token closed its attachment, or ended? False when it cannot be known. Safe in a signal handler. */
bool workers_has_ended(const struct keyshm_pool *pool, uint64_t token);

/* The same of the owner of a row, when it had had so many, as far as their low 16 bits tell. */
bool workers_has_left(const struct keyshm_pool *pool, uint32_t row, uint64_t count);

/* Does the row belong to a process that is attached, as far as can be told? */
bool workers_is_attached(const struct keyshm_pool *pool, uint32_t row);

/* Its process id; 0: it has left. */
pid_t workers_process_of(const struct keyshm_pool *pool, uint32_t row, uint64_t count);

/* Is it this one, or was it, before it closed its attachment? */
bool workers_was_of(const struct keyshm_pool *pool, uint32_t row, uint64_t count, pid_t process);

/* Is it this process? */
bool workers_is_own(const struct keyshm_pool *pool, uint32_t row, uint64_t count);

/* And its name, as keyshm_workers() has it; "" of one that has left. */
void workers_name_of(const struct keyshm_pool *pool, uint32_t row, uint64_t count, char ret_name[16]);

/* Call getpid(2), and keep the result for workers_process_id(). */
uint32_t workers_ask_process_id(const struct keyshm_pool *pool);

/* The PID namespace of this process; 0: not known. */
uint64_t workers_pid_namespace(const struct keyshm_pool *pool);

/* The id of this process. */
static inline uint32_t workers_process_id(const struct keyshm_pool *pool)
{
    uint32_t pid = pool->local != NULL ? atomic_load_explicit(&pool->local->pid, memory_order_relaxed) : 0;
    return pid != 0 ? pid : workers_ask_process_id(pool);
}

/* The row of this process's own token. */
static inline struct layout_worker *workers_own_row(const struct keyshm_pool *pool, uint64_t token)
{
    return &pool->workers[(token >> 32) - 1];
}

static inline bool workers_is_owner(const struct layout_worker *row, uint64_t token)
{
    return (uint32_t)atomic_load_explicit(&row->owner, memory_order_relaxed) == (uint32_t)token;
}

/* The token of this process; 0: none, or another process has taken its row. */
static inline uint64_t workers_token(const struct keyshm_pool *pool)
{
    uint64_t token = pool->local != NULL ? atomic_load_explicit(&pool->local->token, memory_order_relaxed) : 0;
    return token != 0 && workers_is_owner(workers_own_row(pool, token), token) ? token : 0;
}

static inline void workers_count_pick(const struct keyshm_pool *pool, uint64_t now_ms)
{
    uint64_t token = workers_token(pool);
    if (token == 0)
        token = workers_enter(pool, now_ms);
    if (token == 0)
        return;
    /* Not an atomic increment, which would cost half as much as a pick. Only this process writes the row; its threads
     * may lose counts. */
    _Atomic uint64_t *picks = &workers_own_row(pool, token)->picks;
    atomic_store_explicit(picks, atomic_load_explicit(picks, memory_order_relaxed) + 1, memory_order_relaxed);
}

bool workers_name_is_valid(const char *name);

/* As keyshm_set_worker_name() and keyshm_workers(). */
int workers_set_name(const struct keyshm_pool *pool, const char *name);
int workers_list(const struct keyshm_pool *pool, struct keyshm_worker_list **ret_list);

#endif
