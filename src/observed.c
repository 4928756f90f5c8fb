/* SPDX-License-Identifier: MIT */
#include "observed.h"

#include "places.h"
#include "pool_clock.h"

/* How often a word that others change is tried again. They have made less of it meanwhile, or will hear another answer. */
#define JOIN_TRIES_MAX 1000

/* What a provider says of the end of one window differs by this much: by the way of the answer, and where it is said in whole
 * seconds. */
#define RESET_SLACK_MS 100
#define RESET_SLACK_DIVISOR 8

/* The rate that is meant: the shortest window that there is and that is not shorter than the reset. LAYOUT_RATES: none. */
static unsigned observed_rate(const struct layout_limits *limits, const struct observation *observation)
{
    const unsigned of_requests[] = {LAYOUT_REQUESTS, LAYOUT_REQUESTS_LONG};
    const unsigned of_tokens[] = {LAYOUT_TOKENS, LAYOUT_TOKENS_LONG};
    const unsigned *numbers = observation->is_of_tokens ? of_tokens : of_requests;
    unsigned found = LAYOUT_RATES;
    uint64_t found_ms = UINT64_MAX, least_ms = observation->reset_ms > 0 ? (uint64_t)observation->reset_ms : 0;
    for (int i = 0; i < 2; i++) {
        uint64_t per_ms = atomic_load_explicit(&limits->per_ms[numbers[i]], memory_order_relaxed);
        bool is_there = (limits_kinds(limits) >> numbers[i] & 1) != 0;
        if (is_there && per_ms >= least_ms && per_ms < found_ms) {
            found = numbers[i];
            found_ms = per_ms;
        }
    }
    return found;
}

/* ---- what is left until the window ends ---- */

/* Requests under way, which the answer does not count: those charged since the last window ended that have not drained, but for
 * as many as it does count. So many are missing from what the limit allows in a window, and at least the one that is answered. */
static uint64_t units_under_way(uint64_t word, const struct rate *rate, uint64_t used_ns, uint64_t amount, uint64_t left,
                                uint64_t now_ns)
{
    uint64_t owed_ns = rate_owed_ns(rate_used_ns(used_ns), now_ns), unit_ns = rate->cost_ns != 0 ? rate->cost_ns : 1;
    uint64_t owed = owed_ns / unit_ns + (owed_ns % unit_ns != 0);
    uint64_t charged = word >> OBSERVED_STATE_SHIFT == OBSERVED_OPEN ? observed_units(word) : owed;
    uint64_t count = charged < owed ? charged : owed, counted = left + 1 < amount ? amount - left : 1;
    return count > counted ? count - counted : 0;
}

