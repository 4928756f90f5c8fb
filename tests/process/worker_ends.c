/* SPDX-License-Identifier: MIT */

/*
 * The ways in which a process ends or goes on, as the list of workers shows them: it is killed, calls _exit(2) or
 * exit(3), closes its attachment, executes another program, or goes on without its main thread.
 */

#include <pthread.h>
#include <sched.h>

#include "expect.h"

enum { EXECS = 20, THREAD_PICKS = 50 };

static keyshm_pool *pool;

static void begin_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.workers_max = 8;
    EXPECT_EQ(keyshm_create(&pool, expect_name, &options), 0);
    EXPECT_EQ(keyshm_add(pool, "key", NULL), 0);
}

static void end_pool(void)
{
    keyshm_close(pool);
    EXPECT_EQ(keyshm_unlink(expect_name), 0);
}

static void pick(void)
{
    struct keyshm_pick picked;
    EXPECT_EQ(keyshm_next(pool, &picked), 0);
}

/* How many rows a process has, and the last of them. */
struct rows {
    unsigned alive, closed, killed;
    struct keyshm_worker last;
    uint64_t unlisted;
};

static struct rows rows_of(pid_t pid)
{
    struct keyshm_worker_list *list;
    struct rows rows = {.alive = 0};
    EXPECT_EQ(keyshm_workers(pool, &list), 0);
    for (size_t i = 0; i < list->count; i++) {
        const struct keyshm_worker *worker = &list->workers[i];
        if (worker->pid != pid)
            continue;
        EXPECT(worker->is_alive == 0 || worker->is_alive == 1);
        EXPECT(!worker->is_alive || !worker->has_closed);
        rows.alive += worker->is_alive == 1;
        rows.closed += worker->has_closed != 0;
        rows.killed += worker->is_alive == 0 && !worker->has_closed;
        rows.last = *worker;
    }
    rows.unlisted = list->unlisted;
    keyshm_worker_list_free(list);
    return rows;
}

/* ---- the end of a process ---- */

static void be_killed(void)
{
    raise(SIGKILL);
}

static void end_at_once(void)
{
    _exit(0);
}

static void end_in_order(void)
{
    exit(0);
}

static void close_and_end(void)
{
    keyshm_close(pool);
    _exit(0);
}

/* Two attachments: exit(3) closes all that are left. */
static void close_one_and_end(void)
{
    keyshm_pool *other;
    EXPECT_EQ(keyshm_attach(&other, expect_name), 0);
    keyshm_close(other);
    exit(0);
}

static void each_end_is_told(void)
{
    static const struct {
        void (*end)(void);
        unsigned closed, killed;
    } ends[] = {
        {be_killed, 0, 1}, {end_at_once, 0, 1}, {end_in_order, 1, 0}, {close_and_end, 1, 0}, {close_one_and_end, 2, 0}};
    begin_pool();
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        pid_t child = expect_fork();
        if (child == 0) {
            pick();
            ends[i].end();
        }
        EXPECT_EQ(waitpid(child, NULL, 0), child);
        struct rows rows = rows_of(child);
        EXPECT_EQ(rows.alive, 0);
        EXPECT_EQ(rows.closed, ends[i].closed);
        EXPECT_EQ(rows.killed, ends[i].killed);
        EXPECT_EQ(rows_of(getpid()).alive, 1);
    }
    end_pool();
}

/* ---- execve(2) ---- */

static void execute_again(const char *provider, int times)
{
    char left[12];
    snprintf(left, sizeof(left), "%d", times);
    execl("/proc/self/exe", "worker_ends", provider, left, (char *)NULL);
    EXPECT(!"execl(3) returned");
}

/* An image of the process after `times` others: it has one row, as those of the images before are closed. */
static int executed_main(const char *provider, int times)
{
    EXPECT_EQ(keyshm_attach(&pool, provider), 0);
    pick();
    struct rows rows = rows_of(getpid());
    EXPECT_EQ(rows.alive, 1);
    EXPECT_EQ(rows.killed, 0);
    EXPECT_EQ(rows.unlisted, 0);
    if (times > 0)
        execute_again(provider, times - 1);
    return 0;
}

static void executing_a_program_ends_the_rows_of_before(void)
{
    begin_pool();
    pid_t child = expect_fork();
    if (child == 0) {
        pick();
        execute_again(expect_name, EXECS);
    }
    expect_success_of(child);
    EXPECT_EQ(rows_of(getpid()).alive, 1);
    EXPECT_EQ(rows_of(getpid()).unlisted, 0);
    end_pool();
}

/* ---- a process without its main thread ---- */

static struct gate gate; /* opened when the thread may end */
static int picked_fd;

static void *pick_on(void *argument)
{
    char state = '\0', line[256];
    /* The line has the state of the main thread, which comes to be that of a zombie. */
    while (state != 'Z') {
        FILE *stat = fopen("/proc/self/stat", "re");
        EXPECT(stat != NULL && fgets(line, sizeof(line), stat) != NULL);
        fclose(stat);
        state = strrchr(line, ')')[2];
        sched_yield();
    }
    for (int i = 0; i < THREAD_PICKS; i++)
        pick();
    EXPECT_EQ(write(picked_fd, "", 1), 1);
    gate_wait(&gate);
    return argument;
}

static void a_process_without_its_main_thread_is_alive(void)
{
    int picked[2];
    char byte;
    begin_pool();
    gate = gate_make();
    EXPECT_EQ(pipe2(picked, O_CLOEXEC), 0);
    picked_fd = picked[1];
    pid_t child = expect_fork();
    if (child == 0) {
        pthread_t thread;
        EXPECT_EQ(pthread_create(&thread, NULL, pick_on, NULL), 0);
        pthread_exit(NULL);
    }
    EXPECT_EQ(read(picked[0], &byte, 1), 1);
    struct rows rows = rows_of(child);
    EXPECT_EQ(rows.alive, 1);
    EXPECT_EQ(rows.last.picks, THREAD_PICKS);
    EXPECT_EQ(rows.last.state, 'Z');
    gate_open(&gate);
    EXPECT_EQ(waitpid(child, NULL, 0), child);
    EXPECT_EQ(rows_of(child).alive, 0);
    end_pool();
}

int main(int argc, char **argv)
{
    if (argc == 3)
        return executed_main(argv[1], atoi(argv[2]));
    expect_pool_name("worker-ends");
    each_end_is_told();
    executing_a_program_ends_the_rows_of_before();
    a_process_without_its_main_thread_is_alive();
    return 0;
}
