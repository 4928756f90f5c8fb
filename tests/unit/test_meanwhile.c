/* SPDX-License-Identifier: MIT */
#include "order.h"
#include "state_word.h"

#include "meanwhile.h"

/* What others do in the middle of a call: at the first reading of the clock in it, at the second, and so on; in the last
 * round right after the call. */

TestSuite(meanwhile, .init = create_pool_with_clock, .fini = close_pool);

static keyshm_id ids[4], group;
static unsigned model;

/* 0: none is available. */
static keyshm_id pick_while(unsigned readings, void (*act)(void))
{
    virtual_clock_interrupt(readings, act);
    return pick_id();
}

/* Keys of these priorities, in the order of their slots. */
static void begin_round_of(const unsigned priorities[4])
{
    begin_round();
    add_keys(ids, 4);
    for (int i = 0; i < 4; i++)
        set_priority(ids[i], priorities[i]);
}

/* ---- another order ---- */

static const unsigned alike[4] = {0, 0, 0, 0}, first_only[4] = {0, 1, 1, 1}, last_later[4] = {0, 0, 0, 1};

static void make_first_later(void)
{
    set_priority(ids[0], 1);
}

static void make_last_later(void)
{
    set_priority(ids[3], 1);
}

static void make_last_like_the_others(void)
{
    set_priority(ids[3], 0);
}

static void make_last_much_later(void)
{
    set_priority(ids[3], 2);
}

Test(meanwhile, another_order_does_not_cost_a_key_its_turn)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_round_of(alike);
        cr_assert_eq(pick_while(readings, make_last_later), ids[0]);
        goes_on = end_round(make_last_later);
        expect_order(ids, "120120");
    }
}

Test(meanwhile, a_key_that_gets_a_later_priority_has_no_turn_any_more)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_round_of(alike);
        keyshm_id id = pick_while(readings, make_first_later);
        goes_on = end_round(make_first_later);
        cr_assert_eq(id, goes_on ? ids[1] : ids[0]);
        expect_order(ids, goes_on ? "231231" : "123123");
    }
}

Test(meanwhile, the_rotation_goes_on_where_keys_become_alike)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_round_of(last_later);
        keyshm_id id = pick_while(readings, make_last_like_the_others);
        goes_on = end_round(make_last_like_the_others);
        cr_assert(id == ids[0] || (goes_on && id == ids[1]));
        expect_order(ids, id == ids[0] ? "12301230" : "23012301");
    }
}

Test(meanwhile, a_later_priority_is_picked_in_its_own_order)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_round_of(first_only);
        cr_assert_eq(keyshm_mark_invalid(pool, ids[0]), 0);
        cr_assert_eq(pick_while(readings, make_last_much_later), ids[1]);
        goes_on = end_round(make_last_much_later);
        expect_order(ids, "2121");
    }
}

/* ---- what is available ---- */

static void make_first_available(void)
{
    cr_assert_eq(keyshm_mark_available(pool, ids[0]), 0);
}

static void bench_all(void)
{
    for (int i = 0; i < 4; i++)
        cr_assert_eq(keyshm_mark_invalid(pool, ids[i]), 0);
}

Test(meanwhile, a_key_that_becomes_available_is_found_now_or_then)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_round_of(first_only);
        bench_all();
        keyshm_id id = pick_while(readings, make_first_available);
        goes_on = end_round(make_first_available);
        cr_assert(id == 0 || (goes_on && id == ids[0]));
        expect_order(ids, "00");
    }
}

static void make_first_available_for_model(void)
{
    cr_assert_eq(mark_for_model(pool, ids[0], model, KEYSHM_AVAILABLE, 0), 0);
}

Test(meanwhile, a_key_that_becomes_available_for_a_model_is_found_now_or_then)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        struct keyshm_pick pick = {.id = 0};
        begin_round();
        cr_assert_eq(keyshm_model(pool, "large", &model), 0);
        ids[0] = add_key(0);
        cr_assert_eq(mark_for_model(pool, ids[0], model, KEYSHM_INVALID, KEYSHM_UNTIL_MARKED), 0);
        virtual_clock_interrupt(readings, make_first_available_for_model);
        int r = pick_for_model(pool, model, &pick);
        goes_on = end_round(make_first_available_for_model);
        cr_assert(r == -EAGAIN || (goes_on && r == 0 && pick.id == ids[0]));
        cr_assert_eq(pick_for(model).id, ids[0]);
    }
}

static void remove_first(void)
{
    cr_assert_eq(keyshm_remove(pool, ids[0]), 0);
}

Test(meanwhile, a_key_that_is_removed_is_not_available)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_round();
        ids[0] = add_key(0);
        virtual_clock_interrupt(readings, remove_first);
        int r = keyshm_is_available(pool, ids[0]);
        goes_on = end_round(remove_first);
        cr_assert_eq(r, goes_on ? -ESTALE : 1);
    }
}

