/* SPDX-License-Identifier: MIT */
#include "order.h"

#include "fixture.h"
#include "for_model.h"
#include "random.h"

/* A key has as many turns as its weight says, whatever the others weigh and whichever of them are available. */

TestSuite(weight, .init = create_pool, .fini = close_pool);

enum { KEYS_MAX = 200 };

static keyshm_id ids[KEYS_MAX];
static unsigned weights[KEYS_MAX], counts[KEYS_MAX];
static bool is_out[KEYS_MAX];
static uint64_t random_state = 20261130;

static unsigned random_below(unsigned limit)
{
    return limit != 0 ? (unsigned)(random_next(&random_state) >> 33) % limit : 0;
}

static void set_weight(keyshm_id id, unsigned weight)
{
    cr_assert_eq(keyshm_set_weight(pool, id, weight), 0);
}

static void add_keys_of(const unsigned *of_each, int count)
{
    add_keys(ids, count);
    for (int i = 0; i < count; i++)
        set_weight(ids[i], of_each[i]);
}

Test(weight, spreads_the_turns)
{
    const unsigned of_each[] = {2, 1};
    add_keys_of(of_each, 2);
    for (int i = 0; i < 5; i++)
        expect_order(ids, "010");
}

Test(weight, of_five_is_not_five_in_a_row)
{
    const unsigned of_each[] = {5, 1, 1};
    add_keys_of(of_each, 3);
    for (int i = 0; i < 5; i++)
        expect_order(ids, "0001200");
}

Test(weight, of_all_keys_alike_is_none)
{
    add_keys(ids, 4);
    for (unsigned weight = 1; weight <= KEYSHM_WEIGHT_MAX; weight++) {
        for (int i = 0; i < 4; i++)
            set_weight(ids[i], weight);
        cr_assert(!order_matters(order_in_use(pool)));
        expect_order(ids, "01230123");
    }
}

Test(weight, of_a_new_key_is_one)
{
    keyshm_id id = add_key(1);
    set_weight(id, 7);
    cr_assert_eq(inspect(id).weight, 7);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    cr_assert_eq(inspect(add_key(1)).weight, 1);
}

Test(weight, counts_among_the_keys_of_its_priority)
{
    const unsigned of_each[] = {1, 2, 15, 3};
    add_keys_of(of_each, 4);
    cr_assert_eq(keyshm_set_priority(pool, ids[2], 1), 0);
    cr_assert_eq(keyshm_set_priority(pool, ids[3], 1), 0);
    for (int i = 0; i < 30; i++)
        counts[pick_id() & 0xffffff]++;
    cr_assert_eq(counts[0], 10);
    cr_assert_eq(counts[1], 20);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[0]), 0);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[1]), 0);
    for (int i = 0; i < 36; i++)
        counts[pick_id() & 0xffffff]++;
    cr_assert_eq(counts[2], 30);
    cr_assert_eq(counts[3], 6);
}

Test(weight, refuses_what_is_none)
{
    keyshm_id id = add_key(1), group, gone = add_key(2);
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_remove(pool, gone), 0);
    cr_assert_eq(keyshm_set_weight(NULL, id, 1), -EINVAL);
    cr_assert_eq(keyshm_set_weight(pool, id, 0), -EINVAL);
    cr_assert_eq(keyshm_set_weight(pool, id, KEYSHM_WEIGHT_MAX + 1), -EINVAL);
    cr_assert_eq(keyshm_set_weight(pool, group, 1), -EINVAL);
    cr_assert_eq(keyshm_set_weight(pool, gone, 1), -ESTALE);
    cr_assert_eq(inspect(id).weight, 1);
}

/* ---- the long run ---- */

/* How a scene picks. */
struct scene {
    unsigned weight_max;
    bool has_group, has_model;
};

static unsigned model;

static unsigned pick_slot(void)
{
    struct keyshm_pick picked = {.id = 0};
    cr_assert_eq(pick_for_model(pool, model, &picked), 0);
    return (unsigned)(picked.id & 0xffffff);
}

static void begin_scene(const struct scene *scene, unsigned keys)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_id group = 0;
    options.capacity = keys;
    options.key_max = 64;
    cr_assert_eq(keyshm_create_anonymous(&pool, "test", &options), 0);
    model = 0;
    if (scene->has_model)
        cr_assert_eq(keyshm_model(pool, "gpt-4o", &model), 0);
    if (scene->has_group)
        cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    for (unsigned i = 0; i < keys; i++)
        cr_assert_eq(keyshm_add_to_group(pool, key_text((int)i), i % 3 == 1 ? group : 0, &ids[i]), 0);
    if (scene->has_group)
        cr_assert_eq(keyshm_mark_rate_limited(pool, group, 3600000), 0);
}

/* A weight and a status for each key. Returns the sum of the weights of those that are available. */
static unsigned change_keys(const struct scene *scene, unsigned keys)
{
    unsigned sum = 0;
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.model = model;
    for (unsigned i = 0; i < keys; i++) {
        weights[i] = 1 + random_below(scene->weight_max);
        is_out[i] = i > 0 && random_below(3) == 0;
        mark.status = is_out[i] ? KEYSHM_INVALID : KEYSHM_AVAILABLE;
        set_weight(ids[i], weights[i]);
        cr_assert_eq(keyshm_mark(pool, ids[i], &mark), 0);
        is_out[i] |= scene->has_group && i % 3 == 1;
        sum += is_out[i] ? 0 : weights[i];
    }
    return sum;
}

/* Of any so many turns. */
static void expect_shares(unsigned keys, unsigned sum)
{
    unsigned times = 1 + random_below(3);
    for (unsigned left = random_below(3 * sum); left > 0; left--)
        pick_slot();
    memset(counts, 0, sizeof(counts));
    for (unsigned left = times * sum; left > 0; left--)
        counts[pick_slot()]++;
    for (unsigned i = 0; i < keys; i++)
        cr_assert_eq(counts[i], is_out[i] ? 0 : times * weights[i], "slot %u of %u, weight %u: %u turns in %u rounds", i,
                     keys, weights[i], counts[i], times);
}

Test(weights, are_exact_for_any_keys)
{
    static const struct scene scenes[] = {
        {15, false, false},
        {15, true, true},
        {2, true, false},
        {2, false, true},
    };
    for (int i = 0; i < 120; i++) {
        const struct scene *scene = &scenes[i % 4];
        unsigned keys = 1 + random_below(KEYS_MAX);
        begin_scene(scene, keys);
        for (int change = 0; change < 3; change++)
            expect_shares(keys, change_keys(scene, keys));
        cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
        close_pool();
    }
}
