/* SPDX-License-Identifier: MIT */

/* Leases, and the places that they have, looked at from inside: also with what a process that was stopped has left in them, or
 * one that writes over the segment. */

#include <sys/wait.h>

#include "lease.h"
#include "places.h"
#include "pool.h"
#include "process_local.h"
#include "workers.h"

#include "moved_clock.h"
#include "set_limits.h"

static char name[64];
static keyshm_id key, group;

/* A named one: each attachment to it has a row of its own, as if it were another process's. */
static void create_named_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    virtual_clock_begin();
    options.capacity = 8;
    options.key_max = 64;
    snprintf(name, sizeof(name), "unit-leases.%d", getpid());
    cr_assert_eq(keyshm_create(&pool, name, &options), 0);
    key = add_key(1);
}

static void close_named_pool(void)
{
    keyshm_close(pool);
    keyshm_unlink(name);
}

TestSuite(leases, .init = create_named_pool, .fini = close_named_pool);

static int acquire_of(keyshm_pool *attachment, unsigned model, uint64_t tokens, struct keyshm_lease *ret_lease)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.model = model;
    request.tokens = tokens;
    return keyshm_acquire(attachment, &request, ret_lease);
}

static int acquire(uint64_t tokens, struct keyshm_lease *ret_lease)
{
    return acquire_of(pool, 0, tokens, ret_lease);
}

static struct keyshm_limits cap(unsigned in_flight)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.in_flight = in_flight;
    return limits;
}

/* At most so many in flight, and 1,000 tokens that are charged at the release. */
static struct keyshm_limits cap_with_tokens(unsigned in_flight)
{
    struct keyshm_limits limits = cap(in_flight);
    limits.tokens = (struct keyshm_rate){
        .amount = 1000, .per_ms = KEYSHM_DURATION_MAX_MS, .burst = 1000, .charge = KEYSHM_CHARGE_AT_RELEASE};
    return limits;
}

/* Of none: an empty one. */
static struct keyshm_held oldest_lease(size_t *ret_count)
{
    struct keyshm_lease_list *list;
    struct keyshm_held held = {.id = 0};
    cr_assert_eq(keyshm_leases(pool, &list), 0);
    *ret_count = list->count;
    if (list->count > 0)
        held = list->leases[0];
    keyshm_lease_list_free(list);
    return held;
}

static size_t count_leases(void)
{
    size_t count;
    oldest_lease(&count);
    return count;
}

static void put_key_in_group(void)
{
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_set_group(pool, key, group), 0);
}

static struct places places_of_key(void)
{
    return places_of(pool, id_slot(key));
}

static struct places places_of_group(void)
{
    return places_of(pool, pool_group_subject(pool, 0));
}

/* ---- what is asked for ---- */

Test(leases, are_checked)
{
    keyshm_pool *observer;
    struct keyshm_lease lease;
    struct keyshm_lease_list *list;
    set_limits(key, 0, cap(1));
    cr_assert_eq(acquire(0, &lease), 0);
    cr_assert_eq(keyshm_attach_readonly(&observer, name), 0);
    keyshm_pool *const pools[] = {pool, observer};
    const int expected[] = {-EINVAL, -EROFS};
    for (int i = 0; i < 2; i++) {
        struct keyshm_lease *of = i == 0 ? NULL : &lease;
        cr_assert_eq(keyshm_settle(pools[i], of, 1), expected[i]);
        cr_assert_eq(keyshm_release(pools[i], of), expected[i]);
        cr_assert_eq(keyshm_cancel(pools[i], of), expected[i]);
    }
    cr_assert_eq(keyshm_reap(observer, getpid()), -EROFS);
    cr_assert_eq(keyshm_reap(NULL, 0), -EINVAL);
    cr_assert_eq(keyshm_leases(NULL, &list), -EINVAL);
    cr_assert_eq(keyshm_leases(pool, NULL), -EINVAL);
    cr_assert_eq(count_leases(), 1);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    keyshm_close(observer);
}

/* ---- tokens that are none ---- */

enum { TOKEN_STATE, TOKEN_CELL, TOKEN_PLACES, TOKEN_KEY_GROUP = 5 };

