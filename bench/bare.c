/* SPDX-License-Identifier: MIT */

/*
 * What picks are held against, without any work: one fetch_add of a shared word, which is the least that a rotation
 * costs, and a robust mutex locked and unlocked, which is the least that a pick under one costs.
 */

#include <stdatomic.h>
#include <sys/mman.h>

#include "contender.h"
#include "shared_mutex.h"

/* A page of its own, so that no line of it is shared with anything else. */
enum { PAGE_BYTES = 4096 };

static void close_page(void *state)
{
    munmap(state, PAGE_BYTES);
}

static void *open_word(const struct load *load)
{
    (void)load;
    return expect_shared_memory(PAGE_BYTES);
}

static void run_fetch_adds(void *state, unsigned operations)
{
    _Atomic uint64_t *word = state;
    for (unsigned i = 0; i < operations; i++)
        atomic_fetch_add(word, 1);
}

static void *open_mutex(const struct load *load)
{
    (void)load;
    pthread_mutex_t *mutex = expect_shared_memory(PAGE_BYTES);
    shared_mutex_make(mutex);
    return mutex;
}

static void run_locks(void *state, unsigned operations)
{
    pthread_mutex_t *mutex = state;
    for (unsigned i = 0; i < operations; i++) {
        EXPECT(pthread_mutex_lock(mutex) == 0);
        EXPECT(pthread_mutex_unlock(mutex) == 0);
    }
}

const struct contender bare_fetch_add = {
    .name = "one shared fetch_add",
    .batch = 1000,
    .open = open_word,
    .run = run_fetch_adds,
    .close = close_page,
};

const struct contender bare_lock = {
    .name = "robust lock and unlock",
    .batch = 1000,
    .open = open_mutex,
    .run = run_locks,
    .close = close_page,
};
