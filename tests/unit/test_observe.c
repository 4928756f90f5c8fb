/* SPDX-License-Identifier: MIT */
#include "observed.h"

#include "moved_clock.h"
#include "set_limits.h"

/* What a provider says is left: keyshm_observe(). */

static keyshm_id key;

static void create_pool_with_key(void)
{
    create_pool_with_clock();
    key = add_key(1);
}

TestSuite(observe, .init = create_pool_with_key, .fini = close_pool);

static void observe_for(keyshm_id id, unsigned model, int64_t left, int64_t reset_ms)
{
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    observation.model = model;
    observation.requests_left = left;
    observation.requests_reset_ms = reset_ms;
    cr_assert_eq(keyshm_observe(pool, id, &observation), 0);
}

static void observe(int64_t left, int64_t reset_ms)
{
    observe_for(key, 0, left, reset_ms);
}

static int count_admitted_for(unsigned model)
{
    struct keyshm_pick pick;
    int count = 0;
    while (count < 100 && pick_for_model(pool, model, &pick) == 0)
        count++;
    return count;
}

static int count_admitted(void)
{
    return count_admitted_for(0);
}

/* So many, one after another. */
static void take(int count)
{
    for (int i = 0; i < count; i++)
        pick_one();
}

Test(observe, of_a_window_admits_what_is_left_until_it_ends)
{
    set_limits(key, 0, limits_of_requests(8, 600, 8));
    take(1);
    observe(5, 500); /* another machine has used two */
    virtual_clock_pass_ms(300);
    cr_assert_eq(count_admitted(), 5, "nothing has drained");
    virtual_clock_pass_ms(199);
    cr_assert_eq(count_admitted(), 0);
    virtual_clock_pass_ms(3);
    cr_assert_eq(count_admitted(), 5, "now the limit alone counts: of five, some two and a half have drained since");
}

Test(observe, counts_nothing_twice)
{
    set_limits(key, 0, limits_of_requests(8, 600, 8));
    for (int i = 1; i <= 8; i++) {
        take(1);
        observe(8 - i, 600);
    }
    cr_assert_eq(state_of(key).status, KEYSHM_RATE_LIMITED, "all eight were admitted, and now none is left");
    virtual_clock_pass_ms(601);
    for (int i = 1; i <= 8; i++) {
        take(1);
        observe(8 - i, 600);
    }
}

/* All eight are under way, and the answers come in any order; the last of them never comes. */
Test(observe, knows_what_is_under_way)
{
    set_limits(key, 0, limits_of_requests(8, 600, 8));
    for (int window = 0; window < 3; window++) {
        cr_assert_eq(count_admitted(), 8);
        virtual_clock_pass_ms(5);
        observe(5, 595);
        observe(7, 595);
        observe(1, 595);
        virtual_clock_pass_ms(590);
        cr_assert_eq(count_admitted(), 0, "one is left, but it is under way");
        virtual_clock_pass_ms(10);
    }
}

/* The answer that is heard first counts five requests. Six were charged. */
Test(observe, takes_off_no_more_than_is_under_way)
{
    set_limits(key, 0, limits_of_requests(8, 600, 8));
    take(1);
    observe(7, 50);
    virtual_clock_pass_ms(60);
    take(6);
    observe(3, 600);
    virtual_clock_pass_ms(300);
    cr_assert_eq(count_admitted(), 2, "three are left, of which one is under way");
}

Test(observe, only_ever_makes_less_of_it)
{
    set_limits(key, 0, limits_of_requests(8, 600, 8));
    observe(3, 600);
    observe(6, 600);
    observe(6, 300);
    virtual_clock_pass_ms(400);
    cr_assert_eq(count_admitted(), 3);
}

Test(observe, of_more_than_is_admitted_changes_nothing)
{
    set_limits(key, 0, limits_of_requests(8, 600, 8));
    take(3);
    observe(8, -1);
    observe(INT64_MAX, -1);
    observe(INT64_MAX, 600);
    cr_assert_eq(count_admitted(), 5);
    virtual_clock_pass_ms(75);
    cr_assert_eq(count_admitted(), 1, "it is not a window");
}

Test(observe, in_any_order_comes_to_the_same)
{
    int64_t answers[][2] = {{3, 560}, {6, 500}, {4, 590}};
    for (int i = 0; i < 6; i++) {
        int first = i / 2, second = (first + 1 + i % 2) % 3, third = 3 - first - second;
        set_limits(key, 0, limits_of_requests(8, 600, 8));
        observe(answers[first][0], answers[first][1]);
        observe(answers[second][0], answers[second][1]);
        observe(answers[third][0], answers[third][1]);
        virtual_clock_pass_ms(580);
        cr_assert_eq(count_admitted(), 3, "order %d", i);
        cr_assert_eq(keyshm_set_limits(pool, key, 0, NULL), 0);
    }
}

