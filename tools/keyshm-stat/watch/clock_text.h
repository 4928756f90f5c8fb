/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_CLOCK_TEXT_H
#define KEYSHM_STAT_WATCH_CLOCK_TEXT_H

#include <stdint.h>

#define CLOCK_TEXT_SIZE 16

/* A moment, in milliseconds since 1970, as the clock on the wall shows it: "12:03:04". */
void clock_text(int64_t unix_ms, char ret_text[CLOCK_TEXT_SIZE]);

#endif
