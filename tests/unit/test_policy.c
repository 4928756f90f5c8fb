/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include "fixture.h"

/* The policy of a pool, and the structs that a caller passes: their defaults and sizes. */

TestSuite(policy, .init = create_pool, .fini = close_pool);

#define SLACK_MS 30000

static struct keyshm_policy get_policy(void)
{
    struct keyshm_policy policy = {.size = sizeof(policy)};
    cr_assert_eq(keyshm_get_policy(pool, &policy), 0);
    return policy;
}

Test(policy, begins_with_the_defaults_and_the_option)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    cr_assert_eq(get_policy().cooldown_ms, 60000);
    cr_assert_eq(get_policy().cooldown_max_ms, 86400000);
    cr_assert_eq(get_policy().size, sizeof(struct keyshm_policy));
    keyshm_close(pool);
    options.default_cooldown_ms = 1234;
    cr_assert_eq(keyshm_create_anonymous(&pool, "test", &options), 0);
    cr_assert_eq(get_policy().cooldown_ms, 1234);
}

Test(policy, counts_for_the_next_mark_and_leaves_the_deadlines_before)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    keyshm_id before = add_key(1), after = add_key(2), forever = add_key(3);
    cr_assert_eq(keyshm_mark_rate_limited(pool, before, KEYSHM_NO_RETRY_AFTER), 0);
    policy.cooldown_ms = 5000000;
    policy.cooldown_max_ms = 4000000;
    cr_assert_eq(keyshm_set_policy(pool, &policy), 0);
    cr_assert_eq(get_policy().cooldown_ms, 5000000);
    cr_assert_eq(keyshm_mark_rate_limited(pool, after, KEYSHM_NO_RETRY_AFTER), 0);
    cr_assert_leq(inspect(before).cooldown_left_ms, 60001);
    int64_t left_ms = inspect(after).cooldown_left_ms;
    cr_assert(left_ms <= 4000001 && left_ms > 4000000 - SLACK_MS, "the longest counts for it, too");
    policy.cooldown_ms = 0;
    cr_assert_eq(keyshm_set_policy(pool, &policy), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, forever, KEYSHM_NO_RETRY_AFTER), 0);
    cr_assert_eq(inspect(forever).cooldown_left_ms, -1);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, after, 10000000), 0);
    cr_assert_gt(inspect(after).cooldown_left_ms, 10000000 - SLACK_MS, "a quota has no such bound");
}

Test(policy, is_an_event_and_part_of_a_snapshot)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    struct keyshm_event_list *events;
    struct keyshm_snapshot *snapshot;
    policy.cooldown_ms = 7;
    cr_assert_eq(keyshm_set_policy(pool, &policy), 0);
    cr_assert_eq(keyshm_events(pool, NULL, &events), 0);
    cr_assert_eq(events->count, 1);
    cr_assert_eq(events->events[0].kind, KEYSHM_EVENT_SETTINGS);
    cr_assert_eq(events->events[0].pid, getpid());
    keyshm_event_list_free(events);
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->policy.cooldown_ms, 7);
    cr_assert_eq(snapshot->policy.cooldown_max_ms, 86400000);
    keyshm_snapshot_free(snapshot);
}

Test(policy, is_checked_and_set_whole_or_not_at_all)
{
    static const int64_t bad[][2] = {
        {-1, 1000}, {KEYSHM_DURATION_MAX_MS + 1, 1000}, {KEYSHM_NO_RETRY_AFTER, 1000}, {1, 0},
        {1, -1},    {1, KEYSHM_DURATION_MAX_MS + 1},    {1, KEYSHM_UNTIL_MARKED}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct keyshm_policy policy = {sizeof(policy), bad[i][0], bad[i][1]};
        cr_assert_eq(keyshm_set_policy(pool, &policy), -EINVAL, "policy %zu", i);
    }
    cr_assert_eq(get_policy().cooldown_ms, 60000);
    cr_assert_eq(get_policy().cooldown_max_ms, 86400000);
    const struct keyshm_policy least = {sizeof(least), 0, 1};
    const struct keyshm_policy most = {sizeof(most), KEYSHM_DURATION_MAX_MS, KEYSHM_DURATION_MAX_MS};
    cr_assert_eq(keyshm_set_policy(pool, &least), 0);
    cr_assert_eq(keyshm_set_policy(pool, &most), 0);
    cr_assert_eq(get_policy().cooldown_max_ms, KEYSHM_DURATION_MAX_MS);
}

