/* SPDX-License-Identifier: MIT */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "pool_clock.h"
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

/* What a child does after its picks. */
enum then { DIE, LIVE_ON, CLOSE };

/* A child that makes this number of picks. It asserts nothing: a failure would hang the runner. */
static pid_t fork_worker(int picks, enum then then)
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
        if (then == LIVE_ON)
            for (;;)
                pause();
        if (then == CLOSE)
            keyshm_close(pool);
        _exit(0);
    }
    cr_assert_eq(read(done[0], &byte, 1), 1);
    close(done[0]);
    close(done[1]);
    if (then != LIVE_ON)
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
    pid_t child = fork_worker(5, LIVE_ON);
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
    pid_t child = fork_worker(1, LIVE_ON);
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

static struct layout_worker *own_row(void)
{
    return workers_own_row(pool, workers_token(pool));
}

Test(workers, a_number_that_another_process_has_now_is_not_it)
{
    atomic_fetch_sub(&own_row()->started_ticks, 1);
    read_all();
    cr_assert_eq(find(getpid()).is_alive, 0);
}

/* It found no /proc when it attached. */
Test(workers, a_process_whose_start_is_not_known_cannot_be_told)
{
    atomic_store(&own_row()->started_ticks, 0);
    read_all();
    cr_assert_eq(list->workers[0].is_alive, -1);
    cr_assert_eq(list->workers[0].state, '\0');
}

Test(workers, a_process_of_another_pid_namespace_cannot_be_told)
{
    atomic_fetch_add(&own_row()->pid_namespace, 1);
    read_all();
    cr_assert_eq(list->workers[0].is_alive, -1);
    cr_assert_eq(list->workers[0].state, '\0');
}

Test(workers, a_process_that_closes_has_closed_and_a_child_does_not_close_for_its_parent)
{
    keyshm_id id = add_key(1);
    pid_t child = fork();
    if (child == 0) {
        keyshm_mark_invalid(pool, id);
        keyshm_close(pool);
        _exit(0);
    }
    cr_assert_eq(waitpid(child, NULL, 0), child);
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    pid_t closed = fork_worker(1, CLOSE), dead = fork_worker(1, DIE);
    read_all();
    cr_assert_not(is_listed(child), "it has not picked");
    cr_assert_eq(find(closed).is_alive, 0);
    cr_assert_eq(find(closed).has_closed, 1);
    cr_assert_eq(find(closed).picks, 1);
    cr_assert_eq(find(dead).is_alive, 0);
    cr_assert_eq(find(dead).has_closed, 0);
    cr_assert_eq(find(getpid()).is_alive, 1);
    cr_assert_eq(find(getpid()).has_closed, 0);
}

Test(workers, a_row_that_is_not_filled_in_is_nobodys)
{
    pool->workers[7].owner = (uint64_t)getpid() << 32 | WORKER_COUNT_STEP;
    pool->workers[8].owner = WORKER_IS_FILLED;
    read_all();
    cr_assert_eq(list->count, 1);
}

/* As if this process had attached to every row that is free. */
static void fill_free_rows(void)
{
    for (uint32_t i = 0; i < pool->settings.worker_rows; i++) {
        struct layout_worker *row = &pool->workers[i];
        if (row->owner >> 32 != 0)
            continue;
        row->attached_ms = own_row()->attached_ms;
        row->pid_namespace = own_row()->pid_namespace;
        row->started_ticks = own_row()->started_ticks;
        row->image = own_row()->image;
        row->owner = (uint64_t)getpid() << 32 | WORKER_IS_FILLED;
    }
}

/* As if it had never had one; what it had stays another's. */
static void forget_own_row(void)
{
    struct layout_worker *row = own_row();
    workers_leave(pool);
    atomic_store(&pool->local->token, 0);
    atomic_fetch_and(&row->owner, ~WORKER_HAS_CLOSED);
}

