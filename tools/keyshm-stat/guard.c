/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

static sigjmp_buf way_out;
static struct sigaction before;

static void leave(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    /* Not a memory error (BUS_MCEERR_AR), not a kill(2). */
    if (info->si_code == BUS_ADRERR)
        siglongjmp(way_out, 1);
    sigaction(SIGBUS, &before, NULL);
    raise(signal_number); /* it is blocked until this handler returns */
}

bool guard_run(void (*act)(void *user), void *user)
{
    struct sigaction action = {.sa_sigaction = leave, .sa_flags = SA_SIGINFO};
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
    if (sigsetjmp(way_out, 1) != 0) {
        sigaction(SIGBUS, &before, NULL);
        return false;
    }
    act(user);
    sigaction(SIGBUS, &before, NULL);
    return true;
}
