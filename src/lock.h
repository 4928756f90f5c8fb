/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_LOCK_H
#define KEYSHM_LOCK_H

/* The mutex of a pool: process-shared, robust, error-checking. Only lock.c knows what it is made of. */

#include <sys/types.h>

#include "pool.h"

/* What happened when the mutex was taken, to be logged when it is released: nothing is logged while it is held. */
struct lock_guard {
    uint64_t dead_owner; /* as in struct layout_header; only when `recovered` */
    bool recovered;
};

/* Initialise the mutex of a segment that no other process can see yet. Errors of pthread_mutex_init(3) and of the calls
 * that set its attributes. */
int lock_init(struct layout_header *header);

/* Take it, waiting at most the pool's lock_timeout_ms, and clean up after an owner that died. -ETIMEDOUT, -EXDEV,
 * -EDEADLK, -ENOTRECOVERABLE: see keyshm.h; each has been logged. */
int lock_take(struct keyshm_pool *pool, struct lock_guard *ret_guard);
void lock_drop(struct keyshm_pool *pool, const struct lock_guard *guard);

/* The process that holds it; 0: none, -1: one in another PID namespace. Lock-free. */
pid_t lock_holder(const struct keyshm_pool *pool);

/* For how long it has been held, if it is: since the owner recorded that it has it. */
int64_t lock_held_ms(const struct keyshm_pool *pool);

uint32_t lock_mutex_bytes(void);

/* The place in a mutex of the futex word with the owner's thread id (set_robust_list(2)). It is found by trying, since no
 * header has it; LOCK_WORD_UNKNOWN when no word of a locked mutex holds the thread id. Errors of pthread_mutex_init(3). */
#define LOCK_WORD_UNKNOWN UINT32_MAX
int lock_find_word(uint32_t *ret_offset);

/* Does the kernel keep the list of this thread's robust mutexes (get_robust_list(2))? User-mode emulators do not. */
bool lock_is_robust(void);

#endif
