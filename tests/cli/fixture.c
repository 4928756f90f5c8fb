/* SPDX-License-Identifier: MIT */

/*
 * Operations that the tests of the programs need and the programs do not offer:
 *
 * cli-fixture create POOL MS             a pool with a lock timeout of MS milliseconds
 * cli-fixture metadata POOL ID NAME TEXT
 * cli-fixture hold POOL                  take the mutex, print that, and hold it until killed
 * cli-fixture hold-as POOL UID           the same, then become another user
 * cli-fixture change POOL                the same, during a membership change
 * cli-fixture churn POOL KEY             add and remove a key repeatedly
 * cli-fixture work POOL                  pick and mark keys repeatedly
 * cli-fixture spoil POOL                 remove the key in slot 0 from the index
 * cli-fixture tear POOL                  claim an event and never write its record
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "key_index.h"
#include "keyshm.h"
#include "lock.h"
#include "pool.h"

static int create(char **arguments)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_pool *pool;
    options.lock_timeout_ms = strtol(arguments[1], NULL, 10);
    int r = keyshm_create(&pool, arguments[0], &options);
    if (r == 0)
        keyshm_close(pool);
    return r;
}

static int metadata(char **arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r < 0)
        return r;
    r = keyshm_set_metadata(pool, strtoull(arguments[1], NULL, 10), arguments[2], arguments[3]);
    keyshm_close(pool);
    return r;
}

static int take(const char *name, keyshm_pool **ret_pool)
{
    struct lock_guard guard;
    int r = keyshm_attach(ret_pool, name);
    return r < 0 ? r : lock_take(*ret_pool, &guard);
}

_Noreturn static void wait_to_be_killed(void)
{
    puts("held");
    fflush(stdout);
    for (;;)
        pause();
}

static int hold(char **arguments)
{
    keyshm_pool *pool;
    int r = take(arguments[0], &pool);
    if (r < 0)
        return r;
    wait_to_be_killed();
}

static int hold_as(char **arguments)
{
    keyshm_pool *pool;
    uid_t uid = (uid_t)strtoul(arguments[1], NULL, 10);
    int r = take(arguments[0], &pool);
    if (r == 0 && setresuid(uid, uid, uid) < 0)
        r = -errno;
    if (r < 0)
        return r;
    wait_to_be_killed();
}

static int change(char **arguments)
{
    keyshm_pool *pool;
    int r = take(arguments[0], &pool);
    if (r < 0)
        return r;
    atomic_fetch_add(&pool->header->change_count, 1);
    wait_to_be_killed();
}

/* Until a signal kills it. If another process is stopped in a membership change, it tries again after the timeout. */
static int churn(char **arguments)
{
    keyshm_pool *pool;
    keyshm_id id;
    int r = keyshm_attach(&pool, arguments[0]);
    while (r == 0 || r == -ETIMEDOUT) {
        r = keyshm_add(pool, arguments[1], &id);
        if (r == 0 || r == -EEXIST)
            r = keyshm_remove(pool, id);
    }
    return r;
}

static int work(char **arguments)
{
    keyshm_pool *pool;
    struct keyshm_pick pick;
    int r = keyshm_attach(&pool, arguments[0]);
    while (r == 0 || r == -EAGAIN || r == -ESTALE) {
        r = keyshm_next(pool, &pick);
        if (r == 0)
            r = keyshm_mark_available(pool, pick.id);
    }
    return r;
}

static int spoil(char **arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r < 0)
        return r;
    index_delete(pool, atomic_load(&pool_slot(pool, 0)->key_hash), 0);
    keyshm_close(pool);
    return 0;
}

static int tear(char **arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments[0]);
    if (r < 0)
        return r;
    atomic_fetch_add(&pool->header->event_classes[0].next, 1);
    keyshm_close(pool);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int argument_count;
        int (*run)(char **arguments);
    } commands[] = {
        {"create", 2, create},   {"metadata", 4, metadata}, {"hold", 1, hold},
        {"hold-as", 2, hold_as}, {"change", 1, change},     {"churn", 2, churn},
        {"work", 1, work},       {"spoil", 1, spoil},       {"tear", 1, tear},
    };

    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (argc != commands[i].argument_count + 2 || strcmp(argv[1], commands[i].name) != 0)
            continue;
        int r = commands[i].run(argv + 2);
        if (r < 0)
            fprintf(stderr, "cli-fixture: %s: %s\n", argv[1], keyshm_strerror(r));
        return r < 0 ? 1 : 0;
    }
    fprintf(stderr, "cli-fixture: wrong usage\n");
    return 1;
}
