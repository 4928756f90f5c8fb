/* SPDX-License-Identifier: MIT */
#include "acquire.h"

#include <errno.h>

#include "hash.h"
#include "questions.h"
#include "soonest.h"
#include "waiters.h"
#include "workers.h"

/* Nobody sleeps longer, whatever it waits for: so long does a wake-up that was lost with a process that was killed cost. */
#define SLEEP_MAX_US 100000

/* Nor shorter. And longer where a key can be had, but was not got: others were faster, or it was made available and that was not
 * announced yet (turn.c); it does not go round and round until then. */
#define SLEEP_MIN_US 50
#define SLEEP_REFUSED_US 1000

/* What many wait for becomes available to all of them at the same time, by the clock. So each comes later, by a time of its
 * own: a fiftieth of the wait at most, and a second. */
#define JITTER_DIVISOR 50
#define JITTER_MAX_US 1000000

/* After so many changes by others between the look for the key whose bench ends first and its copy, there is none. */
#define SOONEST_TRIES_MAX 100

static int acquire_once(const struct keyshm_pool *pool, const struct keyshm_request *request,
                        struct keyshm_lease *ret_lease)
{
    struct budget_request asked = {.tokens = request->tokens, .is_lease = true};
    struct budget_charges charges;
    if (request->affinity == 0)
        return acquire_now(pool, request, ret_lease);
    return acquire_lend(pick_by_affinity(pool, request->model, request->affinity, &asked, &ret_lease->pick, &charges),
                        &asked, &charges, ret_lease);
}

/* ---- waiting ---- */

struct wait {
    const struct keyshm_pool *pool;
    const struct keyshm_request *request;
    uint64_t until_us;    /* UINT64_MAX: without end */
    uint64_t earliest_ms; /* when a key can be had, as was known last */
    uint64_t target_us;   /* and when this waiter looks for it */
    bool was_woken;       /* by another, who has announced something */
    bool has_passed_on;   /* a wake-up that it could not use, when so much was announced: */
    uint32_t passed_on;
};

/* A number of its own, below `end`. */
static uint64_t random_below(const struct wait *wait, uint64_t now_us, uint64_t end)
{
    uint64_t mixed = hash_mix(now_us << 32 ^ (uintptr_t)wait ^ workers_token(wait->pool));
    return end != 0 ? (mixed ^ mixed >> 31) % end : 0;
}

static void aim(struct wait *wait, uint64_t now_us)
{
    uint64_t earliest_ms = questions_first_at_ms(wait->pool, wait->request->model, wait->request->tokens);
    if (earliest_ms == wait->earliest_ms)
        return;
    wait->earliest_ms = earliest_ms;
    wait->target_us = UINT64_MAX;
    if (earliest_ms >= WORD_FOREVER)
        return;
    uint64_t earliest_us = earliest_ms * 1000, wait_us = earliest_us > now_us ? earliest_us - now_us : 0;
    uint64_t jitter_us = wait_us / JITTER_DIVISOR;
    wait->target_us = earliest_us + random_below(wait, now_us, jitter_us < JITTER_MAX_US ? jitter_us : JITTER_MAX_US);
}

static uint64_t time_to_sleep_us(struct wait *wait, uint64_t now_us)
{
    aim(wait, now_us);
    uint64_t wake_us = now_us + SLEEP_MAX_US;
    wake_us = wait->target_us < wake_us ? wait->target_us : wake_us;
    uint64_t least_us = wait->earliest_ms == 0 ? SLEEP_REFUSED_US : SLEEP_MIN_US;
    uint64_t sleep_us = wake_us > now_us + least_us ? wake_us - now_us : least_us;
    return wait->until_us - now_us < sleep_us ? wait->until_us - now_us : sleep_us;
}

/* Whoever was woken, and leaves something for others, wakes the next. One that got nothing does so once for what was
 * announced, or those who can use none of it would wake each other in turns. */
static void pass_on(struct wait *wait, int r, uint32_t announced)
{
    bool is_known = r < 0 && wait->has_passed_on && wait->passed_on == announced;
    if (!wait->was_woken || is_known || !waiters_are_expected(wait->pool) || !questions_has_any(wait->pool))
        return;
    wait->has_passed_on = true;
    wait->passed_on = announced;
    waiters_wake_one(wait->pool);
}

/* Look, and sleep. -EAGAIN: once more. */
static int look_and_sleep(struct wait *wait, struct keyshm_lease *ret_lease, bool *ret_is_over)
{
    uint32_t announced = waiters_expect(wait->pool);
    int r = acquire_once(wait->pool, wait->request, ret_lease);
    pass_on(wait, r, announced);
    uint64_t now_us = pool_now_us(wait->pool);
    *ret_is_over = r != -EAGAIN || now_us >= wait->until_us;
    if (*ret_is_over)
        return r;
    int slept = waiters_sleep(wait->pool, announced, time_to_sleep_us(wait, now_us) * 1000);
    wait->was_woken = slept == 0;
    *ret_is_over = slept == -EINTR;
    return slept == -EINTR ? -EINTR : r;
}

static int acquire_waiting(const struct keyshm_pool *pool, const struct keyshm_request *request,
                           struct keyshm_lease *ret_lease)
{
    uint64_t now_us = pool_now_us(pool), token = waiters_begin(pool, now_us / 1000);
    struct wait wait = {.pool = pool, .request = request, .earliest_ms = UINT64_MAX, .target_us = UINT64_MAX};
    wait.until_us = request->wait_ms != KEYSHM_UNTIL_MARKED ? now_us + (uint64_t)request->wait_ms * 1000 : UINT64_MAX;
    bool is_over = false;
    int r = -EAGAIN;
    while (!is_over)
        r = look_and_sleep(&wait, ret_lease, &is_over);
    waiters_end(pool, token);
    return r;
}

/* ---- all of it ---- */

static int acquire_soonest(const struct keyshm_pool *pool, const struct keyshm_request *request,
                           struct keyshm_lease *ret_lease)
{
    struct budget_request asked = {.tokens = request->tokens, .is_lease = true};
    struct budget_charges charges;
    int r = -EBUSY;
    for (int tries = 0; r == -EBUSY && tries < SOONEST_TRIES_MAX; tries++) {
        r = acquire_lend(soonest_pick(pool, request->model, &asked, &ret_lease->pick, &charges), &asked, &charges,
                         ret_lease);
        if (r == -EBUSY && acquire_once(pool, request, ret_lease) == 0)
            return 0;
    }
    return r;
}

int acquire(const struct keyshm_pool *pool, const struct keyshm_request *request, struct keyshm_lease *ret_lease)
{
    int r = acquire_once(pool, request, ret_lease);
    if (r == -EAGAIN && request->wait_ms != 0)
        r = acquire_waiting(pool, request, ret_lease);
    return r == -EAGAIN && (request->flags & KEYSHM_SOONEST) != 0 ? acquire_soonest(pool, request, ret_lease) : r;
}
