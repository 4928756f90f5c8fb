/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_CHILD_H
#define KEYSHM_CTL_CHILD_H

/* Run another program as a child, pass signals on to it, and wait for its end. */

#include <signal.h>
#include <sys/types.h>

struct child {
    pid_t pid;
    sigset_t waited_for;  /* blocked from the start, so that none is lost */
    sigset_t mask_before; /* what the child gets back */
    struct sigaction chld_before;
};

/* Begin before anything else, end after everything else. */
void child_begin(struct child *child);
void child_end(const struct child *child);

/* Run a program with one more variable in its environment; no copy of the value is left in this process. 0, or the
 * negative errno of fork(2) or execvp(3). */
int child_start(struct child *child, char *const *words, const char *variable, const char *value);

/* Pass signals on until it ends. Returns its exit status, or 128 plus the number of the signal that killed it. */
int child_wait(const struct child *child);

#endif
