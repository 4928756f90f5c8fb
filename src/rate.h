/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_RATE_H
#define KEYSHM_RATE_H

/*
 * One rate: so many units in a time, by all processes together. Pure functions: no memory, no clock.
 *
 * It is a generic cell rate algorithm (ITU-T I.371, annex A; "virtual scheduling"). What was used is one word, the
 * theoretical arrival time: when all of it will have drained, in nanoseconds of the pool's time (bits 62..0). A unit puts it off by
 * the time that one takes to drain, from now on if it has passed. So time passes without a store, and the word stays
 * true when the rate is changed: what was used drains as fast as it would have.
 *
 *   0 ──────────── now ──────────── used ──────────────────────── now + burst
 *                   └── owed ────────┘ └── what is still admitted ──┘
 *
 * A request is admitted when what is owed, what is held for others, and its own units fit in the burst. One that never
 * would, as it is larger than the burst, is admitted when nothing is owed or held, and leaves a debt.
 *
 * In any time W, no more is admitted than fits in burst + W. That holds with a clock that is not exact, if what is owed is
 * counted from the earliest time that it can be, and an empty bucket filled from the latest.
 */

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"

#define RATE_NS_PER_MS UINT64_C(1000000)

/* No debt is longer than that, nor is a burst: 366 days. Sums of some of them, and of a pool's time, fit in 63 bits. */
#define RATE_LONGEST_NS (UINT64_C(366) * 24 * 60 * 60 * 1000 * RATE_NS_PER_MS)

/* Behind all times: it is not known when. */
#define RATE_NEVER_NS UINT64_MAX

/* A bit of the word: a provider was heard about this rate, so that observed.h may have more to say. */
#define RATE_IS_OBSERVED (UINT64_C(1) << 63)

static inline uint64_t rate_used_ns(uint64_t word)
{
    return word & ~RATE_IS_OBSERVED;
}

static inline uint64_t rate_with_used(uint64_t word, uint64_t used_ns)
{
    return (word & RATE_IS_OBSERVED) | used_ns;
}

/* In milliseconds, rounded up, so that it is not too early. */
static inline uint64_t rate_ms_of_ns(uint64_t time_ns)
{
    return time_ns / RATE_NS_PER_MS + (time_ns % RATE_NS_PER_MS != 0);
}

struct rate {
    uint64_t cost_ns;  /* of a unit; 0: there is no limit */
    uint64_t burst_ns; /* of so many units as are admitted at once */
};

/* What is known of the time: it is not earlier than the one, and not later than the other. */
struct rate_time {
    uint64_t early_ns, late_ns;
};

/* The time that a unit of a rate takes to drain, rounded up; `amount` is not 0. */
static inline uint64_t rate_unit_cost_ns(uint64_t amount, uint64_t per_ms)
{
    uint64_t per_ns = per_ms * RATE_NS_PER_MS;
    return per_ns / amount + (per_ns % amount != 0);
}

/* Of so many. */
ALWAYS_INLINE uint64_t rate_cost_ns(uint64_t unit_cost_ns, uint64_t units)
{
    uint64_t cost_ns;
    return !__builtin_mul_overflow(unit_cost_ns, units, &cost_ns) && cost_ns < RATE_LONGEST_NS ? cost_ns
                                                                                               : RATE_LONGEST_NS;
}

static inline uint64_t rate_default_burst(uint64_t amount)
{
    return amount < 6 ? 1 : amount / 6;
}

ALWAYS_INLINE uint64_t rate_owed_ns(uint64_t used_ns, uint64_t now_ns)
{
    return used_ns > now_ns ? used_ns - now_ns : 0;
}

/* So many units are admitted at once while so much is owed, or held for others. Whatever the segment says. */
static inline uint64_t rate_units(const struct rate *rate, uint64_t owed_ns)
{
    return rate->cost_ns != 0 && owed_ns < rate->burst_ns ? (rate->burst_ns - owed_ns) / rate->cost_ns : 0;
}

/* When a request of this cost is admitted, if nothing changes but the time: now, if that is not later than now->early_ns.
 * `held_ns` is the cost of what is held for others; where that is in the way, it is not known when. */
ALWAYS_INLINE uint64_t rate_admits_at_ns(const struct rate *rate, uint64_t used_ns, uint64_t held_ns, uint64_t cost_ns,
                                         const struct rate_time *now)
{
    if (cost_ns > rate->burst_ns)
        return held_ns == 0 ? used_ns : RATE_NEVER_NS;
    if (held_ns > rate->burst_ns - cost_ns)
        return RATE_NEVER_NS;
    uint64_t end_ns = (used_ns > now->late_ns ? used_ns : now->late_ns) + held_ns + cost_ns;
    return end_ns > rate->burst_ns ? end_ns - rate->burst_ns : 0;
}

ALWAYS_INLINE bool rate_admits(const struct rate *rate, uint64_t used_ns, uint64_t held_ns, uint64_t cost_ns,
                               const struct rate_time *now)
{
    return rate_admits_at_ns(rate, used_ns, held_ns, cost_ns, now) <= now->early_ns;
}

/* The word after a charge. A debt that is as long as one can be does not grow. */
ALWAYS_INLINE uint64_t rate_charged(uint64_t used_ns, uint64_t cost_ns, const struct rate_time *now)
{
    uint64_t from_ns = used_ns > now->late_ns ? used_ns : now->late_ns, charged_ns = from_ns + cost_ns;
    uint64_t longest_ns = now->late_ns + 2 * RATE_LONGEST_NS, most_ns = from_ns > longest_ns ? from_ns : longest_ns;
    return charged_ns < most_ns ? charged_ns : most_ns;
}

/* The word after `cost_ns`, which was charged at `charged_ns`, is given back: of that no more than cannot have drained. */
static inline uint64_t rate_given_back(uint64_t used_ns, uint64_t cost_ns, uint64_t charged_ns, uint64_t now_ns)
{
    uint64_t drained_ns = now_ns > charged_ns ? now_ns - charged_ns : 0;
    uint64_t owed_ns = rate_owed_ns(used_ns, now_ns), left_ns = cost_ns > drained_ns ? cost_ns - drained_ns : 0;
    return used_ns - (left_ns < owed_ns ? left_ns : owed_ns);
}

#endif
