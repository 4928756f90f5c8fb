/* SPDX-License-Identifier: MIT */
#include "pool.h"
#include "streak.h"

#include "moved_clock.h"

/* Failures in a row, and what the policy makes of them. */

TestSuite(streak, .init = create_pool_with_clock, .fini = close_pool);

static struct keyshm_policy growing(void)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    policy.cooldown_ms = 1000;
    policy.cooldown_growth_percent = 200;
    policy.cooldown_max_ms = 5000;
    return policy;
}

/* Picks the only key, is refused, and waits until it comes back. */
static void fail_once(keyshm_id id, int64_t expected_ms, unsigned streak)
{
    struct keyshm_pick pick = pick_one();
    answer_rate_limited(&pick);
    expect_left(id, expected_ms);
    cr_assert_eq(state_of(id).streak, streak);
    virtual_clock_pass_ms(expected_ms + 1);
}

Test(streak, rate_limits_in_a_row_grow_up_to_the_longest)
{
    keyshm_id id = add_key(1);
    set_policy(growing());
    fail_once(id, 1000, 1);
    fail_once(id, 2000, 2);
    fail_once(id, 4000, 3);
    fail_once(id, 5000, 4);
    fail_once(id, 5000, 5);
}

Test(streak, without_growth_all_are_the_same)
{
    keyshm_id id = add_key(1);
    fail_once(id, 60000, 1);
    fail_once(id, 60000, 2);
    fail_once(id, 60000, 3);
}

Test(streak, growth_by_a_half)
{
    struct keyshm_policy policy = growing();
    keyshm_id id = add_key(1);
    policy.cooldown_growth_percent = 150;
    set_policy(policy);
    fail_once(id, 1000, 1);
    fail_once(id, 1500, 2);
    fail_once(id, 2250, 3);
}

Test(streak, a_retry_after_counts_for_itself)
{
    keyshm_id id = add_key(1);
    set_policy(growing());
    fail_once(id, 1000, 1);
    struct keyshm_pick pick = pick_one();
    answer(&pick, KEYSHM_RATE_LIMITED, 300);
    expect_left(id, 300);
    cr_assert_eq(state_of(id).streak, 1);
    virtual_clock_pass_ms(400);
    fail_once(id, 2000, 2);
}

Test(streak, ends_with_a_success)
{
    keyshm_id id = add_key(1);
    set_policy(growing());
    fail_once(id, 1000, 1);
    fail_once(id, 2000, 2);
    struct keyshm_pick pick = pick_one();
    answer_success(&pick);
    cr_assert_eq(state_of(id).streak, 0);
    fail_once(id, 1000, 1);
}

Test(streak, ends_with_a_mark_available)
{
    keyshm_id id = add_key(1);
    set_policy(growing());
    fail_once(id, 1000, 1);
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    cr_assert_eq(state_of(id).streak, 0);
    fail_once(id, 1000, 1);
    answer_rate_limited(&(struct keyshm_pick){.id = id, .stamp = pick_one().stamp});
    cr_assert_eq(state_of(id).streak, 2);
    cr_assert_eq(keyshm_mark_all_available(pool, 1u << KEYSHM_RATE_LIMITED), 1);
    cr_assert_eq(state_of(id).streak, 0);
}

Test(streak, is_not_ended_by_the_end_of_a_cooldown)
{
    keyshm_id id = add_key(1);
    set_policy(growing());
    fail_once(id, 1000, 1);
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 1);
    cr_assert_eq(state_of(id).status, KEYSHM_AVAILABLE);
    cr_assert_eq(state_of(id).streak, 1);
    fail_once(id, 2000, 2);
}

Test(streak, is_forgotten_after_a_time_without_a_failure)
{
    struct keyshm_policy policy = growing();
    keyshm_id id = add_key(1);
    policy.streak_forget_ms = 3000;
    set_policy(policy);
    fail_once(id, 1000, 1); /* 1,001 ms ago */
    virtual_clock_pass_ms(1998);
    cr_assert_eq(state_of(id).streak, 1);
    fail_once(id, 2000, 2);
    virtual_clock_pass_ms(999);
    cr_assert_eq(state_of(id).streak, 0, "3,000 ms ago");
    fail_once(id, 1000, 1);
}

