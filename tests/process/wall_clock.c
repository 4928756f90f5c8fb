/* SPDX-License-Identifier: MIT */

/* Cooldowns on clocks that are made up. Stepping the wall clock changes nothing; only the time since the system was
 * started ends a cooldown, that in which the machine slept included, and it does so exactly. */

#include "expect.h"
#include "virtual_clock.h"

#define MS_PER_YEAR (INT64_C(365) * 24 * 60 * 60 * 1000)

#define UPTIME_NS (5000000 * NS_PER_MS)

enum { KEYS = 5 };

/* ---- a pool of five keys ---- */

static keyshm_pool *pool;
static keyshm_id ids[KEYS];

/* Anew, at this phase of the millisecond and of the tick. */
static void begin_at(int64_t phase_ns)
{
    char key[32];
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = KEYS;
    virtual_clock->monotonic_ns = UPTIME_NS + phase_ns;
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    policy.cooldown_max_ms = KEYSHM_DURATION_MAX_MS;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "clock", &options), 0);
    EXPECT_EQ(keyshm_set_policy(pool, &policy), 0);
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "key-%d", i);
        EXPECT_EQ(keyshm_add(pool, key, &ids[i]), 0);
    }
}

static void begin(void)
{
    begin_at(0);
}

static void end(void)
{
    keyshm_close(pool);
    pool = NULL;
}

static void mark_all_rate_limited(int64_t duration_ms)
{
    for (int i = 0; i < KEYS; i++)
        EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[i], duration_ms), 0);
}

static void expect_no_pick(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_next(pool, &pick), -EAGAIN);
}

/* The only key that is available. */
static void expect_only_pick(int key)
{
    struct keyshm_pick pick;
    for (int i = 0; i < 3; i++) {
        EXPECT_EQ(keyshm_next(pool, &pick), 0);
        EXPECT_EQ(pick.id, ids[key]);
    }
}

static int64_t cooldown_left_ms(int key)
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    EXPECT_EQ(snapshot->keys[key].id, ids[key]);
    int64_t left_ms = snapshot->keys[key].cooldown_left_ms;
    EXPECT_EQ(snapshot->keys[key].status == KEYSHM_AVAILABLE, left_ms == 0);
    keyshm_snapshot_free(snapshot);
    return left_ms;
}

/* ---- the wall clock ---- */

/* All keys are cooling, and go on doing so whatever the wall clock says. */
static void expect_unmoved(int64_t left_ms)
{
    static const int64_t steps_ms[] = {-10 * MS_PER_YEAR, 20 * MS_PER_YEAR, -60000, 60001, -3600000, -10 * MS_PER_YEAR};
    for (size_t i = 0; i < sizeof(steps_ms) / sizeof(steps_ms[0]); i++) {
        virtual_clock->realtime_ns += steps_ms[i] * NS_PER_MS;
        expect_no_pick();
        EXPECT_EQ(keyshm_available_count(pool), 0);
        EXPECT_EQ(keyshm_next_available_ms(pool), left_ms);
        EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), 0);
        for (int key = 0; key < KEYS; key++) {
            EXPECT_EQ(keyshm_is_available(pool, ids[key]), 0);
            EXPECT_EQ(cooldown_left_ms(key), left_ms);
        }
    }
}

static void stepping_the_wall_clock_does_nothing(void)
{
    begin();
    mark_all_rate_limited(KEYSHM_NO_RETRY_AFTER);
    int64_t left_ms = keyshm_next_available_ms(pool);
    EXPECT(left_ms >= 60000 && left_ms <= 60001);
    expect_unmoved(left_ms);
    virtual_clock_pass_ms(30000);
    expect_unmoved(left_ms - 30000);
    virtual_clock_pass_ms(left_ms - 30000 - 1);
    expect_unmoved(1);
    virtual_clock_pass_ms(1);
    for (int key = 0; key < KEYS; key++)
        EXPECT_EQ(keyshm_is_available(pool, ids[key]), 1);
    virtual_clock->realtime_ns -= 10 * MS_PER_YEAR * NS_PER_MS;
    EXPECT_EQ(keyshm_available_count(pool), KEYS);
    EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), KEYS);
    end();
}

