/* SPDX-License-Identifier: MIT */
#include "no_echo.h"

#include <signal.h>
#include <stddef.h>
#include <termios.h>
#include <unistd.h>

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
#define DEADLY_COUNT (sizeof(deadly) / sizeof(deadly[0]))

static struct termios before;
static struct sigaction actions_before[DEADLY_COUNT], stop_before;

/* The signal is delivered when this handler returns. */
static void restore_and_end(int signal_number)
{
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

/* Those that are ignored stay so. */
static void handle_signals(void)
{
    struct sigaction action = {.sa_handler = restore_and_end};
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < DEADLY_COUNT; i++) {
        sigaction(deadly[i], NULL, &actions_before[i]);
        if (actions_before[i].sa_handler != SIG_IGN)
            sigaction(deadly[i], &action, NULL);
    }
    sigaction(SIGTSTP, &(struct sigaction){.sa_handler = SIG_IGN}, &stop_before);
}

bool no_echo_begin(void)
{
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) < 0)
        return false;
    handle_signals();
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    return true;
}

void no_echo_end(void)
{
    tcsetattr(STDIN_FILENO, TCSANOW, &before);
    for (size_t i = 0; i < DEADLY_COUNT; i++)
        sigaction(deadly[i], &actions_before[i], NULL);
    sigaction(SIGTSTP, &stop_before, NULL);
}
