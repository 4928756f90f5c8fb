/* SPDX-License-Identifier: MIT */
#include "late.h"

#include <errno.h>

#include "virtual_clock.h"

/* What a provider says is left, of one that counts in windows. Nothing drains in the time that a scenario takes. */

enum { AMOUNT = 8, PER_MS = 60 * 60 * 1000, RESET_MS = 60 * 1000, FEW = 2, MORE = 3, MANY = 5 };

static unsigned picked; /* meanwhile, by the parent */

static int observe(int64_t left, int64_t reset_ms)
{
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    observation.requests_left = left;
    observation.requests_reset_ms = reset_ms;
    return keyshm_observe(late_pool, *letter_id('A'), &observation);
}

static unsigned count_admitted(void)
{
    struct keyshm_pick pick;
    unsigned count = 0;
    while (keyshm_next(late_pool, &pick) == 0)
        EXPECT(++count <= AMOUNT);
    return count;
}

/* ---- beginnings ---- */

static void begin_rated(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    late_begin_with("A", 1);
    limits.requests = (struct keyshm_rate){.amount = AMOUNT, .per_ms = PER_MS, .burst = AMOUNT};
    EXPECT_EQ(keyshm_set_limits(late_pool, 0, 0, &limits), 0);
}

static void begin_observed(void)
{
    begin_rated();
    EXPECT_EQ(observe(MORE, RESET_MS), 0);
}

/* ---- victims ---- */

static void victim_observes_few(void)
{
    seen->result = observe(FEW, RESET_MS);
}

static void victim_observes_many(void)
{
    seen->result = observe(MANY, RESET_MS);
}

static void victim_observes_none(void)
{
    seen->result = observe(0, RESET_MS);
}

static void victim_observes_without_reset(void)
{
    seen->result = observe(FEW, -1);
}

static void victim_picks(void)
{
    seen->result = keyshm_next(late_pool, &seen->pick);
}

/* ---- meanwhile ---- */

static void observe_few(void)
{
    EXPECT_EQ(observe(FEW, RESET_MS), 0);
}

static void observe_many(void)
{
    EXPECT_EQ(observe(MANY, RESET_MS), 0);
}

static void pick_one(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_next(late_pool, &pick), 0);
    picked = 1;
}

/* ---- ends ---- */

static void end_without_limits(void)
{
    EXPECT_EQ(keyshm_set_limits(late_pool, 0, 0, NULL), 0);
    late_end();
}

/* Of two answers, the order does not matter. */
static void end_few(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT_EQ(count_admitted(), FEW);
    end_without_limits();
}

/* Then the limit alone counts, and all that was admitted has been charged to it. */
static void expect_rest_after_reset(unsigned admitted)
{
    virtual_clock_pass_ms(RESET_MS + 1);
    EXPECT_EQ(admitted + count_admitted(), AMOUNT);
}

/* Since the answer, no more than it said; and in all no more than was known to be left. */
static void end_admitted(void)
{
    EXPECT_EQ(seen->result, 0);
    unsigned admitted = count_admitted();
    EXPECT(admitted <= FEW);
    EXPECT(picked + admitted == FEW || picked + admitted == MORE);
    expect_rest_after_reset(picked + admitted);
    end_without_limits();
}

static void end_picked(void)
{
    unsigned admitted = count_admitted();
    EXPECT_EQ(seen->result, 0);
    EXPECT(admitted + 1 == FEW || admitted + 1 == MORE);
    expect_rest_after_reset(admitted + 1);
    end_without_limits();
}

/* What is said of A, too late, may make the budget of B smaller until the reset, and no longer. No mark of A is one of B. */
static void end_replaced(void)
{
    EXPECT(seen->result == 0 || seen->result == -ESTALE);
    late_expect_marked('B', 0, 0);
    unsigned admitted = count_admitted();
    EXPECT(admitted <= FEW || admitted == AMOUNT);
    expect_rest_after_reset(admitted);
    end_without_limits();
}

/* Or until it has drained. */
static void end_replaced_without_reset(void)
{
    EXPECT(seen->result == 0 || seen->result == -ESTALE);
    unsigned admitted = count_admitted();
    EXPECT(admitted == FEW || admitted == AMOUNT);
    virtual_clock_pass_ms(PER_MS);
    EXPECT_EQ(count_admitted(), AMOUNT);
    end_without_limits();
}

static const struct scenario scenarios[] = {
    {"observe, observed to be less", begin_rated, victim_observes_many, observe_few, end_few},
    {"observe, observed to be more", begin_rated, victim_observes_few, observe_many, end_few},
    {"observe again, observed", begin_observed, victim_observes_few, observe_many, end_few},
    {"observe, picked", begin_rated, victim_observes_few, pick_one, end_admitted},
    {"observe again, picked", begin_observed, victim_observes_few, pick_one, end_admitted},
    {"pick, observed", begin_rated, victim_picks, observe_few, end_picked},
    {"pick, observed again", begin_observed, victim_picks, observe_few, end_picked},
    {"observe, key replaced", begin_rated, victim_observes_few, late_replace_a_by_b, end_replaced},
    {"observe again, key replaced", begin_observed, victim_observes_few, late_replace_a_by_b, end_replaced},
    {"observe none, key replaced", begin_rated, victim_observes_none, late_replace_a_by_b, end_replaced},
    {"observe now, key replaced", begin_rated, victim_observes_without_reset, late_replace_a_by_b,
     end_replaced_without_reset},
};
const struct scenario_list late_observe_scenarios = SCENARIO_LIST(scenarios);
