/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_LOCK_H
#define KEYSHM_LOCK_H

/* The mutex of a pool: process-shared, robust, error-checking. This is the only file that knows what it is made of. */

#include <sys/types.h>

#include "pool.h"

/* What happened on the way in, to be told on the way out: nothing is logged while the mutex is held. */
struct lock_guard {
    uint64_t dead_owner; /* as in struct layout_header; only when `recovered` */
    bool recovered;
};

/* Initialise the mutex of a segment that nobody else can see yet. Errors of pthread_mutexattr_setrobust(3) and friends.
 */
int lock_init(struct layout_header *header);

/* Take it, waiting up to the pool's lock_timeout_ms, and clean up after an owner who died. -ETIMEDOUT, -EXDEV, -EDEADLK,
 * -ENOTRECOVERABLE: as keyshm.h tells; each has been logged. */
int lock_take(struct keyshm_pool *pool, struct lock_guard *ret_guard);
void lock_drop(struct keyshm_pool *pool, const struct lock_guard *guard);

/* The process that holds it: 0 nobody, -1 somebody in another PID namespace. Lock-free. */
pid_t lock_holder(const struct keyshm_pool *pool);

/* For how long, when somebody does: since the owner wrote down that it has it. */
int64_t lock_held_ms(const struct keyshm_pool *pool);

/* The size of a mutex, and the place in it of the futex word with the owner's thread id (set_robust_list(2)). The second
 * is found by trying, since no header has it; UINT32_MAX when that fails. */
uint32_t lock_mutex_bytes(void);
uint32_t lock_word_offset(void);

/* Does the kernel keep the list of this thread's robust mutexes (get_robust_list(2))? User-mode emulators do not. */
bool lock_is_robust(void);

#endif
