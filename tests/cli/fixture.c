/* SPDX-License-Identifier: MIT */

/*
 * What the tests of the programs need and the programs cannot do:
 *
 * cli-fixture create POOL MS             a pool whose mutex is waited for MS milliseconds
 * cli-fixture metadata POOL ID NAME TEXT
 * cli-fixture hold POOL                  take the mutex, say so, and keep it until killed
 * cli-fixture change POOL                the same, in the middle of a membership change
 * cli-fixture tear POOL                  an event whose record was never written
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

static int change(char **arguments)
{
    keyshm_pool *pool;
    int r = take(arguments[0], &pool);
    if (r < 0)
        return r;
    atomic_fetch_add(&pool->header->change_count, 1);
    wait_to_be_killed();
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
        {"create", 2, create}, {"metadata", 4, metadata}, {"hold", 1, hold}, {"change", 1, change}, {"tear", 1, tear}};

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
