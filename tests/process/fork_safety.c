/* SPDX-License-Identifier: MIT */

/*
 * Children use the attachment that they inherit, close it, are killed with it, and are forked while other threads of
 * their parent hold the mutex. None of it reaches the parent, except through the pool.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "expect.h"

enum { KEYS = 4, CAPACITY = 16, KILLS = 100, FORKS = 200, HAMMERS = 3, CHILD_LIMIT_S = 600 };

static keyshm_pool *make_pool(keyshm_id ids[KEYS])
{
    keyshm_pool *pool;
    char key[32];
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = CAPACITY;
    options.lock_timeout_ms = CHILD_LIMIT_S * INT64_C(1000); /* on a busy machine, one may wait long for its turn */
    EXPECT_EQ(keyshm_create(&pool, expect_name, &options), 0);
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        EXPECT_EQ(keyshm_add(pool, key, &ids[i]), 0);
    }
    return pool;
}

static void drop_pool(keyshm_pool *pool)
{
    keyshm_close(pool);
    EXPECT_EQ(keyshm_unlink(expect_name), 0);
}

static void expect_pick(keyshm_pool *pool, keyshm_id id)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_next(pool, &pick), 0);
    EXPECT_EQ(pick.id, id);
}

/* Adds a key that no other process adds, uses it in every way, and removes it. */
static void live_a_life(keyshm_pool *pool, unsigned number)
{
    char key[64];
    keyshm_id id, found;
    struct keyshm_pick pick;
    snprintf(key, sizeof(key), "key-of-process-%d-%u", (int)getpid(), number);
    EXPECT_EQ(keyshm_add(pool, key, &id), 0);
    EXPECT_EQ(keyshm_set_metadata(pool, id, "note", key), 0);
    EXPECT_EQ(keyshm_find(pool, key, &found), 0);
    EXPECT_EQ(found, id);
    EXPECT_EQ(keyshm_next(pool, &pick), 0);
    EXPECT_EQ(keyshm_mark_rate_limited(pool, id, 1000), 0);
    EXPECT_EQ(keyshm_remove(pool, id), 0);
    EXPECT_EQ(keyshm_mark_available(pool, id), -ESTALE);
}

/* ---- an inherited attachment is the child's own ---- */

static void use_and_close(keyshm_pool *pool, const keyshm_id ids[KEYS])
{
    expect_pick(pool, ids[1]);
    EXPECT_EQ(keyshm_mark_invalid(pool, ids[2]), 0);
    EXPECT_EQ(keyshm_add(pool, "key-of-the-child", NULL), 0);
    EXPECT_EQ(keyshm_remove(pool, ids[3]), 0);
    keyshm_close(pool);
}

static void child_uses_and_closes(void)
{
    keyshm_id ids[KEYS], of_child;
    keyshm_pool *pool = make_pool(ids);
    expect_pick(pool, ids[0]);
    pid_t child = expect_fork();
    if (child == 0) {
        use_and_close(pool, ids);
        _exit(0);
    }
    expect_success_of(child);
    EXPECT_EQ(keyshm_find(pool, "key-of-the-child", &of_child), 0);
    EXPECT_EQ(keyshm_remove(pool, ids[3]), -ESTALE);
    expect_pick(pool, of_child); /* key 2 is invalid, and the child's took the slot of key 3 */
    expect_pick(pool, ids[0]);
    live_a_life(pool, 0);
    drop_pool(pool);
}

/* The other way round: the parent closes, and the child, even a grandchild, goes on. */
static void parent_closes(void)
{
    keyshm_id ids[KEYS];
    keyshm_pool *pool = make_pool(ids);
    struct gate closed = gate_make();
    pid_t child = expect_fork();
    if (child == 0) {
        gate_wait(&closed);
        live_a_life(pool, 0);
        pid_t grandchild = expect_fork();
        if (grandchild > 0)
            expect_success_of(grandchild);
        live_a_life(pool, 1);
        _exit(0);
    }
    drop_pool(pool);
    gate_open(&closed);
    expect_success_of(child);
}

/* ---- a child that is killed at any moment ---- */

static void live_until_killed(keyshm_pool *pool, int alive_fd)
{
    for (unsigned i = 0;; i++) {
        live_a_life(pool, i);
        if (i == 0)
            EXPECT_EQ(write(alive_fd, "", 1), 1);
    }
}