Test(meanwhile, another_order_makes_no_key_available)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_round_of(first_only);
        bench_all();
        cr_assert_eq(pick_while(readings, make_last_much_later), 0);
        goes_on = end_round(make_last_much_later);
    }
    goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_round_of(alike);
        bench_all();
        cr_assert_eq(pick_while(readings, make_last_later), 0);
        goes_on = end_round(make_last_later);
    }
}

/* Only a search through all slots finds what planes hide. */
Test(meanwhile, keys_that_are_hidden_become_unavailable)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_round_of(first_only);
        memset(pool->planes, 0, LAYOUT_PLANES * layout_ready_words(pool->settings.capacity) * sizeof(*pool->planes));
        keyshm_id id = pick_while(readings, bench_all);
        goes_on = end_round(bench_all);
        cr_assert(id == ids[0] || (goes_on && id == 0));
        cr_assert_eq(pick_id(), 0);
    }
}

/* ---- probes ---- */

static void set_policy_with_probes(void)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    policy.probe_ms = 10000;
    set_policy(policy);
}

static keyshm_id taken;

static void take_probe(void)
{
    taken = pick_id();
}

Test(meanwhile, a_probe_is_given_to_one_of_two)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_round();
        set_policy_with_probes();
        ids[0] = add_key(0);
        cr_assert_eq(keyshm_mark_rate_limited(pool, ids[0], 1000), 0);
        virtual_clock_pass_ms(1001);
        keyshm_id id = pick_while(readings, take_probe);
        goes_on = end_round(take_probe);
        cr_assert_eq(id + taken, ids[0], "%llu and %llu", (unsigned long long)id, (unsigned long long)taken);
    }
}

static void bench(keyshm_id id, unsigned of_model)
{
    cr_assert_eq(mark_for_model(pool, id, of_model, KEYSHM_RATE_LIMITED, 1000), 0);
}

/* Two keys of a group: the first wants a probe, and so does the group, each for the model too if there is one. */
static void begin_round_of_probes(const char *model_or_null)
{
    begin_round();
    set_policy_with_probes();
    model = 0;
    if (model_or_null != NULL)
        cr_assert_eq(keyshm_model(pool, model_or_null, &model), 0);
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(keyshm_add_to_group(pool, key_text(i), group, &ids[i]), 0);
    for (unsigned of_model = 0; of_model <= model; of_model++) {
        bench(group, of_model);
        bench(ids[0], of_model);
    }
    virtual_clock_pass_ms(1001);
}

static void bench_first(void)
{
    cr_assert_eq(keyshm_mark_invalid(pool, ids[0]), 0);
}

/* The first key is lost at the last moment, and the probe of its group has been taken with it: it is given back, and the
 * second key is that probe. */
static void expect_a_probe(const char *model_or_null)
{
    bool goes_on = true, was_second = false;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_round_of_probes(model_or_null);
        virtual_clock_interrupt(readings, bench_first);
        keyshm_id id = pick_for(model).id;
        goes_on = end_round(bench_first);
        cr_assert(id == ids[0] || (goes_on && id == ids[1]));
        was_second |= id == ids[1];
        expect_none();
        virtual_clock_pass_ms(10001);
        cr_assert_eq(pick_for(model).id, ids[1]);
        expect_none();
    }
    cr_assert(was_second);
}

Test(meanwhile, a_probe_of_a_group_is_given_back)
{
    expect_a_probe(NULL);
}

Test(meanwhile, a_probe_of_a_group_for_a_model_is_given_back)
{
    expect_a_probe("large");
}

static void pause_first(void)
{
    cr_assert_eq(keyshm_pause(pool, ids[0]), 0);
}

/* That of the key whatever the model is lost, after that for the model was taken. */
Test(meanwhile, a_probe_for_a_model_is_given_back)
{
    bool goes_on = true, was_given_back = false;
    for (unsigned readings = 0; goes_on; readings++) {
        struct keyshm_pick probe;
        begin_round();
        set_policy_with_probes();
        cr_assert_eq(keyshm_model(pool, "large", &model), 0);
        ids[0] = add_key(0);
        bench(ids[0], 0);
        bench(ids[0], model);
        virtual_clock_pass_ms(1001);
        virtual_clock_interrupt(readings, pause_first);
        int r = pick_for_model(pool, model, &probe);
        goes_on = end_round(pause_first);
        cr_assert(r == 0 || (goes_on && r == -EAGAIN));
        was_given_back |= r < 0;
        cr_assert_eq(keyshm_resume(pool, ids[0]), 0);
        cr_assert_eq(pick_for_model(pool, model, &probe), r == 0 ? -EAGAIN : 0);
        cr_assert_eq(pick_for_model(pool, model, &probe), -EAGAIN);
    }
    cr_assert(was_given_back);
}

