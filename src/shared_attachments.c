/* SPDX-License-Identifier: MIT */

/*
 * keyshm_shared(): attachments that a process keeps for as long as it lives, one for each provider and effective user.
 *
 * Entries are never freed, and are put into their list by one compare-and-swap. So is a pool into its entry: of several
 * threads that attach at once, one gives its attachment to all, and the others close theirs. Only the closing of
 * replaced pools needs one thread at a time; the others pass by. It signs with the id of its process, so that a child
 * does not wait for a thread that it does not have.
 */

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
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

    /* For the looker alone: the process whose thread looks whether the pool was replaced; 0: none does. */
    _Atomic pid_t looker;
    struct replaced_pool {
        struct replaced_pool *next;
        keyshm_pool *pool; /* which callers may still use */
        uint64_t replaced_ms;
    } * replaced;
};

static _Atomic(struct entry *) entries;

static struct entry *find_in(struct entry *list, const char *provider, uid_t user)
{
    while (list != NULL && (list->user != user || strcmp(list->provider, provider) != 0))
        list = list->next;
    return list;
}

/* NULL when there is no memory. */
static struct entry *find_or_make(const char *provider, uid_t user)
{
    /* acquire: pairs with the release below, here and where it fails. */
    struct entry *list = atomic_load_explicit(&entries, memory_order_acquire), *made = NULL, *entry;
    while ((entry = find_in(list, provider, user)) == NULL) {
        if (made == NULL && (made = calloc(1, sizeof(*made))) == NULL)
            return NULL;
        *made = (struct entry){.next = list, .user = user};
        memcpy(made->provider, provider, strlen(provider));
        /* Into the list that was searched: another thread may have put in an entry since, and it may be this one. */
        if (atomic_compare_exchange_weak_explicit(&entries, &list, made, memory_order_release, memory_order_acquire))
            return made;
    }
    free(made);
    return entry;
}

/* Attach to the pool that has the name now, if the entry has none. */
static int attach_first(struct entry *entry, uint64_t now_ms)
{
    keyshm_pool *pool, *none = NULL;
    int r = keyshm_attach(&pool, entry->provider);
    if (r == 0)
        atomic_store_explicit(&entry->next_look_ms, now_ms + LOOK_EVERY_MS, memory_order_relaxed);
    /* release: pairs with the acquire in keyshm_shared(). */
    if (r == 0 &&
        !atomic_compare_exchange_strong_explicit(&entry->pool, &none, pool, memory_order_release, memory_order_relaxed))
        keyshm_close(pool);
    return r;
}

/* ---- for the looker ---- */

/* Those that nobody may use any more. */
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

/* Attach to the pool that has the name now, and keep the one before for a while. When that fails, it stays. */
static void replace(struct entry *entry, keyshm_pool *before, uint64_t now_ms)
{
    keyshm_pool *pool;
    struct replaced_pool *replaced = calloc(1, sizeof(*replaced));
    if (replaced == NULL || keyshm_attach(&pool, entry->provider) < 0) {
        free(replaced);
        return;
    }
    /* In this order: a child that is forked in between has one that is never closed, and none that is closed while it
     * is used. release: pairs with the acquire in keyshm_shared(). */
    atomic_store_explicit(&entry->pool, pool, memory_order_release);
    *replaced = (struct replaced_pool){.next = entry->replaced, .pool = before, .replaced_ms = now_ms};
    entry->replaced = replaced;
}

/* ---- for everyone ---- */

/* Look whether the pool was replaced, unless another thread does. */
static void look(struct entry *entry, uint64_t now_ms)
{
    pid_t self = getpid(), looker = atomic_load_explicit(&entry->looker, memory_order_relaxed);
    /* acquire: pairs with the release below; the looker before has left the list of replaced pools. */
    if (looker == self || !atomic_compare_exchange_strong_explicit(&entry->looker, &looker, self, memory_order_acquire,
                                                                   memory_order_relaxed))
        return;
    keyshm_pool *pool = atomic_load_explicit(&entry->pool, memory_order_relaxed);
    close_replaced(entry, now_ms);
    if (keyshm_is_replaced(pool) == 1)
        replace(entry, pool, now_ms);
    atomic_store_explicit(&entry->next_look_ms, now_ms + LOOK_EVERY_MS, memory_order_relaxed);
    atomic_store_explicit(&entry->looker, 0, memory_order_release);
}

keyshm_pool *keyshm_shared(const char *provider, int *ret_error_or_null)
{
    uint64_t now_ms = clock_coarse_ms();
    keyshm_pool *pool = NULL;
    bool is_short = provider != NULL && strnlen(provider, KEYSHM_PROVIDER_MAX + 1) <= KEYSHM_PROVIDER_MAX;
    struct entry *entry = is_short ? find_or_make(provider, geteuid()) : NULL;
    int r = entry != NULL ? 0 : is_short ? -ENOMEM : -EINVAL;
    if (entry != NULL && atomic_load_explicit(&entry->pool, memory_order_relaxed) == NULL)
        r = attach_first(entry, now_ms);
    else if (entry != NULL && now_ms >= atomic_load_explicit(&entry->next_look_ms, memory_order_relaxed))
        look(entry, now_ms);
    if (entry != NULL)
        pool = atomic_load_explicit(&entry->pool, memory_order_acquire);
    if (pool == NULL && ret_error_or_null != NULL)
        *ret_error_or_null = r;
    return pool;
}
