/* SPDX-License-Identifier: MIT */
#include "fixture.h"

/*
 * Marks join: all orders of the same three marks end in the same status, reason and deadline, for a key, its group, and
 * models of either. Exhaustive, over every combination of these marks and of what they are about.
 */

TestSuite(orders, .init = create_pool, .fini = close_pool);

/* In hours, so that a test which takes minutes still tells them apart. */
#define HOUR_MS (INT64_C(60) * 60 * 1000)
#define UNTIL_MARKED 1000

/* Of each status several reasons and ends: some say more by the one, some by the other. */
static const struct {
    enum keyshm_status status;
    enum keyshm_reason reason;
    int hours;
} kinds[] = {
    {KEYSHM_RATE_LIMITED, KEYSHM_REASON_RATE_LIMIT, 0}, /* over: it changes nothing */
    {KEYSHM_RATE_LIMITED, KEYSHM_REASON_OPERATOR, 1},
    {KEYSHM_RATE_LIMITED, KEYSHM_REASON_NONE, 3},
    {KEYSHM_RATE_LIMITED, KEYSHM_REASON_TIMEOUT, UNTIL_MARKED},
    {KEYSHM_QUOTA_EXCEEDED, KEYSHM_REASON_BILLING, 1},
    {KEYSHM_QUOTA_EXCEEDED, KEYSHM_REASON_QUOTA, 2},
    {KEYSHM_INVALID, KEYSHM_REASON_PERMISSION, UNTIL_MARKED},
    {KEYSHM_INVALID, KEYSHM_REASON_AUTHENTICATION, UNTIL_MARKED},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What a mark is about: one of the four words of the first key, for model 1, or a word that is none of them. */
static const struct target {
    enum { FIRST_KEY, SECOND_KEY, GROUP } of;
    enum keyshm_scope scope;
    unsigned model;
    unsigned word; /* a bit KEYSHM_BY_...; 0: none of the four */
} targets[] = {
    {FIRST_KEY, KEYSHM_SCOPE_KEY, 0, KEYSHM_BY_KEY},
    {FIRST_KEY, KEYSHM_SCOPE_KEY, 1, KEYSHM_BY_KEY_MODEL},
    {FIRST_KEY, KEYSHM_SCOPE_GROUP, 0, KEYSHM_BY_GROUP},
    {SECOND_KEY, KEYSHM_SCOPE_GROUP, 1, KEYSHM_BY_GROUP_MODEL},
    {GROUP, KEYSHM_SCOPE_KEY, 1, KEYSHM_BY_GROUP_MODEL},
    {FIRST_KEY, KEYSHM_SCOPE_KEY, 2, 0},
    {SECOND_KEY, KEYSHM_SCOPE_KEY, 1, 0},
};
#define TARGETS (sizeof(targets) / sizeof(targets[0]))
#define MARKS (KINDS * TARGETS)

/* By enum of targets: the ids of two keys in a group, and of the group. */
static keyshm_id ids[3];

static void make_subjects(void)
{
    unsigned model;
    cr_assert_eq(keyshm_group(pool, "group", &ids[GROUP]), 0);
    cr_assert_eq(keyshm_add_to_group(pool, key_text(1), ids[GROUP], &ids[FIRST_KEY]), 0);
    cr_assert_eq(keyshm_add_to_group(pool, key_text(2), ids[GROUP], &ids[SECOND_KEY]), 0);
    cr_assert_eq(keyshm_model(pool, "one", &model), 0);
    cr_assert_eq(keyshm_model(pool, "two", &model), 0);
}

static void make_mark(size_t number)
{
    const struct target *target = &targets[number / KINDS];
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = kinds[number % KINDS].status;
    mark.reason = kinds[number % KINDS].reason;
    mark.duration_ms =
        kinds[number % KINDS].hours == UNTIL_MARKED ? KEYSHM_UNTIL_MARKED : kinds[number % KINDS].hours * HOUR_MS;
    mark.scope = target->scope;
    mark.model = target->model;
    cr_assert_eq(keyshm_mark(pool, ids[target->of], &mark), 0);
}

static void lift_all(void)
{
    for (int i = 0; i < 3; i++)
        cr_assert_eq(keyshm_mark_available(pool, ids[i]), 0);
}

/* What is known of the first key, for model 1. */
struct known {
    unsigned benched_by;
    unsigned weight; /* status and reason, as one number */
    int hours;
};

static bool is_same(struct known a, struct known b)
{
    return a.benched_by == b.benched_by && a.weight == b.weight && a.hours == b.hours;
}

/* As the marks say, whatever their order: the most of each. */
static struct known expect(const size_t *marks)
{
    struct known expected = {.benched_by = 0};
    for (int i = 0; i < 3; i++) {
        size_t kind = marks[i] % KINDS;
        unsigned word = targets[marks[i] / KINDS].word;
        unsigned weight = (unsigned)kinds[kind].status * KEYSHM_REASON_COUNT + (unsigned)kinds[kind].reason;
        if (word == 0 || kinds[kind].hours == 0)
            continue;
        expected.benched_by |= word;
        expected.weight = weight > expected.weight ? weight : expected.weight;
        expected.hours = kinds[kind].hours > expected.hours ? kinds[kind].hours : expected.hours;
    }
    return expected;
}

static struct known look(void)
{
    struct keyshm_key_snapshot key;
    cr_assert_eq(keyshm_inspect(pool, ids[FIRST_KEY], 1, sizeof(key), &key), 0);
    return (struct known){
        .benched_by = key.benched_by,
        .weight = (unsigned)key.status * KEYSHM_REASON_COUNT + (unsigned)key.reason,
        .hours = key.cooldown_left_ms < 0 ? UNTIL_MARKED : (int)((key.cooldown_left_ms + HOUR_MS / 2) / HOUR_MS),
    };
}

static void try_all_orders(const size_t *marks)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct known expected = expect(marks);
    for (int order = 0; order < 6; order++) {
        for (int i = 0; i < 3; i++)
            make_mark(marks[orders[order][i]]);
        struct known known = look();
        cr_assert(is_same(known, expected),
                  "marks %zu, %zu, %zu in order %d: benched by %u, weight %u, %d h; not %u, %u, %d h", marks[0], marks[1],
                  marks[2], order, known.benched_by, known.weight, known.hours, expected.benched_by, expected.weight,
                  expected.hours);
        cr_assert_eq(keyshm_is_available_for(pool, ids[FIRST_KEY], 1), expected.benched_by == 0);
        lift_all();
        cr_assert_eq(look().benched_by, 0);
    }
}

Test(orders, of_three_marks_do_not_matter)
{
    make_subjects();
    for (size_t a = 0; a < MARKS; a++)
        for (size_t b = a; b < MARKS; b++)
            for (size_t c = b; c < MARKS; c++)
                try_all_orders((const size_t[]){a, b, c});
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
}