Test(streak, a_failure_with_a_retry_after_is_one_all_the_same)
{
    struct keyshm_policy policy = growing();
    keyshm_id id = add_key(1);
    policy.streak_forget_ms = 3000;
    set_policy(policy);
    fail_once(id, 1000, 1);
    for (int i = 0; i < 3; i++) {
        struct keyshm_pick pick = pick_one();
        answer(&pick, KEYSHM_RATE_LIMITED, 100);
        virtual_clock_pass_ms(1900);
    }
    fail_once(id, 2000, 2);
}

Test(streak, a_forgotten_one_is_not_revived_by_a_mark_that_does_not_count)
{
    struct keyshm_policy policy = growing();
    keyshm_id id = add_key(1);
    policy.streak_forget_ms = 3000;
    set_policy(policy);
    fail_once(id, 1000, 1);
    virtual_clock_pass_ms(5000);
    struct keyshm_pick pick = pick_one();
    answer(&pick, KEYSHM_RATE_LIMITED, 100);
    cr_assert_eq(state_of(id).streak, 0);
    virtual_clock_pass_ms(200);
    fail_once(id, 1000, 1);
}

Test(streak, marks_of_one_burst_count_once)
{
    struct keyshm_pick picks[4];
    keyshm_id id = add_key(1);
    set_policy(growing());
    for (int i = 0; i < 4; i++)
        picks[i] = pick_one();
    for (int i = 0; i < 3; i++)
        answer_rate_limited(&picks[i]);
    cr_assert_eq(state_of(id).streak, 1);
    expect_left(id, 1000);
    virtual_clock_pass_ms(1100);
    struct keyshm_pick next = pick_one();
    answer_rate_limited(&next);
    cr_assert_eq(state_of(id).streak, 2);
    virtual_clock_pass_ms(2100);
    answer_rate_limited(&picks[3]);
    cr_assert_eq(state_of(id).streak, 2, "however late it comes");
}

Test(streak, of_one_cause_a_success_does_not_make_two)
{
    struct keyshm_pick first, second, third;
    keyshm_id id = add_key(1);
    set_policy(growing());
    first = pick_one();
    second = pick_one();
    answer_rate_limited(&first);
    virtual_clock_pass_ms(1100);
    third = pick_one();
    answer_success(&third);
    answer_rate_limited(&second);
    cr_assert_eq(state_of(id).streak, 0);
    expect_left(id, 1000);
}

Test(streak, without_a_stamp_a_mark_counts_unless_the_key_is_benched)
{
    keyshm_id id = add_key(1);
    set_policy(growing());
    for (int i = 0; i < 3; i++)
        cr_assert_eq(keyshm_mark_rate_limited(pool, id, KEYSHM_NO_RETRY_AFTER), 0);
    cr_assert_eq(state_of(id).streak, 1);
    virtual_clock_pass_ms(1100);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, KEYSHM_NO_RETRY_AFTER), 0);
    cr_assert_eq(state_of(id).streak, 2);
    expect_left(id, 2000);
}

Test(streak, what_no_provider_has_answered_is_in_none)
{
    static const enum keyshm_reason reasons[] = {KEYSHM_REASON_BUDGET, KEYSHM_REASON_PEER, KEYSHM_REASON_OPERATOR};
    struct keyshm_policy policy = growing();
    keyshm_id id = add_key(1);
    policy.invalid_after = 3;
    set_policy(policy);
    for (size_t i = 0; i < 3; i++) {
        struct keyshm_mark mark = KEYSHM_MARK_INIT;
        mark.status = KEYSHM_RATE_LIMITED;
        mark.reason = reasons[i];
        mark.stamp = pick_one().stamp;
        cr_assert_eq(keyshm_mark(pool, id, &mark), 0);
        cr_assert_eq(state_of(id).streak, 0);
        expect_left(id, 1000);
        mark.status = KEYSHM_INVALID;
        cr_assert_eq(keyshm_mark(pool, id, &mark), 0);
        cr_assert_eq(state_of(id).status, KEYSHM_INVALID, "an operator's word is final");
        cr_assert_eq(keyshm_mark_available(pool, id), 0);
    }
}

