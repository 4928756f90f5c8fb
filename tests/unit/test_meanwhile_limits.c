/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "places.h"
#include "pool.h"
#include "process_local.h"
#include "slot.h"
#include "workers.h"

#include "meanwhile.h"
#include "set_limits.h"

/* What others do in the middle of a call where there are limits: at each reading of the clock, as in test_meanwhile.c, and also
 * right before and after each call that takes a place or gives it back, that sums up what is held, or copies a key. */

TestSuite(meanwhile_limits, .init = create_pool_with_clock, .fini = close_pool);

/* ---- steps ---- */

/* Where others act if it is their turn. */
static void step(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
}

int __real_places_take(const struct places *places, unsigned cap, uint64_t cell, const struct place_note *note,
                       uint32_t *ret_number);
int __wrap_places_take(const struct places *places, unsigned cap, uint64_t cell, const struct place_note *note,
                       uint32_t *ret_number);
bool __real_places_give_back(const struct places *places, uint32_t number, uint64_t cell, bool *ret_is_wanted);
bool __wrap_places_give_back(const struct places *places, uint32_t number, uint64_t cell, bool *ret_is_wanted);
bool __real_places_settle(const struct places *places, uint32_t number, uint64_t cell);
bool __wrap_places_settle(const struct places *places, uint32_t number, uint64_t cell);
uint64_t __real_places_held(const struct places *places, unsigned model, uint64_t own);
uint64_t __wrap_places_held(const struct places *places, unsigned model, uint64_t own);
int __real_slot_copy_key(const struct keyshm_pool *of_pool, uint32_t slot, struct slot_copy *ret_copy,
                         uint64_t *ret_words);
int __wrap_slot_copy_key(const struct keyshm_pool *of_pool, uint32_t slot, struct slot_copy *ret_copy,
                         uint64_t *ret_words);

int __wrap_places_take(const struct places *places, unsigned cap, uint64_t cell, const struct place_note *note,
                       uint32_t *ret_number)
{
    step();
    int r = __real_places_take(places, cap, cell, note, ret_number);
    step();
    return r;
}

bool __wrap_places_give_back(const struct places *places, uint32_t number, uint64_t cell, bool *ret_is_wanted)
{
    step();
    bool was_there = __real_places_give_back(places, number, cell, ret_is_wanted);
    step();
    return was_there;
}

bool __wrap_places_settle(const struct places *places, uint32_t number, uint64_t cell)
{
    step();
    bool is_wanted = __real_places_settle(places, number, cell);
    step();
    return is_wanted;
}

uint64_t __wrap_places_held(const struct places *places, unsigned model, uint64_t own)
{
    step();
    uint64_t held = __real_places_held(places, model, own);
    step();
    return held;
}

int __wrap_slot_copy_key(const struct keyshm_pool *of_pool, uint32_t slot, struct slot_copy *ret_copy,
                         uint64_t *ret_words)
{
    step();
    int r = __real_slot_copy_key(of_pool, slot, ret_copy, ret_words);
    step();
    return r;
}

/* ---- what there is, and what is done ---- */

enum { KEY_LENGTH = 100, REQUESTS = 10, TOKENS = 1000, OTHERS_TOKENS = 500, ASKED_TOKENS = 600, BENCH_MS = 5000 };

static keyshm_id key, group;
static struct keyshm_lease lease, other_lease; /* other: that of the others */
static int r, other_r;
static unsigned cap, more_of_key; /* so many more of the key than of the group */
static bool are_counted = true;   /* requests */
static bool is_long;              /* the key, so that it is copied in another way */

/* Nothing drains in the time of a test. */
static struct keyshm_limits limits_with(unsigned requests, unsigned in_flight)
{
    struct keyshm_limits limits = limits_of_requests(are_counted ? requests : 0, KEYSHM_DURATION_MAX_MS, requests);
    limits.tokens = (struct keyshm_rate){
        .amount = TOKENS, .per_ms = KEYSHM_DURATION_MAX_MS, .burst = TOKENS, .charge = KEYSHM_CHARGE_AT_RELEASE};
    limits.in_flight = in_flight;
    return limits;
}

