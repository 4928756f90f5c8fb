/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_NO_ECHO_H
#define KEYSHM_CTL_NO_ECHO_H

/* A terminal on standard input does not show what is typed. It shows it again afterwards, also when a signal ends the
 * program in between. Ctrl-Z has no effect meanwhile. */

#include <stdbool.h>

/* False: standard input is not a terminal. */
bool no_echo_begin(void);

void no_echo_end(void);

#endif
