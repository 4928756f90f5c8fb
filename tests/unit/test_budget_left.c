/* SPDX-License-Identifier: MIT */
#include "rate.h"

#include "moved_clock.h"
#include "set_limits.h"

/* What an observer is told of budgets and places. */

static keyshm_id ids[2], group;
static unsigned model;

static void create_pool_with_parts(void)
{
    create_pool_with_clock();
    add_keys(ids, 2);
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_set_group(pool, ids[1], group), 0);
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
}

TestSuite(budget_left, .init = create_pool_with_parts, .fini = close_pool);

static struct keyshm_rate per_minute(uint64_t amount, uint64_t burst)
{
    return (struct keyshm_rate){.amount = amount, .per_ms = 60000, .burst = burst};
}

static struct keyshm_limits requests(uint64_t amount, uint64_t burst)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = per_minute(amount, burst);
    return limits;
}

static struct keyshm_lease acquire(unsigned for_model, uint64_t tokens)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.model = for_model;
    request.tokens = tokens;
    cr_assert_eq(keyshm_acquire(pool, &request, &lease), 0);
    return lease;
}

/* One that names no tokens is admitted exactly if nothing benches the key. */
static void expect_the_same_of_picks(void)
{
    for (unsigned for_model = 0; for_model <= model; for_model++) {
        int available = 0;
        for (size_t i = 0; i < 2; i++) {
            int is_available = keyshm_is_available_for(pool, ids[i], for_model);
            cr_assert_eq(state_for(ids[i], for_model).benched_by == 0, is_available);
            available += is_available;
        }
        cr_assert_eq(keyshm_available_count_for(pool, for_model), available);
    }
}

static void expect_requests(keyshm_id id, unsigned for_model, int64_t left, int64_t burst)
{
    struct keyshm_key_snapshot state = state_for(id, for_model);
    cr_assert_eq(state.requests_left, left, "%d and not %d", (int)state.requests_left, (int)left);
    cr_assert_eq(state.requests_burst, burst);
    cr_assert_eq((state.benched_by & KEYSHM_BY_BUDGET) != 0, left == 0);
    cr_assert_eq(state.status, KEYSHM_AVAILABLE, "it keeps its status");
    expect_the_same_of_picks();
}

static void expect_tokens(keyshm_id id, unsigned for_model, int64_t left, int64_t burst)
{
    struct keyshm_key_snapshot state = state_for(id, for_model);
    cr_assert_eq(state.tokens_left, left, "%d and not %d", (int)state.tokens_left, (int)left);
    cr_assert_eq(state.tokens_burst, burst);
    cr_assert_eq((state.benched_by & KEYSHM_BY_BUDGET) != 0, left == 0);
    expect_the_same_of_picks();
}

static void expect_in_flight(keyshm_id id, unsigned in_flight, unsigned cap, bool is_full)
{
    struct keyshm_key_snapshot state = state_of(id);
    cr_assert_eq(state.in_flight, in_flight);
    cr_assert_eq(state.in_flight_cap, cap);
    cr_assert_eq((state.benched_by & KEYSHM_BY_CAP) != 0, is_full);
    expect_the_same_of_picks();
}

Test(budget_left, without_limits_there_is_nothing_to_tell)
{
    expect_requests(ids[0], 0, -1, -1);
    expect_tokens(ids[1], model, -1, -1);
    expect_requests(group, 0, -1, -1);
    expect_in_flight(ids[0], 0, 0, false);
    expect_in_flight(group, 0, 0, false);
}

Test(budget_left, of_requests_is_whole_requests)
{
    keyshm_pause(pool, ids[1]);
    set_limits(ids[0], 0, requests(60, 3));
    for (int64_t left = 3; left > 0; left--) {
        expect_requests(ids[0], 0, left, 3);
        pick_one();
    }
    expect_requests(ids[0], 0, 0, 3);
    virtual_clock_pass_ms(999);
    expect_requests(ids[0], 0, 0, 3);
    virtual_clock_pass_ms(1);
    expect_requests(ids[0], 0, 1, 3);
    virtual_clock_pass_ms(600000);
    expect_requests(ids[0], 0, 3, 3);
}

