/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_PRINTABLE_H
#define KEYSHM_STAT_PRINTABLE_H

#include <stddef.h>

/* Room for a text of `size` bytes, its NUL included, of which each byte may become four. */
#define PRINTABLE_SIZE(size) (4 * (size))

/* A process may call itself as it likes: bytes that a terminal could take for more than ASCII text become \xNN. */
void printable(const char *text, char *ret_text, size_t size);

#endif