Test(streak, two_false_401_cool_down_and_the_third_in_a_row_is_final)
{
    struct keyshm_policy policy = growing();
    struct keyshm_pick pick;
    keyshm_id id = add_key(1);
    policy.invalid_after = 3;
    set_policy(policy);
    for (unsigned i = 1; i <= 2; i++) {
        pick = pick_one();
        answer(&pick, KEYSHM_INVALID, 0);
        struct keyshm_key_snapshot state = state_of(id);
        cr_assert_eq(state.status, KEYSHM_RATE_LIMITED);
        cr_assert_eq(state.reason, KEYSHM_REASON_AUTHENTICATION);
        cr_assert_eq(state.streak, i);
        cr_assert_eq(state.error_count, i);
        expect_left(id, 1000);
        virtual_clock_pass_ms(1100);
    }
    pick = pick_one();
    answer(&pick, KEYSHM_INVALID, 0);
    cr_assert_eq(state_of(id).status, KEYSHM_INVALID);
    cr_assert_eq(state_of(id).cooldown_left_ms, -1);
}

Test(streak, one_cause_does_not_make_a_key_invalid_twice)
{
    struct keyshm_policy policy = growing();
    struct keyshm_pick picks[3];
    keyshm_id id = add_key(1);
    policy.invalid_after = 3;
    set_policy(policy);
    for (int i = 0; i < 3; i++)
        picks[i] = pick_one();
    for (int i = 0; i < 3; i++)
        answer(&picks[i], KEYSHM_INVALID, 0);
    cr_assert_eq(state_of(id).status, KEYSHM_RATE_LIMITED);
    cr_assert_eq(state_of(id).streak, 1);
}

Test(streak, invalid_and_rate_limits_are_counted_apart)
{
    struct keyshm_policy policy = growing();
    struct keyshm_pick pick;
    keyshm_id id = add_key(1);
    policy.invalid_after = 2;
    set_policy(policy);
    pick = pick_one();
    answer(&pick, KEYSHM_INVALID, 0);
    virtual_clock_pass_ms(1100);
    fail_once(id, 1000, 1);
    pick = pick_one();
    answer(&pick, KEYSHM_INVALID, 0);
    cr_assert_eq(state_of(id).status, KEYSHM_INVALID);
}

Test(streak, each_word_has_its_own)
{
    struct keyshm_pick pick;
    keyshm_id group, id;
    unsigned model;
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_add_to_group(pool, key_text(1), group, &id), 0);
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    set_policy(growing());
    for (int64_t expected_ms = 1000; expected_ms <= 2000; expected_ms *= 2) {
        pick = pick_for(model);
        answer_with(&pick, KEYSHM_RATE_LIMITED, KEYSHM_NO_RETRY_AFTER, KEYSHM_SCOPE_GROUP);
        int64_t left_ms = state_for(group, model).cooldown_left_ms;
        cr_assert(left_ms == expected_ms || left_ms == expected_ms + 1);
        virtual_clock_pass_ms(expected_ms + 1);
    }
    cr_assert_eq(state_for(group, model).words[3].streak, 2);
    cr_assert_eq(state_for(group, model).words[2].streak, 0);
    cr_assert_eq(state_for(id, model).streak, 2);
    cr_assert_eq(state_of(id).streak, 0);
    fail_once(id, 1000, 1);
    pick = pick_for(model);
    answer_success(&pick);
    cr_assert_eq(state_for(id, model).streak, 0, "it ends those of all four words");
    cr_assert_eq(state_of(id).streak, 0);
}

Test(streak, for_a_model_ends_with_the_key_made_available_for_all)
{
    unsigned model;
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    set_policy(growing());
    struct keyshm_pick pick = pick_for(model);
    answer_rate_limited(&pick);
    virtual_clock_pass_ms(1100);
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 1);
    cr_assert_eq(state_for(id, model).streak, 1);
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    cr_assert_eq(state_for(id, model).streak, 0);
}

/* What a process that was killed right after its mark has left. */
Test(streak, that_is_not_written_down_yet_counts)
{
    keyshm_id id = add_key(1);
    struct layout_history *history = pool_history(pool, 0, 0);
    set_policy(growing());
    uint64_t before = atomic_load(&history->streak);
    fail_once(id, 1000, 1);
    atomic_store(&history->streak, before);
    cr_assert_eq(state_of(id).streak, 1);
    fail_once(id, 2000, 2);
    uint64_t failed = atomic_load(&history->streak);
    struct keyshm_pick pick = pick_one();
    answer_success(&pick);
    atomic_store(&history->streak, failed);
    cr_assert_eq(state_of(id).streak, 0, "the same of its end");
    fail_once(id, 1000, 1);
}

