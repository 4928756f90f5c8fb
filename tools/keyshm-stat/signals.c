/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <termios.h>
#include <unistd.h>

/* How long an orderly end may take. A terminal or a pipe that takes no more output would block it for ever. */
#define PATIENCE_S 2

static int ends[2] = {-1, -1};
static sigset_t caught;
static volatile sig_atomic_t deadly; /* the last one that was caught */

void signals_resume_output(void)
{
    tcflow(STDOUT_FILENO, TCOOFF);
    tcflow(STDOUT_FILENO, TCOON);
}

static bool is_deadly(int number)
{
    return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
}

static void note(int number)
{
    int error = errno;
    unsigned char byte = (unsigned char)number;
    /* A full pipe wakes its reader anyway. */
    if (write(ends[1], &byte, 1) == 1 && is_deadly(number)) {
        deadly = number;
        alarm(PATIENCE_S);
        signals_resume_output();
    }
    errno = error;
}

/* The signal is delivered when this handler returns. */
static void lose_patience(int number)
{
    (void)number;
    signal(deadly, SIG_DFL);
    raise(deadly);
}

static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void handle(int number)
{
    struct sigaction action = {.sa_handler = number == SIGALRM ? lose_patience : note, .sa_flags = SA_RESTART};
    sigfillset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

int signals_begin(const int *numbers, size_t count)
{
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
        return -errno;
    sigemptyset(&caught);
    sigaddset(&caught, SIGALRM);
    handle(SIGALRM);
    for (size_t i = 0; i < count; i++) {
        if (is_ignored(numbers[i]))
            continue;
        sigaddset(&caught, numbers[i]);
        handle(numbers[i]);
    }
    return 0;
}

void signals_end(void)
{
    alarm(0);
    for (int number = 1; number < NSIG; number++)
        if (sigismember(&caught, number) == 1)
            signal(number, SIG_DFL);
    close(ends[0]);
    close(ends[1]);
}

int signals_fd(void)
{
    return ends[0];
}

int signals_take(void)
{
    unsigned char byte;
    return read(ends[0], &byte, 1) == 1 ? byte : 0;
}

void signals_act_by_default(int number)
{
    signal(number, SIG_DFL);
    raise(number);
    handle(number);
}
