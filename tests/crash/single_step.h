/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_TEST_SINGLE_STEP_H
#define KEYSHM_TEST_SINGLE_STEP_H

/* A process that is run instruction by instruction (ptrace(2)). */

#include <stdbool.h>
#include <sys/types.h>

#define EXIT_SKIP 77

/* Start the program, traced, and let it run to its first SIGSTOP. The caller exits with EXIT_SKIP and a message when this
 * system does not allow tracing. */
pid_t single_step_start(char *const argv[]);

/* One instruction on. False when that reached the next SIGSTOP. */
bool single_step(pid_t victim);

/* SIGKILL, and wait until it is gone. */
void single_step_kill(pid_t victim);

/* Let it run to its end; its exit status. */
int single_step_finish(pid_t victim);

#endif
