/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_WALL_CLOCK_H
#define KEYSHM_CTL_WALL_CLOCK_H

#include <stdint.h>

/* Milliseconds since 1970. The one clock that a reboot, and another machine, has as well. */
int64_t wall_clock_ms(void);

#endif