/* The key that the killed child was adding may be there or not. */
static void remove_others(keyshm_pool *pool, const keyshm_id ids[KEYS])
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    EXPECT(snapshot->count == KEYS || snapshot->count == KEYS + 1);
    for (unsigned i = 0; i < snapshot->count; i++) {
        if (i < KEYS)
            EXPECT_EQ(snapshot->keys[i].id, ids[i]);
        else
            EXPECT_EQ(keyshm_remove(pool, snapshot->keys[i].id), 0);
    }
    keyshm_snapshot_free(snapshot);
}

static void check_nothing_lost(keyshm_pool *pool, const keyshm_id ids[KEYS])
{
    char key[32];
    keyshm_id id;
    struct keyshm_pick pick;
    live_a_life(pool, 0); /* recovers, if there is something to recover from */
    remove_others(pool, ids);
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    EXPECT_EQ(keyshm_available_count(pool), KEYS);
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        EXPECT_EQ(keyshm_find(pool, key, &id), 0);
        EXPECT_EQ(id, ids[i]);
    }
    do
        EXPECT_EQ(keyshm_next(pool, &pick), 0);
    while (pick.id != ids[KEYS - 1]);
    for (int i = 0; i < KEYS; i++)
        expect_pick(pool, ids[i]);
}

static void child_is_killed(void)
{
    keyshm_id ids[KEYS];
    struct keyshm_snapshot *snapshot;
    keyshm_pool *pool = make_pool(ids);
    for (unsigned i = 0; i < KILLS; i++) {
        int alive[2];
        char byte;
        EXPECT_EQ(pipe(alive), 0);
        pid_t child = expect_fork();
        if (child == 0)
            live_until_killed(pool, alive[1]);
        EXPECT_EQ(read(alive[0], &byte, 1), 1);
        /* A little later each time, measured in work of our own. */
        for (unsigned j = 0; j < i; j++)
            live_a_life(pool, j);
        expect_kill(child);
        check_nothing_lost(pool, ids);
        close(alive[0]);
        close(alive[1]);
    }
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    printf("%d children killed, %llu recoveries\n", KILLS, (unsigned long long)snapshot->recoveries);
    keyshm_snapshot_free(snapshot);
    drop_pool(pool);
}

/* ---- fork(2) while threads are inside membership changes ---- */

struct hammer {
    pthread_t thread;
    keyshm_pool *pool;
    unsigned number;
    const atomic_bool *stop;
};

static void *hammer_main(void *argument)
{
    struct hammer *hammer = argument;
    char key[32];
    keyshm_id id;
    snprintf(key, sizeof(key), "key-of-thread-%u", hammer->number);
    while (!atomic_load(hammer->stop)) {
        EXPECT_EQ(keyshm_add(hammer->pool, key, &id), 0);
        EXPECT_EQ(keyshm_remove(hammer->pool, id), 0);
    }
    return NULL;
}

static void fork_many(keyshm_pool *pool)
{
    for (unsigned i = 0; i < FORKS; i++) {
        pid_t child = expect_fork();
        if (child == 0) {
            signal(SIGALRM, SIG_DFL);
            alarm(CHILD_LIMIT_S);
            for (unsigned j = 0; j < 5; j++)
                live_a_life(pool, j);
            keyshm_close(pool);
            _exit(0);
        }
        live_a_life(pool, i);
        expect_success_of(child);
    }
}

static void fork_among_threads(void)
{
    keyshm_id ids[KEYS];
    struct keyshm_snapshot *snapshot;
    keyshm_pool *pool = make_pool(ids);
    struct hammer hammers[HAMMERS];
    atomic_bool stop = false;
    for (unsigned i = 0; i < HAMMERS; i++) {
        hammers[i] = (struct hammer){.pool = pool, .number = i, .stop = &stop};
        EXPECT_EQ(pthread_create(&hammers[i].thread, NULL, hammer_main, &hammers[i]), 0);
    }
    fork_many(pool);
    atomic_store(&stop, true);
    for (unsigned i = 0; i < HAMMERS; i++)
        EXPECT_EQ(pthread_join(hammers[i].thread, NULL), 0);
    check_nothing_lost(pool, ids);
    /* None died while holding the mutex: a child that is forked off in the middle of a change is not its owner. */
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    EXPECT_EQ(snapshot->recoveries, 0);
    keyshm_snapshot_free(snapshot);
    drop_pool(pool);
}

int main(void)
{
    expect_pool_name("fork");
    child_uses_and_closes();
    parent_closes();
    child_is_killed();
    fork_among_threads();
    return 0;
}