/* It is written down once, for people, and used for nothing. */
static void creation_is_on_the_wall_clock(void)
{
    struct keyshm_snapshot *snapshot;
    int64_t created_unix_ms = virtual_clock->realtime_ns / NS_PER_MS;
    begin();
    virtual_clock_pass_ms(12345);
    virtual_clock->realtime_ns += MS_PER_YEAR * NS_PER_MS;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    EXPECT_EQ(snapshot->created_unix_ms, created_unix_ms);
    EXPECT_EQ(snapshot->age_ms, 12345);
    keyshm_snapshot_free(snapshot);
    end();
}

/* ---- exact ends ---- */

/* One key of five: not a millisecond before its deadline, and at once then. */
static void expire_one(int key, int64_t duration_ms, int64_t phase_ns, int (*mark)(keyshm_pool *, keyshm_id, int64_t))
{
    begin_at(phase_ns);
    for (int i = 0; i < KEYS; i++)
        if (i != key)
            EXPECT_EQ(keyshm_mark_invalid(pool, ids[i]), 0);
    EXPECT_EQ(mark(pool, ids[key], duration_ms), 0);
    expect_no_pick();
    int64_t left_ms = keyshm_next_available_ms(pool);
    EXPECT(left_ms == duration_ms || left_ms == duration_ms + 1);
    EXPECT_EQ(cooldown_left_ms(key), left_ms);
    virtual_clock_pass_ms(left_ms - 1);
    expect_no_pick();
    EXPECT_EQ(keyshm_is_available(pool, ids[key]), 0);
    EXPECT_EQ(keyshm_next_available_ms(pool), 1);
    EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), 0);
    virtual_clock_pass_ms(1);
    expect_only_pick(key);
    EXPECT_EQ(keyshm_is_available(pool, ids[key]), 1);
    EXPECT_EQ(keyshm_next_available_ms(pool), 0);
    EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), 1);
    EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), 0);
    expect_only_pick(key);
    end();
}

static void cooldowns_end_exactly(void)
{
    static const int64_t durations_ms[] = {1, 2, 9, 10, 11, 499, 500, 501, 1000, 60000, KEYSHM_DURATION_MAX_MS};
    for (size_t i = 0; i < sizeof(durations_ms) / sizeof(durations_ms[0]); i++) {
        for (int key = 0; key < KEYS; key++) {
            expire_one(key, durations_ms[i], (int64_t)i * 777777, keyshm_mark_rate_limited);
            expire_one(key, durations_ms[i], (int64_t)i * 1234567, keyshm_mark_quota_exceeded);
        }
    }
}

/* "Not before": however late in its millisecond the mark comes, the whole of the duration must have passed. */
static void no_cooldown_is_short(void)
{
    for (int64_t phase_ns = 0; phase_ns < NS_PER_MS; phase_ns += 99999) {
        begin_at(phase_ns);
        mark_all_rate_limited(5);
        virtual_clock->monotonic_ns += 5 * NS_PER_MS - 1;
        expect_no_pick();
        EXPECT_EQ(keyshm_available_count(pool), 0);
        virtual_clock->monotonic_ns += NS_PER_MS + 1; /* and no more than a millisecond too long */
        EXPECT_EQ(keyshm_available_count(pool), KEYS);
        end();
    }
}

