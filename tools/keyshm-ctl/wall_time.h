/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_WALL_TIME_H
#define KEYSHM_CTL_WALL_TIME_H

#include <stdint.h>

/* A time as people type it: "2026-12-01", "2026-12-01T08:30", "2026-12-01 08:30:00", in the local time zone, or with Z or
 * +HH:MM behind it. In milliseconds since 1970. -EINVAL. */
int wall_time_parse(const char *text, int64_t *ret_unix_ms);

#endif