Test(observe, of_nothing_left_is_a_bench_in_no_streak)
{
    observe(0, 1000);
    cr_assert_eq(state_of(key).status, KEYSHM_RATE_LIMITED);
    cr_assert_eq(state_of(key).reason, KEYSHM_REASON_BUDGET);
    cr_assert_eq(state_of(key).streak, 0);
    expect_left(key, 1000);
    observe(0, -1);
    observe(0, 0);
    expect_left(key, 1000);
    virtual_clock_pass_ms(1001);
    cr_assert_eq(pick_id(), key);
    set_limits(key, 0, limits_of_requests(8, 800, 8));
    observe(0, -1);
    cr_assert_eq(count_admitted(), 0, "without a reset it drains");
    virtual_clock_pass_ms(100);
    cr_assert_eq(count_admitted(), 1);
}

Test(observe, of_tokens_and_requests_benches_for_the_longer)
{
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    observation.requests_left = 0;
    observation.requests_reset_ms = 100;
    observation.tokens_left = 0;
    observation.tokens_reset_ms = 5000;
    cr_assert_eq(keyshm_observe(pool, key, &observation), 0);
    expect_left(key, 5000);
}

/* A provider that counts continuously says when all will have drained: later with each request. */
Test(observe, of_a_reset_that_moves_leaves_it_to_the_rate)
{
    set_limits(key, 0, limits_of_requests(60, 60000, 60));
    cr_assert_eq(count_admitted(), 60);
    observe(1, 59000);
    virtual_clock_pass_ms(10000);
    cr_assert_eq(count_admitted(), 0, "it may be a window");
    observe(1, 59000);
    cr_assert_eq(count_admitted(), 1);
    virtual_clock_pass_ms(5000);
    cr_assert_eq(count_admitted(), 5);
    observe(1, 59000);
    virtual_clock_pass_ms(5000);
    cr_assert_eq(count_admitted(), 5, "there was none left by the limit, whatever it said");
}

Test(observe, is_of_the_shortest_window_that_can_be_meant)
{
    struct keyshm_limits limits = limits_of_requests(100, 60000, 100);
    limits.requests_long = (struct keyshm_rate){.amount = 1000, .per_ms = 86400000, .burst = 1000};
    set_limits(key, 0, limits);
    observe(5, 3600000);
    virtual_clock_pass_ms(120000);
    cr_assert_eq(count_admitted(), 5, "an hour is not a minute");
    virtual_clock_pass_ms(3600000);
    cr_assert_eq(count_admitted(), 100);
    observe(5, 2 * 86400000LL);
    virtual_clock_pass_ms(60000);
    cr_assert_eq(count_admitted(), 100, "two days are neither");
    virtual_clock_pass_ms(60000);
    observe(5, -1);
    cr_assert_eq(count_admitted(), 5);
    virtual_clock_pass_ms(600);
    cr_assert_eq(count_admitted(), 1, "without a reset it is the minute");
}

Test(observe, for_a_model_is_of_this_moment)
{
    unsigned model;
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    set_limits(key, model, limits_of_requests(8, 800, 8));
    observe_for(key, model, 2, 700);
    cr_assert_eq(count_admitted_for(model), 2);
    virtual_clock_pass_ms(100);
    cr_assert_eq(count_admitted_for(model), 1);
    observe_for(key, model, 0, 500);
    cr_assert_eq(state_of(key).status, KEYSHM_AVAILABLE);
    cr_assert_eq(state_for(key, model).status, KEYSHM_RATE_LIMITED);
}

Test(observe, can_be_of_the_group)
{
    keyshm_id group, other = add_key(2);
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_set_group(pool, key, group), 0);
    cr_assert_eq(keyshm_set_group(pool, other, group), 0);
    set_limits(group, 0, limits_of_requests(8, 600, 8));
    observation.scope = KEYSHM_SCOPE_GROUP;
    observation.requests_left = 3;
    observation.requests_reset_ms = 600;
    cr_assert_eq(keyshm_observe(pool, key, &observation), 0);
    cr_assert_eq(count_admitted(), 3);
    virtual_clock_pass_ms(600);
    observation.requests_left = 2;
    cr_assert_eq(keyshm_observe(pool, group, &observation), 0);
    cr_assert_eq(count_admitted(), 2);
    observe_for(group, 0, 0, 600);
    cr_assert_eq(state_of(group).status, KEYSHM_RATE_LIMITED);
}

static struct keyshm_lease acquire(uint64_t tokens)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.tokens = tokens;
    cr_assert_eq(keyshm_acquire(pool, &request, &lease), 0);
    return lease;
}

static int64_t tokens_wait_ms(uint64_t tokens)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.tokens = tokens;
    return keyshm_wait_hint_ms(pool, &request);
}

