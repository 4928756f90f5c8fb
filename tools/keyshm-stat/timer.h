/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_TIMER_H
#define KEYSHM_STAT_TIMER_H

/* When the next frame is due. It does not drift: frames are due at whole intervals after the first; those that
 * were missed are skipped. */

#include <stdint.h>

struct timer {
    int64_t due_ms;
};

/* Due now, by clock_monotonic_ms(), as all times here. */
void timer_begin(struct timer *timer, int64_t now_ms);

/* The next frame is due at the first whole interval, counted from the last due time, that is not in the past. */
void timer_go_on(struct timer *timer, int64_t interval_ms, int64_t now_ms);

/* The remaining time, for poll(2). */
int timer_left_ms(const struct timer *timer, int64_t now_ms);

#endif
