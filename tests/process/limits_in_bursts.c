/* SPDX-License-Identifier: MIT */

/*
 * Limits in a burst, in which most picks go a shorter way: the next key of a range that was claimed is charged before it is
 * asked whether its budgets admit the request. The clock is the test's.
 */

#include "burst.h"
#include "expect.h"
#include "for_model.h"
#include "virtual_clock.h"

enum { KEYS = 8, AMOUNT = 5, FEW = 3, CAP = 2, TOKENS = 100 };

static keyshm_pool *pool;
static keyshm_id ids[KEYS], group;
static unsigned model;

static void begin_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    char text[32];
    options.capacity = KEYS;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "limits", &options), 0);
    EXPECT_EQ(keyshm_model(pool, "large", &model), 0);
    EXPECT_EQ(keyshm_group(pool, "account", &group), 0);
    for (unsigned i = 0; i < KEYS; i++) {
        snprintf(text, sizeof(text), "sk-limits-%u", i);
        EXPECT_EQ(keyshm_add(pool, text, &ids[i]), 0);
    }
}

/* Nothing drains in the time of a test. */
static void set_limits(keyshm_id id, unsigned of_model, uint64_t requests, unsigned in_flight)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = (struct keyshm_rate){.amount = requests, .per_ms = KEYSHM_DURATION_MAX_MS, .burst = requests};
    limits.in_flight = in_flight;
    EXPECT_EQ(keyshm_set_limits(pool, id, of_model, &limits), 0);
}

static int64_t requests_left(keyshm_id id)
{
    struct keyshm_key_snapshot state;
    EXPECT_EQ(keyshm_inspect(pool, id, 0, sizeof(state), &state), 0);
    return state.requests_left;
}

static size_t count_leases(void)
{
    struct keyshm_lease_list *list;
    EXPECT_EQ(keyshm_leases(pool, &list), 0);
    size_t count = list->count;
    keyshm_lease_list_free(list);
    return count;
}

/* So many of each key are admitted. */
static void count_admitted(unsigned of_model, unsigned ret_counts[KEYS])
{
    struct keyshm_pick pick;
    memset(ret_counts, 0, KEYS * sizeof(*ret_counts));
    burst_begin(pool);
    for (int i = 0; i < KEYS * 2 * AMOUNT; i++) {
        burst_go_on(pool);
        if (pick_for_model(pool, of_model, &pick) == 0)
            ret_counts[pick.id & 0xffffff]++;
    }
}

static void expect_admitted(unsigned of_model, const unsigned expected[KEYS])
{
    unsigned counts[KEYS];
    count_admitted(of_model, counts);
    for (int i = 0; i < KEYS; i++)
        EXPECT_EQ(counts[i], expected[i]);
}

/* Keys that are alike, and such that differ in priority; whatever the model, and for one. */
static void admit_what_is_left_of_each(bool has_order, bool is_for_model)
{
    static const unsigned all[KEYS] = {AMOUNT, AMOUNT, FEW, AMOUNT, AMOUNT, AMOUNT, AMOUNT, AMOUNT};
    static const unsigned none[KEYS] = {0}, first[KEYS] = {AMOUNT};
    begin_pool();
    unsigned of_model = is_for_model ? model : 0;
    set_limits(0, of_model, AMOUNT, 0);
    set_limits(ids[2], 0, FEW, 0);
    if (has_order)
        EXPECT_EQ(keyshm_set_priority(pool, ids[5], 1), 0);
    expect_admitted(of_model, all);
    expect_admitted(of_model, none);
    set_limits(ids[0], of_model, 1, 0);
    EXPECT_EQ(keyshm_set_limits(pool, ids[0], of_model, NULL), 0); /* what was used is forgotten */
    expect_admitted(of_model, first);
    keyshm_close(pool);
}

/* Of a key, or of the group that it is in. */
static keyshm_id begin_capped(bool is_group)
{
    begin_pool();
    EXPECT_EQ(keyshm_set_group(pool, ids[1], is_group ? group : 0), 0);
    keyshm_id limited = is_group ? group : ids[1];
    set_limits(limited, 0, KEYS * AMOUNT, CAP);
    return limited;
}

/* A plain pick has no place, and does not wait until there is one. */
static void give_no_place_to_plain_picks(bool is_group)
{
    struct keyshm_pick pick;
    keyshm_id limited = begin_capped(is_group);
    burst_begin(pool);
    for (int i = 0; i < 3 * KEYS; i++) {
        burst_go_on(pool);
        EXPECT_EQ(keyshm_next(pool, &pick), 0);
        EXPECT(pick.id != ids[1]);
    }
    EXPECT_EQ(requests_left(limited), KEYS * AMOUNT);
    keyshm_close(pool);
}

