/* SPDX-License-Identifier: MIT */

/*
 * Ready in time. The clock is moved on by a millisecond at a time, and at each of them there is one round of picks, for
 * the model of the operation.
 */

#include "expect.h"
#include "judge.h"
#include "picks.h"
#include "virtual_clock.h"

/* A key that becomes available last of all must have had its second. */
enum { HIDDEN_MAX_MS = 1000, WATCH_MS = SHORT_MS + HIDDEN_MAX_MS + 100 };

/* Since when a key could have been picked. */
struct wait {
    bool is_available;
    uint64_t since_ms;
};

/* For how long it will have been hidden when the next pick is made. */
static int64_t watch_one(int number, unsigned model, bool was_picked, struct wait *wait)
{
    uint64_t now_ms = world_now_ms();
    bool is_available = world_is_pickable(number, model);
    if (is_available && !wait->is_available)
        wait->since_ms = now_ms;
    wait->is_available = is_available;
    if (was_picked)
        wait->since_ms = now_ms + 1;
    return is_available && !was_picked ? (int64_t)(now_ms + 1 - wait->since_ms) : 0;
}

/* The longest of any of them. */
static int64_t watch_all(unsigned model, struct wait waits[KEYS])
{
    bool was_picked[KEYS];
    int64_t longest_ms = 0;
    picks_round(model, was_picked);
    for (int i = 0; i < KEYS; i++) {
        int64_t hidden_ms = watch_one(i, model, was_picked[i], &waits[i]);
        HOLD(hidden_ms <= HIDDEN_MAX_MS, "key %d is available, and not picked for more than a second", i);
        if (hidden_ms > longest_ms)
            longest_ms = hidden_ms;
    }
    return longest_ms;
}

void judge_ready(const struct victim victims[VICTIMS_MAX], bool by_adding, struct verdict *ret_verdict)
{
    struct verdict verdict = {.outcome = OLD};
    struct wait waits[KEYS] = {{false, 0}};
    struct virtual_clock at_death = *virtual_clock;
    (void)by_adding;
    problem_forget();
    verdict.outcome = victims[0].operation->settle();
    for (int i = 0; i < WATCH_MS; i++) {
        int64_t hidden_ms = watch_all(victims[0].operation->model, waits);
        if (hidden_ms > verdict.hidden_ms)
            verdict.hidden_ms = hidden_ms;
        virtual_clock_pass_ms(1);
    }
    *virtual_clock = at_death;
    snprintf(verdict.problem, sizeof(verdict.problem), "%s", problem_text());
    *ret_verdict = verdict;
}
