/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_HISTORY_H
#define KEYSHM_STAT_WATCH_HISTORY_H

/* How often something happened in each second of the last minute. Pure: the caller says what time it is. */

#include <stdint.h>

#define HISTORY_SECONDS 60

struct history {
    int64_t since_ms;              /* nothing is known of the time before */
    int64_t until_ms;              /* nor after */
    float counts[HISTORY_SECONDS]; /* by second, as a ring: that of the time t is at t / 1000 % HISTORY_SECONDS */
};

void history_begin(struct history *history, int64_t now_ms);

/* It happened `count` times since the last call; they are spread evenly over that time. */
void history_add(struct history *history, int64_t now_ms, uint64_t count);

/*
 * The minute in `steps` equal parts, 0 the oldest; `steps` divides 60. How often per second it happened in one of
 * them; negative when that is not known. The parts begin at whole multiples of their length, so that a graph moves to the
 * left without changing its shape; the last part is usually not over yet.
 */
double history_per_s(const struct history *history, unsigned step, unsigned steps);

#endif
