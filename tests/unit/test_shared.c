/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sys/wait.h>

#include "pool.h"

#include "fixture.h"

/* keyshm_shared(). */

static char name[64];

static void create_named_pool(void)
{
    snprintf(name, sizeof(name), "unit-shared.%d", getpid());
    cr_assert_eq(keyshm_create(&pool, name, NULL), 0);
}

static void close_named_pool(void)
{
    keyshm_close(pool);
    keyshm_unlink(name);
}

TestSuite(shared, .init = create_named_pool, .fini = close_named_pool);

Test(shared, is_one_attachment_for_the_process)
{
    keyshm_pool *first = keyshm_shared(name, NULL);
    keyshm_id id = add_key(1);
    cr_assert_not_null(first);
    cr_assert_neq(first, pool);
    cr_assert_eq(keyshm_is_available(first, id), 1);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(keyshm_shared(name, NULL), first);
        sleep_ms(60); /* it looks whether the pool was replaced: it was not */
    }
}

Test(shared, never_makes_a_pool_and_tells_the_error)
{
    int error = 1;
    keyshm_unlink(name);
    cr_assert_null(keyshm_shared(name, &error));
    cr_assert_eq(error, -ENOENT);
    cr_assert_null(keyshm_shared(name, NULL));
    cr_assert_null(keyshm_shared("a/b", &error));
    cr_assert_eq(error, -EINVAL);
    cr_assert_null(keyshm_shared(NULL, &error));
    cr_assert_eq(error, -EINVAL);
    char too_long[KEYSHM_PROVIDER_MAX + 2];
    memset(too_long, 'n', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = '\0';
    cr_assert_null(keyshm_shared(too_long, &error));
    cr_assert_eq(error, -EINVAL);
}

/* Bounded, so that a broken library fails instead of hanging. */
static keyshm_pool *wait_for_another(const keyshm_pool *before)
{
    keyshm_pool *now = keyshm_shared(name, NULL);
    for (int i = 0; i < 3000 && now == before; i++) {
        sleep_ms(10);
        now = keyshm_shared(name, NULL);
    }
    return now;
}

Test(shared, is_made_anew_when_the_pool_was_replaced)
{
    struct keyshm_pick pick;
    int error = 1;
    add_key(1);
    keyshm_pool *before = keyshm_shared(name, NULL), *now;
    cr_assert_eq(keyshm_unlink(name), 0);
    for (int i = 0; i < 5; i++) {
        sleep_ms(50);
        cr_assert_eq(keyshm_shared(name, &error), before, "as long as there is none, the old one stays");
        cr_assert_eq(error, 1);
    }
    keyshm_close(pool);
    cr_assert_eq(keyshm_create(&pool, name, NULL), 0);
    now = wait_for_another(before);
    cr_assert_not_null(now);
    cr_assert_neq(now, before);
    cr_assert_eq(keyshm_is_replaced(now), 0);
    cr_assert_eq(keyshm_next(before, &pick), 0, "it is good for a while");
    cr_assert_eq(keyshm_next(now, &pick), -ENOKEY);
    cr_assert_eq(keyshm_is_replaced(before), 1);
}

Test(shared, is_right_in_a_child)
{
    int status;
    add_key(1);
    keyshm_pool *own = keyshm_shared(name, NULL);
    pid_t child = fork();
    if (child == 0) {
        struct keyshm_pick pick;
        keyshm_pool *there = keyshm_shared(name, NULL);
        _exit(there == own && keyshm_next(there, &pick) == 0 ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
}

enum { THREADS = 8 };

static pthread_barrier_t start;

static void *ask(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&start);
    return keyshm_shared(name, NULL);
}

Test(shared, is_the_same_for_threads_that_ask_at_once)
{
    pthread_t threads[THREADS];
    cr_assert_eq(pthread_barrier_init(&start, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, ask, NULL), 0);
    for (int i = 0; i < THREADS; i++) {
        void *found;
        cr_assert_eq(pthread_join(threads[i], &found), 0);
        cr_assert_eq(found, (void *)keyshm_shared(name, NULL));
        cr_assert_not_null(found);
    }
    pthread_barrier_destroy(&start);
}

Test(shared, is_of_the_effective_user)
{
    if (geteuid() != 0) {
        close_named_pool();
        cr_skip_test("needs root, to become another user");
    }
    int error = 0;
    cr_assert_not_null(keyshm_shared(name, NULL));
    cr_assert_eq(seteuid(65534), 0);
    cr_assert_null(keyshm_shared(name, &error));
    cr_assert_eq(error, -ENOENT);
    cr_assert_eq(seteuid(0), 0);
    cr_assert_not_null(keyshm_shared(name, NULL));
}