/* And what one has that was stopped before it, when it goes on. */
Test(streak, of_the_key_before_stays_its_own)
{
    keyshm_id id = add_key(1);
    set_policy(growing());
    fail_once(id, 1000, 1);
    fail_once(id, 2000, 2);
    uint64_t word = atomic_load(&pool->words[0]);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    keyshm_id next = add_key(2);
    struct streak streak;
    cr_assert_not(streak_settle(&pool->words[0], pool_history(pool, 0, 0), word, &streak));
    cr_assert_eq(state_of(next).slot, 0);
    cr_assert_eq(state_of(next).streak, 0);
    fail_once(next, 1000, 1);
}

Test(streak, counts_to_255)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    keyshm_id id = add_key(1);
    policy.cooldown_ms = 10;
    set_policy(policy);
    for (int i = 0; i < 300; i++) {
        struct keyshm_pick pick = pick_one();
        answer_rate_limited(&pick);
        virtual_clock_pass_ms(20);
    }
    cr_assert_eq(state_of(id).streak, 255);
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
}

/* ---- success ---- */

Test(streak, a_success_lifts_nothing)
{
    struct keyshm_pick pick, other;
    keyshm_id id = add_key(1);
    pick = pick_one();
    other = pick_one();
    answer(&other, KEYSHM_INVALID, 0);
    answer_success(&pick);
    cr_assert_eq(state_of(id).status, KEYSHM_INVALID);
    cr_assert_eq(state_of(id).streak, 1, "something bad was marked after that pick");
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    pick = pick_one();
    other = pick_one();
    answer(&other, KEYSHM_RATE_LIMITED, 3600000);
    answer_success(&pick);
    expect_left(id, 3600000);
}

Test(streak, a_success_is_of_a_key_that_is_there)
{
    struct keyshm_pick pick;
    keyshm_id id = add_key(1);
    pick = pick_one();
    cr_assert_eq(keyshm_success(pool, NULL), -EINVAL);
    cr_assert_eq(keyshm_success(NULL, &pick), -EINVAL);
    pick.model = 1;
    cr_assert_eq(keyshm_success(pool, &pick), -EINVAL);
    pick.model = 0;
    keyshm_id group;
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    const struct keyshm_pick of_group = {.id = group};
    cr_assert_eq(keyshm_success(pool, &of_group), -EINVAL);
    cr_assert_eq(keyshm_success(pool, &pick), 0);
    pick.stamp = 0; /* none: it ends nothing */
    cr_assert_eq(keyshm_success(pool, &pick), 0);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    cr_assert_eq(keyshm_success(pool, &pick), -ESTALE);
}

/* A pick whatever the model, and an answer about one: its stamp does not know that word. */
Test(streak, counts_where_the_stamp_says_nothing)
{
    unsigned model;
    keyshm_id id;
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    id = add_key(1);
    set_policy(growing());
    for (unsigned i = 1; i <= 3; i++) {
        struct keyshm_pick pick = pick_one();
        pick.model = model;
        answer_rate_limited(&pick);
        answer_rate_limited(&pick);
        cr_assert_eq(state_for(id, model).streak, i);
        virtual_clock_pass_ms(6000);
    }
}

Test(streak, is_not_used_by_what_is_in_none)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    keyshm_id id = add_key(1);
    set_policy(growing());
    fail_once(id, 1000, 1);
    fail_once(id, 2000, 2);
    mark.status = KEYSHM_RATE_LIMITED;
    mark.reason = KEYSHM_REASON_OPERATOR;
    cr_assert_eq(keyshm_mark(pool, id, &mark), 0);
    expect_left(id, 1000);
}

