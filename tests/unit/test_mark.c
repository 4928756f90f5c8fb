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
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, other, KEYSHM_NO_RETRY_AFTER), 0);
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
                     : i == 2 ? keyshm_mark_quota_exceeded(pool, id, KEYSHM_UNTIL_MARKED)
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
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, KEYSHM_UNTIL_MARKED), 0);
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

Test(mark, a_moment_that_has_passed_is_counted_and_changes_nothing)
{
    static const int64_t past[] = {
        -1, -2, -3000, KEYSHM_NO_RETRY_AFTER + 1, KEYSHM_NO_RETRY_AFTER - 1, -KEYSHM_UNTIL_MARKED - 1, INT64_MIN, 0};
    enum { PAST_COUNT = sizeof(past) / sizeof(past[0]) };
    keyshm_id id = add_key(1), benched = add_key(2);
    cr_assert_eq(keyshm_mark_rate_limited(pool, benched, 90000), 0);
    for (size_t i = 0; i < PAST_COUNT; i++) {
        cr_assert_eq(keyshm_mark_rate_limited(pool, id, past[i]), 0);
        cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, past[i]), 0);
        cr_assert_eq(keyshm_mark_quota_exceeded(pool, benched, past[i]), 0);
    }
    cr_assert_eq(keyshm_is_available(pool, id), 1);
    cr_assert_eq(inspect(id).marked[KEYSHM_RATE_LIMITED], PAST_COUNT);
    cr_assert_eq(inspect(id).marked[KEYSHM_QUOTA_EXCEEDED], PAST_COUNT);
    cr_assert_eq(inspect(benched).status, KEYSHM_RATE_LIMITED);
    expect_left(benched, 90000);
}

Test(mark, a_duration_that_is_too_long_is_the_longest)
{
    static const int64_t long_ms[] = {KEYSHM_DURATION_MAX_MS + 1, INT64_C(1754006400000000), KEYSHM_UNTIL_MARKED - 1,
                                      KEYSHM_UNTIL_MARKED + 1, INT64_MAX};
    for (size_t i = 0; i < sizeof(long_ms) / sizeof(long_ms[0]); i++) {
        keyshm_id id = add_key(1);
        cr_assert_eq(keyshm_mark_rate_limited(pool, id, long_ms[i]), 0);
        expect_left(id, 86400000);
        cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, long_ms[i]), 0);
        expect_left(id, KEYSHM_DURATION_MAX_MS);
        cr_assert_eq(keyshm_remove(pool, id), 0);
    }
}

Test(mark, until_marked_has_no_end)
{
    keyshm_id ids[3];
    add_keys(ids, 3);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[0], KEYSHM_UNTIL_MARKED), 0);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, ids[1], KEYSHM_UNTIL_MARKED), 0);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, ids[2], KEYSHM_NO_RETRY_AFTER), 0);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(inspect(ids[i]).cooldown_left_ms, -1);
    cr_assert_eq(inspect(ids[0]).status, KEYSHM_RATE_LIMITED);
    cr_assert_eq(keyshm_next_available_ms(pool), -1);
}

Test(mark, one_key_s_mark_leaves_the_others_alone)
{
    keyshm_id ids[8];
    add_keys(ids, 8);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[3]), 0);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(keyshm_is_available(pool, ids[i]), i != 3);
}

/* ---- keyshm_mark() ---- */

static struct keyshm_mark mark_of(enum keyshm_status status, enum keyshm_reason reason, int64_t duration_ms)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = status;
    mark.reason = reason;
    mark.duration_ms = duration_ms;
    return mark;
}

static void expect_mark(keyshm_id id, struct keyshm_mark mark)
{
    cr_assert_eq(keyshm_mark(pool, id, &mark), 0);
}

Test(mark, has_a_reason)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(inspect(id).reason, KEYSHM_REASON_NONE);
    for (int reason = 0; reason < KEYSHM_REASON_COUNT; reason++) {
        expect_mark(id, mark_of(KEYSHM_RATE_LIMITED, (enum keyshm_reason)reason, 60000));
        cr_assert_eq((int)inspect(id).reason, reason);
        cr_assert_eq(inspect(id).benched_by, KEYSHM_BY_KEY);
        cr_assert_eq(keyshm_mark_available(pool, id), 0);
        cr_assert_eq(inspect(id).reason, KEYSHM_REASON_NONE);
    }
    expect_mark(id, mark_of(KEYSHM_AVAILABLE, KEYSHM_REASON_OPERATOR, 60000));
    cr_assert_eq(inspect(id).reason, KEYSHM_REASON_NONE, "ignored");
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 60000), 0);
    cr_assert_eq(inspect(id).reason, KEYSHM_REASON_RATE_LIMIT);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, 60000), 0);
    cr_assert_eq(inspect(id).reason, KEYSHM_REASON_QUOTA);
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    cr_assert_eq(inspect(id).reason, KEYSHM_REASON_AUTHENTICATION);
}

Test(mark, reasons_join_with_the_status_whatever_the_order)
{
    const struct keyshm_mark marks[] = {
        mark_of(KEYSHM_RATE_LIMITED, KEYSHM_REASON_OPERATOR, 900000),
        mark_of(KEYSHM_QUOTA_EXCEEDED, KEYSHM_REASON_PEER, 300000),
        mark_of(KEYSHM_QUOTA_EXCEEDED, KEYSHM_REASON_BILLING, 100000),
    };
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    keyshm_id id = add_key(1);
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        for (int at = 0; at < 3; at++)
            expect_mark(id, marks[orders[i][at]]);
        cr_assert_eq(inspect(id).status, KEYSHM_QUOTA_EXCEEDED);
        cr_assert_eq(inspect(id).reason, KEYSHM_REASON_BILLING, "the later of those for the higher status");
        expect_left(id, 900000);
        cr_assert_eq(keyshm_mark_available(pool, id), 0);
    }
}

