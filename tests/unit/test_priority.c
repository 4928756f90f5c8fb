/* SPDX-License-Identifier: MIT */
#include "order.h"

#include "moved_clock.h"

/* A key of a later priority is picked only while none of an earlier one is available for the request. */

TestSuite(priority, .init = create_pool_with_clock, .fini = close_pool);

static keyshm_id ids[8];

/* Keys of these priorities, in the order of their slots. */
static void add_keys_of(const unsigned *priorities, int count)
{
    add_keys(ids, count);
    for (int i = 0; i < count; i++)
        set_priority(ids[i], priorities[i]);
}

static void bench(keyshm_id id, int64_t duration_ms)
{
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, duration_ms), 0);
}

static void expect_next(keyshm_id id)
{
    cr_assert_eq(pick_one().id, id);
}

Test(priority, each_waits_for_those_before_it)
{
    const unsigned priorities[] = {3, 2, 1, 0};
    add_keys_of(priorities, 4);
    for (int first = 3; first >= 0; first--) {
        for (int i = 0; i < 3; i++)
            expect_next(ids[first]);
        bench(ids[first], KEYSHM_UNTIL_MARKED);
    }
    expect_none();
    for (int first = 0; first < 4; first++) {
        cr_assert_eq(keyshm_mark_available(pool, ids[first]), 0);
        for (int i = 0; i < 3; i++)
            expect_next(ids[first]);
    }
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
}

Test(priority, has_a_rotation_of_its_own)
{
    const unsigned priorities[] = {0, 1, 0, 1, 1};
    add_keys_of(priorities, 5);
    expect_next(ids[0]);
    bench(ids[0], 1000);
    bench(ids[2], 1000);
    for (int i = 0; i < 2; i++) {
        expect_next(ids[1]);
        expect_next(ids[3]);
        expect_next(ids[4]);
    }
    expect_next(ids[1]);
    virtual_clock_pass_ms(1001);
    expect_next(ids[2]);
    expect_next(ids[0]);
    bench(ids[0], 1000);
    bench(ids[2], 1000);
    expect_next(ids[3]);
}

Test(priority, comes_back_when_a_cooldown_ends)
{
    const unsigned priorities[] = {0, 1, 2};
    add_keys_of(priorities, 3);
    bench(ids[0], 100);
    bench(ids[1], 50);
    expect_next(ids[2]);
    virtual_clock_pass_ms(50);
    expect_next(ids[2]);
    virtual_clock_pass_ms(1);
    for (int i = 0; i < 3; i++)
        expect_next(ids[1]);
    virtual_clock_pass_ms(49);
    expect_next(ids[1]);
    virtual_clock_pass_ms(1);
    for (int i = 0; i < 3; i++)
        expect_next(ids[0]);
}

Test(priority, is_of_what_is_available_for_the_model)
{
    unsigned model, other;
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    const unsigned priorities[] = {0, 1};
    add_keys_of(priorities, 2);
    cr_assert_eq(keyshm_model(pool, "gpt-4o", &model), 0);
    cr_assert_eq(keyshm_model(pool, "gpt-4o-mini", &other), 0);
    mark.status = KEYSHM_RATE_LIMITED;
    mark.model = model;
    mark.duration_ms = 1000;
    cr_assert_eq(keyshm_mark(pool, ids[0], &mark), 0);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(pick_for(model).id, ids[1]);
        cr_assert_eq(pick_for(other).id, ids[0]);
        cr_assert_eq(pick_for(0).id, ids[0]);
    }
    virtual_clock_pass_ms(1001);
    cr_assert_eq(pick_for(model).id, ids[0]);
}

Test(priority, goes_by_the_group_too)
{
    keyshm_id group;
    const unsigned priorities[] = {0, 1};
    add_keys_of(priorities, 2);
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_set_group(pool, ids[0], group), 0);
    expect_next(ids[0]);
    bench(group, 1000);
    for (int i = 0; i < 3; i++)
        expect_next(ids[1]);
    cr_assert_eq(keyshm_mark_available(pool, group), 0);
    expect_next(ids[0]);
    cr_assert_eq(keyshm_pause(pool, group), 0);
    for (int i = 0; i < 3; i++)
        expect_next(ids[1]);
    cr_assert_eq(keyshm_resume(pool, group), 0);
    expect_next(ids[0]);
}