/* Whose the limits are. */
enum owner { OF_KEY, OF_GROUP, OF_BOTH, OWNERS };
static enum owner owner;

static keyshm_id limited(void)
{
    return owner == OF_KEY ? key : group;
}

static void begin_limited(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    char text[KEY_LENGTH + 1];
    close_pool();
    options.capacity = 8;
    options.key_max = KEY_LENGTH;
    cr_assert_eq(keyshm_create_anonymous(&pool, "test", &options), 0);
    snprintf(text, sizeof(text), "%0*d", is_long ? KEY_LENGTH : 20, 1);
    cr_assert_eq(keyshm_add(pool, text, &key), 0);
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_set_group(pool, key, owner == OF_KEY ? 0 : group), 0);
    if (owner != OF_GROUP)
        set_limits(key, 0, limits_with(REQUESTS, cap + more_of_key));
    if (owner != OF_KEY)
        set_limits(group, 0, limits_with(REQUESTS, cap));
    other_r = -ECANCELED;
}

static int acquire_for(unsigned flags, uint64_t tokens, struct keyshm_lease *ret_lease)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.flags = flags;
    request.tokens = tokens;
    return keyshm_acquire(pool, &request, ret_lease);
}

static void acquire_too(void)
{
    other_r = acquire_for(0, OTHERS_TOKENS, &other_lease);
}

static void acquire_soonest_too(void)
{
    other_r = acquire_for(KEYSHM_SOONEST, 0, &other_lease);
}

static void acquire_too_and_settle(void)
{
    acquire_too();
    if (other_r == 0)
        cr_assert_eq(keyshm_settle(pool, &other_lease, OTHERS_TOKENS), 0);
}

static void bench_key(void)
{
    cr_assert_eq(keyshm_mark_invalid(pool, key), 0);
}

static void bench_group(void)
{
    if (owner != OF_KEY)
        cr_assert_eq(keyshm_mark_invalid(pool, group), 0);
}

static void bench_key_for_longer(void)
{
    cr_assert_eq(keyshm_mark_rate_limited(pool, key, 4 * BENCH_MS), 0);
}

static void make_key_available(void)
{
    cr_assert_eq(keyshm_mark_available(pool, key), 0);
}

static void reap_own(void)
{
    other_r = keyshm_reap(pool, getpid());
}

static void release_other(void)
{
    other_r = keyshm_release(pool, &other_lease);
}

static void settle_other(void)
{
    other_r = keyshm_settle(pool, &other_lease, OTHERS_TOKENS);
}

static void remove_key(void)
{
    cr_assert_eq(keyshm_remove(pool, key), 0);
}

static void replace_key(void)
{
    remove_key();
    key = add_key(1);
    set_limits(key, 0, limits_with(REQUESTS, cap));
}

static void move_key(void)
{
    keyshm_id another;
    cr_assert_eq(keyshm_group(pool, "another", &another), 0);
    cr_assert_eq(keyshm_set_group(pool, key, another), 0);
}

static void remove_limits(void)
{
    cr_assert_eq(keyshm_set_limits(pool, key, 0, NULL), 0);
    cr_assert_eq(keyshm_set_limits(pool, group, 0, NULL), 0);
}

/* By limits in the same place as those that were there. */
static void replace_limits(void)
{
    remove_limits();
    set_limits(key, 0, limits_of_requests(REQUESTS, KEYSHM_DURATION_MAX_MS, REQUESTS));
}

static unsigned in_flight(keyshm_id id)
{
    return state_of(id).in_flight;
}

static unsigned leases_in_flight(void)
{
    struct keyshm_lease_list *list;
    cr_assert_eq(keyshm_leases(pool, &list), 0);
    unsigned count = (unsigned)list->count;
    keyshm_lease_list_free(list);
    return count;
}

static void expect_sound(void)
{
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
}

/* ---- requests ---- */