static void expect_no_lease(struct keyshm_lease wrong)
{
    struct keyshm_lease copies[] = {wrong, wrong};
    cr_assert_eq(keyshm_settle(pool, &copies[0], 1), -ESTALE);
    cr_assert_eq(keyshm_release(pool, &copies[0]), -ESTALE);
    cr_assert_eq(keyshm_cancel(pool, &copies[1]), -ESTALE);
    cr_assert_eq(count_leases(), 1);
}

#define EXPECT_NO_LEASE(field, wrong)      \
    do {                                   \
        struct keyshm_lease other = lease; \
        other.field = (wrong);             \
        expect_no_lease(other);            \
    } while (0)

Test(leases, do_not_end_by_a_token_of_no_lease)
{
    struct keyshm_lease lease;
    put_key_in_group();
    set_limits(key, 0, cap(4));
    cr_assert_eq(acquire(0, &lease), 0);
    EXPECT_NO_LEASE(token[TOKEN_STATE], 0);
    EXPECT_NO_LEASE(token[TOKEN_CELL], lease.token[TOKEN_CELL] + 1);
    EXPECT_NO_LEASE(token[TOKEN_PLACES], (uint64_t)pool->settings.in_flight_max << 32 | UINT32_MAX);
    EXPECT_NO_LEASE(token[TOKEN_PLACES], (uint64_t)UINT32_MAX << 32 | pool->settings.group_in_flight_max);
    EXPECT_NO_LEASE(pick.id, group);
    EXPECT_NO_LEASE(pick.id, key + 1);
    EXPECT_NO_LEASE(pick.model, KEYSHM_MODELS_MAX + 1);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
}

/* It was charged to none, then. */
Test(leases, may_name_a_group_that_cannot_be)
{
    const uint64_t groups[] = {UINT64_MAX, GROUP_NUMBER_MASK, pool->settings.groups_max + 1, 0};
    set_limits(key, 0, cap(4));
    for (int i = 0; i < 4; i++) {
        struct keyshm_lease lease;
        cr_assert_eq(acquire(0, &lease), 0);
        lease.token[TOKEN_KEY_GROUP] = groups[i];
        cr_assert_eq(keyshm_release(pool, &lease), 0);
        cr_assert_eq(count_leases(), 0);
    }
}

Test(leases, of_a_group_that_was_removed_end_with_their_key)
{
    struct keyshm_lease lease;
    put_key_in_group();
    set_limits(key, 0, cap(1));
    set_limits(group, 0, cap(1));
    cr_assert_eq(acquire(0, &lease), 0);
    cr_assert_eq(keyshm_set_group(pool, key, 0), 0);
    cr_assert_eq(keyshm_remove_group(pool, group), 0);
    put_key_in_group();
    struct places places = places_of_group();
    cr_assert_eq(places_count(&places), 0);
    cr_assert_eq(keyshm_release(pool, &lease), 0, "that of the key is left");
    cr_assert_eq(count_leases(), 0);
}

/* ---- where they are ---- */

Test(leases, of_one_process_begin_to_look_for_a_place_at_its_own)
{
    struct keyshm_lease leases[4], more;
    keyshm_pool *other;
    struct places places = places_of_key();
    set_limits(key, 0, cap(4));
    cr_assert_eq(keyshm_attach(&other, name), 0);
    for (int i = 0; i < 4; i++) {
        cr_assert_eq(acquire_of(other, 0, 0, &leases[i]), 0);
        cr_assert_eq(places_count(&places), (unsigned)i + 1);
        cr_assert_eq(leases[i].token[TOKEN_PLACES] >> 32, (leases[0].token[TOKEN_PLACES] >> 32) + i - (i == 3 ? 4 : 0));
    }
    cr_assert_eq(acquire_of(other, 0, 0, &more), -EAGAIN);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(keyshm_release(other, &leases[i]), 0);
    keyshm_close(other);
}

Test(leases, of_a_pool_without_places_are_charged_when_they_are_given)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    struct keyshm_lease lease;
    keyshm_close(pool);
    options.capacity = 8;
    options.in_flight_max = 0;
    cr_assert_eq(keyshm_create_anonymous(&pool, "test", &options), 0);
    key = add_key(1);
    set_limits(key, 0, cap_with_tokens(0));
    cr_assert_eq(acquire(600, &lease), 0);
    cr_assert_eq(count_leases(), 0);
    cr_assert_eq(inspect(key).tokens_left, 400);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    cr_assert_eq(inspect(key).tokens_left, 400);
    cr_assert_eq(acquire(600, &lease), -EAGAIN);
}