/* ---- successes ---- */

/* Of a probe of this key or group that was given back, because its process seemed to have ended. */
static int succeed_of(keyshm_id benched, uint32_t subject, unsigned readings, void (*act)(void))
{
    set_policy_with_probes();
    bench(benched, 0);
    virtual_clock_pass_ms(1001);
    struct keyshm_pick probe = pick_one();
    _Atomic uint64_t *word = &pool->words[subject];
    atomic_store(word, word_with_deadline(word_with_probe(atomic_load(word), WORD_PROBE_WANTED), 1));
    virtual_clock_interrupt(readings, act);
    return keyshm_success(pool, &probe);
}

static int succeed_while(unsigned readings, void (*act)(void))
{
    begin_round();
    ids[0] = add_key(0);
    return succeed_of(ids[0], 0, readings, act);
}

static int succeed_of_group_while(unsigned readings, void (*act)(void))
{
    begin_round();
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_add_to_group(pool, key_text(0), group, &ids[0]), 0);
    return succeed_of(group, pool_group_subject(pool, 0), readings, act);
}

Test(meanwhile, a_pause_does_not_keep_a_success_from_ending_the_probe)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        cr_assert_eq(succeed_while(readings, pause_first), 0);
        goes_on = end_round(pause_first);
        cr_assert_eq(state_of(ids[0]).status, KEYSHM_AVAILABLE);
        cr_assert_eq(state_of(ids[0]).is_paused, 1);
        cr_assert_eq(keyshm_resume(pool, ids[0]), 0);
        expect_order(ids, "00");
    }
}

Test(meanwhile, a_success_lifts_no_later_bench)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        cr_assert_eq(succeed_while(readings, bench_first), 0);
        goes_on = end_round(bench_first);
        cr_assert_eq(state_of(ids[0]).status, KEYSHM_INVALID);
    }
}

Test(meanwhile, a_success_is_of_a_key_that_is_there)
{
    int (*const succeed[])(unsigned readings, void (*act)(void)) = {succeed_while, succeed_of_group_while};
    for (int i = 0; i < 2; i++) {
        bool goes_on = true;
        for (unsigned readings = 0; goes_on; readings++) {
            int r = succeed[i](readings, remove_first);
            goes_on = end_round(remove_first);
            cr_assert_eq(r, goes_on ? -ESTALE : 0);
        }
    }
}

/* ---- failures in a row ---- */

static void fail_first(void)
{
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[0], KEYSHM_NO_RETRY_AFTER), 0);
}

static int raise_while(unsigned readings, void (*act)(void))
{
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    begin_round();
    ids[0] = add_key(0);
    streak.rate_limits = 2;
    streak.failed_ago_ms = 0;
    virtual_clock_interrupt(readings, act);
    return keyshm_raise_streak(pool, ids[0], 0, &streak);
}

Test(meanwhile, a_failure_comes_before_a_streak_that_is_carried_over_or_after_it)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        cr_assert_eq(raise_while(readings, fail_first), 0);
        goes_on = end_round(fail_first);
        cr_assert_eq(state_of(ids[0]).streak, goes_on ? 2 : 3);
    }
}

Test(meanwhile, a_streak_is_carried_over_to_a_key_that_is_there)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        int r = raise_while(readings, remove_first);
        goes_on = end_round(remove_first);
        cr_assert_eq(r, goes_on ? -ESTALE : 0);
    }
}

/* ---- a key that is charged ---- */

static void limit_requests(uint64_t burst)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = (struct keyshm_rate){.amount = 60, .per_ms = 60000, .burst = burst};
    cr_assert_eq(keyshm_set_limits(pool, 0, 0, &limits), 0);
}

/* The one that comes into its slot is charged as often as it may be. */
static void replace_by_one_that_is_used(void)
{
    cr_assert_eq(keyshm_remove(pool, ids[0]), 0);
    ids[0] = add_key(2);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pick_id(), ids[0]);
}

Test(meanwhile, another_key_gets_nothing_of_what_is_given_back)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        struct keyshm_lease lease;
        begin_round();
        add_keys(ids, 1);
        limit_requests(2);
        cr_assert_eq(keyshm_acquire(pool, NULL, &lease), 0);
        virtual_clock_interrupt(readings, replace_by_one_that_is_used);
        int r = keyshm_cancel(pool, &lease);
        goes_on = end_round(replace_by_one_that_is_used);
        cr_assert(r == 0 || (goes_on && r == -ESTALE));
        cr_assert_eq(pick_id(), 0, "after %u readings", readings);
    }
}
