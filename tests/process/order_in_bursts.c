/* SPDX-License-Identifier: MIT */

/*
 * Priorities and weights in a burst: turns are claimed ahead, and a process remembers that the first priorities have no
 * key. Whatever changes is seen by the next pick all the same. The clock is the test's.
 */

#include "burst.h"
#include "expect.h"
#include "for_model.h"
#include "order.h"
#include "random.h"
#include "virtual_clock.h"

enum { KEYS_MAX = 200, PROBE_MS = 5000 };

static keyshm_pool *pool;
static keyshm_id ids[KEYS_MAX], group;
static unsigned model;

/* The first `in_group` keys are in the group. */
static void begin_pool(unsigned keys, unsigned in_group)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    char text[32];
    options.capacity = KEYS_MAX;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "order", &options), 0);
    EXPECT_EQ(keyshm_group(pool, "account", &group), 0);
    for (unsigned i = 0; i < keys; i++) {
        snprintf(text, sizeof(text), "sk-order-%u", i);
        EXPECT_EQ(keyshm_add_to_group(pool, text, i < in_group ? group : 0, &ids[i]), 0);
    }
}

static struct keyshm_pick pick(void)
{
    struct keyshm_pick picked = {.id = 0};
    burst_begin(pool);
    EXPECT_EQ(pick_for_model(pool, model, &picked), 0);
    return picked;
}

/* Often enough for what is remembered to be used. */
static void expect_picks(keyshm_id id)
{
    for (int i = 0; i < 5; i++)
        EXPECT_EQ(pick().id, id);
}

static void mark(keyshm_id id, enum keyshm_status status, int64_t duration_ms)
{
    EXPECT_EQ(mark_for_model(pool, id, model, status, duration_ms), 0);
}

static void set_priority(keyshm_id id, unsigned priority)
{
    EXPECT_EQ(keyshm_set_priority(pool, id, priority), 0);
}

/* Keys of four priorities, the first last. */
static void begin_priorities(void)
{
    begin_pool(4, 0);
    for (unsigned i = 0; i < 4; i++)
        set_priority(ids[i], 3 - i);
}

static void wait_for_those_before(void)
{
    begin_priorities();
    for (int first = 3; first > 0; first--) {
        expect_picks(ids[first]);
        mark(ids[first], KEYSHM_INVALID, KEYSHM_UNTIL_MARKED);
    }
    for (int first = 0; first < 4; first++) {
        expect_picks(ids[first]);
        if (first < 3)
            mark(ids[first + 1], KEYSHM_AVAILABLE, 0);
    }
    keyshm_close(pool);
}

/* In a burst a mark reads the clock by its tick, which allows for two. */
static void come_back_when_a_cooldown_ends(void)
{
    int64_t lag_ms = 2 * virtual_clock->tick_ns / NS_PER_MS;
    begin_priorities();
    mark(ids[1], KEYSHM_INVALID, KEYSHM_UNTIL_MARKED);
    for (int i = 0; i < 10; i++) {
        mark(ids[3], KEYSHM_RATE_LIMITED, 200);
        mark(ids[2], KEYSHM_RATE_LIMITED, 100);
        expect_picks(ids[0]);
        virtual_clock_pass_ms(100 - lag_ms);
        expect_picks(ids[0]);
        virtual_clock_pass_ms(2 * lag_ms + 1);
        expect_picks(ids[2]);
        virtual_clock_pass_ms(100 - 2 * lag_ms);
        expect_picks(ids[2]);
        virtual_clock_pass_ms(2 * lag_ms + 1);
        expect_picks(ids[3]);
    }
    keyshm_close(pool);
}