Test(workers, rows_of_the_dead_are_reused_and_those_of_the_living_are_not)
{
    add_key(1);
    uint32_t rows = pool->settings.worker_rows;
    pid_t dead = fork_worker(1, DIE);
    uint64_t dead_row = atomic_load(&pool->header->workers_cursor) - 1;
    fill_free_rows();
    read_all();
    cr_assert_eq(list->count, rows);
    cr_assert(is_listed(dead));
    atomic_store(&pool->header->workers_cursor, dead_row + rows - 7); /* the eighth that is looked at */
    pid_t next = fork_worker(1, LIVE_ON), one_too_many = fork_worker(1, LIVE_ON);
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

/* The search for a row looks at 8 processes in /proc, and goes on behind them a second later. */
Test(workers, a_search_looks_at_eight_processes_and_the_next_one_at_eight_others)
{
    add_key(1);
    uint32_t rows = pool->settings.worker_rows;
    pid_t dead = fork_worker(1, DIE);
    uint64_t dead_row = atomic_load(&pool->header->workers_cursor) - 1;
    fill_free_rows();
    atomic_store(&pool->header->workers_cursor, dead_row + rows - 16); /* the seventeenth */
    forget_own_row();
    for (int search = 0; search < 2; search++) {
        cr_assert_eq(workers_enter(pool, pool_now_ms(pool)), 0);
        cr_assert_eq(workers_enter(pool, pool_now_ms(pool)), 0, "not again at once");
        atomic_store(&pool->local->next_entry_ms, 1);
    }
    uint64_t token = workers_enter(pool, pool_now_ms(pool));
    cr_assert_eq(token >> 32, dead_row % rows + 1);
    read_all();
    cr_assert_not(is_listed(dead));
    cr_assert_eq(list->unlisted, 1, "each process is counted once");
}

/* A request that needs a place is refused only if every row belongs to the living. */
Test(workers, who_needs_a_row_looks_at_all_of_them)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct keyshm_lease lease;
    limits.in_flight = 1;
    add_key(1);
    uint32_t rows = pool->settings.worker_rows;
    fork_worker(1, DIE);
    uint64_t dead_row = atomic_load(&pool->header->workers_cursor) - 1;
    fill_free_rows();
    forget_own_row();
    cr_assert_eq(keyshm_set_limits(pool, 0, 0, &limits), 0);
    atomic_store(&pool->header->workers_cursor, dead_row + 1);
    cr_assert_eq(keyshm_acquire(pool, NULL, &lease), 0, "the dead one's row is the last of them");
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    cr_assert_eq((uint32_t)(own_row() - pool->workers), dead_row % rows);
    forget_own_row();
    atomic_store(&pool->local->next_entry_ms, 0);
    cr_assert_eq(keyshm_acquire(pool, NULL, &lease), -EUSERS);
}

Test(workers, a_row_that_another_has_taken_is_noticed)
{
    struct layout_worker *row = own_row();
    add_key(1);
    pick_id();
    uint64_t taken = atomic_load(&row->owner) + WORKER_COUNT_STEP;
    atomic_store(&row->owner, taken);
    pick_id();
    cr_assert_neq(own_row(), row);
    cr_assert_eq(own_row()->picks, 1);
    cr_assert_eq(row->picks, 1, "it belongs to another");
    keyshm_id id;
    cr_assert_eq(keyshm_set_worker_name(pool, "mine"), 0);
    cr_assert_eq(keyshm_find(pool, key_text(1), &id), 0);
    workers_leave(pool);
    cr_assert_eq(atomic_load(&row->owner), taken, "nor does the process close it");
}