/* One pick gets the key of the first priority that comes back; until it is heard of, the next priority has to do. */
Test(priority, of_a_probe_is_for_one_pick)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    const unsigned priorities[] = {0, 1};
    policy.probe_ms = 5000;
    set_policy(policy);
    add_keys_of(priorities, 2);
    struct keyshm_pick pick;
    bench(ids[0], 100);
    expect_next(ids[1]);
    virtual_clock_pass_ms(101);
    expect_next(ids[0]);
    for (int i = 0; i < 3; i++)
        expect_next(ids[1]);
    virtual_clock_pass_ms(5001); /* nothing was heard */
    pick = pick_one();
    cr_assert_eq(pick.id, ids[0]);
    expect_next(ids[1]);
    answer_success(&pick);
    expect_next(ids[0]);
    expect_next(ids[0]);
}

Test(priority, is_changed_for_the_next_pick)
{
    add_keys(ids, 8);
    for (int i = 0; i < 8; i++)
        set_priority(ids[i], 3);
    set_priority(ids[5], 2);
    expect_next(ids[5]);
    expect_next(ids[5]);
    set_priority(ids[5], 3);
    set_priority(ids[7], 1);
    expect_next(ids[7]);
    expect_next(ids[7]);
}

/* Whichever number it is. */
Test(priority, of_all_keys_alike_is_none)
{
    add_keys(ids, 8);
    for (int i = 0; i < 8; i++)
        set_priority(ids[i], 2);
    cr_assert(!order_matters(order_in_use(pool)));
    for (int i = 0; i < 16; i++)
        expect_next(ids[i % 8]);
    cr_assert_eq(keyshm_remove(pool, ids[0]), 0);
    keyshm_id added = add_key(100);
    cr_assert_eq(inspect(added).priority, 0);
    expect_next(added);
    expect_next(added);
}

/* More keys come back at once than a pick sweeps: those that it has not found yet go before a later priority as well. */
TestSuite(priority_in_a_large_pool, .init = virtual_clock_begin, .fini = close_pool);

Test(priority_in_a_large_pool, of_a_key_that_no_sweep_has_found_yet)
{
    enum { KEYS = 20000, LAST = KEYS - 1 };
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_id first = 0, last = 0, id;
    options.capacity = KEYS;
    options.key_max = 64;
    options.groups_max = options.models_max = 0;
    cr_assert_eq(keyshm_create_anonymous(&pool, "test", &options), 0);
    for (int i = 0; i < KEYS; i++) {
        id = add_key(i);
        first = i == 0 ? id : first;
        last = i == LAST ? id : last;
        bench(id, i == LAST ? 1000 : KEYSHM_UNTIL_MARKED);
    }
    set_priority(first, 1);
    cr_assert_eq(keyshm_mark_available(pool, first), 0);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 5; i++) {
            expect_next(first);
            virtual_clock_pass_ms(199);
        }
        virtual_clock_pass_ms(30); /* a mark in a burst reads the coarse clock */
        expect_next(last);
        bench(last, 1000);
    }
}

Test(priority, refuses_what_is_none)
{
    keyshm_id id = add_key(1), group, gone = add_key(2);
    keyshm_pool *observer;
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_remove(pool, gone), 0);
    cr_assert_eq(keyshm_set_priority(NULL, id, 0), -EINVAL);
    cr_assert_eq(keyshm_set_priority(pool, id, KEYSHM_PRIORITY_MAX + 1), -EINVAL);
    cr_assert_eq(keyshm_set_priority(pool, id, UINT32_MAX), -EINVAL);
    cr_assert_eq(keyshm_set_priority(pool, group, 1), -EINVAL);
    cr_assert_eq(keyshm_set_priority(pool, gone, 1), -ESTALE);
    cr_assert_eq(keyshm_set_priority(pool, 0, 1), -ESTALE);
    cr_assert_eq(inspect(id).priority, 0);
    cr_assert_eq(keyshm_set_priority(pool, id, KEYSHM_PRIORITY_MAX), 0);
    cr_assert_eq(inspect(id).priority, KEYSHM_PRIORITY_MAX);
    cr_assert_eq(state_of(group).priority, 0);
    char name[32];
    snprintf(name, sizeof(name), "priority-%d", (int)getpid());
    cr_assert_eq(keyshm_create(&observer, name, NULL), 0);
    keyshm_close(observer);
    cr_assert_eq(keyshm_attach_readonly(&observer, name), 0);
    cr_assert_eq(keyshm_set_priority(observer, id, 1), -EROFS);
    keyshm_close(observer);
    cr_assert_eq(keyshm_unlink(name), 0);
}