Test(budget_left, is_by_the_rate_that_admits_fewest)
{
    struct keyshm_limits limits = requests(60, 5);
    limits.requests_long = (struct keyshm_rate){.amount = 24, .per_ms = 86400000, .burst = 7};
    keyshm_pause(pool, ids[1]);
    set_limits(ids[0], 0, limits);
    expect_requests(ids[0], 0, 5, 5);
    for (int i = 0; i < 4; i++)
        pick_one();
    expect_requests(ids[0], 0, 1, 5);
    virtual_clock_pass_ms(60000);
    expect_requests(ids[0], 0, 3, 7);
}

Test(budget_left, of_a_key_counts_its_group_and_the_model)
{
    keyshm_pause(pool, ids[0]);
    set_limits(ids[1], 0, requests(60, 9));
    set_limits(ids[1], model, requests(60, 8));
    set_limits(group, 0, requests(60, 7));
    set_limits(group, model, requests(60, 6));
    expect_requests(ids[1], 0, 7, 7);
    expect_requests(ids[1], model, 6, 6);
    expect_requests(group, 0, 7, 7);
    expect_requests(group, model, 6, 6);
    expect_requests(ids[0], model, -1, -1);
    acquire(0, 0);
    expect_requests(ids[1], 0, 6, 7);
    expect_requests(ids[1], model, 6, 7);
    acquire(model, 0);
    expect_requests(ids[1], 0, 5, 7);
    set_limits(ids[1], model, requests(60, 3));
    expect_requests(ids[1], model, 2, 3);
    expect_requests(group, model, 5, 7);
    set_limits(0, model, requests(60, 2));
    expect_requests(ids[1], model, 2, 3);
    expect_requests(ids[0], model, 2, 2);
}

Test(budget_left, of_tokens_is_less_what_is_held)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.tokens = per_minute(60000, 1000);
    limits.tokens.charge = KEYSHM_CHARGE_AT_RELEASE;
    keyshm_pause(pool, ids[1]);
    set_limits(ids[0], 0, limits);
    struct keyshm_lease lease = acquire(0, 600), other = acquire(model, 300);
    expect_tokens(ids[0], 0, 100, 1000);
    expect_in_flight(ids[0], 2, 0, false);
    cr_assert_eq(keyshm_settle(pool, &lease, 50), 0);
    expect_tokens(ids[0], model, 650, 1000);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    cr_assert_eq(keyshm_cancel(pool, &other), 0);
    expect_tokens(ids[0], 0, 950, 1000);
    expect_in_flight(ids[0], 0, 0, false);
    virtual_clock_pass_ms(50);
    lease = acquire(0, 5000); /* more than the burst: a debt */
    expect_tokens(ids[0], 0, 0, 1000);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    expect_tokens(ids[0], 0, 0, 1000);
    virtual_clock_pass_ms(4001);
    expect_tokens(ids[0], 0, 1, 1000);
}

Test(budget_left, of_tokens_for_a_model_is_less_what_is_held_for_that)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.tokens = per_minute(60000, 1000);
    limits.tokens.charge = KEYSHM_CHARGE_AT_RELEASE;
    keyshm_pause(pool, ids[1]);
    set_limits(ids[0], 0, limits);
    limits.tokens.burst = 900;
    set_limits(ids[0], model, limits);
    acquire(0, 200);
    expect_tokens(ids[0], 0, 800, 1000);
    expect_tokens(ids[0], model, 800, 1000);
    acquire(model, 300);
    expect_tokens(ids[0], 0, 500, 1000);
    expect_tokens(ids[0], model, 500, 1000);
    limits.tokens.burst = 400;
    set_limits(ids[0], model, limits);
    expect_tokens(ids[0], model, 100, 400);
}

Test(budget_left, of_tokens_that_are_charged_at_the_pick_is_not_less_what_is_held)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    keyshm_pause(pool, ids[0]);
    limits.tokens = per_minute(60000, 900);
    limits.tokens_long =
        (struct keyshm_rate){.amount = 86400000, .per_ms = 86400000, .burst = 1000, .charge = KEYSHM_CHARGE_AT_RELEASE};
    set_limits(group, 0, limits);
    acquire(0, 200);
    expect_tokens(ids[1], 0, 700, 900);
    expect_tokens(group, 0, 700, 900);
    struct keyshm_limits cap = KEYSHM_LIMITS_INIT;
    struct keyshm_lease_list *list;
    cap.in_flight = 3;
    set_limits(ids[1], 0, cap);
    acquire(0, 50);
    cr_assert_eq(keyshm_leases(pool, &list), 0);
    cr_assert_eq(list->count, 2);
    cr_assert(list->leases[0].tokens + list->leases[1].tokens == 250, "it holds them in its place of the group");
    keyshm_lease_list_free(list);
    expect_tokens(group, 0, 650, 900);
    virtual_clock_pass_ms(1000);
    expect_tokens(ids[1], 0, 750, 1000);
}