/* One of the two, whichever came first, if there is room for one. */
static void expect_admitted(unsigned readings, unsigned most, uint64_t tokens_asked)
{
    unsigned admitted = (r == 0) + (other_r == 0);
    struct keyshm_key_snapshot state = state_of(limited());
    cr_assert(r == 0 || r == -EAGAIN);
    cr_assert(other_r == 0 || other_r == -EAGAIN);
    cr_assert_eq(admitted, most, "%u after %u steps", admitted, readings);
    cr_assert_eq(leases_in_flight(), admitted);
    cr_assert_eq(state.requests_left, are_counted ? REQUESTS - (int)admitted : -1);
    cr_assert_eq(state.tokens_left,
                 TOKENS - (int)((r == 0 ? tokens_asked : 0) + (other_r == 0 ? (uint64_t)OTHERS_TOKENS : 0)));
    expect_sound();
}

static void acquire_meanwhile(void (*act)(void), unsigned most, uint64_t tokens)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_limited();
        virtual_clock_interrupt(readings, act);
        r = acquire_for(0, tokens, &lease);
        goes_on = end_round(act);
        expect_admitted(readings, most, tokens);
    }
}

Test(meanwhile_limits, two_requests_are_charged_what_each_asks_for)
{
    for (owner = OF_KEY; owner < OWNERS; owner++)
        for (cap = 0; cap <= 3; cap += 3)
            acquire_meanwhile(acquire_too, 2, TOKENS - OTHERS_TOKENS);
}

Test(meanwhile_limits, of_two_requests_one_gets_the_last_place)
{
    cap = 1;
    for (owner = OF_KEY; owner < OWNERS; owner++)
        acquire_meanwhile(acquire_too, 1, TOKENS - OTHERS_TOKENS);
    owner = OF_BOTH;
    more_of_key = 1;
    acquire_meanwhile(acquire_too, 1, TOKENS - OTHERS_TOKENS);
}

Test(meanwhile_limits, of_two_requests_one_gets_the_tokens_that_are_left)
{
    for (owner = OF_KEY; owner < OWNERS; owner++)
        for (cap = 0; cap <= 3; cap += 3) {
            acquire_meanwhile(acquire_too, 1, ASKED_TOKENS);
            acquire_meanwhile(acquire_too_and_settle, 1, ASKED_TOKENS);
        }
}

/* Where nothing else is charged that one of the two could find changed. */
Test(meanwhile_limits, of_two_requests_that_hold_tokens_alone_one_gets_those_that_are_left)
{
    are_counted = false;
    for (owner = OF_KEY; owner < OWNERS; owner++)
        for (cap = 0; cap <= 3; cap += 3)
            acquire_meanwhile(acquire_too, 1, ASKED_TOKENS);
}

/* One of them: it is given, and charged, or neither. */
static void acquire_while(void (*act)(void), void (*expect)(bool has_come_between))
{
    for (int i = 0; i < 2 * OWNERS; i++) {
        bool goes_on = true;
        owner = (enum owner)(i / 2);
        is_long = i % 2 != 0;
        for (unsigned readings = 0; goes_on; readings++) {
            begin_limited();
            virtual_clock_interrupt(readings, act);
            r = acquire_for(0, ASKED_TOKENS, &lease);
            goes_on = end_round(act);
            expect(goes_on);
            expect_sound();
        }
    }
}

static void expect_charged_if_given(bool has_come_between)
{
    cr_assert(r == 0 || (has_come_between && r == -EAGAIN));
    cr_assert_eq(leases_in_flight(), r == 0);
    cr_assert_eq(in_flight(limited()), r == 0);
    cr_assert_eq(state_of(limited()).requests_left, REQUESTS - (r == 0));
    cr_assert_eq(state_of(limited()).tokens_left, TOKENS - (r == 0 ? ASKED_TOKENS : 0));
    cr_assert(r < 0 || keyshm_release(pool, &lease) == 0);
}

Test(meanwhile_limits, a_key_that_is_benched_is_charged_if_it_is_given)
{
    cap = 2;
    acquire_while(bench_key, expect_charged_if_given);
    acquire_while(bench_group, expect_charged_if_given);
}

