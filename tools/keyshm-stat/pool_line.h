/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_POOL_LINE_H
#define KEYSHM_STAT_POOL_LINE_H

#include "reading.h"

/* The line above the table of a pool's keys. */
void pool_line_print(const struct reading *reading, bool has_owner);

#define HOLDER_TEXT_SIZE 160

/* The process that holds the mutex, its state and for how long: "pid 17 (worker), stopped, for 12.3s". False: nobody
 * holds it. */
bool pool_line_holder_text(const struct keyshm_snapshot *snapshot, char ret_text[HOLDER_TEXT_SIZE]);

#endif