Test(workers, have_the_name_that_they_give_themselves)
{
    cr_assert_eq(keyshm_set_worker_name(pool, "queue-7"), 0);
    read_all();
    cr_assert_str_eq(find(getpid()).name, "queue-7");
    cr_assert_eq(keyshm_set_worker_name(pool, "fifteen bytes.."), 0);
    read_all();
    cr_assert_str_eq(find(getpid()).name, "fifteen bytes..");
    cr_assert_eq(keyshm_set_worker_name(pool, "x"), 0, "nothing is left of the longer one");
    static const char *const bad[] = {NULL, "", "sixteen bytes...", "a\nb", "\x7f"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_eq(keyshm_set_worker_name(pool, bad[i]), -EINVAL);
    cr_assert_eq(keyshm_set_worker_name(NULL, "x"), -EINVAL);
    read_all();
    cr_assert_str_eq(find(getpid()).name, "x");
}

Test(workers, cannot_be_named_without_a_row)
{
    fill_free_rows();
    forget_own_row();
    cr_assert_eq(keyshm_set_worker_name(pool, "x"), -EUSERS);
}

Test(workers, a_child_is_listed_as_soon_as_it_says_so)
{
    int done[2];
    char byte;
    uint64_t token = workers_token(pool);
    cr_assert_eq(keyshm_after_fork(NULL), -EINVAL);
    cr_assert_eq(keyshm_after_fork(pool), 0);
    cr_assert_eq(workers_token(pool), token, "who has a row keeps it");
    cr_assert_eq(pipe(done), 0);
    pid_t child = fork();
    if (child == 0) {
        int first = keyshm_after_fork(pool), again = keyshm_after_fork(pool);
        if (first != 0 || again != 0 || write(done[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    cr_assert_eq(read(done[0], &byte, 1), 1);
    read_all();
    cr_assert_eq(list->count, 2);
    cr_assert_eq(find(child).is_alive, 1);
    cr_assert_eq(find(child).picks, 0);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

/* A program that calls execve(2) has another image, and the same number and start. */
Test(workers, of_the_rows_with_its_number_a_process_closes_those_of_its_earlier_images)
{
    enum { IMAGE, NAMESPACE, START, NUMBER, NOTHING, ROWS };
    struct layout_worker *rows = &pool->workers[1];
    uint64_t token = workers_token(pool);
    for (int i = 0; i < ROWS; i++) {
        rows[i].pid_namespace = own_row()->pid_namespace + (i == NAMESPACE);
        rows[i].started_ticks = own_row()->started_ticks + (i == START);
        rows[i].image = own_row()->image + (i != NOTHING);
        rows[i].owner = (uint64_t)(getpid() + (i == NUMBER)) << 32 | WORKER_IS_FILLED;
    }
    workers_enter_attached(pool, pool_now_ms(pool));
    for (int i = 0; i < ROWS; i++)
        cr_assert_eq((atomic_load(&rows[i].owner) & WORKER_HAS_CLOSED) != 0, i == IMAGE, "row %d", i);
    cr_assert_eq(workers_token(pool), token);
}

/* Nobody can tell whether it is alive: its row is kept for a day, and then given to another that has no other. */
Test(workers, a_row_of_another_namespace_is_kept_for_a_day)
{
    enum { DAY_MS = 24 * 60 * 60 * 1000 };
    add_key(1);
    fill_free_rows();
    uint64_t cursor = atomic_load(&pool->header->workers_cursor);
    struct layout_worker *row = &pool->workers[cursor % pool->settings.worker_rows];
    atomic_fetch_add(&row->pid_namespace, 1);
    uint64_t now_ms = pool_now_ms(pool);
    atomic_store(&row->attached_ms, now_ms);
    forget_own_row();
    cr_assert_eq(workers_enter(pool, now_ms + DAY_MS), 0);
    atomic_store(&pool->header->workers_cursor, cursor);
    cr_assert_neq(workers_enter(pool, now_ms + DAY_MS + 2000), 0);
    cr_assert_eq(own_row(), row);
}

Test(workers, there_are_as_many_rows_as_was_asked_for)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_pool *other;
    struct keyshm_worker_list *few;
    options.workers_max = 3;
    cr_assert_eq(keyshm_create_anonymous(&other, "few", &options), 0);
    cr_assert_eq(keyshm_workers(other, &few), 0);
    cr_assert_eq(few->capacity, 3);
    cr_assert_eq(few->element_bytes, sizeof(*few->workers));
    keyshm_worker_list_free(few);
    keyshm_close(other);
    options.workers_max = KEYSHM_WORKERS_MAX + 1;
    cr_assert_eq(keyshm_create_anonymous(&other, "many", &options), -EINVAL);
}