/* What a process does that was stopped in a mark for a model, while another key came into the slot. */
Test(streak, of_the_key_before_stays_its_own_for_a_model)
{
    unsigned model;
    struct streak streak;
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    keyshm_id id = add_key(1);
    struct keyshm_pick pick = pick_for(model);
    answer_rate_limited(&pick);
    uint64_t word = atomic_load(pool_word(pool, model, 0));
    cr_assert_eq(keyshm_remove(pool, id), 0);
    keyshm_id next = add_key(2);
    cr_assert_not(streak_settle(pool_word(pool, model, 0), pool_history(pool, model, 0), word, &streak));
    cr_assert_eq(state_for(next, model).streak, 0);
    pick = pick_for(model);
    answer_rate_limited(&pick);
    cr_assert_eq(state_for(next, model).streak, 1);
}

/* ---- carried over from elsewhere ---- */

static int raise_by(keyshm_id id, unsigned model, unsigned rate_limits, unsigned invalids, int64_t failed_ago_ms)
{
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    streak.rate_limits = rate_limits;
    streak.invalids = invalids;
    streak.failed_ago_ms = failed_ago_ms;
    return keyshm_raise_streak(pool, id, model, &streak);
}

static void raise_to(keyshm_id id, unsigned model, unsigned rate_limits, unsigned invalids, int64_t failed_ago_ms)
{
    cr_assert_eq(raise_by(id, model, rate_limits, invalids, failed_ago_ms), 0);
}

static struct keyshm_streak streak_of(keyshm_id id, unsigned model)
{
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    cr_assert_eq(keyshm_get_streak(pool, id, model, &streak), 0);
    return streak;
}

static void expect_streak_for(keyshm_id id, unsigned model, unsigned rate_limits, unsigned invalids,
                              int64_t failed_ago_ms)
{
    struct keyshm_streak streak = streak_of(id, model);
    cr_assert(streak.rate_limits == rate_limits && streak.invalids == invalids, "%u and %u", streak.rate_limits,
              streak.invalids);
    cr_assert_eq(streak.failed_ago_ms, failed_ago_ms, "%lld ms ago", (long long)streak.failed_ago_ms);
}

static void expect_streak(keyshm_id id, unsigned rate_limits, unsigned invalids, int64_t failed_ago_ms)
{
    expect_streak_for(id, 0, rate_limits, invalids, failed_ago_ms);
}

Test(streak, that_is_carried_over_goes_on)
{
    keyshm_id id = add_key(1);
    set_policy(growing());
    expect_streak(id, 0, 0, -1);
    raise_to(id, 0, 2, 1, 0);
    expect_streak(id, 2, 1, 0);
    cr_assert_eq(state_of(id).status, KEYSHM_AVAILABLE, "it benches nothing");
    raise_to(id, 0, 2, 1, 0);
    expect_streak(id, 2, 1, 0);
    fail_once(id, 4000, 3);
    expect_streak(id, 3, 1, 4001);
    raise_to(id, 0, 1, 0, 4001); /* it only raises */
    expect_streak(id, 3, 1, 4001);
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
}

Test(streak, that_is_carried_over_is_forgotten_in_time)
{
    struct keyshm_policy policy = growing();
    keyshm_id id = add_key(1);
    policy.streak_forget_ms = 10000;
    set_policy(policy);
    raise_to(id, 0, 3, 0, 4000);
    expect_streak(id, 3, 0, 4000);
    virtual_clock_pass_ms(5999);
    expect_streak(id, 3, 0, 9999);
    virtual_clock_pass_ms(1);
    expect_streak(id, 0, 0, -1);
    raise_to(id, 0, 2, 0, 1000);  /* what is over is not revived */
    raise_to(id, 0, 9, 9, 10000); /* nor does what is forgotten count */
    expect_streak(id, 2, 0, 1000);
    virtual_clock_pass_ms(20000);
    raise_to(id, 0, 5, 5, 15000);
    expect_streak(id, 0, 0, -1);
    fail_once(id, 1000, 1);
}

Test(streak, that_is_carried_over_makes_the_next_mark_final)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    keyshm_id id = add_key(1);
    policy.invalid_after = 3;
    set_policy(policy);
    raise_to(id, 0, 0, 2, 0);
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    cr_assert_eq(state_of(id).status, KEYSHM_INVALID);
    cr_assert_eq(state_of(id).streak, 3);
}

