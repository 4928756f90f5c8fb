/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_TEST_SANDBOX_H
#define KEYSHM_TEST_SANDBOX_H

#include <stdbool.h>

/* unshare(2) with these flags, as root or, for an ordinary user, inside a user namespace in which it keeps its uid.
 * Where that is not permitted, says so and exits with 77. */
void sandbox_enter(int flags);

/* Say what is not permitted, by errno, and exit with 77. */
_Noreturn void sandbox_skip(const char *what);

/* Write a text to a file of /proc that is there, in one write(2). False: errno says why not. */
bool sandbox_write(const char *path, const char *text);

#endif
