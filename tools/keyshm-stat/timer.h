/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_TIMER_H
#define KEYSHM_STAT_TIMER_H

/* When the next frame is due. It does not drift: frames are due at whole intervals after the first; what could not be
 * done in time is left out, not made up for. */

#include <stdint.h>

struct timer {
    int64_t due_ms;
};

int64_t timer_now_ms(void);  /* monotonic */
int64_t timer_unix_ms(void); /* what the clock on the wall says */

/* Due now. */
void timer_begin(struct timer *timer, int64_t now_ms);

/* Due at the first whole interval after what was due last that is not in the past. */
void timer_go_on(struct timer *timer, int64_t interval_ms, int64_t now_ms);

/* What is left, for poll(2). */
int timer_left_ms(const struct timer *timer, int64_t now_ms);

#endif