static void be_of_the_group(void)
{
    begin_pool(2, 1);
    set_priority(ids[1], 2);
    for (int i = 0; i < 3; i++) {
        expect_picks(ids[0]);
        mark(group, KEYSHM_RATE_LIMITED, 1000);
        expect_picks(ids[1]);
        mark(group, KEYSHM_AVAILABLE, 0);
        expect_picks(ids[0]);
        EXPECT_EQ(keyshm_pause(pool, group), 0);
        expect_picks(ids[1]);
        EXPECT_EQ(keyshm_resume(pool, group), 0);
        expect_picks(ids[0]);
        EXPECT_EQ(keyshm_pause(pool, ids[0]), 0);
        expect_picks(ids[1]);
        EXPECT_EQ(keyshm_resume(pool, ids[0]), 0);
        expect_picks(ids[0]);
        mark(ids[0], KEYSHM_INVALID, KEYSHM_UNTIL_MARKED);
        expect_picks(ids[1]);
        EXPECT_EQ(keyshm_mark_all_available(pool, 1u << KEYSHM_INVALID), 1);
        expect_picks(ids[0]);
    }
    keyshm_close(pool);
}

/* A process has made the key available, and was killed before it could say so. */
static void find_what_was_not_announced(void)
{
    begin_priorities();
    mark(ids[3], KEYSHM_INVALID, KEYSHM_UNTIL_MARKED);
    expect_picks(ids[2]);
    _Atomic uint64_t *word = &pool->words[3];
    atomic_store(word, word_make_available(word_marks(atomic_load(word))));
    virtual_clock_pass_ms(READY_SWEEP_INTERVAL_MS + 100);
    expect_picks(ids[3]);
    keyshm_close(pool);
}

static void give_a_probe_to_one(void)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    policy.probe_ms = PROBE_MS;
    begin_pool(2, 1);
    EXPECT_EQ(keyshm_set_policy(pool, &policy), 0);
    set_priority(ids[1], 1);
    for (int i = 0; i < 3; i++) {
        mark(i == 1 ? group : ids[0], KEYSHM_RATE_LIMITED, 100);
        expect_picks(ids[1]);
        virtual_clock_pass_ms(200);
        EXPECT_EQ(pick().id, ids[0]);
        expect_picks(ids[1]);
        virtual_clock_pass_ms(PROBE_MS + 100); /* nothing was heard */
        struct keyshm_pick probe = pick();
        EXPECT_EQ(probe.id, ids[0]);
        expect_picks(ids[1]);
        EXPECT_EQ(keyshm_success(pool, &probe), 0);
        expect_picks(ids[0]);
    }
    keyshm_close(pool);
}

/* In the middle of turns that are claimed already. */
static void change_what_is_claimed(void)
{
    begin_pool(8, 0);
    EXPECT_EQ(pick().id, ids[0]);
    EXPECT_EQ(burst_turns_left(pool), 7);
    set_priority(ids[2], 1);
    set_priority(ids[4], 3);
    for (int i = 0; i < 30; i++) {
        keyshm_id id = pick().id;
        EXPECT(id != ids[2] && id != ids[4]);
    }
    for (unsigned i = 0; i < 8; i++)
        set_priority(ids[i], 2);
    set_priority(ids[5], 1);
    expect_picks(ids[5]);
    set_priority(ids[5], 2);
    EXPECT(!order_matters(order_in_use(pool)));
    keyshm_close(pool);
}

/* And keys that come and go. */
static void change_the_keys(void)
{
    begin_pool(3, 0);
    set_priority(ids[0], 2);
    set_priority(ids[1], 2);
    for (int i = 0; i < 5; i++) {
        expect_picks(ids[2]);
        EXPECT_EQ(keyshm_remove(pool, ids[2]), 0);
        EXPECT(pick().id != ids[2]);
        EXPECT(pick().id != ids[2]);
        EXPECT_EQ(keyshm_add(pool, "sk-order-2", &ids[2]), 0);
    }
    keyshm_close(pool);
}

/* ---- what others do in the middle of a pick ---- */

static void make_first_later(void)
{
    set_priority(ids[0], 1);
}