/* What it held is used then, and too little may be left for another try. */
static void expect_lease_or_reaped(bool has_come_between)
{
    unsigned count = leases_in_flight();
    cr_assert(r == 0 || (has_come_between && r == -EAGAIN && state_of(key).tokens_left < ASKED_TOKENS));
    cr_assert(has_come_between || other_r == 1);
    cr_assert_eq(count, has_come_between && r == 0 && count == 1);
    cr_assert(r < 0 || keyshm_release(pool, &lease) == (count == 1 ? 0 : -ESTALE));
    cr_assert_eq(leases_in_flight(), 0);
    cr_assert_eq(in_flight(key), 0);
    cr_assert_eq(in_flight(group), 0);
}

Test(meanwhile_limits, a_place_that_is_taken_away_at_once_is_no_lease)
{
    cap = 2;
    acquire_while(reap_own, expect_lease_or_reaped);
}

static void expect_nothing_left_of_lease(bool has_come_between)
{
    (void)has_come_between;
    cr_assert_eq(r, 0);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    cr_assert_eq(leases_in_flight(), 0);
    cr_assert_eq(in_flight(key), 0);
    cr_assert_eq(in_flight(group), 0);
}

Test(meanwhile_limits, a_key_that_is_moved_is_given_all_the_same)
{
    cap = 2;
    acquire_while(move_key, expect_nothing_left_of_lease);
}

Test(meanwhile_limits, limits_that_change_do_not_keep_a_key_back)
{
    for (cap = 0; cap <= 2; cap += 2) {
        acquire_while(remove_limits, expect_nothing_left_of_lease);
        acquire_while(replace_limits, expect_nothing_left_of_lease);
    }
}

/* One charge too many may stay: it is not known whose it is, and it drains. */
static void expect_new_key_charged_for_itself(bool has_come_between)
{
    bool is_new = r == 0 && lease.pick.id == key;
    int64_t left = state_of(key).requests_left;
    cr_assert(r == 0 || (has_come_between && r == -EAGAIN));
    cr_assert_eq(leases_in_flight(), is_new || (r == 0 && owner == OF_GROUP));
    cr_assert(left <= REQUESTS - is_new && left >= REQUESTS - is_new - has_come_between, "%d left", (int)left);
}

static void expect_given_or_no_key(bool has_come_between)
{
    cr_assert(r == 0 || (has_come_between && (r == -EAGAIN || r == -ENOKEY)), "%d", r);
    cr_assert_eq(in_flight(group), r == 0 && owner != OF_KEY);
}

Test(meanwhile_limits, a_new_key_is_charged_for_what_it_is_given)
{
    cap = 2;
    acquire_while(remove_key, expect_given_or_no_key);
    acquire_while(replace_key, expect_new_key_charged_for_itself);
}

/* A process that is not listed yet is, when it needs a place; until then much may happen. */
Test(meanwhile_limits, limits_that_change_while_a_row_is_taken_are_not_those_that_were_planned)
{
    bool goes_on = true;
    owner = OF_KEY;
    cap = 1;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_limited();
        workers_leave(pool);
        atomic_store(&pool->local->token, 0);
        virtual_clock_interrupt(readings, replace_limits);
        r = acquire_for(0, 0, &lease);
        goes_on = end_round(replace_limits);
        expect_nothing_left_of_lease(goes_on);
    }
}

/* ---- what a provider says ---- */

static void observe(int64_t left)
{
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    observation.requests_left = left;
    observation.requests_reset_ms = 60000;
    cr_assert_eq(keyshm_observe(pool, limited(), &observation), 0);
}

static void observe_less(void)
{
    observe(3);
}

static void use_one_of_what_is_left(void)
{
    acquire_too();
}