Test(streak, of_groups_and_models_is_carried_over_too)
{
    unsigned model;
    keyshm_id id = add_key(1), group;
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    raise_to(id, model, 4, 0, 0);
    raise_to(group, 0, 0, 255, 0);
    raise_to(group, model, 2, 0, 0);
    expect_streak(id, 0, 0, -1);
    expect_streak_for(id, model, 4, 0, 0);
    expect_streak_for(group, 0, 0, 255, 0);
    expect_streak_for(group, model, 2, 0, 0);
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
}

/* The word of a model that nothing was marked for is free. */
Test(streak, of_a_model_that_is_carried_over_ends_as_any_other)
{
    unsigned model;
    keyshm_id id = add_key(1);
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    mark.model = model;
    raise_to(id, model, 4, 2, 0);
    cr_assert_eq(keyshm_mark(pool, id, &mark), 0, "available");
    expect_streak_for(id, model, 0, 0, -1);
    keyshm_id other = add_key(2);
    raise_to(other, model, 4, 2, 0);
    cr_assert_eq(keyshm_mark_available(pool, other), 0, "whatever the model");
    expect_streak_for(other, model, 0, 0, -1);
    cr_assert_eq(keyshm_remove(pool, other), 0);
    raise_to(id, model, 4, 2, 0);
    struct keyshm_pick pick = pick_for(model);
    answer_success(&pick);
    expect_streak_for(id, model, 0, 0, -1);
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
}

/* Its failures may be from before the pool was made. */
Test(streak, that_is_carried_over_keeps_its_time)
{
    keyshm_id id = add_key(1);
    raise_to(id, 0, 2, 0, 599000);
    expect_streak(id, 2, 0, 599000);
    raise_to(id, 0, 2, 0, 599500);
    expect_streak(id, 2, 0, 599000);
    virtual_clock_pass_ms(999);
    expect_streak(id, 2, 0, 599999);
    virtual_clock_pass_ms(1);
    expect_streak(id, 0, 0, -1);
}

Test(streak, that_is_carried_over_ends_as_any_other)
{
    keyshm_id id = add_key(1);
    struct keyshm_pick pick = pick_one();
    raise_to(id, 0, 4, 2, 0);
    answer_success(&pick);
    expect_streak(id, 0, 0, -1);
    raise_to(id, 0, 4, 2, 0);
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    expect_streak(id, 0, 0, -1);
}

Test(streak, is_not_carried_over_to_what_is_not_there)
{
    keyshm_id id = add_key(1), gone = add_key(2);
    cr_assert_eq(keyshm_remove(pool, gone), 0);
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    cr_assert_eq(raise_by(gone, 0, 1, 0, 0), -ESTALE);
    cr_assert_eq(raise_by(0, 0, 1, 0, 0), -ESTALE);
    cr_assert_eq(keyshm_raise_streak(NULL, id, 0, &streak), -EINVAL);
    cr_assert_eq(keyshm_raise_streak(pool, id, 0, NULL), -EINVAL);
    cr_assert_eq(raise_by(id, 1, 1, 0, 0), -EINVAL);
    cr_assert_eq(raise_by(id, 0, 1, 0, -1), -EINVAL);
    cr_assert_eq(raise_by(id, 0, 0, 0, -2), -EINVAL);
    cr_assert_eq(raise_by(id, 0, 256, 0, 0), -EINVAL);
    cr_assert_eq(raise_by(id, 0, 0, 256, 0), -EINVAL);
    cr_assert_eq(raise_by(id, 0, 1, 0, KEYSHM_DURATION_MAX_MS + 1), -EINVAL);
    cr_assert_eq(keyshm_get_streak(pool, gone, 0, &streak), -ESTALE);
    cr_assert_eq(keyshm_get_streak(pool, id, 1, &streak), -EINVAL);
    cr_assert_eq(keyshm_get_streak(NULL, id, 0, &streak), -EINVAL);
    cr_assert_eq(keyshm_get_streak(pool, id, 0, NULL), -EINVAL);
    raise_to(id, 0, 0, 0, -1);
    streak.size = 0;
    cr_assert_eq(keyshm_get_streak(pool, id, 0, &streak), -EINVAL);
    expect_streak(id, 0, 0, -1);
    raise_to(id, 0, 1, 0, KEYSHM_DURATION_MAX_MS); /* forgotten */
    expect_streak(id, 0, 0, -1);
}
