/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_POOL_LINE_H
#define KEYSHM_STAT_POOL_LINE_H

#include "reading.h"

/* What the table says of a pool, in a line. */
void pool_line_print(const struct reading *reading, bool has_owner);

#define HOLDER_TEXT_SIZE 160

/* Who holds the mutex, what that process is doing and since when: "pid 17 (worker), stopped, for 12.3s". False: nobody.
 */
bool pool_line_holder_text(const struct keyshm_snapshot *snapshot, char ret_text[HOLDER_TEXT_SIZE]);

#endif