Test(observe, of_tokens_that_are_held_counts_them_once)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    limits.tokens =
        (struct keyshm_rate){.amount = 60000, .per_ms = 60000, .burst = 60000, .charge = KEYSHM_CHARGE_AT_RELEASE};
    set_limits(key, 0, limits);
    struct keyshm_lease lease = acquire(1000);
    observation.tokens_left = 20000; /* of which these 1,000 are taken off already */
    cr_assert_eq(keyshm_observe(pool, key, &observation), 0);
    cr_assert_eq(keyshm_settle(pool, &lease, 1000), 0);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    cr_assert_eq(tokens_wait_ms(20000), 0);
    cr_assert_gt(tokens_wait_ms(20100), 0);
    observation.tokens_left = 5000;
    observation.tokens_reset_ms = 30000;
    cr_assert_eq(keyshm_observe(pool, key, &observation), 0);
    lease = acquire(3000);
    cr_assert_eq(tokens_wait_ms(2000), 0);
    cr_assert(tokens_wait_ms(2001) >= 30000 && tokens_wait_ms(2001) < 30010);
    cr_assert_eq(inspect(key).tokens_left, 2000);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
}

Test(observe, of_no_tokens_left_admits_no_request_that_names_none)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    limits.tokens = (struct keyshm_rate){.amount = 600, .per_ms = 60000, .burst = 600};
    set_limits(key, 0, limits);
    observation.tokens_left = 1;
    observation.tokens_reset_ms = 30000;
    cr_assert_eq(keyshm_observe(pool, key, &observation), 0);
    cr_assert_eq(tokens_wait_ms(0), 0);
    acquire(1);
    cr_assert(tokens_wait_ms(0) >= 30000 && tokens_wait_ms(0) < 30010);
}

/* Of limits that were written over: what is used for a model is in no window, whatever its word says; and a unit that costs
 * nothing divides nothing. */
Test(observe, is_bounded_whatever_the_segment_says)
{
    unsigned model;
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    set_limits(key, model, limits_of_requests(8, 600, 8));
    atomic_store(observed_word(pool, 0, false), observed_make(OBSERVED_LEFT, WORD_DEADLINE_MASK, 0));
    atomic_fetch_or(&pool_usage(pool, model, 0)->used_ns[LAYOUT_REQUESTS], RATE_IS_OBSERVED);
    cr_assert_eq(count_admitted_for(model), 8);

    cr_assert_eq(keyshm_set_limits(pool, key, model, NULL), 0);
    set_limits(key, 0, limits_of_requests(8, 600, 8));
    for (uint32_t i = 0; i < pool->settings.limits_max; i++)
        atomic_store(&pool->limits[i].cost_ns[LAYOUT_REQUESTS], 0);
    atomic_store(observed_word(pool, 0, false), 0);
    observe(3, 600);
    cr_assert_eq(count_admitted(), 3);
}

Test(observe, is_checked)
{
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    observation.requests_left = 1;
    cr_assert_eq(keyshm_observe(pool, key, NULL), -EINVAL);
    cr_assert_eq(keyshm_observe(NULL, key, &observation), -EINVAL);
    cr_assert_eq(keyshm_observe(pool, key + 1, &observation), -ESTALE);
    cr_assert_eq(keyshm_observe(pool, key | (KEYSHM_CAPACITY_MAX - 1), &observation), -ESTALE, "no such slot");
    observation.model = 7;
    cr_assert_eq(keyshm_observe(pool, key, &observation), -EINVAL);
    observation.model = 0;
    observation.scope = (enum keyshm_scope)2;
    cr_assert_eq(keyshm_observe(pool, key, &observation), -EINVAL);
    observation.scope = KEYSHM_SCOPE_KEY;
    int64_t *const numbers[] = {&observation.requests_left, &observation.requests_reset_ms, &observation.tokens_left,
                                &observation.tokens_reset_ms};
    for (int i = 0; i < 4; i++) {
        *numbers[i] = -2;
        cr_assert_eq(keyshm_observe(pool, key, &observation), -EINVAL);
        *numbers[i] = INT64_MAX;
        cr_assert_eq(keyshm_observe(pool, key, &observation), 0);
        *numbers[i] = -1;
    }
    observation.size = 0;
    cr_assert_eq(keyshm_observe(pool, key, &observation), -EINVAL);
    observation.size = sizeof(observation);
    cr_assert_eq(keyshm_remove(pool, key), 0);
    cr_assert_eq(keyshm_observe(pool, key, &observation), -ESTALE);
}

Test(observe, says_nothing_of_the_next_key)
{
    set_limits(0, 0, limits_of_requests(8, 600, 8));
    observe(1, 60000);
    observe(1, 600);
    cr_assert_eq(keyshm_remove(pool, key), 0);
    add_key(2);
    cr_assert_eq(count_admitted(), 8);
}
