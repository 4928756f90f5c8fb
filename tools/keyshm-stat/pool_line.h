/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_POOL_LINE_H
#define KEYSHM_STAT_POOL_LINE_H

#include "reading.h"

/* The line above the table of a pool's keys. */
void pool_line_print(const struct reading *reading, const struct request *request);

#endif