Test(policy, of_other_versions)
{
    struct {
        struct keyshm_policy known;
        int64_t later;
    } policy = {.known = {sizeof(policy), 5, 6}};
    cr_assert_eq(keyshm_set_policy(pool, &policy.known), 0);
    policy.later = 1;
    cr_assert_eq(keyshm_set_policy(pool, &policy.known), -E2BIG);
    cr_assert_eq(get_policy().cooldown_ms, 5);

    /* Of an earlier version, which does not know the last field: that stays as it is. */
    policy.known = (struct keyshm_policy){offsetof(struct keyshm_policy, cooldown_max_ms), 3, -1};
    cr_assert_eq(keyshm_set_policy(pool, &policy.known), 0);
    cr_assert_eq(get_policy().cooldown_ms, 3);
    cr_assert_eq(get_policy().cooldown_max_ms, 6);
    policy.known.cooldown_ms = -1;
    cr_assert_eq(keyshm_get_policy(pool, &policy.known), 0);
    cr_assert_eq(policy.known.cooldown_ms, 3);
    cr_assert_eq(policy.known.cooldown_max_ms, -1, "it has no room for it");
    policy.known.size = sizeof(policy);
    cr_assert_eq(keyshm_get_policy(pool, &policy.known), 0);
    cr_assert_eq(policy.later, 1, "nor is there anything to write");
    policy.known.size = 0;
    cr_assert_eq(keyshm_set_policy(pool, &policy.known), -EINVAL);
    cr_assert_eq(keyshm_get_policy(pool, &policy.known), -EINVAL);
    cr_assert_eq(keyshm_get_policy(NULL, &policy.known), -EINVAL);
    cr_assert_eq(keyshm_get_policy(pool, NULL), -EINVAL);
    cr_assert_eq(keyshm_set_policy(pool, NULL), -EINVAL);
    cr_assert_eq(keyshm_set_policy(NULL, &policy.known), -EINVAL);
}

Test(policy, that_was_written_over_is_read_within_its_limits)
{
    atomic_store(&pool->header->policy.cooldown_ms, -5);
    atomic_store(&pool->header->policy.cooldown_max_ms, INT64_MAX);
    cr_assert_eq(get_policy().cooldown_ms, 0);
    cr_assert_eq(get_policy().cooldown_max_ms, KEYSHM_DURATION_MAX_MS);
    atomic_store(&pool->header->policy.cooldown_ms, INT64_MAX);
    atomic_store(&pool->header->policy.cooldown_max_ms, 0);
    cr_assert_eq(get_policy().cooldown_ms, KEYSHM_DURATION_MAX_MS);
    cr_assert_eq(get_policy().cooldown_max_ms, 1);
}

/* ---- the init functions ---- */

/* The function does what the macro does, with a struct that is smaller, as large, or larger than the one that the
 * library knows. */
#define EXPECT_INIT(type, init, macro)                                                            \
    do {                                                                                          \
        static const struct type known = macro;                                                   \
        unsigned char bytes[sizeof(known) + 16], expected[sizeof(bytes)];                         \
        for (size_t size = 0; size <= sizeof(bytes) - 8; size++) {                                \
            memset(bytes, 0x55, sizeof(bytes));                                                   \
            memset(expected, 0x55, sizeof(bytes));                                                \
            memset(expected, 0, size);                                                            \
            memcpy(expected, &known, size < sizeof(known) ? size : sizeof(known));                \
            if (size >= sizeof(size))                                                             \
                memcpy(expected, &size, sizeof(size));                                            \
            init((struct type *)(void *)bytes, size);                                             \
            cr_assert_eq(memcmp(bytes, expected, sizeof(bytes)), 0, #type " of %zu bytes", size); \
        }                                                                                         \
    } while (0)

Test(policy, structs_of_every_size_are_filled_with_their_defaults)
{
    EXPECT_INIT(keyshm_options, keyshm_options_init, KEYSHM_OPTIONS_INIT);
    EXPECT_INIT(keyshm_mark, keyshm_mark_init, KEYSHM_MARK_INIT);
    EXPECT_INIT(keyshm_policy, keyshm_policy_init, KEYSHM_POLICY_INIT);
    EXPECT_INIT(keyshm_replaced, keyshm_replaced_init, KEYSHM_REPLACED_INIT);
}

Test(policy, what_an_init_function_makes_is_accepted_whatever_its_size)
{
    union {
        struct keyshm_options options;
        struct keyshm_mark mark;
        struct keyshm_policy policy;
        unsigned char bytes[256];
    } made;
    keyshm_id id = add_key(1);
    keyshm_pool *other;
    for (size_t size = 16; size <= sizeof(made); size += 8) {
        keyshm_mark_init(&made.mark, size);
        cr_assert_eq(keyshm_mark(pool, id, &made.mark), 0);
        keyshm_policy_init(&made.policy, size);
        cr_assert_eq(keyshm_set_policy(pool, &made.policy), 0);
        keyshm_options_init(&made.options, size);
        cr_assert_eq(keyshm_create_anonymous(&other, "sizes", &made.options), 0);
        keyshm_close(other);
    }
}