/* Who was admitted by a cap that was lowered meanwhile finds so when it has a place. */
Test(leases, over_a_cap_that_was_lowered_are_given_back)
{
    struct keyshm_lease leases[3];
    const struct place_note note = {.slot = id_slot(key)};
    struct places places = places_of_key();
    uint32_t number;
    set_limits(key, 0, cap(3));
    for (int i = 0; i < 3; i++)
        cr_assert_eq(acquire(0, &leases[i]), 0);
    cr_assert_eq(keyshm_release(pool, &leases[0]), 0);
    cr_assert_eq(places_take(&places, 2, places_new_cell(pool), &note, &number), -EAGAIN);
    cr_assert_eq(places_count(&places), 2);
    cr_assert_eq(places_take(&places, 3, places_new_cell(pool), &note, &number), 0);
    cr_assert_eq(places_count(&places), 3);
}

Test(leases, are_given_back_once_and_in_a_place_that_there_is)
{
    struct keyshm_lease lease;
    struct places places = places_of_key();
    bool is_wanted;
    set_limits(key, 0, cap(1));
    cr_assert_eq(acquire(0, &lease), 0);
    cr_assert_not(places_give_back(&places, places.max, lease.token[TOKEN_CELL], &is_wanted));
    cr_assert_not(places_give_back(&places, 0, lease.token[TOKEN_CELL] + 1, &is_wanted));
    cr_assert(places_give_back(&places, 0, lease.token[TOKEN_CELL], &is_wanted));
    cr_assert_not(places_give_back(&places, 0, lease.token[TOKEN_CELL], &is_wanted));
}

/* ---- what they hold ---- */

Test(leases, for_one_model_hold_nothing_of_another)
{
    struct keyshm_lease lease, other;
    unsigned large, small;
    cr_assert_eq(keyshm_model(pool, "large", &large), 0);
    cr_assert_eq(keyshm_model(pool, "small", &small), 0);
    set_limits(key, large, cap_with_tokens(0));
    set_limits(key, small, cap_with_tokens(0));
    cr_assert_eq(acquire_of(pool, large, 600, &lease), 0);
    cr_assert_eq(acquire_of(pool, large, 600, &other), -EAGAIN);
    cr_assert_eq(acquire_of(pool, small, 600, &other), 0);
    cr_assert_eq(keyshm_release(pool, &other), 0);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    cr_assert_eq(state_for(key, large).tokens_left, 400);
}

Test(leases, that_hold_nothing_are_settled_with_what_was_used)
{
    struct keyshm_lease lease;
    set_limits(key, 0, cap_with_tokens(1));
    cr_assert_eq(acquire(0, &lease), 0);
    cr_assert_eq(keyshm_settle(pool, &lease, 250), 0);
    cr_assert_eq(inspect(key).tokens_left, 750);
    cr_assert_eq(keyshm_settle(pool, &lease, 250), -EALREADY);
    cr_assert_eq(keyshm_cancel(pool, &lease), -EALREADY);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    cr_assert_eq(inspect(key).tokens_left, 750);
}

/* In the place of the key, of its group, or of both: it is one lease, and holds so many tokens. */
Test(leases, are_listed_with_the_tokens_that_they_hold)
{
    struct keyshm_lease lease, of_group;
    size_t count;
    keyshm_id other = add_key(2);
    put_key_in_group();
    cr_assert_eq(keyshm_set_group(pool, other, group), 0);
    set_limits(group, 0, cap_with_tokens(0));
    cr_assert_eq(acquire(200, &lease), 0);
    cr_assert_eq(acquire(300, &of_group), 0);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    set_limits(key, 0, cap(1));
    cr_assert_eq(acquire(400, &lease), 0);
    virtual_clock_pass_ms(5);
    struct keyshm_held held = oldest_lease(&count);
    cr_assert_eq(count, 2);
    cr_assert_eq(held.held_ms, 5);
    cr_assert_eq(held.pid, getpid());
    cr_assert_eq(inspect(key).in_flight, 1);
    cr_assert_eq(inspect(other).in_flight, 1);
    cr_assert_eq(keyshm_release(pool, &of_group), 0);
    held = oldest_lease(&count);
    cr_assert_eq(held.tokens, 400, "in its place of the group");
    struct places places = places_of_group();
    atomic_store(&places.notes[lease.token[TOKEN_PLACES] & UINT32_MAX].held, 0);
    cr_assert_eq(oldest_lease(&count).tokens, 0, "of another request");
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    set_limits(key, 0, cap_with_tokens(1));
    cr_assert_eq(acquire(100, &lease), 0);
    cr_assert_eq(oldest_lease(&count).tokens, 100, "in both");
    cr_assert_eq(count, 1);
}

