/* SPDX-License-Identifier: MIT */

/*
 * Many processes create one pool at the same time, again and again: one wins, the others get -EEXIST, and a
 * process that attaches meanwhile finds no pool or a whole one.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "expect.h"

enum { CREATORS = 6, ATTACHERS = 2, ROUNDS = 300, KEY_MAX = 64, CAPACITY_OF_FIRST = 100 };

struct race {
    pthread_barrier_t barrier;
    _Atomic int winners;
    _Atomic int finished; /* creators of this round */
    _Atomic unsigned capacity;
    _Atomic long seen_absent;
    _Atomic long seen_whole;
};

/* The capacity shows which process has won the round. */
static void create(struct race *race, unsigned number)
{
    keyshm_pool *pool;
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = CAPACITY_OF_FIRST + number;
    options.key_max = KEY_MAX;
    int r = keyshm_create(&pool, expect_name, &options);
    EXPECT(r == 0 || r == -EEXIST);
    if (r == 0) {
        atomic_fetch_add(&race->winners, 1);
        atomic_store(&race->capacity, options.capacity);
        EXPECT_EQ(keyshm_add(pool, "key-of-the-winner", NULL), 0);
        keyshm_close(pool);
    }
    atomic_fetch_add(&race->finished, 1);
}

static void check_whole(keyshm_pool *pool)
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    EXPECT_EQ(strcmp(snapshot->provider, expect_name), 0);
    EXPECT(snapshot->capacity >= CAPACITY_OF_FIRST && snapshot->capacity < CAPACITY_OF_FIRST + CREATORS);
    EXPECT_EQ(snapshot->key_max, KEY_MAX);
    EXPECT(snapshot->count <= 1);
    EXPECT_EQ(snapshot->recoveries, 0);
    keyshm_snapshot_free(snapshot);
}

/* Until all creators are done: then there is one. */
static void attach(struct race *race)
{
    for (bool last = false; !last;) {
        keyshm_pool *pool;
        last = atomic_load(&race->finished) == CREATORS;
        int r = keyshm_attach_readonly(&pool, expect_name);
        EXPECT(r == 0 || (r == -ENOENT && !last));
        if (r == 0) {
            check_whole(pool);
            keyshm_close(pool);
        }
        atomic_fetch_add(r == 0 ? &race->seen_whole : &race->seen_absent, 1);
    }
}

/* One process does this between two rounds, while the others wait. */
static void check_round(struct race *race)
{
    keyshm_pool *pool;
    struct keyshm_snapshot *snapshot;
    keyshm_id id;
    EXPECT_EQ(atomic_load(&race->winners), 1);
    EXPECT_EQ(keyshm_attach(&pool, expect_name), 0);
    EXPECT_EQ(keyshm_find(pool, "key-of-the-winner", &id), 0);
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    EXPECT_EQ(snapshot->capacity, atomic_load(&race->capacity));
    keyshm_snapshot_free(snapshot);
    keyshm_close(pool);
    EXPECT_EQ(keyshm_unlink(expect_name), 0);
    atomic_store(&race->winners, 0);
    atomic_store(&race->finished, 0);
}

static void take_part(struct race *race, unsigned number)
{
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&race->barrier);
        if (number < CREATORS)
            create(race, number);
        else
            attach(race);
        int chosen = pthread_barrier_wait(&race->barrier);
        if (chosen == PTHREAD_BARRIER_SERIAL_THREAD)
            check_round(race);
        pthread_barrier_wait(&race->barrier);
    }
}

static void init_barrier(pthread_barrier_t *barrier)
{
    pthread_barrierattr_t attributes;
    EXPECT_EQ(pthread_barrierattr_init(&attributes), 0);
    EXPECT_EQ(pthread_barrierattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
    EXPECT_EQ(pthread_barrier_init(barrier, &attributes, CREATORS + ATTACHERS), 0);
    pthread_barrierattr_destroy(&attributes);
}

int main(void)
{
    struct race *race = expect_shared_memory(sizeof(*race));
    expect_pool_name("publish");
    init_barrier(&race->barrier);
    for (unsigned i = 0; i < CREATORS + ATTACHERS; i++) {
        if (expect_fork() == 0) {
            take_part(race, i);
            _exit(0);
        }
    }
    /* The first failure ends this process, and the others with it. */
    for (unsigned i = 0; i < CREATORS + ATTACHERS; i++)
        expect_success_of_next();
    printf("%d rounds; attached %ld times, found nothing %ld times\n", ROUNDS, atomic_load(&race->seen_whole),
           atomic_load(&race->seen_absent));
    return 0;
}