Test(meanwhile_limits, of_what_a_provider_says_is_left_nothing_is_given_twice)
{
    cap = 3;
    for (owner = OF_KEY; owner <= OF_GROUP; owner++) {
        bool goes_on = true;
        for (unsigned readings = 0; goes_on; readings++) {
            begin_limited();
            observe(5);
            virtual_clock_interrupt(readings, observe_less);
            r = acquire_for(0, 0, &lease);
            goes_on = end_round(observe_less);
            cr_assert_eq(r, 0);
            int64_t left = state_of(limited()).requests_left;
            cr_assert(left == 3 || (goes_on && left == 2), "%d left", (int)left);
            virtual_clock_pass_ms(60001);
            cr_assert_eq(state_of(limited()).requests_left, REQUESTS - 1, "it is charged once");
        }
        goes_on = true;
        for (unsigned readings = 0; goes_on; readings++) {
            begin_limited();
            observe(1);
            virtual_clock_interrupt(readings, use_one_of_what_is_left);
            r = acquire_for(0, 0, &lease);
            goes_on = end_round(use_one_of_what_is_left);
            cr_assert_eq((r == 0) + (other_r == 0), 1);
            cr_assert_eq(state_of(limited()).requests_left, 0);
            cr_assert_eq(leases_in_flight(), 1);
        }
    }
}

/* ---- how they end ---- */

/* Of two leases, the one is ended, by this call, while others do something. */
static void end_while(int (*end)(void), void (*act)(void), void (*expect)(bool has_come_between))
{
    for (owner = OF_KEY; owner < OWNERS; owner++) {
        bool goes_on = true;
        for (unsigned readings = 0; goes_on; readings++) {
            begin_limited();
            cr_assert_eq(acquire_for(0, TOKENS - OTHERS_TOKENS, &lease), 0);
            cr_assert_eq(acquire_for(0, OTHERS_TOKENS, &other_lease), 0);
            virtual_clock_interrupt(readings, act);
            r = end();
            goes_on = end_round(act);
            expect(goes_on);
            expect_sound();
        }
    }
}

static int settle_lease(void)
{
    return keyshm_settle(pool, &lease, 100);
}

static int release_lease(void)
{
    return keyshm_release(pool, &lease);
}

static int cancel_lease(void)
{
    return keyshm_cancel(pool, &lease);
}

static int release_without_key(void)
{
    keyshm_id last = key;
    cr_assert_eq(keyshm_remove(pool, last), 0);
    key = add_key(1);
    return keyshm_release(pool, &lease);
}

static int reap_all_of_this(void)
{
    return keyshm_reap(pool, getpid());
}

static void expect_both_settled(bool has_come_between)
{
    (void)has_come_between;
    cr_assert_eq(r, 0);
    cr_assert_eq(other_r, 0);
    cr_assert_eq(state_of(limited()).tokens_left, TOKENS - OTHERS_TOKENS - 100);
}

static void expect_ended(bool has_come_between)
{
    cr_assert_eq(r, other_r == 2 ? -ESTALE : 0, "one of the two has ended it");
    cr_assert(has_come_between || other_r == 1);
    cr_assert_eq(leases_in_flight(), 0);
    cr_assert_eq(in_flight(limited()), 0);
}

static void expect_given_back_once(bool has_come_between)
{
    expect_ended(has_come_between);
    cr_assert_eq(state_of(limited()).requests_left, REQUESTS - 2 + (r == 0));
}

static void expect_stale(bool has_come_between)
{
    (void)has_come_between;
    cr_assert_eq(r, -ESTALE);
    cr_assert_eq(leases_in_flight(), 0);
    cr_assert_eq(in_flight(group), 0);
}

static void expect_reaped_or_released(bool has_come_between)
{
    (void)has_come_between;
    cr_assert_eq(leases_in_flight(), 0);
    cr_assert_eq(other_r, r == 2 ? -ESTALE : 0);
    cr_assert(r == 2 || r == 1);
    cr_assert_eq(in_flight(limited()), 0);
}

Test(meanwhile_limits, what_two_have_used_is_charged)
{
    cap = 2;
    end_while(settle_lease, settle_other, expect_both_settled);
}

Test(meanwhile_limits, a_lease_ends_once)
{
    for (cap = 0; cap <= 2; cap += 2) {
        end_while(release_lease, reap_own, expect_ended);
        end_while(cancel_lease, reap_own, expect_given_back_once);
        end_while(release_without_key, reap_own, expect_stale);
    }
}

