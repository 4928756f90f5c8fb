/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_DURATION_H
#define KEYSHM_STAT_DURATION_H

#include <stdint.h>

#define DURATION_SIZE 32

/* Truncated, not rounded: "59.2s", "1m 03s", "2h 05m", "3d 04h". A negative duration is "0.0s". */
void duration_text(int64_t duration_ms, char ret_text[DURATION_SIZE]);

#endif