static uint64_t stamp_of_next_pick(void)
{
    struct keyshm_pick pick;
    cr_assert_eq(keyshm_next(pool, &pick), 0);
    cr_assert_neq(pick.stamp, 0, "0 is not known");
    return pick.stamp;
}

Test(mark, available_with_a_stamp_does_nothing_if_something_bad_was_marked_since)
{
    keyshm_id id = add_key(1);
    struct keyshm_mark available = KEYSHM_MARK_INIT;
    available.stamp = stamp_of_next_pick();
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 600000), 0);
    expect_mark(id, available);
    cr_assert_eq(keyshm_is_available(pool, id), 0, "that answer is older");
    cr_assert_eq(inspect(id).marked[KEYSHM_AVAILABLE], 1, "but it is counted");
    available.stamp = 0;
    expect_mark(id, available);
    cr_assert_eq(keyshm_is_available(pool, id), 1, "without a stamp it is the newest");

    /* Of two picks, the first is answered by a short cooldown; when that is over, the second by success. */
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 1), 0);
    while (keyshm_is_available(pool, id) == 0)
        sleep_ms(1);
    available.stamp = stamp_of_next_pick();
    expect_mark(id, available);
    cr_assert_eq(inspect(id).marked[KEYSHM_AVAILABLE], 3);
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 0, "the bench was lifted by the mark");
}

Test(mark, a_stamp_matters_to_available_only)
{
    keyshm_id id = add_key(1);
    struct keyshm_mark limited = mark_of(KEYSHM_RATE_LIMITED, KEYSHM_REASON_TIMEOUT, 600000);
    limited.stamp = stamp_of_next_pick();
    expect_mark(id, mark_of(KEYSHM_RATE_LIMITED, KEYSHM_REASON_PEER, 1000));
    expect_mark(id, limited);
    cr_assert_eq(inspect(id).reason, KEYSHM_REASON_TIMEOUT);
    expect_left(id, 600000);
}

/* A repeated mark leaves the state as it is, and outdates the picks before it all the same. */
Test(mark, a_stamp_notices_a_mark_that_changed_nothing)
{
    keyshm_id id = add_key(1);
    struct keyshm_mark available = KEYSHM_MARK_INIT;
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    struct keyshm_pick pick;
    cr_assert_eq(keyshm_get(pool, id, &pick), 0);
    available.stamp = pick.stamp;
    cr_assert_neq(available.stamp, 0);
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    expect_mark(id, available);
    cr_assert_eq(inspect(id).status, KEYSHM_INVALID);
    cr_assert_eq(keyshm_get(pool, id, &pick), 0);
    available.stamp = pick.stamp;
    expect_mark(id, available);
    cr_assert_eq(inspect(id).status, KEYSHM_AVAILABLE);
}

Test(mark, fields_are_checked)
{
    keyshm_id id = add_key(1);
    struct keyshm_mark good = mark_of(KEYSHM_RATE_LIMITED, KEYSHM_REASON_RATE_LIMIT, 1000), bad;
#define TRY(field, value, expected)                            \
    do {                                                       \
        bad = good;                                            \
        bad.field = (value);                                   \
        cr_assert_eq(keyshm_mark(pool, id, &bad), (expected)); \
    } while (0)
    TRY(status, (enum keyshm_status)KEYSHM_STATUS_COUNT, -EINVAL);
    TRY(status, (enum keyshm_status) - 1, -EINVAL);
    TRY(reason, (enum keyshm_reason)KEYSHM_REASON_COUNT, -EINVAL);
    TRY(reason, (enum keyshm_reason) - 1, -EINVAL);
    TRY(scope, (enum keyshm_scope)2, -EINVAL);
    TRY(model, 1, -EINVAL);
    TRY(size, 0, -EINVAL);
    TRY(size, SIZE_MAX, -EINVAL);
#undef TRY
    cr_assert_eq(keyshm_mark(pool, id, NULL), -EINVAL);
    cr_assert_eq(keyshm_mark(NULL, id, &good), -EINVAL);
    cr_assert_eq(keyshm_mark(pool, id + 1, &good), -ESTALE);
    cr_assert_eq(keyshm_is_available(pool, id), 1);
    good.scope = KEYSHM_SCOPE_GROUP;
    expect_mark(id, good);
    cr_assert_eq(inspect(id).status, KEYSHM_RATE_LIMITED, "of a key without a group, that is the key");
}

Test(mark, structs_of_other_versions)
{
    struct {
        struct keyshm_mark known;
        uint64_t later;
    } mark = {.known = mark_of(KEYSHM_RATE_LIMITED, KEYSHM_REASON_OPERATOR, 60000), .later = 1};
    keyshm_id id = add_key(1);
    mark.known.size = sizeof(mark);
    cr_assert_eq(keyshm_mark(pool, id, &mark.known), -E2BIG);
    mark.later = 0;
    cr_assert_eq(keyshm_mark(pool, id, &mark.known), 0);
    cr_assert_eq(inspect(id).reason, KEYSHM_REASON_OPERATOR);
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    mark.known.size = offsetof(struct keyshm_mark, model);
    cr_assert_eq(keyshm_mark(pool, id, &mark.known), 0);
    cr_assert_eq(inspect(id).status, KEYSHM_RATE_LIMITED);
    cr_assert_eq(inspect(id).reason, KEYSHM_REASON_NONE, "a field that the caller does not know has its default");
}