/* ---- what was left behind ---- */

/* A process was stopped after it had taken the place, and before it noted that. */
static uint64_t take_without_note(void)
{
    struct places places = places_of_key();
    uint64_t cell = places_new_cell(pool);
    virtual_clock_pass_ms(60000); /* what is noted there is old */
    atomic_store(&places.head->width, 1);
    atomic_store(&places.cells[0], cell);
    return cell;
}

Test(leases, without_a_note_are_taken_away_when_they_were_seen_for_the_longest_time)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    struct keyshm_lease lease;
    policy.lease_max_ms = 5000;
    set_policy(policy);
    set_limits(key, 0, cap(1));
    take_without_note();
    for (int passed_ms = 0; passed_ms <= 5000; passed_ms += 500) {
        cr_assert_eq(acquire(0, &lease), -EAGAIN, "after %d ms", passed_ms);
        cr_assert_eq(count_leases(), 0, "it is none yet");
        virtual_clock_pass_ms(500);
    }
    cr_assert_eq(acquire(0, &lease), 0);
    cr_assert_eq(count_leases(), 1);
}

/* The longest time is over, and only the place in the group is needed by another. */
Test(leases, whose_place_in_the_group_was_taken_away_leave_that_of_their_key)
{
    int (*const ends[])(keyshm_pool *, struct keyshm_lease *) = {keyshm_release, keyshm_cancel};
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    keyshm_id other = add_key(2);
    policy.lease_max_ms = 5000;
    set_policy(policy);
    put_key_in_group();
    cr_assert_eq(keyshm_set_group(pool, other, group), 0);
    set_limits(group, 0, cap(1));
    for (int i = 0; i < 2; i++) {
        struct keyshm_lease lease, next;
        set_limits(key, 0, cap_with_tokens(1));
        cr_assert_eq(keyshm_pause(pool, other), 0);
        cr_assert_eq(acquire(600, &lease), 0);
        cr_assert_eq(keyshm_resume(pool, other), 0);
        cr_assert_eq(keyshm_pause(pool, key), 0);
        virtual_clock_pass_ms(5001);
        cr_assert_eq(acquire(0, &next), 0);
        cr_assert_eq(next.pick.id, other);
        cr_assert_eq(keyshm_settle(pool, &lease, 1), -ESTALE);
        cr_assert_eq(ends[i](pool, &lease), -ESTALE);
        cr_assert_eq(state_of(key).in_flight, 0);
        cr_assert_eq(state_of(key).tokens_left, 400, "what it held was used");
        cr_assert_eq(count_leases(), 1);
        cr_assert_eq(keyshm_release(pool, &next), 0);
        cr_assert_eq(keyshm_resume(pool, key), 0);
        cr_assert_eq(keyshm_set_limits(pool, key, 0, NULL), 0);
    }
}

static size_t count_reaped(keyshm_id *ret_id)
{
    struct keyshm_event_list *list;
    size_t count = 0;
    cr_assert_eq(keyshm_events(pool, NULL, &list), 0);
    for (size_t i = 0; i < list->count; i++) {
        if (list->events[i].kind != KEYSHM_EVENT_REAPED)
            continue;
        *ret_id = list->events[i].id;
        count++;
    }
    keyshm_event_list_free(list);
    return count;
}

