/* SPDX-License-Identifier: MIT */
#include "timer.h"

#include <limits.h>
#include <time.h>

static int64_t read_ms(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int64_t timer_now_ms(void)
{
    return read_ms(CLOCK_MONOTONIC);
}

int64_t timer_unix_ms(void)
{
    return read_ms(CLOCK_REALTIME);
}

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
