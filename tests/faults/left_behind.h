/* SPDX-License-Identifier: MIT */
#ifndef LEFT_BEHIND_H
#define LEFT_BEHIND_H

/* What a process has, and what it has left in the file system: the same before and after a call that left nothing. */

#include "inject.h"

#define LEFT_BEHIND_TEXT 65536

struct left_behind {
    struct held held;                /* what the library holds, by its calls */
    char descriptors[1024];          /* /proc/self/fd */
    char mappings[LEFT_BEHIND_TEXT]; /* /proc/self/maps, but for the heap; "" under a sanitizer, which maps as it likes */
    char names[LEFT_BEHIND_TEXT];    /* those of this test in /dev/shm */
};

/* `name` is part of the names that this test gives its pools. */
void left_behind_look(struct left_behind *ret_look, const char *name);

void left_behind_expect_same(const struct left_behind *before, const struct left_behind *after);

#endif
