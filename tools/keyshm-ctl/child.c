/* SPDX-License-Identifier: MIT */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static const int forwarded_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define FORWARDED_COUNT (sizeof(forwarded_signals) / sizeof(forwarded_signals[0]))

void child_begin(struct child *child)
{
    sigemptyset(&child->waited_for);
    sigaddset(&child->waited_for, SIGCHLD);
    for (size_t i = 0; i < FORWARDED_COUNT; i++)
        sigaddset(&child->waited_for, forwarded_signals[i]);
    sigprocmask(SIG_BLOCK, &child->waited_for, &child->mask_before);
    /* If it was inherited as ignored, waitpid(2) would not return the exit status. */
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &child->chld_before);
}

void child_end(const struct child *child)
{
    sigaction(SIGCHLD, &child->chld_before, NULL);
    sigprocmask(SIG_SETMASK, &child->mask_before, NULL);
}

/* In the child. Returns only on error. */
static int become(const struct child *child, pid_t parent, char *const *words, const char *variable, const char *value)
{
    /* If keyshm-ctl is killed, nothing can mark the key by the exit status. */
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(EXIT_FAILURE);
    signal(SIGPIPE, SIG_DFL); /* keyshm-ctl ignores it */
    child_end(child);
    if (setenv(variable, value, 1) < 0)
        return -errno;
    execvp(words[0], words);
    return -errno;
}

/* The child's error; 0 once it runs the other program, because exec closes the pipe. */
static int read_error(int fd)
{
    int error = 0;
    ssize_t count;
    do
        count = read(fd, &error, sizeof(error));
    while (count < 0 && errno == EINTR);
    return count == sizeof(error) ? error : 0;
}

int child_start(struct child *child, char *const *words, const char *variable, const char *value)
{
    int pipe_ends[2];
    pid_t parent = getpid();
    if (pipe2(pipe_ends, O_CLOEXEC) < 0)
        return -errno;
    child->pid = fork();
    if (child->pid == 0) {
        int error = become(child, parent, words, variable, value);
        ssize_t written = write(pipe_ends[1], &error, sizeof(error));
        _exit(written == sizeof(error) ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    int r = child->pid < 0 ? -errno : 0;
    close(pipe_ends[1]);
    if (child->pid > 0)
        r = read_error(pipe_ends[0]);
    close(pipe_ends[0]);
    if (child->pid > 0 && r < 0)
        waitpid(child->pid, NULL, 0);
    return r;
}

/* The terminal sends Ctrl-C and Ctrl-\\ to its whole foreground process group, and so to the child as well, unless it has
 * left that group. */
static bool child_has_it(const struct child *child, const siginfo_t *info)
{
    bool is_of_terminal = (info->si_signo == SIGINT || info->si_signo == SIGQUIT) && info->si_code == SI_KERNEL;
    return is_of_terminal && getpgid(child->pid) == getpgrp();
}

int child_wait(const struct child *child)
{
    int status;
    pid_t ended;
    while ((ended = waitpid(child->pid, &status, WNOHANG)) == 0) {
        siginfo_t info;
        int signal_number = sigwaitinfo(&child->waited_for, &info);
        if (signal_number > 0 && signal_number != SIGCHLD && !child_has_it(child, &info))
            kill(child->pid, signal_number);
    }
    if (ended < 0)
        return EXIT_FAILURE;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