static void make_second_later(void)
{
    set_priority(ids[1], 1);
}

static void make_last_later(void)
{
    set_priority(ids[7], 1);
}

static void make_last_like_the_others(void)
{
    set_priority(ids[7], 0);
}

static void make_first_available(void)
{
    mark(ids[0], KEYSHM_AVAILABLE, 0);
}

/* Returns whether there is another round: `act` is done at the first reading of the clock, at the second, and so on, and in
 * the last round after the pick. */
static bool pick_while(unsigned readings, void (*act)(void), keyshm_id *ret_id)
{
    struct keyshm_pick picked = {.id = 0};
    burst_begin(pool);
    virtual_clock_interrupt(readings, act);
    EXPECT_EQ(keyshm_next(pool, &picked), 0);
    bool has_interrupted = virtual_clock_has_interrupted();
    if (!has_interrupted)
        act();
    *ret_id = picked.id;
    return has_interrupted;
}

/* Of turns that are claimed already, those of slots from `first` on, up to the last but one. */
static void expect_claimed(unsigned first)
{
    for (unsigned i = first; i < 7; i++)
        EXPECT_EQ(pick().id, ids[i]);
}

/* The turn that was taken before is kept, unless it is no longer one of the first priority. */
static void keep_the_turn(void (*act)(void), unsigned expected)
{
    keyshm_id id;
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_pool(8, 0);
        EXPECT_EQ(pick().id, ids[0]);
        goes_on = pick_while(readings, act, &id);
        EXPECT_EQ(id, ids[goes_on ? expected : 1]);
        expect_claimed(goes_on ? expected + 1 : 2);
        keyshm_close(pool);
    }
}

static void go_on_in_the_range_when_all_are_alike(void)
{
    keyshm_id id;
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_pool(8, 0);
        make_last_later();
        EXPECT_EQ(pick().id, ids[0]);
        goes_on = pick_while(readings, make_last_like_the_others, &id);
        EXPECT(id == ids[1] || (goes_on && id == ids[2]));
        expect_claimed(id == ids[1] ? 2 : 3);
        keyshm_close(pool);
    }
}

/* Of the two of the later priority, both were picked since. */
static void begin_with_first_benched(void)
{
    begin_pool(3, 0);
    set_priority(ids[1], 1);
    set_priority(ids[2], 1);
    EXPECT_EQ(pick().id, ids[0]);
    mark(ids[0], KEYSHM_INVALID, KEYSHM_UNTIL_MARKED);
    EXPECT_EQ(pick().id, ids[1]);
    EXPECT_EQ(pick().id, ids[2]);
}

/* What the process knows of the first priority holds no longer. */
static void see_what_becomes_available(void)
{
    keyshm_id id;
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_with_first_benched();
        goes_on = pick_while(readings, make_first_available, &id);
        EXPECT_EQ(id, ids[goes_on ? 0 : 1]);
        expect_picks(ids[0]);
        keyshm_close(pool);
    }
}

/* Whoever prefers a key, too. */
static void see_what_becomes_available_by_affinity(void)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        struct keyshm_request request = KEYSHM_REQUEST_INIT;
        struct keyshm_lease lease;
        begin_with_first_benched();
        request.affinity = 7;
        for (int i = 0; i < 3; i++) {
            EXPECT_EQ(keyshm_acquire(pool, &request, &lease), 0);
            EXPECT(lease.pick.id != ids[0]);
        }
        burst_begin(pool);
        virtual_clock_interrupt(readings, make_first_available);
        EXPECT_EQ(keyshm_acquire(pool, &request, &lease), 0);
        goes_on = virtual_clock_has_interrupted();
        EXPECT((lease.pick.id == ids[0]) == goes_on);
        make_first_available();
        EXPECT_EQ(keyshm_acquire(pool, &request, &lease), 0);
        EXPECT_EQ(lease.pick.id, ids[0]);
        keyshm_close(pool);
    }
}