static uint64_t later(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

/* The word after the answer, of which so much is known to be left. */
static uint64_t joined(uint64_t word, uint64_t left, uint64_t under_way, uint64_t until_ms, uint64_t now_ms)
{
    uint64_t known_ms = observed_until_ms(word), slack_ms = RESET_SLACK_MS + (until_ms - now_ms) / RESET_SLACK_DIVISOR;
    switch (observed_state_at(word, now_ms)) {
    case OBSERVED_MOVES:
        return observed_make(OBSERVED_MOVES, later(known_ms, until_ms), 0);
    case OBSERVED_LEFT:
        if (until_ms > known_ms + slack_ms)
            return observed_make(OBSERVED_MOVES, until_ms, 0);
        return observed_make(OBSERVED_LEFT, later(known_ms, until_ms),
                             left < observed_units(word) ? left : observed_units(word));
    default:
        return observed_make(OBSERVED_LEFT, until_ms, left > under_way ? left - under_way : 0);
    }
}

/* Returns whether that says it all. */
static bool join_window(const struct keyshm_pool *pool, uint32_t subject, const struct rate *rate, uint64_t amount,
                        const _Atomic uint64_t *used_at, const struct observation *observation)
{
    _Atomic uint64_t *at = observed_word(pool, subject, observation->is_of_tokens);
    uint64_t now_ns = pool_now_ns(pool), now_ms = now_ns / RATE_NS_PER_MS;
    uint64_t until_ms = word_deadline_after(now_ms + 1, (uint64_t)observation->reset_ms);
    /* relaxed: the word stands for itself alone. */
    uint64_t word = atomic_load_explicit(at, memory_order_relaxed);
    for (int i = 0; i < JOIN_TRIES_MAX; i++) {
        uint64_t used_ns = atomic_load_explicit(used_at, memory_order_relaxed);
        uint64_t under_way =
            observation->is_of_tokens ? 0 : units_under_way(word, rate, used_ns, amount, observation->left, now_ns);
        uint64_t after = joined(word, observation->left, under_way, until_ms, now_ms);
        if (after == word ||
            atomic_compare_exchange_weak_explicit(at, &word, after, memory_order_relaxed, memory_order_relaxed))
            return after >> OBSERVED_STATE_SHIFT == OBSERVED_LEFT;
    }
    return false;
}

/* ---- what is left now ---- */

/* The tokens of requests in flight are in the provider's figure already, and will be charged. */
static uint64_t held_ns(const struct keyshm_pool *pool, unsigned model, uint32_t subject, const struct rate *rate,
                        bool is_held)
{
    struct places places = places_of(pool, subject);
    return is_held ? rate_cost_ns(rate->cost_ns, places_held(&places, model, CELL_FREE)) : 0;
}

/* No more than that is admitted now; and it drains from now on. */
static void join_rate(const struct keyshm_pool *pool, const struct rate *rate, uint64_t held, _Atomic uint64_t *used_at,
                      uint64_t left)
{
    uint64_t left_ns = rate_cost_ns(rate->cost_ns, left) + held, now_ns = pool_now_ns(pool);
    if (left_ns >= rate->burst_ns)
        return;
    uint64_t least_ns = now_ns + rate->burst_ns - left_ns;
    uint64_t used_ns = atomic_load_explicit(used_at, memory_order_relaxed);
    for (int i = 0; i < JOIN_TRIES_MAX && rate_used_ns(used_ns) < least_ns; i++)
        if (atomic_compare_exchange_weak_explicit(used_at, &used_ns, rate_with_used(used_ns, least_ns),
                                                  memory_order_relaxed, memory_order_relaxed))
            return;
}

/* What there is of it for a request whose limits these are. */
static void join_limits(const struct keyshm_pool *pool, unsigned model, uint32_t subject,
                        const struct layout_limits *limits, const struct observation *observation)
{
    unsigned number = observed_rate(limits, observation);
    if (number == LAYOUT_RATES)
        return;
    struct rate rate = limits_rate(limits, number);
    _Atomic uint64_t *used_at = &pool_usage(pool, model, subject)->used_ns[number];
    bool has_window = model == 0 && observation->reset_ms > 0 && observation->left < OBSERVED_UNITS_MASK;
    uint64_t amount = atomic_load_explicit(&limits->amount[number], memory_order_relaxed);
    if (!has_window || !join_window(pool, subject, &rate, amount, used_at, observation)) {
        bool is_held = (limits_held(limits_kinds(limits)) >> number & 1) != 0;
        join_rate(pool, &rate, held_ns(pool, model, subject, &rate, is_held), used_at, observation->left);
    }
    /* Last: from now on charges look at the word. */
    if (has_window && (atomic_load_explicit(used_at, memory_order_relaxed) & RATE_IS_OBSERVED) == 0)
        atomic_fetch_or_explicit(used_at, RATE_IS_OBSERVED, memory_order_relaxed);
}

void observed_join(const struct keyshm_pool *pool, unsigned model, uint32_t subject,
                   const struct observation *observation)
{
    uint32_t ref = limits_ref_of_subject(pool, model, subject);
    if (ref != LIMITS_NONE)
        join_limits(pool, model, subject, limits_of(pool, ref), observation);
}