Test(leases, are_reaped_once_whatever_places_they_have)
{
    struct keyshm_lease lease;
    keyshm_id id = 0;
    put_key_in_group();
    set_limits(key, 0, cap(1));
    set_limits(group, 0, cap(1));
    cr_assert_eq(acquire(0, &lease), 0);
    cr_assert_eq(keyshm_reap(pool, getpid()), 1);
    cr_assert_eq(count_reaped(&id), 1);
    cr_assert_eq(id, key);
    cr_assert_eq(keyshm_release(pool, &lease), -ESTALE);
    take_without_note();
    cr_assert_eq(keyshm_reap(pool, getpid()), 0, "it was no lease yet");
    cr_assert_eq(count_reaped(&id), 1);
    cr_assert_eq(acquire(0, &lease), 0, "but its place is free");
}

Test(leases, of_another_process_are_reaped_when_it_has_ended)
{
    struct keyshm_lease lease;
    set_limits(key, 0, cap(1));
    pid_t child = fork();
    if (child == 0)
        _exit(acquire(0, &lease) == 0 ? 0 : 1);
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_eq(keyshm_reap(pool, getpid()), 0);
    cr_assert_eq(keyshm_reap(pool, child), 1);
    cr_assert_eq(count_leases(), 0);
}

/* Its process number is that of one in another namespace, of which nothing is known. */
Test(leases, of_another_namespace_are_nobodys_to_reap)
{
    struct keyshm_lease lease;
    set_limits(key, 0, cap(1));
    cr_assert_eq(acquire(0, &lease), 0);
    _Atomic uint64_t *at = &workers_own_row(pool, workers_token(pool))->pid_namespace;
    uint64_t own = atomic_load(at);
    atomic_store(at, own + 1);
    cr_assert_eq(keyshm_reap(pool, getpid()), 0);
    atomic_store(at, own);
    cr_assert_eq(keyshm_reap(pool, getpid()), 1);
}

/* Each call looks at eight owners, and at those that were found alive only again after a while. */
Test(leases, of_many_that_are_alive_are_looked_at_eight_at_a_time)
{
    enum { HOLDERS = 12 };
    static keyshm_pool *holders[HOLDERS];
    struct keyshm_lease leases[HOLDERS], lease;
    set_limits(key, 0, cap(HOLDERS));
    for (int i = 0; i < HOLDERS; i++) {
        cr_assert_eq(keyshm_attach(&holders[i], name), 0);
        cr_assert_eq(acquire_of(holders[i], 0, 0, &leases[i]), 0);
    }
    /* The last that is looked at. */
    struct places places = places_of_key();
    uint64_t last = atomic_load(&places.cells[HOLDERS - 1]);
    for (int i = 0; i < HOLDERS; i++)
        if (leases[i].token[TOKEN_CELL] == last)
            keyshm_close(holders[i]);
    cr_assert_eq(acquire(0, &lease), -EAGAIN);
    virtual_clock_pass_ms(10);
    cr_assert_eq(acquire(0, &lease), 0);
    struct keyshm_lease_list *list;
    cr_assert_eq(keyshm_leases(pool, &list), 0);
    cr_assert_eq(list->count, HOLDERS);
    keyshm_lease_list_free(list);
    for (int i = 0; i < HOLDERS; i++)
        if (leases[i].token[TOKEN_CELL] != last)
            keyshm_close(holders[i]);
}

Test(leases, of_a_closed_attachment_are_nobodys)
{
    keyshm_pool *other;
    struct keyshm_lease lease;
    size_t count;
    set_limits(key, 0, cap(1));
    cr_assert_eq(keyshm_attach(&other, name), 0);
    cr_assert_eq(acquire_of(other, 0, 0, &lease), 0);
    cr_assert_eq(oldest_lease(&count).pid, getpid());
    keyshm_close(other);
    struct keyshm_held held = oldest_lease(&count);
    cr_assert_eq(count, 1);
    cr_assert_eq(held.pid, 0);
    cr_assert_str_empty(held.name);
    cr_assert_eq(keyshm_reap(pool, 0), 1);
}

/* ---- bytes that were written over ---- */

