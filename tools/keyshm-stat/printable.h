/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_PRINTABLE_H
#define KEYSHM_STAT_PRINTABLE_H

#include <stddef.h>

/* The size of a buffer for a printable text: each of `size` bytes, the NUL included, may become four. */
#define PRINTABLE_SIZE(size) (4 * (size))

/* For names that a process gives itself: a backslash, and each byte that is not printable ASCII, becomes \xNN. */
void printable(const char *text, char *ret_text, size_t size);

#endif
