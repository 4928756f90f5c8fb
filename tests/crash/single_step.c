/* SPDX-License-Identifier: MIT */
#include "single_step.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
    fprintf(stderr, "single_step: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int wait_for(pid_t victim)
{
    int status;
    if (waitpid(victim, &status, 0) != victim)
        fail("waitpid");
    return status;
}

static bool stopped_itself(int status)
{
    return WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP;
}

/* Lets it run, and be stopped, until it stops itself. */
static void run_to_stop(pid_t victim)
{
    int status = wait_for(victim);
    while (!stopped_itself(status)) {
        if (!WIFSTOPPED(status)) {
            fprintf(stderr, "single_step: the victim ended before it began: status %#x\n", (unsigned)status);
            exit(1);
        }
        if (ptrace(PTRACE_CONT, victim, NULL, NULL) != 0)
            fail("PTRACE_CONT");
        status = wait_for(victim);
    }
}

pid_t single_step_start(char *const argv[])
{
    pid_t victim = fork();
    if (victim < 0)
        fail("fork");
    if (victim == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* Symbols looked up at the start, not in the middle of what is stepped through. */
        setenv("LD_BIND_NOW", "1", 1);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(EXIT_SKIP);
        execv(argv[0], argv);
        _exit(126);
    }
    siginfo_t info;
    if (waitid(P_PID, (id_t)victim, &info, WEXITED | WSTOPPED | WNOWAIT) == 0 && info.si_code == CLD_EXITED &&
        info.si_status == EXIT_SKIP) {
        printf("skipped: this system does not allow ptrace(2)\n");
        exit(EXIT_SKIP);
    }
    run_to_stop(victim);
    return victim;
}

bool single_step(pid_t victim)
{
    if (ptrace(PTRACE_SINGLESTEP, victim, NULL, NULL) != 0)
        fail("PTRACE_SINGLESTEP");
    int status = wait_for(victim);
    if (!WIFSTOPPED(status)) {
        fprintf(stderr, "single_step: the victim ended in the middle: status %#x\n", (unsigned)status);
        exit(1);
    }
    return !stopped_itself(status);
}

void single_step_kill(pid_t victim)
{
    if (kill(victim, SIGKILL) != 0)
        fail("kill");
    int status = wait_for(victim);
    while (WIFSTOPPED(status))
        status = wait_for(victim);
}

int single_step_finish(pid_t victim)
{
    if (ptrace(PTRACE_DETACH, victim, NULL, NULL) != 0)
        fail("PTRACE_DETACH");
    int status = wait_for(victim);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
