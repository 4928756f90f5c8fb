/* SPDX-License-Identifier: MIT */
#include "fixture.h"

TestSuite(mark, .init = create_pool, .fini = close_pool);

/* Generous: a test machine may stall for seconds, but never runs ahead. */
#define SLACK_MS 30000

static void expect_left(keyshm_id id, int64_t expected_ms)
{
    int64_t left_ms = inspect(id).cooldown_left_ms;
    cr_assert(left_ms > expected_ms - SLACK_MS && left_ms <= expected_ms + 1, "%lld ms left, expected %lld",
              (long long)left_ms, (long long)expected_ms);
}

Test(mark, rate_limited_with_a_retry_after)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 120000), 0);
    struct keyshm_key_snapshot key = inspect(id);
    cr_assert_eq(key.status, KEYSHM_RATE_LIMITED);
    cr_assert_eq(key.marked[KEYSHM_RATE_LIMITED], 1);
    cr_assert_eq(key.error_count, 0);
    expect_left(id, 120000);
    cr_assert_eq(keyshm_is_available(pool, id), 0);
}

Test(mark, rate_limited_without_one_takes_the_default)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, KEYSHM_NO_RETRY_AFTER), 0);
    expect_left(id, 60000);
}

Test(mark, a_default_of_zero_waits_to_be_marked_available)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.default_cooldown_ms = 0;
    keyshm_close(pool);
    cr_assert_eq(keyshm_create_anonymous(&pool, "zero", &options), 0);
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, KEYSHM_NO_RETRY_AFTER), 0);
    cr_assert_eq(inspect(id).status, KEYSHM_RATE_LIMITED);
    cr_assert_eq(inspect(id).cooldown_left_ms, -1);
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    cr_assert_eq(keyshm_is_available(pool, id), 1);
}

Test(mark, a_retry_after_of_zero_is_available_at_once)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 0), 0);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, 0), 0);
    cr_assert_eq(keyshm_is_available(pool, id), 1);
    cr_assert_eq(pick_id(), id);
    struct keyshm_key_snapshot key = inspect(id);
    cr_assert_eq(key.marked[KEYSHM_RATE_LIMITED], 1, "but it is counted");
    cr_assert_eq(key.marked[KEYSHM_QUOTA_EXCEEDED], 1);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 90000), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 0), 0);
    expect_left(id, 90000);
}

Test(mark, quota_exceeded_with_and_without_a_reset_time)
{
    keyshm_id id = add_key(1), other = add_key(2);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, 3600000), 0);
    cr_assert_eq(inspect(id).status, KEYSHM_QUOTA_EXCEEDED);
    expect_left(id, 3600000);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, other, -1), 0);
    cr_assert_eq(inspect(other).status, KEYSHM_QUOTA_EXCEEDED);
    cr_assert_eq(inspect(other).cooldown_left_ms, -1);
    cr_assert_eq(inspect(other).marked[KEYSHM_QUOTA_EXCEEDED], 1);
    cr_assert_eq(keyshm_is_available(pool, other), 0);
}

Test(mark, invalid_counts_as_an_error)
{
    keyshm_id id = add_key(1);
    for (uint64_t i = 1; i <= 3; i++) {
        cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
        cr_assert_eq(inspect(id).error_count, i);
        cr_assert_eq(inspect(id).marked[KEYSHM_INVALID], i);
    }
    cr_assert_eq(inspect(id).status, KEYSHM_INVALID);
    cr_assert_eq(inspect(id).cooldown_left_ms, -1);
    cr_assert_eq(keyshm_is_available(pool, id), 0);
}

Test(mark, available_ends_everything)
{
    keyshm_id id = add_key(1);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(i == 0   ? 0
                     : i == 1 ? keyshm_mark_rate_limited(pool, id, 60000)
                     : i == 2 ? keyshm_mark_quota_exceeded(pool, id, -1)
                              : keyshm_mark_invalid(pool, id),
                     0);
        cr_assert_eq(keyshm_mark_available(pool, id), 0);
        cr_assert_eq(keyshm_is_available(pool, id), 1);
        cr_assert_eq(inspect(id).status, KEYSHM_AVAILABLE);
        cr_assert_eq(inspect(id).cooldown_left_ms, 0);
        cr_assert_eq(pick_id(), id, "and it is picked");
    }
    cr_assert_eq(inspect(id).marked[KEYSHM_AVAILABLE], 4);
    cr_assert_eq(inspect(id).error_count, 1, "history stays");
}

Test(mark, a_stale_mark_never_weakens)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 600000), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 100000), 0, "a shorter one");
    expect_left(id, 600000);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 900000), 0, "a longer one");
    expect_left(id, 900000);

    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, 300000), 0, "a higher status, a shorter wait");
    cr_assert_eq(inspect(id).status, KEYSHM_QUOTA_EXCEEDED);
    expect_left(id, 900000);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 100000), 0, "a lower status");
    cr_assert_eq(inspect(id).status, KEYSHM_QUOTA_EXCEEDED);
    expect_left(id, 900000);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, -1), 0);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, 1), 0);
    cr_assert_eq(inspect(id).cooldown_left_ms, -1);

    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 1), 0, "a late 429 cannot make an invalid key rate limited");
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, 1), 0);
    sleep_ms(20);
    cr_assert_eq(inspect(id).status, KEYSHM_INVALID);
    cr_assert_eq(keyshm_is_available(pool, id), 0);
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 0);
    cr_assert_eq(inspect(id).marked[KEYSHM_RATE_LIMITED], 5, "a stale mark is still counted");
}

Test(mark, durations_out_of_bounds_change_nothing)
{
    static const int64_t bad[] = {-2, INT64_MIN, KEYSHM_DURATION_MAX_MS + 1, INT64_MAX};
    keyshm_id id = add_key(1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(keyshm_mark_rate_limited(pool, id, bad[i]), -EINVAL);
        cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, bad[i]), -EINVAL);
    }
    cr_assert_eq(keyshm_is_available(pool, id), 1);
    cr_assert_eq(inspect(id).marked[KEYSHM_RATE_LIMITED], 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, KEYSHM_DURATION_MAX_MS), 0);
    expect_left(id, KEYSHM_DURATION_MAX_MS);
}

Test(mark, one_key_s_mark_leaves_the_others_alone)
{
    keyshm_id ids[8];
    add_keys(ids, 8);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[3]), 0);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(keyshm_is_available(pool, ids[i]), i != 3);
}
