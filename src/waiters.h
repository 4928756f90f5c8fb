/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_WAITERS_H
#define KEYSHM_WAITERS_H

/*
 * Those who wait for a key, and how they are woken. They sleep on the count of what was made available (futex(2)), which
 * changes whenever there may be something for them.
 *
 *   waiter    reads the count; says that it waits; looks for a key; sleeps, if the count is still the same
 *   announcer makes a key available; counts that; if somebody has said that he waits, wakes one, or all
 *
 * Each writes first and then reads what the other writes, both seq_cst: so either the announcer finds the waiter, or the
 * waiter finds the key, or the count has changed when it wants to sleep. The count comes before all: an announcer that woke
 * nobody may take for gone whoever has said so by then, and says that by the count.
 *
 * That somebody waits is a hint, which waiters raise and nobody lowers but an announcer that woke none. So a waiter that is
 * killed leaves nothing to repair: the next announcer makes one system call in vain. What is lost with a process that is
 * killed between the count and the wake-up, or after it was woken, is found when the others look again by themselves
 * (acquire.c).
 */

#include "pool.h"

/* A thread of this process begins to wait, or ends; for waiters_count() only. Returns the token that the end wants. */
uint64_t waiters_begin(const struct keyshm_pool *pool, uint64_t now_ms);
void waiters_end(const struct keyshm_pool *pool, uint64_t token);

/* Say that there is one who waits, before it looks for a key. Returns the count that it has to sleep on. */
uint32_t waiters_expect(const struct keyshm_pool *pool);

/* Sleep, at most so long, unless more was announced since. 0: woken by another. -EAGAIN: more was announced before it slept.
 * -ETIMEDOUT, -EINTR. */
int waiters_sleep(const struct keyshm_pool *pool, uint32_t announced, uint64_t duration_ns);

/* Does anybody wait, perhaps? */
static inline bool waiters_are_expected(const struct keyshm_pool *pool)
{
    /* seq_cst: after the store of what they wait for; pairs with the increment in waiters_expect(). */
    return atomic_load_explicit(&pool->header->waiters, memory_order_seq_cst) != 0;
}

/* Wake one, or all. For whoever has announced something, or does not need all of what was announced to it. Leaves errno. */
void waiters_wake_one(const struct keyshm_pool *pool);
void waiters_wake_all(const struct keyshm_pool *pool);

/* How many threads wait, of processes that are alive, as far as can be told. */
unsigned waiters_count(const struct keyshm_pool *pool);

#endif
