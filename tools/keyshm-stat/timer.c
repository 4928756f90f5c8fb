/* SPDX-License-Identifier: MIT */
#include "timer.h"

#include <limits.h>

void timer_begin(struct timer *timer, int64_t now_ms)
{
    timer->due_ms = now_ms;
}

void timer_go_on(struct timer *timer, int64_t interval_ms, int64_t now_ms)
{
    if (timer->due_ms <= now_ms)
        timer->due_ms += ((now_ms - timer->due_ms) / interval_ms + 1) * interval_ms;
}

int timer_left_ms(const struct timer *timer, int64_t now_ms)
{
    int64_t left_ms = timer->due_ms - now_ms;
    if (left_ms <= 0)
        return 0;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}