/* ---- damage ---- */

/* Picks then find the keys all the same, a check says so, and a repair mends it. */
static void expect_mended(unsigned priority, keyshm_id next)
{
    cr_assert_gt(keyshm_verify(pool, NULL, NULL), 0);
    for (int i = 0; i < 10; i++)
        (void)pick_one();
    cr_assert_eq(keyshm_repair(pool), 0);
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
    cr_assert_eq(inspect(ids[0]).priority, priority);
    cr_assert(inspect(ids[0]).weight >= 1 && inspect(ids[0]).weight <= KEYSHM_WEIGHT_MAX);
    for (int i = 0; i < 5; i++)
        expect_next(next);
}

Test(priority, a_lost_plane_hides_no_key)
{
    const unsigned priorities[] = {2, 1};
    add_keys_of(priorities, 2);
    for (unsigned plane = 0; plane < LAYOUT_PLANES; plane++)
        atomic_store(&pool->planes[plane * layout_ready_words(pool->settings.capacity)], 0);
    expect_mended(2, ids[1]);
}

/* It goes by the slots then, and in those, too, by what is available. */
Test(priority, counts_where_all_planes_are_lost)
{
    const unsigned priorities[] = {1, 2, 1, 3};
    add_keys_of(priorities, 4);
    bench(ids[0], 1000);
    memset(pool->planes, 0, LAYOUT_PLANES * layout_ready_words(pool->settings.capacity) * sizeof(*pool->planes));
    for (int i = 0; i < 3; i++)
        expect_next(ids[2]);
    bench(ids[2], 1000);
    expect_next(ids[1]);
    virtual_clock_pass_ms(1001);
    expect_next(ids[0]);
}

/* A round then has no turn for the key, whatever its bits are. */
Test(priority, counts_where_a_weight_is_lost)
{
    const unsigned priorities[] = {0, 1};
    add_keys_of(priorities, 2);
    cr_assert_eq(keyshm_set_weight(pool, ids[0], 3), 0);
    for (unsigned bit = 0; bit < LAYOUT_WEIGHT_BITS; bit++)
        atomic_fetch_and(order_plane(pool, LAYOUT_PRIORITIES + bit), ~UINT64_C(1));
    expect_mended(0, ids[0]);
}

Test(priority, of_a_slot_without_a_key_means_nothing)
{
    const unsigned priorities[] = {0, 1};
    add_keys_of(priorities, 2);
    bench(ids[0], 1000);
    atomic_fetch_or(order_plane(pool, 0), ~UINT64_C(3));
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
    for (int i = 0; i < 3; i++)
        expect_next(ids[1]);
    virtual_clock_pass_ms(1001);
    expect_next(ids[0]);
}

Test(priority, a_wrong_count_hides_no_key)
{
    const unsigned priorities[] = {2, 1};
    for (uint64_t in_use = 0; in_use <= ORDER_IN_USE_MASK; in_use++) {
        if (in_use == (ORDER_IN_USE_MASK & 6))
            continue;
        create_pool();
        add_keys_of(priorities, 2);
        atomic_store(&pool_model(pool, 0)->order_in_use, in_use);
        expect_mended(2, ids[1]);
        close_pool();
    }
    create_pool();
}

Test(priority, an_order_that_is_none_hides_no_key)
{
    const unsigned priorities[] = {2, 1};
    add_keys_of(priorities, 2);
    cr_assert_eq(keyshm_set_weight(pool, ids[1], 3), 0);
    atomic_store(&pool_slot(pool, 0)->order, 0);
    expect_mended(0, ids[0]);
}