Test(budget_left, of_a_key_that_came_into_the_place_of_another_is_all)
{
    keyshm_pause(pool, ids[1]);
    set_limits(0, 0, requests(60, 2));
    pick_one();
    expect_requests(ids[0], 0, 1, 2);
    cr_assert_eq(keyshm_remove(pool, ids[0]), 0);
    ids[0] = add_key(5);
    expect_requests(ids[0], 0, 2, 2);
}

Test(budget_left, of_places_is_by_the_cap)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT, of_group = KEYSHM_LIMITS_INIT;
    limits.in_flight = 2;
    of_group.in_flight = 1;
    set_limits(ids[0], 0, limits);
    set_limits(group, 0, of_group);
    struct keyshm_lease leases[] = {acquire(0, 0), acquire(0, 0), acquire(model, 0)};
    set_limits(ids[0], model, requests(60, 9));
    cr_assert_eq(state_for(ids[0], model).in_flight_cap, 2);
    expect_in_flight(ids[0], 2, 2, true);
    expect_in_flight(ids[1], 1, 0, true);
    expect_in_flight(group, 1, 1, true);
    cr_assert_eq(keyshm_release(pool, &leases[0]), 0);
    cr_assert_eq(keyshm_release(pool, &leases[1]), 0);
    cr_assert_eq(keyshm_release(pool, &leases[2]), 0);
    expect_in_flight(ids[0], 0, 2, false);
    expect_in_flight(ids[1], 0, 0, false);
    expect_in_flight(group, 0, 1, false);
}

Test(budget_left, of_a_cap_that_was_lowered_is_none_until_what_is_in_flight_fits)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    keyshm_pause(pool, ids[1]);
    limits.in_flight = 3;
    set_limits(ids[0], 0, limits);
    struct keyshm_lease leases[] = {acquire(0, 0), acquire(0, 0), acquire(0, 0)};
    limits.in_flight = 2;
    set_limits(ids[0], 0, limits);
    expect_in_flight(ids[0], 3, 2, true);
    cr_assert_eq(keyshm_release(pool, &leases[0]), 0);
    expect_in_flight(ids[0], 2, 2, true);
    cr_assert_eq(keyshm_set_limits(pool, ids[0], 0, NULL), 0);
    expect_in_flight(ids[0], 2, 0, false);
}

Test(budget_left, is_in_a_snapshot_of_keys_and_groups)
{
    struct keyshm_snapshot *snapshot;
    struct keyshm_limits limits = requests(60, 4);
    limits.in_flight = 3;
    set_limits(group, 0, limits);
    set_limits(ids[0], 0, requests(60, 1));
    acquire(0, 0);
    acquire(0, 0);
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->keys[0].requests_left, 0);
    cr_assert_eq(snapshot->keys[0].benched_by, KEYSHM_BY_BUDGET);
    cr_assert_eq(snapshot->status_count[KEYSHM_AVAILABLE], 2, "they keep their status");
    cr_assert_eq(snapshot->keys[1].requests_left, 3);
    cr_assert_eq(snapshot->keys[1].in_flight, 1, "in its group, which alone has a cap");
    cr_assert_eq(snapshot->keys[0].in_flight, 0);
    cr_assert_eq(snapshot->groups[0].state.requests_left, 3);
    cr_assert_eq(snapshot->groups[0].state.requests_burst, 4);
    cr_assert_eq(snapshot->groups[0].state.in_flight, 1);
    cr_assert_eq(snapshot->groups[0].state.in_flight_cap, 3);
    keyshm_snapshot_free(snapshot);
}

Test(rate, units_are_those_that_are_not_owed)
{
    const struct rate rate = {.cost_ns = 10, .burst_ns = 50}, damaged = {.cost_ns = 0, .burst_ns = 50};
    cr_assert_eq(rate_units(&rate, 0), 5);
    cr_assert_eq(rate_units(&rate, 1), 4);
    cr_assert_eq(rate_units(&rate, 40), 1);
    cr_assert_eq(rate_units(&rate, 41), 0);
    cr_assert_eq(rate_units(&rate, UINT64_MAX), 0);
    cr_assert_eq(rate_units(&damaged, 0), 0);
}
