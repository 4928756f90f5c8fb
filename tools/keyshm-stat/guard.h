/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_GUARD_H
#define KEYSHM_STAT_GUARD_H

/* A process that reads a mapped file beyond its end, because it was truncated, gets SIGBUS. This makes it an error. */

#include <stdbool.h>

/*
 * Call act(user), which must only read pools by calls of the library. False: it was interrupted, because a page of a
 * mapped file does not exist. The library holds no lock then, but what it had allocated, opened and mapped in that call
 * leaks: good enough for a program that soon ends.
 *
 * The address of the page is not checked, as the library does not say where a pool is mapped: while act() runs, the
 * segment is the only file that is read through a mapping, apart from the program's own code. Any other SIGBUS, sent by
 * kill(2) or at another time, ends the program as usual. Not for threads.
 */
bool guard_run(void (*act)(void *user), void *user);

#endif
