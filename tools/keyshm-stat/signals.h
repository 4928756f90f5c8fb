/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_SIGNALS_H
#define KEYSHM_STAT_SIGNALS_H

/* Signals to be waited for with poll(2). The handlers only write to a pipe, and of a signal that ends programs let the
 * output go on; what a signal asks for is done by the code that reads the pipe, outside of any handler. */

#include <signal.h>
#include <stddef.h>

/* Catch these from now on; those that are ignored (nohup(1)) stay ignored. A signal that ends programs ends this one if
 * it has not ended two seconds later. -EMFILE, -ENFILE. */
int signals_begin(const int *numbers, size_t count);
void signals_end(void);

/* If standard output is a terminal, and its output was stopped (Ctrl-S), let it go on: what the program is writing, or
 * writes to restore the terminal, would not arrive. A program can resume only the output that a program stopped. May be
 * called in a signal handler (tcflow(3), signal-safety(7)). */
void signals_resume_output(void);

/* The file descriptor for poll(2). */
int signals_fd(void);

/* The next signal that was caught; 0: none. */
int signals_take(void);

/* Let the signal act as if it were not caught. Returns only from a stop. */
void signals_act_by_default(int number);

#endif
