/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "workers.h"

#include "fixture.h"

static struct keyshm_worker_list *list;

static void read_all(void)
{
    keyshm_worker_list_free(list);
    cr_assert_eq(keyshm_workers(pool, &list), 0);
}

static void forget(void)
{
    keyshm_worker_list_free(list);
    list = NULL;
    close_pool();
}

TestSuite(workers, .init = create_pool, .fini = forget);

static bool is_listed(pid_t pid)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->workers[i].pid == pid)
            return true;
    return false;
}

/* By value; all zero if the process is not listed. */
static struct keyshm_worker find(pid_t pid)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->workers[i].pid == pid)
            return list->workers[i];
    cr_assert(false, "process %d is not listed", pid);
    return (struct keyshm_worker){.pid = 0};
}

/* A child that makes this number of picks, then ends or waits. It asserts nothing: a failure would hang the runner. */
static pid_t fork_worker(int picks, bool lives_on)
{
    int done[2];
    char byte;
    cr_assert_eq(pipe(done), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct keyshm_pick pick;
        prctl(PR_SET_NAME, "a worker");
        for (int i = 0; i < picks; i++)
            keyshm_next(pool, &pick);
        if (write(done[1], "", 1) != 1)
            _exit(1);
        if (lives_on)
            for (;;)
                pause();
        _exit(0);
    }
    cr_assert_eq(read(done[0], &byte, 1), 1);
    close(done[0]);
    close(done[1]);
    if (!lives_on)
        cr_assert_eq(waitpid(pid, NULL, 0), pid);
    return pid;
}

Test(workers, the_creator_is_listed_at_once)
{
    read_all();
    cr_assert_eq(list->count, 1);
    cr_assert_eq(list->workers[0].pid, getpid());
    cr_assert_eq(list->workers[0].is_alive, 1);
    cr_assert_eq(list->workers[0].picks, 0);
    cr_assert_neq(list->workers[0].state, '\0');
    cr_assert_eq(list->capacity, pool->settings.worker_rows);
    cr_assert_eq(list->unlisted, 0);
}

Test(workers, picks_are_counted_by_process)
{
    struct keyshm_pick pick;
    add_key(1);
    for (int i = 0; i < 7; i++)
        cr_assert_eq(keyshm_next(pool, &pick), 0);
    pid_t child = fork_worker(5, true);
    read_all();
    cr_assert_eq(list->count, 2);
    cr_assert_eq(find(getpid()).picks, 7);
    cr_assert_eq(find(child).picks, 5);
    cr_assert_str_eq(find(child).name, "a worker");
    cr_assert_eq(find(child).is_alive, 1);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

Test(workers, a_stopped_process_is_alive_and_a_dead_one_is_not)
{
    int status;
    add_key(1);
    pid_t child = fork_worker(1, true);
    kill(child, SIGSTOP);
    cr_assert_eq(waitpid(child, &status, WUNTRACED), child);
    read_all();
    cr_assert_eq(find(child).is_alive, 1);
    cr_assert_eq(find(child).state, 'T');
    kill(child, SIGKILL);
    cr_assert_eq(waitid(P_PID, (id_t)child, &(siginfo_t){0}, WEXITED | WNOWAIT), 0);
    read_all();
    cr_assert_eq(find(child).is_alive, 0, "a zombie never comes back");
    cr_assert_eq(waitpid(child, NULL, 0), child);
    read_all();
    cr_assert_eq(find(child).is_alive, 0);
    cr_assert_eq(find(child).picks, 1);
    cr_assert_eq(find(child).state, '\0');
}

Test(workers, a_number_that_another_process_has_now_is_not_it)
{
    uint32_t row = pool->local->row;
    atomic_store(&pool->workers[row - 1].attached_ms, 1); /* just after boot */
    read_all();
    cr_assert_eq(find(getpid()).is_alive, 0);
}

Test(workers, a_process_of_another_pid_namespace_cannot_be_told)
{
    atomic_fetch_add(&pool->workers[pool->local->row - 1].pid_namespace, 1);
    read_all();
    cr_assert_eq(list->workers[0].is_alive, -1);
    cr_assert_eq(list->workers[0].state, '\0');
}

Test(workers, a_process_that_closes_is_not_listed_and_a_child_does_not_remove_its_parent)
{
    keyshm_id id = add_key(1);
    pid_t child = fork();
    if (child == 0) {
        keyshm_mark_invalid(pool, id);
        keyshm_close(pool);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, NULL, 0), child);
    read_all();
    cr_assert_eq(list->count, 1);
    cr_assert_eq(list->workers[0].pid, getpid());
}

Test(workers, a_row_that_is_not_filled_in_is_nobodys)
{
    pool->workers[7].owner = (uint64_t)getpid() << 32;
    pool->workers[8].owner = 1;
    read_all();
    cr_assert_eq(list->count, 1);
}

Test(workers, rows_of_the_dead_are_reused_and_those_of_the_living_are_not)
{
    add_key(1);
    uint32_t rows = pool->settings.worker_rows;
    pid_t dead = fork_worker(1, false);
    uint64_t namespace = atomic_load(&pool->workers[pool->local->row - 1].pid_namespace);
    for (uint32_t i = 0; i < rows; i++) {
        struct layout_worker *row = &pool->workers[i];
        if (row->owner >> 32 != 0)
            continue;
        row->owner = (uint64_t)getpid() << 32 | 1; /* as if this process had attached to every row */
        row->attached_ms = pool->workers[pool->local->row - 1].attached_ms;
        row->pid_namespace = namespace;
    }
    read_all();
    cr_assert_eq(list->count, rows);
    cr_assert(is_listed(dead));
    pid_t next = fork_worker(1, true), one_too_many = fork_worker(1, true);
    read_all();
    cr_assert_not(is_listed(dead));
    cr_assert(is_listed(next));
    cr_assert_not(is_listed(one_too_many));
    cr_assert_eq(list->unlisted, 1);
    kill(next, SIGKILL);
    kill(one_too_many, SIGKILL);
    waitpid(next, NULL, 0);
    waitpid(one_too_many, NULL, 0);
}