/* Key i waits 100 * (i + 1) ms. The first to end is the last of the slots. */
static void cooldowns_end_one_by_one(void)
{
    int64_t deadline_ns[KEYS];
    begin();
    for (int i = 0; i < KEYS; i++) {
        EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[KEYS - 1 - i], 100 * (i + 1)), 0);
        deadline_ns[i] = virtual_clock->monotonic_ns + cooldown_left_ms(KEYS - 1 - i) * NS_PER_MS;
    }
    expect_no_pick();
    for (int i = 0; i < KEYS; i++) {
        EXPECT_EQ(keyshm_available_count(pool), 0);
        EXPECT_EQ(keyshm_next_available_ms(pool), (deadline_ns[i] - virtual_clock->monotonic_ns) / NS_PER_MS);
        virtual_clock->monotonic_ns = deadline_ns[i] - NS_PER_MS;
        expect_no_pick();
        virtual_clock->monotonic_ns = deadline_ns[i];
        EXPECT_EQ(keyshm_available_count(pool), 1);
        expect_only_pick(KEYS - 1 - i);
        EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), 1);
        EXPECT_EQ(keyshm_mark_invalid(pool, ids[KEYS - 1 - i]), 0);
    }
    EXPECT_EQ(keyshm_next_available_ms(pool), -1);
    end();
}

static void reset_counts_what_it_resets(void)
{
    begin();
    EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[0], 100), 0);
    EXPECT_EQ(keyshm_mark_quota_exceeded(pool, ids[1], 100), 0);
    EXPECT_EQ(keyshm_mark_quota_exceeded(pool, ids[2], KEYSHM_UNTIL_MARKED), 0);
    EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[3], 5000), 0);
    EXPECT_EQ(keyshm_mark_invalid(pool, ids[4]), 0);
    EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), 0);
    virtual_clock_pass_ms(101);
    EXPECT_EQ(keyshm_available_count(pool), 2);
    EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), 2);
    virtual_clock_pass_ms(5000);
    EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), 1);
    virtual_clock_pass_ms(MS_PER_YEAR);
    EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), 0);
    EXPECT_EQ(keyshm_available_count(pool), 3);
    EXPECT_EQ(keyshm_is_available(pool, ids[2]), 0);
    EXPECT_EQ(keyshm_is_available(pool, ids[4]), 0);
    end();
}

/* ---- back in the rotation ---- */

static bool picked_in_one_turn(keyshm_id id)
{
    struct keyshm_pick pick;
    bool seen = false;
    for (int i = 0; i < KEYS; i++) {
        EXPECT_EQ(keyshm_next(pool, &pick), 0);
        seen |= pick.id == id;
    }
    return seen;
}

/* The others were picked, and the key found cooling, all the while. Some of the cooldowns end before the ready bits are
 * next looked over (ready_bits.h), some after. */
static void key_returns_among_others(void)
{
    static const int64_t durations_ms[] = {1, 20, 250, 499, 500, 501, 1234};
    for (size_t i = 0; i < sizeof(durations_ms) / sizeof(durations_ms[0]); i++) {
        begin();
        EXPECT(picked_in_one_turn(ids[2]));
        EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[2], durations_ms[i]), 0);
        for (int64_t left_ms = cooldown_left_ms(2); left_ms > 0; left_ms--) {
            EXPECT(!picked_in_one_turn(ids[2]));
            virtual_clock_pass_ms(1);
        }
        EXPECT(picked_in_one_turn(ids[2]));
        end();
    }
}

/* Nobody looked before it was over: the first pick must not go by a tick that was before that. */
static void key_returns_unseen(void)
{
    for (int phase_ms = 0; phase_ms < 20; phase_ms++) {
        begin_at(phase_ms * NS_PER_MS);
        EXPECT(picked_in_one_turn(ids[2]));
        EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[2], 50), 0);
        virtual_clock_pass_ms(cooldown_left_ms(2));
        EXPECT(picked_in_one_turn(ids[2]));
        EXPECT_EQ(keyshm_is_available(pool, ids[2]), 1);
        EXPECT_EQ(keyshm_available_count(pool), KEYS);
        end();
    }
}

/* ---- a machine that sleeps ---- */

static int change_invalid(void)
{
    return keyshm_mark_invalid(pool, ids[0]);
}

