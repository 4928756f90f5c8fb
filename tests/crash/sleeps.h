/* SPDX-License-Identifier: MIT */
#ifndef SLEEPS_H
#define SLEEPS_H

/*
 * How those sleep who wait for a key, without a clock: the linker (--wrap) puts a function in the place of syscall(2), which
 * really sleeps on the word, in the kernel, and is really woken. But a sleep that ends by itself ends when the test says so,
 * and then the virtual clock has gone on by as much as it was to last.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

enum { SLEEPERS = 2 };

struct sleeps {
    _Atomic unsigned begun[SLEEPERS]; /* sleeps of those that sleep until they are woken */
    _Atomic unsigned ended[SLEEPERS];
    _Atomic bool is_announced;    /* by now there is something for those who wait */
    _Atomic unsigned slept_after; /* sleeps that have ended by themselves although there was */
};

/* Shared with the children. */
extern struct sleeps *sleeps;
void sleeps_begin(void);

/* Of this process: it sleeps until it is woken, or its slice is ended. Without it a sleep ends at once, when there is nothing to
 * wake it. */
void sleeps_last(unsigned sleeper);

/* Of this process: during its next sleep, `act` is called for others, and wakes it before any other. */
void sleeps_are_interrupted_by(void (*act)(void));

/* Of this process: a signal arrives in its next sleep. */
void sleeps_are_ended_by_signal(void);

/* Of one that sleeps until it is woken: it does, and nobody has woken it. */
bool sleeps_is_asleep(pid_t process, unsigned sleeper);

/* If it sleeps: not any longer, and 100 ms have passed. */
void sleeps_end_slice(pid_t process);

#endif
