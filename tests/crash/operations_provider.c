/* SPDX-License-Identifier: MIT */
#include "operations.h"

#include "limit_sets.h"
#include "observed.h"

#include "expect.h"
#include "problem.h"
#include "settle.h"

/*
 * What a provider says is left. The key has a limit of so many requests that no survivor is refused for it, and nothing of it
 * drains in time; so whoever is refused is refused for what was said.
 */

enum { AMOUNT = 1000, LEFT = 3, KNOWN_LEFT = 7 };

static struct observed_case {
    int64_t left;
    unsigned most_before; /* that may be admitted before the call */
} observed;

static void observe(int64_t left)
{
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    observation.requests_left = left;
    observation.requests_reset_ms = HOUR_MS;
    EXPECT_EQ(keyshm_observe(world_pool(), world.keys[AVAILABLE_KEY].id, &observation), 0);
}

static void prepare_limit(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = (struct keyshm_rate){.amount = AMOUNT, .per_ms = KEYSHM_DURATION_MAX_MS, .burst = AMOUNT};
    EXPECT_EQ(keyshm_set_limits(world_pool(), world.keys[AVAILABLE_KEY].id, ANY_MODEL, &limits), 0);
    observed = (struct observed_case){.left = LEFT, .most_before = AMOUNT};
}

static void prepare_known(void)
{
    prepare_limit();
    observe(KNOWN_LEFT);
    observed.most_before = KNOWN_LEFT;
}

static void prepare_none_left(void)
{
    prepare_limit();
    observed.left = 0;
}

static void act_observe(void)
{
    observe(observed.left);
}

/* ---- the judgement ---- */

/* Of the key. Updates the model. */
static bool is_admitted(void)
{
    struct keyshm_pick pick;
    int r = keyshm_next(world_pool(), &pick);
    HOLD(r == 0, "a pick fails: %s", keyshm_strerror(r));
    int number = r == 0 ? world_number_of(pick.id) : -1;
    if (number >= 0)
        world.keys[number].picks++;
    return number == AVAILABLE_KEY;
}

/* Until it has no turn in a round. */
static unsigned count_admitted(void)
{
    unsigned count = 0;
    for (int others = 0; count <= KNOWN_LEFT && others < KEYS; others++)
        if (is_admitted()) {
            count++;
            others = 0;
        }
    return count;
}

static bool was_said(void)
{
    uint32_t slot = world_subject_of_key(AVAILABLE_KEY);
    uint64_t used_ns = atomic_load(&pool_usage(world_pool(), ANY_MODEL, slot)->used_ns[LAYOUT_REQUESTS]);
    uint64_t word = atomic_load(observed_word(world_pool(), slot, false));
    return (used_ns & RATE_IS_OBSERVED) != 0 && observed_left_at(word, world_now_ms()) == (uint64_t)observed.left;
}

/* As much is admitted as before the call, or as was said; and nothing else has changed. */
static enum outcome settle_observe(void)
{
    bool is_new = was_said();
    unsigned admitted = count_admitted();
    if (is_new)
        HOLD(admitted == observed.left, "%u are admitted of %lld", admitted, (long long)observed.left);
    else
        HOLD(admitted == (observed.most_before < KNOWN_LEFT + 1 ? observed.most_before : KNOWN_LEFT + 1),
             "%u are admitted without an answer", admitted);
    HOLD(keyshm_set_limits(world_pool(), world.keys[AVAILABLE_KEY].id, ANY_MODEL, NULL) == 0, "limits cannot be removed");
    return is_new ? NEW : OLD;
}

/* That is a mark, too. */
static enum outcome settle_none_left(void)
{
    const struct expected expected = {
        .status = KEYSHM_RATE_LIMITED,
        .reason = KEYSHM_REASON_BUDGET,
        .least_ms = world_began_ms + 1 + HOUR_MS,
        .most_ms = world_now_ms() + 1 + HOUR_MS,
    };
    bool was_known = was_said();
    enum outcome outcome = settle_mark(ANY_MODEL, world_subject_of_key(AVAILABLE_KEY), &expected);
    HOLD(outcome == OLD || was_known, "marked before it was known that nothing is left");
    if (outcome == OLD)
        settle_observe();
    else
        HOLD(keyshm_set_limits(world_pool(), world.keys[AVAILABLE_KEY].id, ANY_MODEL, NULL) == 0,
             "limits cannot be removed");
    return outcome;
}

static const struct operation operations[] = {
    {"observe", .prepare = prepare_limit, .act = act_observe, .settle = settle_observe, .proofs = KILLED | FROZEN},
    {"observe, less than was known", .prepare = prepare_known, .act = act_observe, .settle = settle_observe,
     .proofs = KILLED},
    {"observe, nothing left", .prepare = prepare_none_left, .act = act_observe, .settle = settle_none_left,
     .proofs = KILLED},
};
const struct operation_list provider_operations = OPERATION_LIST(operations);
