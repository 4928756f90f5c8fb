/* SPDX-License-Identifier: MIT */
#include "policy.h"

#include "fixture.h"

#include <limits.h>

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

/* Each field, and its range. */
static const struct field {
    size_t offset;
    bool is_unsigned;
    int64_t first; /* its default */
    int64_t least, most;
    int64_t bad[3]; /* beside least - 1 and most + 1 */
    int64_t also;   /* is allowed beside the range */
} fields[] = {
    {offsetof(struct keyshm_policy, cooldown_ms),
     false,
     60000,
     0,
     KEYSHM_DURATION_MAX_MS,
     {KEYSHM_NO_RETRY_AFTER, KEYSHM_UNTIL_MARKED, INT64_MIN},
     0},
    {offsetof(struct keyshm_policy, cooldown_max_ms),
     false,
     86400000,
     1,
     KEYSHM_DURATION_MAX_MS,
     {KEYSHM_NO_RETRY_AFTER, KEYSHM_UNTIL_MARKED, -1},
     1},
    {offsetof(struct keyshm_policy, streak_forget_ms),
     false,
     600000,
     1,
     KEYSHM_DURATION_MAX_MS,
     {KEYSHM_NO_RETRY_AFTER, KEYSHM_UNTIL_MARKED, -1},
     1},
    {offsetof(struct keyshm_policy, invalid_retry_ms),
     false,
     KEYSHM_UNTIL_MARKED,
     1,
     KEYSHM_DURATION_MAX_MS,
     {KEYSHM_NO_RETRY_AFTER, -1, KEYSHM_UNTIL_MARKED - 1},
     KEYSHM_UNTIL_MARKED},
    {offsetof(struct keyshm_policy, quota_retry_ms),
     false,
     KEYSHM_UNTIL_MARKED,
     1,
     KEYSHM_DURATION_MAX_MS,
     {KEYSHM_NO_RETRY_AFTER, -1, KEYSHM_UNTIL_MARKED + 1},
     KEYSHM_UNTIL_MARKED},
    {offsetof(struct keyshm_policy, probe_ms),
     false,
     0,
     0,
     KEYSHM_DURATION_MAX_MS,
     {KEYSHM_NO_RETRY_AFTER, KEYSHM_UNTIL_MARKED, INT64_MAX},
     0},
    {offsetof(struct keyshm_policy, lease_max_ms),
     false,
     600000,
     1000,
     KEYSHM_DURATION_MAX_MS,
     {1, -1, KEYSHM_UNTIL_MARKED},
     0},
    {offsetof(struct keyshm_policy, cooldown_growth_percent), true, 100, 100, 1000, {0, 1, UINT_MAX}, 100},
    {offsetof(struct keyshm_policy, invalid_after), true, 1, 1, 255, {0, 65536, UINT_MAX}, 1},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static void put(struct keyshm_policy *policy, const struct field *field, int64_t value)
{
    unsigned number = (unsigned)value;
    memcpy((char *)policy + field->offset, field->is_unsigned ? (void *)&number : (void *)&value,
           field->is_unsigned ? sizeof(number) : sizeof(value));
}

static int64_t value_of(const struct keyshm_policy *policy, const struct field *field)
{
    unsigned number;
    int64_t value;
    memcpy(&number, (const char *)policy + field->offset, sizeof(number));
    if (field->is_unsigned)
        return number;
    memcpy(&value, (const char *)policy + field->offset, sizeof(value));
    return value;
}

Test(policy, every_field_has_its_default_and_its_range)
{
    for (size_t i = 0; i < FIELDS; i++) {
        const struct field *field = &fields[i];
        const int64_t good[] = {field->least, field->most, field->also};
        struct keyshm_policy policy = KEYSHM_POLICY_INIT, known = get_policy();
        cr_assert_eq(value_of(&known, field), field->first, "field %zu", i);
        for (size_t j = 0; j < 3; j++) {
            put(&policy, field, good[j]);
            cr_assert_eq(keyshm_set_policy(pool, &policy), 0, "field %zu: %lld", i, (long long)good[j]);
            known = get_policy();
            cr_assert_eq(value_of(&known, field), good[j]);
        }
        policy = (struct keyshm_policy)KEYSHM_POLICY_INIT;
        cr_assert_eq(keyshm_set_policy(pool, &policy), 0);
    }
}

Test(policy, is_checked_and_set_whole_or_not_at_all)
{
    for (size_t i = 0; i < FIELDS; i++) {
        const struct field *field = &fields[i];
        const int64_t bad[] = {field->bad[0], field->bad[1], field->bad[2], field->most + 1,
                               field->least - 1 == field->also ? field->bad[0] : field->least - 1};
        for (size_t j = 0; j < 5; j++) {
            struct keyshm_policy policy = KEYSHM_POLICY_INIT, known;
            policy.cooldown_ms = i == 0 ? policy.cooldown_ms : 5;
            put(&policy, field, bad[j]);
            cr_assert_eq(keyshm_set_policy(pool, &policy), -EINVAL, "field %zu: %lld", i, (long long)bad[j]);
            known = get_policy();
            cr_assert_eq(value_of(&known, field), field->first);
            cr_assert_eq(known.cooldown_ms, 60000);
        }
    }
}

Test(policy, of_other_versions)
{
    struct {
        struct keyshm_policy known;
        int64_t later;
    } policy = {.known = KEYSHM_POLICY_INIT};
    policy.known.size = sizeof(policy);
    policy.known.cooldown_ms = 5;
    policy.known.cooldown_max_ms = 6;
    cr_assert_eq(keyshm_set_policy(pool, &policy.known), 0);
    policy.later = 1;
    cr_assert_eq(keyshm_set_policy(pool, &policy.known), -E2BIG);
    cr_assert_eq(get_policy().cooldown_ms, 5);

    /* Of an earlier version, which does not know what comes after the first field: that stays as it is. */
    policy.known = (struct keyshm_policy){
        .size = offsetof(struct keyshm_policy, cooldown_max_ms), .cooldown_ms = 3, .cooldown_max_ms = -1};
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
    atomic_store(&pool->header->policy.invalid_retry_ms, INT64_MAX);
    atomic_store(&pool->header->policy.cooldown_growth_percent, 5000);
    atomic_store(&pool->header->policy.invalid_after, 0);
    cr_assert_eq(get_policy().invalid_retry_ms, KEYSHM_DURATION_MAX_MS);
    cr_assert_eq(get_policy().cooldown_growth_percent, 1000);
    cr_assert_eq(get_policy().invalid_after, 1);
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