/* A cell that is not this process's, noted as it would be. */
static void write_lease(uint64_t cell, unsigned model, uint32_t slot, uint64_t tokens)
{
    struct places places = places_of_key();
    atomic_store(&places.head->width, 1);
    atomic_store(&places.cells[0], cell);
    atomic_store(&places.notes[0].since_ms, (uint64_t)1 << SINCE_MS_SHIFT | slot);
    atomic_store(&places.notes[0].held, held_hash(cell) | (uint64_t)model << HELD_TOKENS_BITS | tokens);
}

Test(leases, of_a_row_that_is_anothers_or_that_there_is_not_are_nobodys)
{
    size_t count;
    const uint64_t row = UINT64_C(1) << CELL_ROW_SHIFT, owner = UINT64_C(1) << CELL_NUMBER_BITS;
    uint64_t own = places_new_cell(pool);
    const uint64_t cells[] = {own + owner, own + pool->settings.worker_rows * row, own + row};
    set_limits(key, 0, cap(1));
    for (int i = 0; i < 3; i++) {
        write_lease(cells[i], 0, id_slot(key), 0);
        struct keyshm_held held = oldest_lease(&count);
        cr_assert_eq(count, 1);
        cr_assert_eq(held.id, key);
        cr_assert_eq(held.pid, 0);
        cr_assert_eq(keyshm_reap(pool, getpid()), 0);
        cr_assert_eq(keyshm_reap(pool, 0), 1);
    }
}

Test(leases, of_a_key_or_a_model_that_there_is_not_charge_the_key_alone)
{
    size_t count;
    keyshm_id id = key;
    unsigned model;
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    set_limits(key, 0, cap_with_tokens(1));
    set_limits(key, model, cap_with_tokens(0));
    write_lease(places_new_cell(pool), KEYSHM_MODELS_MAX, pool->settings.capacity, 300);
    struct keyshm_held held = oldest_lease(&count);
    cr_assert_eq(held.id, 0);
    cr_assert_eq(held.tokens, 300);
    cr_assert_eq(keyshm_reap(pool, getpid()), 1);
    cr_assert_eq(count_reaped(&id), 1);
    cr_assert_eq(id, 0);
    cr_assert_eq(state_of(key).tokens_left, 700);
    write_lease(places_new_cell(pool), model, id_slot(key), 300);
    cr_assert_eq(keyshm_reap(pool, getpid()), 1);
    cr_assert_eq(state_of(key).tokens_left, 400);
    cr_assert_eq(state_for(key, model).tokens_left, 400, "the least of 400 and 700");
}

/* Nothing is known of what it held. */
Test(leases, whose_note_is_of_another_charge_nothing_more)
{
    struct keyshm_lease lease;
    struct places places;
    put_key_in_group();
    set_limits(group, 0, cap_with_tokens(1));
    places = places_of_group();
    cr_assert_eq(acquire(600, &lease), 0);
    atomic_store(&places.notes[0].held, 0);
    cr_assert_eq(places_count_of_slot(&places, id_slot(key)), 0);
    cr_assert_eq(state_of(group).tokens_left, 1000);
    cr_assert_eq(keyshm_settle(pool, &lease, 100), 0);
    cr_assert_eq(atomic_load(&places.notes[0].held), 0);
    cr_assert_eq(state_of(group).tokens_left, 900);
    cr_assert_eq(keyshm_remove(pool, key), 0);
    cr_assert_eq(keyshm_release(pool, &lease), -ESTALE);
    cr_assert_eq(places_count(&places), 0);
    cr_assert_eq(state_of(group).tokens_left, 900);
}

/* ---- those that cannot have one ---- */

Test(leases, with_a_place_are_not_for_a_process_that_can_remember_nothing)
{
    struct process_local *local = pool->local;
    struct keyshm_lease lease;
    set_limits(key, 0, cap(1));
    cr_assert_eq(acquire(0, &lease), 0);
    pool->local = NULL;
    struct keyshm_lease more;
    cr_assert_eq(acquire(0, &more), -EUSERS);
    pool->local = local;
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    set_limits(key, 0, cap_with_tokens(0));
    cr_assert_eq(acquire(600, &lease), 0);
    pool->local = NULL;
    cr_assert_eq(acquire(600, &more), -EAGAIN, "others hold what it needs");
    cr_assert_eq(acquire(400, &more), 0, "charged at once");
    pool->local = local;
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    cr_assert_eq(inspect(key).tokens_left, 0);
}