Test(meanwhile_limits, a_lease_is_reaped_or_released)
{
    cap = 2;
    end_while(reap_all_of_this, release_other, expect_reaped_or_released);
}

/* Another group comes in the place of the one that was charged, and is charged, too. */
static void replace_group(void)
{
    cr_assert_eq(keyshm_set_group(pool, key, 0), 0);
    cr_assert_eq(keyshm_remove_group(pool, group), 0);
    cr_assert_eq(keyshm_group(pool, "another", &group), 0);
    cr_assert_eq(keyshm_set_group(pool, key, group), 0);
    set_limits(group, 0, limits_with(REQUESTS, cap));
    acquire_too();
}

Test(meanwhile_limits, another_group_gets_nothing_of_what_is_given_back)
{
    bool goes_on = true;
    owner = OF_GROUP;
    for (unsigned readings = 0; goes_on; readings++) {
        begin_limited();
        cr_assert_eq(acquire_for(0, 0, &lease), 0);
        virtual_clock_interrupt(readings, replace_group);
        r = keyshm_cancel(pool, &lease);
        goes_on = end_round(replace_group);
        cr_assert_eq(r, 0);
        cr_assert_eq(other_r, 0);
        cr_assert_eq(state_of(group).requests_left, REQUESTS - 1);
    }
}

/* ---- the key whose bench ends first ---- */

/* There is always one, at most as long as it was benched. */
static void acquire_soonest_while(void (*act)(void), void (*expect)(bool has_come_between))
{
    for (owner = OF_KEY; owner < OWNERS; owner++) {
        bool goes_on = true;
        for (unsigned readings = 0; goes_on; readings++) {
            begin_limited();
            cr_assert_eq(keyshm_mark_rate_limited(pool, key, BENCH_MS), 0);
            virtual_clock_interrupt(readings, act);
            r = acquire_for(KEYSHM_SOONEST, 0, &lease);
            goes_on = end_round(act);
            expect(goes_on);
            expect_sound();
        }
    }
}

static void expect_soonest(bool has_come_between)
{
    cr_assert_eq(r, 0);
    cr_assert(lease.pick.benched_ms / 10 == BENCH_MS / 10 ||
              (has_come_between && (lease.pick.benched_ms == 0 || lease.pick.benched_ms / 10 == 4 * BENCH_MS / 10)));
    cr_assert_eq(leases_in_flight(), 1);
    cr_assert_eq(state_of(limited()).requests_left, REQUESTS - 1);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
}

static void expect_soonest_of_moved(bool has_come_between)
{
    cr_assert_eq(lease.pick.benched_ms / 10, BENCH_MS / 10);
    expect_nothing_left_of_lease(has_come_between);
}

static void expect_one_of_two(bool has_come_between)
{
    (void)has_come_between;
    cr_assert(r == 0 || r == -EAGAIN);
    cr_assert_eq((r == 0) + (other_r == 0), 1);
    cr_assert_eq(leases_in_flight(), 1);
    cr_assert_eq(state_of(limited()).requests_left, REQUESTS - 1);
}

static void expect_soonest_or_new_key(bool has_come_between)
{
    bool is_new = r == 0 && lease.pick.id == key;
    cr_assert_eq(r, 0);
    cr_assert(is_new ? has_come_between && lease.pick.benched_ms == 0 : lease.pick.benched_ms / 10 == BENCH_MS / 10);
    cr_assert_eq(leases_in_flight(), is_new || owner == OF_GROUP);
}

static void expect_soonest_or_no_key(bool has_come_between)
{
    cr_assert(r == 0 || (has_come_between && (r == -EAGAIN || r == -ENOKEY)), "%d", r);
    cr_assert_eq(leases_in_flight(), r == 0 && owner == OF_GROUP, "a place of the key is gone with it");
    cr_assert_eq(in_flight(group), r == 0 && owner != OF_KEY);
}

Test(meanwhile_limits, the_soonest_is_so_at_one_instant)
{
    cap = 2;
    acquire_soonest_while(bench_key_for_longer, expect_soonest);
    acquire_soonest_while(make_key_available, expect_soonest);
    acquire_soonest_while(move_key, expect_soonest_of_moved);
    acquire_soonest_while(remove_limits, expect_soonest_of_moved);
    acquire_soonest_while(remove_key, expect_soonest_or_no_key);
    acquire_soonest_while(replace_key, expect_soonest_or_new_key);
}

