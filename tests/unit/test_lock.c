/* SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "lock.h"
#include "pool.h"
#include "process_local.h"

#include "fixture.h"

static char last_message[512];
static enum keyshm_log_level last_level;

static void note(enum keyshm_log_level level, const char *message, void *user)
{
    (void)user;
    last_level = level;
    snprintf(last_message, sizeof(last_message), "%s", message);
}

static void create_impatient_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.lock_timeout_ms = 60;
    cr_assert_eq(keyshm_create_anonymous(&pool, "test", &options), 0);
    keyshm_set_log(note, NULL, KEYSHM_LOG_WARNING);
}

TestSuite(lock, .init = create_impatient_pool, .fini = close_pool);

/* A child that takes the mutex and never returns. It asserts nothing, because a failure there would hang the runner. */
static pid_t start_holder(void)
{
    int ends[2];
    char byte;
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        struct lock_guard guard;
        if (lock_take(pool, &guard) != 0 || write(ends[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ends[1]);
    cr_assert_eq(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    return child;
}

static void end_holder(pid_t child)
{
    cr_assert_eq(kill(child, SIGKILL), 0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
}

Test(lock, a_stopped_holder_delays_only_membership_changes_and_is_named)
{
    char expected[128];
    keyshm_id id = add_key(1);
    pid_t child = start_holder();
    cr_assert_eq(kill(child, SIGSTOP), 0);
    cr_assert_eq(waitpid(child, NULL, WUNTRACED), child);

    cr_assert_eq(keyshm_add(pool, key_text(2), NULL), -ETIMEDOUT);
    cr_assert_eq(last_level, KEYSHM_LOG_ERROR);
    snprintf(expected, sizeof(expected), "test: gave up after 60 ms: the mutex is held by pid %d (", child);
    cr_assert(strstr(last_message, expected) != NULL, "%s", last_message);
    cr_assert(strstr(last_message, "state T (stopped)") != NULL, "%s", last_message);
    cr_assert_eq(keyshm_remove(pool, id), -ETIMEDOUT);
    cr_assert_eq(keyshm_set_metadata(pool, id, "n", "v"), -ETIMEDOUT);

    cr_assert_eq(lock_holder(pool), child);
    cr_assert_eq(pick_id(), id);
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    cr_assert_eq(inspect(id).picks, 1);

    end_holder(child);
    cr_assert_eq(lock_holder(pool), 0, "a dead process is not reported as the holder");
    cr_assert_eq(keyshm_add(pool, key_text(2), NULL), 0);
    snprintf(expected, sizeof(expected), "recovered: pid %d (thread %d) died", child, child);
    cr_assert(strstr(last_message, expected) != NULL, "%s", last_message);
}

Test(lock, waits_for_a_holder_that_unlocks_in_time)
{
    pool->settings.lock_timeout_ms = 60000;
    pid_t child = start_holder();
    pid_t killer = fork();
    if (killer == 0) {
        usleep(100000);
        kill(child, SIGKILL);
        _exit(0);
    }
    cr_assert_eq(keyshm_add(pool, key_text(1), NULL), 0);
    cr_assert_eq(waitpid(killer, NULL, 0), killer);
    cr_assert_eq(waitpid(child, NULL, 0), child);
}

Test(lock, taking_it_twice_is_an_error_and_not_a_deadlock)
{
    struct lock_guard guard;
    cr_assert_eq(lock_take(pool, &guard), 0);
    cr_assert_eq(keyshm_add(pool, key_text(1), NULL), -EDEADLK);
    lock_drop(pool, &guard);
    cr_assert_eq(keyshm_add(pool, key_text(1), NULL), 0);
}

Test(lock, beyond_repair_picks_and_marks_go_on)
{
    keyshm_id id = add_key(1);
    pthread_mutex_t *mutex = (pthread_mutex_t *)(void *)pool->header->mutex;
    end_holder(start_holder());
    /* Unlock without repairing, which the library itself never does. */
    cr_assert_eq(pthread_mutex_lock(mutex), EOWNERDEAD);
    cr_assert_eq(pthread_mutex_unlock(mutex), 0);

    cr_assert_eq(keyshm_add(pool, key_text(2), NULL), -ENOTRECOVERABLE);
    cr_assert_eq(keyshm_remove(pool, id), -ENOTRECOVERABLE);
    cr_assert(strstr(last_message, "cannot take the mutex: the mutex cannot be recovered") != NULL, "%s", last_message);
    cr_assert_eq(pick_id(), id);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 60000), 0);
    cr_assert_eq(inspect(id).status, KEYSHM_RATE_LIMITED);
}

Test(lock, the_futex_word_is_found)
{
    struct lock_guard guard;
    cr_assert_leq(pool->mutex_word_offset, lock_mutex_bytes() - 4);
    cr_assert_eq(lock_holder(pool), 0);
    cr_assert_eq(lock_take(pool, &guard), 0);
    cr_assert_eq(lock_holder(pool), getpid());
    atomic_store(&pool->header->owner, 0);
    cr_assert_eq(lock_holder(pool), getpid(), "also when the owner is not recorded");
    lock_drop(pool, &guard);
    cr_assert_eq(lock_holder(pool), 0);
}

/* Two namespaces that are not known are not the same one. */
Test(lock, membership_is_refused_where_the_pid_namespace_is_not_certain)
{
    static const char *const keys[] = {"a"};
    static const struct {
        uint64_t of_creator;
        const char *words;
    } cases[] = {{0, "the PID namespace of the pool's creator is not known"}, {1, "created in another PID namespace"}};
    keyshm_id id = add_key(1);
    atomic_store(&pool->local->has_created, false); /* as in any other process */
    for (size_t i = 0; i < 2; i++) {
        pool->settings.pid_namespace = cases[i].of_creator;
        cr_assert_eq(keyshm_add(pool, key_text(2), NULL), -EXDEV);
        cr_assert(strstr(last_message, cases[i].words) != NULL, "%s", last_message);
        cr_assert_eq(keyshm_remove(pool, id), -EXDEV);
        cr_assert_eq(keyshm_replace_keys(pool, keys, 1, NULL), -EXDEV);
        cr_assert_eq(keyshm_set_metadata(pool, id, "n", "v"), -EXDEV);
        cr_assert_eq(keyshm_repair(pool), -EXDEV);
        cr_assert_eq(pick_id(), id);
        cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
        cr_assert_eq(keyshm_mark_available(pool, id), 0);
    }
}

Test(lock, the_creator_itself_may_change_a_pool_whose_pid_namespace_is_not_known)
{
    pool->settings.pid_namespace = 0;
    cr_assert_eq(keyshm_add(pool, key_text(1), NULL), 0);
}

Test(lock, a_change_in_the_middle_of_another_pools_is_refused)
{
    struct lock_guard guard;
    keyshm_pool *other;
    cr_assert_eq(keyshm_create_anonymous(&other, "other", NULL), 0);
    cr_assert_eq(lock_take(other, &guard), 0);
    cr_assert_eq(keyshm_add(pool, key_text(1), NULL), -EDEADLK, "libc is not called");
    cr_assert_eq(lock_holder(pool), 0);
    lock_drop(other, &guard);
    cr_assert_eq(keyshm_add(pool, key_text(1), NULL), 0);
    keyshm_close(other);
}
