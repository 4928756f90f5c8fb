/* SPDX-License-Identifier: MIT */
#include "history.h"

#include <string.h>

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void history_begin(struct history *history, int64_t now_ms)
{
    memset(history, 0, sizeof(*history));
    history->since_ms = now_ms;
    history->until_ms = now_ms;
}

void history_add(struct history *history, int64_t now_ms, uint64_t count)
{
    int64_t from_ms = history->until_ms;
    if (now_ms <= from_ms)
        return;
    float per_ms = (float)count / (float)(now_ms - from_ms);
    int64_t last_s = (now_ms - 1) / 1000;
    for (int64_t second = larger(from_ms / 1000, last_s - HISTORY_SECONDS + 1); second <= last_s; second++) {
        float *of_second = &history->counts[second % HISTORY_SECONDS];
        int64_t begin_ms = larger(from_ms, second * 1000), end_ms = smaller(now_ms, (second + 1) * 1000);
        if (begin_ms == second * 1000) /* its count is a minute old */
            *of_second = 0;
        *of_second += per_ms * (float)(end_ms - begin_ms);
    }
    history->until_ms = now_ms;
}

double history_per_s(const struct history *history, unsigned step, unsigned steps)
{
    int64_t length_s = HISTORY_SECONDS / steps;
    int64_t newest = (history->until_ms - 1) / 1000 / length_s;
    int64_t first_s = (newest - (steps - 1) + step) * length_s;
    int64_t begin_ms = larger(first_s * 1000, history->since_ms);
    int64_t end_ms = smaller((first_s + length_s) * 1000, history->until_ms);
    double count = 0;
    if (end_ms <= begin_ms)
        return -1;
    for (int64_t second = begin_ms / 1000; second <= (end_ms - 1) / 1000; second++)
        count += (double)history->counts[second % HISTORY_SECONDS];
    return count * 1000 / (double)(end_ms - begin_ms);
}