/* ---- weights ---- */

static uint64_t random_state = 20261130;

static unsigned random_below(unsigned limit)
{
    return (unsigned)(random_next(&random_state) >> 33) % limit;
}

/* Weights from 1 to 15 and a status for each key. Returns the sum of the weights of those that are available. */
static unsigned change_keys(unsigned keys, unsigned ret_weights[KEYS_MAX])
{
    unsigned sum = 0;
    for (unsigned i = 0; i < keys; i++) {
        unsigned weight = 1 + random_below(KEYSHM_WEIGHT_MAX);
        bool is_out = i > 0 && random_below(3) == 0;
        EXPECT_EQ(keyshm_set_weight(pool, ids[i], weight), 0);
        mark(ids[i], is_out ? KEYSHM_INVALID : KEYSHM_AVAILABLE, is_out ? KEYSHM_UNTIL_MARKED : 0);
        sum += ret_weights[i] = is_out ? 0 : weight;
    }
    return sum;
}

/* Of any so many turns. */
static void expect_shares(unsigned keys, const unsigned weights[KEYS_MAX], unsigned sum)
{
    unsigned counts[KEYS_MAX] = {0}, times = 1 + random_below(3);
    for (unsigned left = random_below(3 * sum); left > 0; left--)
        (void)pick();
    for (unsigned left = times * sum; left > 0; left--)
        counts[pick().id & 0xffffff]++;
    for (unsigned i = 0; i < keys; i++)
        EXPECT_EQ(counts[i], times * weights[i]);
}

static void share_exactly(void)
{
    unsigned weights[KEYS_MAX];
    for (int i = 0; i < 60; i++) {
        unsigned keys = 1 + random_below(KEYS_MAX);
        begin_pool(keys, 0);
        if (i % 2 == 1)
            EXPECT_EQ(keyshm_model(pool, "gpt-4o", &model), 0);
        for (int change = 0; change < 3; change++) {
            unsigned sum = change_keys(keys, weights);
            /* What was claimed before the change is used up first. */
            for (unsigned left = 0; left < KEYS_MAX; left++)
                (void)pick();
            expect_shares(keys, weights, sum);
        }
        EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
        keyshm_close(pool);
        model = 0;
    }
}

/* Keys of a later priority, as the process knows that the first has none any more. */
static void share_a_later_priority(void)
{
    static const unsigned weights[] = {0, 2, 1};
    begin_pool(3, 0);
    for (unsigned i = 1; i < 3; i++) {
        set_priority(ids[i], 1);
        EXPECT_EQ(keyshm_set_weight(pool, ids[i], weights[i]), 0);
    }
    EXPECT_EQ(pick().id, ids[0]);
    mark(ids[0], KEYSHM_INVALID, KEYSHM_UNTIL_MARKED);
    for (int i = 0; i < 20; i++) {
        unsigned counts[3] = {0};
        for (int turns = 0; turns < 3; turns++)
            counts[pick().id & 0xffffff]++;
        for (unsigned slot = 0; slot < 3; slot++)
            EXPECT_EQ(counts[slot], weights[slot]);
        if (i == 10) /* no round, as only damage leaves it */
            atomic_store(rotation_cursor(pool, 0, 1), 0);
    }
    keyshm_close(pool);
}

int main(void)
{
    virtual_clock_begin();
    wait_for_those_before();
    come_back_when_a_cooldown_ends();
    be_of_the_group();
    give_a_probe_to_one();
    find_what_was_not_announced();
    change_what_is_claimed();
    change_the_keys();
    keep_the_turn(make_last_later, 1);
    keep_the_turn(make_first_later, 1);
    keep_the_turn(make_second_later, 2);
    go_on_in_the_range_when_all_are_alike();
    see_what_becomes_available();
    see_what_becomes_available_by_affinity();
    share_exactly();
    share_a_later_priority();
    return 0;
}
