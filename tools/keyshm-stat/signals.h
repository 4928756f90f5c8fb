/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_SIGNALS_H
#define KEYSHM_STAT_SIGNALS_H

/* Signals as something to wait for. Their handlers only write to a pipe; what is done about a signal is done by who reads
 * that, outside of any handler. */

#include <signal.h>
#include <stddef.h>

/* Catch these from now on; those that are ignored (nohup(1)) stay so. Who has got one that ends programs, and has not
 * ended two seconds later, is ended by it. -EMFILE, -ENFILE. */
int signals_begin(const int *numbers, size_t count);
void signals_end(void);

/* What poll(2) is to wait for. */
int signals_fd(void);

/* The next signal that came; 0: none. */
int signals_take(void);

/* End, or stop, as the signal does to who does not catch it. Returns only from a stop. */
void signals_act_by_default(int number);

#endif