static int change_available(void)
{
    return keyshm_mark_available(pool, ids[0]);
}

static int change_paused(void)
{
    return keyshm_pause(pool, ids[0]);
}

static int change_policy(void)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    return keyshm_set_policy(pool, &policy);
}

static int change_membership(void)
{
    return keyshm_remove(pool, ids[0]);
}

static int64_t last_event_ago_ms(void)
{
    struct keyshm_event_list *list;
    EXPECT_EQ(keyshm_events(pool, NULL, &list), 0);
    EXPECT(list->count > 0);
    int64_t ago_ms = list->events[list->count - 1].ago_ms;
    keyshm_event_list_free(list);
    return ago_ms;
}

/* Whatever the first call after it is, and whether it has read the exact clock. */
static void event_is_after_the_sleep(void)
{
    static int (*const changes[])(void) = {change_invalid, change_available, change_paused, change_policy,
                                           change_membership};
    begin();
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        virtual_clock_sleep_ms(3600000);
        virtual_clock_pass_ms(20); /* to the next tick */
        EXPECT_EQ(changes[i](), 0);
        virtual_clock_pass_ms(1000);
        EXPECT(last_event_ago_ms() >= 1000 && last_event_ago_ms() <= 1020);
    }
    end();
}

static void time_slept_counts(void)
{
    begin();
    mark_all_rate_limited(3600000);
    int64_t left_ms = keyshm_next_available_ms(pool);
    virtual_clock_sleep_ms(left_ms / 2);
    expect_no_pick();
    EXPECT_EQ(keyshm_next_available_ms(pool), left_ms - left_ms / 2);
    virtual_clock_pass_ms(left_ms - left_ms / 2 - 1);
    expect_no_pick();
    virtual_clock_sleep_ms(1);
    EXPECT_EQ(keyshm_available_count(pool), KEYS);
    EXPECT(picked_in_one_turn(ids[2]));
    EXPECT_EQ(keyshm_reset_expired_cooldowns(pool), KEYS);
    end();
}

/* The first pick after the next tick of the clock knows it, whichever key has its turn. */
static void key_returns_after_sleep(void)
{
    for (int key = 0; key < KEYS; key++) {
        struct keyshm_pick pick;
        begin();
        EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[key], 3600000), 0);
        EXPECT(!picked_in_one_turn(ids[key]));
        do
            EXPECT_EQ(keyshm_next(pool, &pick), 0);
        while (pick.id != ids[(key + KEYS - 1) % KEYS]);
        virtual_clock_sleep_ms(8 * 3600000);
        virtual_clock->monotonic_ns += virtual_clock->tick_ns;
        EXPECT_EQ(keyshm_next(pool, &pick), 0);
        EXPECT_EQ(pick.id, ids[key]);
        end();
    }
}

static void an_age_has_the_time_slept_in_it(void)
{
    struct keyshm_snapshot *snapshot;
    begin();
    virtual_clock_pass_ms(1000);
    virtual_clock_sleep_ms(500);
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    EXPECT_EQ(snapshot->age_ms, 1500);
    keyshm_snapshot_free(snapshot);
    end();
}

static void run_all(void)
{
    time_slept_counts();
    event_is_after_the_sleep();
    key_returns_after_sleep();
    an_age_has_the_time_slept_in_it();
    stepping_the_wall_clock_does_nothing();
    creation_is_on_the_wall_clock();
    cooldowns_end_exactly();
    no_cooldown_is_short();
    cooldowns_end_one_by_one();
    reset_counts_what_it_resets();
    key_returns_among_others();
    key_returns_unseen();
}

int main(void)
{
    expect_end_in_time();
    virtual_clock_begin();
    for (int tick_ms = 1; tick_ms <= 10; tick_ms++) {
        virtual_clock->tick_ns = tick_ms * NS_PER_MS;
        run_all();
    }
    return 0;
}
