/* SPDX-License-Identifier: MIT */
#include "expect.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

/* Less than what meson.build gives a test, so that the program itself is the one to end it, and can clean up. */
#define TIME_LIMIT_S 2800

char expect_name[KEYSHM_PROVIDER_MAX + 1];
static pid_t name_owner;

static void unlink_pool(void)
{
    /* Not in a child, which inherits the exit handlers too. */
    if (name_owner == getpid())
        keyshm_unlink(expect_name);
}

void (*expect_print_context)(void);

_Noreturn static void fail(void)
{
    if (expect_print_context != NULL)
        expect_print_context();
    fflush(NULL);
    unlink_pool();
    _exit(1); /* not exit(3): other threads are still running */
}

void expect_failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: process %d: expected %s\n", file, line, (int)getpid(), condition);
    fail();
}

void expect_equal(const char *file, int line, const char *actual_text, long long actual, const char *expected_text,
                  long long expected)
{
    if (actual == expected)
        return;
    fprintf(stderr, "%s:%d: process %d: expected %s == %s, got %lld and %lld\n", file, line, (int)getpid(), actual_text,
            expected_text, actual, expected);
    fail();
}

static void interrupted(int signal_number)
{
    static const char text[] = "out of time, or stopped by a signal\n";
    ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
    (void)ignored;
    (void)signal_number;
    unlink_pool();
    _exit(1);
}

void expect_end_in_time(void)
{
    struct sigaction action = {.sa_handler = interrupted};
    EXPECT_EQ(sigaction(SIGALRM, &action, NULL), 0);
    EXPECT_EQ(sigaction(SIGTERM, &action, NULL), 0);
    EXPECT_EQ(sigaction(SIGINT, &action, NULL), 0);
    alarm(TIME_LIMIT_S);
}

void expect_pool_name(const char *test)
{
    snprintf(expect_name, sizeof(expect_name), "test.%s.%d", test, (int)getpid());
    name_owner = getpid();
    EXPECT_EQ(atexit(unlink_pool), 0);
    expect_end_in_time();
}

pid_t expect_fork(void)
{
    pid_t parent = getpid();
    fflush(NULL);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
    }
    return child;
}

void expect_success_of(pid_t child)
{
    int status;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

void expect_success_of_next(void)
{
    int status;
    EXPECT(waitpid(-1, &status, 0) > 0);
    EXPECT_EQ(status, 0);
}

void expect_kill(pid_t child)
{
    int status;
    EXPECT_EQ(kill(child, SIGKILL), 0);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

bool expect_is_asleep(pid_t process)
{
    char path[64], line[512];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)process);
    FILE *file = fopen(path, "re");
    EXPECT(file != NULL);
    EXPECT(fgets(line, sizeof(line), file) != NULL);
    fclose(file);
    const char *state = strrchr(line, ')'); /* "PID (NAME) STATE ..." */
    EXPECT(state != NULL);
    return state[2] == 'S';
}

bool expect_may_trace(void)
{
    int status;
    pid_t child = expect_fork();
    if (child == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 1);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status == 0;
}

void *expect_shared_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    EXPECT(memory != MAP_FAILED);
    return memory;
}

struct gate gate_make(void)
{
    int fds[2];
    EXPECT_EQ(pipe2(fds, O_CLOEXEC), 0);
    return (struct gate){.wait_fd = fds[0], .hold_fd = fds[1]};
}

void gate_wait_at(int wait_fd)
{
    char byte;
    EXPECT_EQ(read(wait_fd, &byte, 1), 0);
    close(wait_fd);
}

void gate_wait(const struct gate *gate)
{
    close(gate->hold_fd);
    gate_wait_at(gate->wait_fd);
}

void gate_open(const struct gate *gate)
{
    close(gate->wait_fd);
    close(gate->hold_fd);
}
