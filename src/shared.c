/* SPDX-License-Identifier: MIT */

/*
 * keyshm_shared(): attachments that a process keeps for as long as it lives, one for each provider and effective user.
 *
 * An entry is never freed, so the list is read without a lock. A mutex orders those who attach anew. A child inherits the list; so that
 * it never finds the mutex held by a thread that it does not have, fork(2) waits for that thread.
 */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "keyshm.h"

#define LOOK_EVERY_MS 100
#define KEPT_AFTER_MS 60000

struct entry {
    struct entry *next; /* never changes */
    uid_t user;
    char provider[KEYSHM_PROVIDER_MAX + 1];
    _Atomic(keyshm_pool *) pool; /* NULL: none yet */
    _Atomic uint64_t next_look_ms;

    /* With the mutex held: the pools of before, which callers may still use. */
    struct replaced_pool {
        struct replaced_pool *next;
        keyshm_pool *pool;
        uint64_t replaced_ms;
    } * replaced;
};

static _Atomic(struct entry *) entries;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void lock(void)
{
    pthread_mutex_lock(&mutex);
}

static void unlock(void)
{
    pthread_mutex_unlock(&mutex);
}

static void prepare_for_forks(void)
{
    pthread_atfork(lock, unlock, unlock);
}

static struct entry *find(const char *provider, uid_t user)
{
    /* acquire: pairs with the release in make(). */
    struct entry *entry = atomic_load_explicit(&entries, memory_order_acquire);
    while (entry != NULL && (entry->user != user || strcmp(entry->provider, provider) != 0))
        entry = entry->next;
    return entry;
}

/* With the mutex held. NULL when there is no memory. */
static struct entry *make(const char *provider, uid_t user)
{
    struct entry *entry = find(provider, user);
    if (entry != NULL || (entry = calloc(1, sizeof(*entry))) == NULL)
        return entry;
    entry->user = user;
    memcpy(entry->provider, provider, strlen(provider));
    entry->next = atomic_load_explicit(&entries, memory_order_relaxed);
    atomic_store_explicit(&entries, entry, memory_order_release);
    return entry;
}

/* With the mutex held: those that nobody may use any more. */
static void close_replaced(struct entry *entry, uint64_t now_ms)
{
    struct replaced_pool **at = &entry->replaced;
    while (*at != NULL) {
        struct replaced_pool *replaced = *at;
        if (now_ms - replaced->replaced_ms < KEPT_AFTER_MS) {
            at = &replaced->next;
            continue;
        }
        *at = replaced->next;
        keyshm_close(replaced->pool);
        free(replaced);
    }
}

/* With the mutex held: attach to the pool that has the name now, and keep the one before for a while. */
static int attach_anew(struct entry *entry, uint64_t now_ms)
{
    keyshm_pool *pool, *before = atomic_load_explicit(&entry->pool, memory_order_relaxed);
    struct replaced_pool *replaced = before != NULL ? calloc(1, sizeof(*replaced)) : NULL;
    if (before != NULL && replaced == NULL)
        return -ENOMEM;
    int r = keyshm_attach(&pool, entry->provider);
    if (r < 0) {
        free(replaced);
        return r;
    }
    if (replaced != NULL) {
        *replaced = (struct replaced_pool){.next = entry->replaced, .pool = before, .replaced_ms = now_ms};
        entry->replaced = replaced;
    }
    /* release: pairs with the acquire in keyshm_shared(). */
    atomic_store_explicit(&entry->pool, pool, memory_order_release);
    return 0;
}

/* With the mutex held. Another thread may have looked meanwhile. */
static int look(struct entry *entry, uint64_t now_ms)
{
    keyshm_pool *pool = atomic_load_explicit(&entry->pool, memory_order_relaxed);
    int r = 0;
    if (pool != NULL && now_ms < atomic_load_explicit(&entry->next_look_ms, memory_order_relaxed))
        return 0;
    close_replaced(entry, now_ms);
    if (pool == NULL || keyshm_is_replaced(pool) == 1)
        r = attach_anew(entry, now_ms);
    atomic_store_explicit(&entry->next_look_ms, now_ms + LOOK_EVERY_MS, memory_order_relaxed);
    return r;
}

static int find_pool(const char *provider, uid_t user, uint64_t now_ms, keyshm_pool **ret_pool)
{
    pthread_once(&once, prepare_for_forks);
    lock();
    struct entry *entry = make(provider, user);
    int r = entry != NULL ? look(entry, now_ms) : -ENOMEM;
    *ret_pool = entry != NULL ? atomic_load_explicit(&entry->pool, memory_order_relaxed) : NULL;
    unlock();
    return r;
}

keyshm_pool *keyshm_shared(const char *provider, int *ret_error_or_null)
{
    uint64_t now_ms = clock_coarse_ms();
    uid_t user = geteuid();
    keyshm_pool *pool = NULL;
    int r = provider != NULL && strnlen(provider, KEYSHM_PROVIDER_MAX + 1) <= KEYSHM_PROVIDER_MAX ? 0 : -EINVAL;
    struct entry *entry = r == 0 ? find(provider, user) : NULL;
    if (entry != NULL && now_ms < atomic_load_explicit(&entry->next_look_ms, memory_order_relaxed))
        pool = atomic_load_explicit(&entry->pool, memory_order_acquire);
    if (r == 0 && pool == NULL)
        r = find_pool(provider, user, now_ms, &pool);
    if (pool == NULL && ret_error_or_null != NULL)
        *ret_error_or_null = r;
    return pool;
}