Test(meanwhile_limits, of_two_one_gets_the_last_place_of_the_soonest)
{
    cap = 1;
    acquire_soonest_while(acquire_soonest_too, expect_one_of_two);
}

/* The later one is found first; then the sooner one turns out to be in use, and meanwhile the later one is taken. */
Test(meanwhile_limits, the_soonest_may_be_used_up_while_others_are_looked_at)
{
    bool goes_on = true;
    owner = OF_KEY;
    cap = 1;
    for (unsigned readings = 0; goes_on; readings++) {
        struct keyshm_lease first;
        begin_limited();
        keyshm_id sooner = add_key(1);
        set_limits(sooner, 0, limits_with(REQUESTS, cap));
        cr_assert_eq(keyshm_mark_rate_limited(pool, sooner, BENCH_MS / 2), 0);
        cr_assert_eq(keyshm_mark_rate_limited(pool, key, BENCH_MS), 0);
        cr_assert_eq(acquire_for(KEYSHM_SOONEST, 0, &first), 0);
        cr_assert_eq(first.pick.id, sooner);
        virtual_clock_interrupt(readings, acquire_soonest_too);
        r = acquire_for(KEYSHM_SOONEST, 0, &lease);
        goes_on = end_round(acquire_soonest_too);
        cr_assert_eq((r == 0) + (other_r == 0), 1);
        cr_assert_eq(leases_in_flight(), 2);
    }
}

/* ---- an observer, and who prefers a key ---- */

static unsigned large;

static void set_other_limits(void)
{
    set_limits(key, large, limits_of_requests(4, KEYSHM_DURATION_MAX_MS, 4));
    set_limits(key, 0, limits_of_requests(6, KEYSHM_DURATION_MAX_MS, 6));
}

static void set_other_limits_for_model(void)
{
    set_limits(key, large, limits_of_requests(4, KEYSHM_DURATION_MAX_MS, 4));
}

Test(meanwhile_limits, what_is_left_is_by_limits_that_were_there_together)
{
    void (*const acts[])(void) = {set_other_limits, set_other_limits_for_model};
    owner = OF_KEY;
    for (int i = 0; i < 2; i++) {
        bool goes_on = true;
        for (unsigned readings = 0; goes_on; readings++) {
            begin_limited();
            cr_assert_eq(keyshm_model(pool, "large", &large), 0);
            set_limits(key, large, limits_of_requests(20, KEYSHM_DURATION_MAX_MS, 20));
            virtual_clock_interrupt(readings, acts[i]);
            struct keyshm_key_snapshot state = state_for(key, large);
            goes_on = end_round(acts[i]);
            cr_assert_eq(state.requests_left, state.requests_burst);
            cr_assert(state.requests_left == REQUESTS || (goes_on && state.requests_left == 4));
        }
    }
}

static void make_first_available(void)
{
    cr_assert_eq(keyshm_mark_available(pool, key), 0);
}

Test(meanwhile_limits, who_prefers_a_key_gets_one_of_the_first_priority)
{
    bool goes_on = true;
    for (unsigned readings = 0; goes_on; readings++) {
        struct keyshm_request request = KEYSHM_REQUEST_INIT;
        begin_round();
        key = add_key(0);
        keyshm_id later = add_key(1);
        set_priority(later, 1);
        set_limits(later, 0, limits_of_requests(1, KEYSHM_DURATION_MAX_MS, 1));
        bench_key();
        request.affinity = 7;
        virtual_clock_interrupt(readings, make_first_available);
        cr_assert_eq(keyshm_acquire(pool, &request, &lease), 0);
        goes_on = end_round(make_first_available);
        cr_assert_eq(lease.pick.id, goes_on ? key : later);
        cr_assert_eq(keyshm_acquire(pool, &request, &lease), 0);
        cr_assert_eq(lease.pick.id, key);
    }
}
