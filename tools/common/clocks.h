/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_CLOCKS_H
#define KEYSHM_COMMON_CLOCKS_H

/* What time it is, and waiting. */

#include <stdint.h>

/* Milliseconds since 1970: the only clock that survives a reboot and means the same on another machine. */
int64_t clock_wall_ms(void);

/* Milliseconds of CLOCK_MONOTONIC, which nobody can set. */
int64_t clock_monotonic_ms(void);

/* A signal may end it early. */
void clock_sleep_ms(int64_t duration_ms);

#endif