static void give_each_place_once(bool is_group)
{
    struct keyshm_lease lease;
    int given = 0;
    keyshm_id limited = begin_capped(is_group);
    burst_begin(pool);
    for (int i = 0; i < 4 * KEYS; i++) {
        burst_go_on(pool);
        EXPECT_EQ(keyshm_acquire(pool, NULL, &lease), 0);
        given += lease.pick.id == ids[1];
    }
    EXPECT_EQ(given, CAP);
    EXPECT_EQ(count_leases(), CAP);
    EXPECT_EQ(requests_left(limited), KEYS * AMOUNT - CAP);
    keyshm_close(pool);
}

/* ---- what others do in the middle of a pick ---- */

static void bench_second(void)
{
    EXPECT_EQ(keyshm_mark_invalid(pool, ids[1]), 0);
}

/* One that can be had only with a place comes where another was. */
static void replace_second(void)
{
    EXPECT_EQ(keyshm_remove(pool, ids[1]), 0);
    EXPECT_EQ(keyshm_add(pool, "sk-limits-other", &ids[1]), 0);
    set_limits(ids[1], 0, AMOUNT, CAP);
}

/* The turn is that of the second key, whose budget is empty, so that the clock is read before it is charged. */
static void charge_what_is_given(void (*act)(void), bool has_order)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        struct keyshm_lease lease;
        begin_pool();
        set_limits(0, 0, AMOUNT, 0);
        if (has_order)
            EXPECT_EQ(keyshm_set_priority(pool, ids[7], 1), 0);
        burst_begin(pool);
        EXPECT_EQ(keyshm_acquire(pool, NULL, &lease), 0);
        EXPECT_EQ(lease.pick.id, ids[0]);
        keyshm_id before = ids[1];
        burst_go_on(pool);
        virtual_clock_interrupt(readings, act);
        EXPECT_EQ(keyshm_acquire(pool, NULL, &lease), 0);
        goes_on = virtual_clock_has_interrupted();
        bool is_second = lease.pick.id == before;
        if (!goes_on) {
            EXPECT(is_second);
            EXPECT_EQ(requests_left(before), AMOUNT - 1);
            act();
        }
        EXPECT(is_second || lease.pick.id == ids[1] || lease.pick.id == ids[2]);
        int64_t left = requests_left(ids[1]), given = lease.pick.id == ids[1];
        EXPECT(left <= AMOUNT - given && (ids[1] != before || left == AMOUNT - given));
        EXPECT_EQ(count_leases(), ids[1] != before && given);
        EXPECT_EQ(requests_left(ids[2]), AMOUNT - (lease.pick.id == ids[2]));
        keyshm_close(pool);
    }
}

static void limit_all(void)
{
    set_limits(0, 0, AMOUNT, 0);
}

/* The first pick by limits that have just come is charged by them. */
static void see_new_limits(bool are_benched)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        struct keyshm_pick pick;
        unsigned counts[KEYS], sum = 0;
        begin_pool();
        burst_begin(pool);
        EXPECT_EQ(keyshm_next(pool, &pick), 0);
        for (int i = 0; are_benched && i < KEYS; i++)
            EXPECT_EQ(keyshm_mark_invalid(pool, ids[i]), 0);
        burst_go_on(pool);
        virtual_clock_interrupt(readings, limit_all);
        EXPECT_EQ(keyshm_next(pool, &pick), are_benched ? -EAGAIN : 0);
        goes_on = virtual_clock_has_interrupted();
        if (!goes_on)
            limit_all();
        count_admitted(0, counts);
        for (int i = 0; i < KEYS; i++)
            sum += counts[i];
        EXPECT(are_benched ? sum == 0 : sum == KEYS * AMOUNT || (goes_on && sum == KEYS * AMOUNT - 1));
        keyshm_close(pool);
    }
}

int main(void)
{
    virtual_clock_begin();
    for (int i = 0; i < 2; i++) {
        admit_what_is_left_of_each(i != 0, false);
        admit_what_is_left_of_each(i != 0, true);
        give_no_place_to_plain_picks(i != 0);
        give_each_place_once(i != 0);
        charge_what_is_given(bench_second, i != 0);
        charge_what_is_given(replace_second, i != 0);
        see_new_limits(i != 0);
    }
    return 0;
}
