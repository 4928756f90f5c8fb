/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_GUARD_H
#define KEYSHM_STAT_GUARD_H

/* Who reads a mapped file that somebody truncates gets SIGBUS. A program that shows pools says so, and goes on. */

#include <stdbool.h>

/*
 * Call act(user), which must do nothing but read pools by calls of the library. False when it was left in the middle,
 * because a page of a mapped file was not there. The library holds no lock then, but what it had allocated, opened and
 * mapped in that call is lost: good enough for a program that soon ends.
 *
 * The library does not tell where a pool is mapped, so the address of the page is not looked at: while `act` runs, the
 * segment is the only file that is read through a mapping, the programs' own code excepted. A SIGBUS of another kind, or
 * one that somebody sent, or at another time, ends the program as it always does. Not for threads.
 */
bool guard_run(void (*act)(void *user), void *user);

#endif
