/* SPDX-License-Identifier: MIT */
#include "pool.h"
#include "rate.h"

#include "moved_clock.h"
#include "set_limits.h"

/* Which limits are set, and what they admit. */

TestSuite(limits, .init = create_pool_with_clock, .fini = close_pool);

static struct keyshm_limits get(keyshm_id id, unsigned model)
{
    struct keyshm_limits limits = {.size = sizeof(limits)};
    cr_assert_eq(keyshm_get_limits(pool, id, model, &limits), 0);
    return limits;
}

/* How many picks in a row are admitted, which is at most 100. */
static int count_admitted(void)
{
    struct keyshm_pick pick;
    int count = 0;
    while (count < 100 && keyshm_next(pool, &pick) == 0)
        count++;
    return count;
}

static int acquire(unsigned model, uint64_t tokens)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.model = model;
    request.tokens = tokens;
    return keyshm_acquire(pool, &request, &lease);
}

Test(limits, of_requests_admit_a_burst_and_then_the_rate)
{
    keyshm_id id = add_key(1);
    set_limits(id, 0, limits_of_requests(8, 600, 4));
    cr_assert_eq(count_admitted(), 4);
    virtual_clock_pass_ms(74);
    cr_assert_eq(count_admitted(), 0);
    virtual_clock_pass_ms(1);
    cr_assert_eq(count_admitted(), 1);
    virtual_clock_pass_ms(150);
    cr_assert_eq(count_admitted(), 2);
    virtual_clock_pass_ms(60000);
    cr_assert_eq(count_admitted(), 4, "no more than the burst has gathered");
}

Test(limits, of_the_pool_are_those_of_each_key_without_its_own)
{
    keyshm_id id = add_key(1);
    add_key(2);
    set_limits(0, 0, limits_of_requests(60, 60000, 3));
    cr_assert_eq(count_admitted(), 6, "three of each");
    set_limits(id, 0, limits_of_requests(60, 60000, 5));
    cr_assert_eq(count_admitted(), 2, "what was used is known");
    cr_assert_eq(get(id, 0).requests.burst, 5);
    cr_assert_eq(keyshm_set_limits(pool, id, 0, NULL), 0);
    cr_assert_eq(get(id, 0).requests.burst, 3);
    cr_assert_eq(count_admitted(), 3, "what was used is forgotten");
    cr_assert_eq(keyshm_set_limits(pool, 0, 0, NULL), 0);
    cr_assert_eq(get(id, 0).requests.amount, 0);
    cr_assert_eq(count_admitted(), 100);
}

Test(limits, of_a_group_are_for_all_its_keys)
{
    keyshm_id group;
    keyshm_id ids[] = {add_key(1), add_key(2), add_key(3)};
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_set_group(pool, ids[0], group), 0);
    cr_assert_eq(keyshm_set_group(pool, ids[1], group), 0);
    set_limits(group, 0, limits_of_requests(60, 60000, 5));
    set_limits(ids[2], 0, limits_of_requests(60, 60000, 1));
    cr_assert_eq(count_admitted(), 6);
    virtual_clock_pass_ms(1000);
    cr_assert_eq(count_admitted(), 2);
}

Test(limits, of_a_model_are_for_requests_for_it)
{
    unsigned large, small;
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_model(pool, "large", &large), 0);
    cr_assert_eq(keyshm_model(pool, "small", &small), 0);
    set_limits(id, large, limits_of_requests(60, 60000, 2));
    set_limits(id, 0, limits_of_requests(600, 60000, 10));
    cr_assert_eq(acquire(large, 0), 0);
    cr_assert_eq(acquire(large, 0), 0);
    cr_assert_eq(acquire(large, 0), -EAGAIN);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(acquire(small, 0), 0);
    cr_assert_eq(acquire(small, 0), -EAGAIN, "each was charged to the key, too");
    virtual_clock_pass_ms(100);
    cr_assert_eq(acquire(large, 0), -EAGAIN);
    cr_assert_eq(acquire(small, 0), 0);
}

Test(limits, of_tokens_admit_what_fits)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    keyshm_id id = add_key(1);
    limits.tokens = (struct keyshm_rate){.amount = 60000, .per_ms = 60000, .burst = 1000};
    set_limits(id, 0, limits);
    cr_assert_eq(acquire(0, 600), 0);
    cr_assert_eq(acquire(0, 500), -EAGAIN);
    cr_assert_eq(acquire(0, 400), 0);
    cr_assert_eq(acquire(0, 0), -EAGAIN, "one has to be left");
    virtual_clock_pass_ms(1);
    cr_assert_eq(acquire(0, 0), 0);
    cr_assert_eq(acquire(0, 1), 0, "and that was not charged");
    cr_assert_eq(acquire(0, 1), -EAGAIN);
}

Test(limits, of_tokens_admit_more_than_the_burst_when_nothing_is_owed)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    keyshm_id id = add_key(1);
    limits.tokens = (struct keyshm_rate){.amount = 60000, .per_ms = 60000, .burst = 1000};
    set_limits(id, 0, limits);
    cr_assert_eq(acquire(0, 1), 0);
    cr_assert_eq(acquire(0, 5000), -EAGAIN);
    virtual_clock_pass_ms(1);
    cr_assert_eq(acquire(0, 5000), 0);
    virtual_clock_pass_ms(4000);
    cr_assert_eq(acquire(0, 1), -EAGAIN, "the debt is not paid");
    virtual_clock_pass_ms(1);
    cr_assert_eq(acquire(0, 1), 0);
}

Test(limits, that_refuse_cost_nothing)
{
    struct keyshm_limits limits = limits_of_requests(60, 60000, 10);
    keyshm_id id = add_key(1);
    limits.tokens = (struct keyshm_rate){.amount = 60000, .per_ms = 60000, .burst = 100};
    set_limits(id, 0, limits);
    cr_assert_eq(acquire(0, 100), 0);
    for (int i = 0; i < 50; i++)
        cr_assert_eq(acquire(0, 100), -EAGAIN);
    cr_assert_eq(keyshm_set_limits(pool, id, 0, &limits), 0);
    limits.tokens.amount = 0;
    set_limits(id, 0, limits);
    cr_assert_eq(count_admitted(), 9);
}

Test(limits, are_passed_over_for_keys_that_admit)
{
    struct keyshm_pick pick;
    keyshm_id limited = add_key(1), free = add_key(2);
    set_limits(limited, 0, limits_of_requests(1, 60000, 1));
    cr_assert_eq(pick_one().id, limited);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(pick_one().id, free);
    cr_assert_eq(keyshm_mark_invalid(pool, free), 0);
    cr_assert_eq(keyshm_next(pool, &pick), -EAGAIN);
    virtual_clock_pass_ms(60000);
    cr_assert_eq(pick_one().id, limited);
}

Test(limits, hold_with_priorities)
{
    keyshm_id first = add_key(1), second = add_key(2);
    cr_assert_eq(keyshm_set_priority(pool, second, 1), 0);
    set_limits(first, 0, limits_of_requests(60, 60000, 2));
    cr_assert_eq(pick_one().id, first);
    cr_assert_eq(pick_one().id, first);
    cr_assert_eq(pick_one().id, second);
    virtual_clock_pass_ms(1000);
    cr_assert_eq(pick_one().id, first);
    cr_assert_eq(pick_one().id, second);
}

Test(limits, go_with_their_key)
{
    keyshm_id id = add_key(1);
    set_limits(id, 0, limits_of_requests(1, 60000, 1));
    cr_assert_eq(count_admitted(), 1);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    id = add_key(2);
    cr_assert_eq(get(id, 0).requests.amount, 0);
    cr_assert_eq(count_admitted(), 100);
    set_limits(0, 0, limits_of_requests(1, 60000, 1));
    cr_assert_eq(count_admitted(), 1, "nothing was used of these");
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
}

Test(limits, that_are_read_are_those_that_were_set)
{
    struct keyshm_limits limits = limits_of_requests(60, 60000, 0), read;
    keyshm_id id = add_key(1);
    limits.tokens = (struct keyshm_rate){90000, 60000, 0, KEYSHM_CHARGE_AT_RELEASE};
    limits.requests_long = (struct keyshm_rate){1000, 86400000, 7, KEYSHM_CHARGE_AT_PICK};
    limits.in_flight = 4;
    set_limits(id, 0, limits);
    read = get(id, 0);
    cr_assert(read.requests.amount == 60 && read.requests.per_ms == 60000 && read.requests.burst == 10);
    cr_assert(read.tokens.amount == 90000 && read.tokens.burst == 15000 &&
              read.tokens.charge == KEYSHM_CHARGE_AT_RELEASE);
    cr_assert(read.requests_long.amount == 1000 && read.requests_long.per_ms == 86400000 &&
              read.requests_long.burst == 7);
    cr_assert_eq(read.tokens_long.amount, 0);
    cr_assert_eq(read.in_flight, 4);
    cr_assert_eq(get(0, 0).requests.amount, 0);
}

static int set_wrong(keyshm_id id, unsigned model, struct keyshm_limits limits)
{
    return keyshm_set_limits(pool, id, model, &limits);
}

Test(limits, that_are_wrong_are_refused)
{
    struct keyshm_limits limits = limits_of_requests(60, 60000, 0);
    keyshm_id id = add_key(1), gone = add_key(2), group;
    unsigned model;
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    cr_assert_eq(keyshm_remove(pool, gone), 0);
    cr_assert_eq(keyshm_set_limits(NULL, id, 0, &limits), -EINVAL);
    cr_assert_eq(set_wrong(gone, 0, limits), -ESTALE);
    cr_assert_eq(set_wrong(id, model + 1, limits), -EINVAL);
    cr_assert_eq(set_wrong(id, 0, limits_of_requests(60, 0, 0)), -EINVAL);
    cr_assert_eq(set_wrong(id, 0, limits_of_requests(60, KEYSHM_DURATION_MAX_MS + 1, 0)), -EINVAL);
    cr_assert_eq(set_wrong(id, 0, limits_of_requests(0, 0, 0)), 0, "there is no such limit");
    limits.requests.charge = KEYSHM_CHARGE_AT_RELEASE;
    cr_assert_eq(set_wrong(id, 0, limits), -EINVAL);
    limits = limits_of_requests(60, 60000, 0);
    limits.tokens.charge = (enum keyshm_charge)2;
    cr_assert_eq(set_wrong(id, 0, limits), -EINVAL);
    limits = limits_of_requests(60, 60000, 0);
    limits.in_flight = 16;
    cr_assert_eq(set_wrong(id, 0, limits), 0);
    cr_assert_eq(set_wrong(id, model, limits), -EINVAL);
    limits.in_flight = 17;
    cr_assert_eq(set_wrong(id, 0, limits), -EINVAL);
    cr_assert_eq(set_wrong(0, 0, limits), -EINVAL);
    cr_assert_eq(set_wrong(group, 0, limits), 0);
    limits.in_flight = 65;
    cr_assert_eq(set_wrong(group, 0, limits), -EINVAL);
    limits.in_flight = 0;
    limits.size = 0;
    cr_assert_eq(set_wrong(id, 0, limits), -EINVAL);
    cr_assert_eq(keyshm_get_limits(pool, gone, 0, &limits), -EINVAL);
    limits.size = sizeof(limits);
    cr_assert_eq(keyshm_get_limits(pool, gone, 0, &limits), -ESTALE);
    cr_assert_eq(keyshm_get_limits(pool, id, 0, NULL), -EINVAL);
    cr_assert_eq(keyshm_get_limits(NULL, id, 0, &limits), -EINVAL);
    cr_assert_eq(keyshm_get_limits(pool, id, model + 1, &limits), -EINVAL);
}

Test(limits, of_so_many_kinds_have_no_room)
{
    keyshm_id id = add_key(1);
    unsigned model;
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    for (uint64_t i = 1; i <= 1000; i++)
        set_limits(id, 0, limits_of_requests(i, 60000, 0)); /* of which the last are in use */
    set_limits(id, model, limits_of_requests(5, 60000, 0));
    cr_assert_eq(get(id, 0).requests.amount, 1000);
    cr_assert_eq(get(id, model).requests.amount, 5);
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
}

Test(limits, that_differ_too_much_are_refused)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_id ids[8];
    uint64_t different = 0;
    close_pool();
    options.capacity = 8;
    options.models_max = 64;
    cr_assert_eq(keyshm_create_anonymous(&pool, "test", &options), 0);
    add_keys(ids, 8);
    for (unsigned number = 1; number <= 64; number++) {
        char name[16];
        unsigned model;
        snprintf(name, sizeof(name), "model-%u", number);
        cr_assert_eq(keyshm_model(pool, name, &model), 0);
        for (int i = 0; i < 8 && different < pool->settings.limits_max; i++)
            set_limits(ids[i], model, limits_of_requests(++different, 60000, 0));
    }
    cr_assert_eq(set_wrong(ids[0], 0, limits_of_requests(different + 1, 60000, 0)), -ENOSPC);
    cr_assert_eq(get(ids[0], 0).requests.amount, 0);
    set_limits(ids[0], 0, limits_of_requests(different, 60000, 0));
    cr_assert_eq(keyshm_set_limits(pool, ids[0], 1, NULL), 0);
    set_limits(ids[0], 0, limits_of_requests(different + 1, 60000, 0));
    cr_assert_eq(get(ids[0], 0).requests.amount, different + 1);
}

/* ---- requests in flight ---- */

static int lease_for(struct keyshm_lease *ret_lease, uint64_t tokens)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.tokens = tokens;
    return keyshm_acquire(pool, &request, ret_lease);
}

static struct keyshm_limits cap(unsigned in_flight)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.in_flight = in_flight;
    return limits;
}

/* Of a limit of tokens that is charged at release. */
static struct keyshm_limits tokens_at_release(uint64_t burst)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.tokens.amount = 60000;
    limits.tokens.burst = burst;
    return limits;
}

static size_t count_leases(void)
{
    struct keyshm_lease_list *list;
    cr_assert_eq(keyshm_leases(pool, &list), 0);
    size_t count = list->count;
    keyshm_lease_list_free(list);
    return count;
}

Test(limits, of_requests_in_flight_hold)
{
    struct keyshm_lease leases[3], more;
    keyshm_id id = add_key(1);
    set_limits(id, 0, cap(3));
    for (int i = 0; i < 3; i++)
        cr_assert_eq(lease_for(&leases[i], 0), 0);
    cr_assert_eq(lease_for(&more, 0), -EAGAIN);
    cr_assert_eq(count_leases(), 3);
    cr_assert_eq(keyshm_release(pool, &leases[1]), 0);
    cr_assert_eq(keyshm_release(pool, &leases[1]), -ESTALE);
    cr_assert_eq(lease_for(&leases[1], 0), 0);
    cr_assert_eq(lease_for(&more, 0), -EAGAIN);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(keyshm_release(pool, &leases[i]), 0);
    cr_assert_eq(count_leases(), 0);
}

Test(limits, of_requests_in_flight_of_a_group_hold_for_all_its_keys)
{
    struct keyshm_lease leases[4], more;
    keyshm_id group, ids[] = {add_key(1), add_key(2)};
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(keyshm_set_group(pool, ids[i], group), 0);
    set_limits(group, 0, cap(4));
    set_limits(ids[0], 0, cap(1));
    for (int i = 0; i < 4; i++)
        cr_assert_eq(lease_for(&leases[i], 0), 0);
    cr_assert_eq(lease_for(&more, 0), -EAGAIN);
    cr_assert_eq(count_leases(), 4);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(keyshm_release(pool, &leases[i]), 0);
    cr_assert_eq(count_leases(), 0);
}

Test(limits, of_requests_in_flight_that_are_lowered_admit_none_until_it_fits)
{
    struct keyshm_lease leases[4], more;
    keyshm_id id = add_key(1);
    set_limits(id, 0, cap(4));
    for (int i = 0; i < 4; i++)
        cr_assert_eq(lease_for(&leases[i], 0), 0);
    set_limits(id, 0, cap(2));
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(keyshm_release(pool, &leases[i]), 0);
        cr_assert_eq(lease_for(&more, 0), -EAGAIN);
    }
    cr_assert_eq(keyshm_release(pool, &leases[2]), 0);
    cr_assert_eq(lease_for(&more, 0), 0);
    cr_assert_eq(lease_for(&leases[0], 0), -EAGAIN);
    cr_assert_eq(keyshm_release(pool, &more), 0);
    cr_assert_eq(keyshm_release(pool, &leases[3]), 0);
}

Test(limits, of_requests_in_flight_are_not_for_plain_picks)
{
    struct keyshm_pick pick;
    keyshm_id capped = add_key(1), free = add_key(2);
    set_limits(capped, 0, cap(2));
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(keyshm_next(pool, &pick), 0);
        cr_assert_eq(pick.id, free);
    }
    cr_assert_eq(keyshm_remove(pool, free), 0);
    cr_assert_eq(keyshm_next(pool, &pick), -EOPNOTSUPP);
}

Test(limits, of_tokens_at_release_hold_what_is_said_and_charge_what_is_used)
{
    struct keyshm_lease first, second, third;
    keyshm_id id = add_key(1);
    set_limits(id, 0, tokens_at_release(1000));
    cr_assert_eq(lease_for(&first, 600), 0);
    cr_assert_eq(lease_for(&second, 500), -EAGAIN);
    cr_assert_eq(lease_for(&second, 400), 0);
    cr_assert_eq(lease_for(&third, 1), -EAGAIN);
    cr_assert_eq(keyshm_settle(pool, &first, 100), 0);
    cr_assert_eq(keyshm_settle(pool, &first, 100), -EALREADY);
    cr_assert_eq(lease_for(&third, 501), -EAGAIN);
    cr_assert_eq(lease_for(&third, 500), 0);
    cr_assert_eq(keyshm_release(pool, &first), 0);
    cr_assert_eq(keyshm_release(pool, &second), 0, "charged what it said");
    cr_assert_eq(keyshm_cancel(pool, &third), 0, "charged nothing");
    cr_assert_eq(lease_for(&third, 501), -EAGAIN);
    cr_assert_eq(lease_for(&third, 500), 0);
    cr_assert_eq(keyshm_settle(pool, &third, 2000), 0, "a debt");
    cr_assert_eq(keyshm_release(pool, &third), 0);
    virtual_clock_pass_ms(1500);
    cr_assert_eq(lease_for(&third, 1), -EAGAIN);
    virtual_clock_pass_ms(1);
    cr_assert_eq(lease_for(&third, 1), 0);
}

Test(limits, of_tokens_at_release_are_no_hidden_cap)
{
    struct keyshm_lease leases[50];
    keyshm_id id = add_key(1);
    set_limits(id, 0, tokens_at_release(1000));
    for (int i = 0; i < 50; i++)
        cr_assert_eq(lease_for(&leases[i], 20), 0);
    cr_assert_eq(count_leases(), 16);
    cr_assert_eq(acquire(0, 1), -EAGAIN);
    for (int i = 0; i < 50; i++) {
        cr_assert_eq(keyshm_settle(pool, &leases[i], 20), 0);
        cr_assert_eq(keyshm_release(pool, &leases[i]), 0);
    }
    cr_assert_eq(acquire(0, 1), -EAGAIN, "each was charged once");
    virtual_clock_pass_ms(1);
    cr_assert_eq(acquire(0, 1), 0);
}

Test(limits, that_are_cancelled_are_given_back)
{
    struct keyshm_limits limits = limits_of_requests(60, 60000, 2);
    struct keyshm_lease lease;
    keyshm_id id = add_key(1);
    set_limits(id, 0, limits);
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(lease_for(&lease, 0), 0);
        cr_assert_eq(keyshm_cancel(pool, &lease), 0);
        cr_assert_eq(keyshm_cancel(pool, &lease), -ESTALE);
    }
    cr_assert_eq(lease_for(&lease, 0), 0);
    virtual_clock_pass_ms(900);
    cr_assert_eq(keyshm_cancel(pool, &lease), 0, "nine tenths have drained");
    cr_assert_eq(count_admitted(), 2);
    virtual_clock_pass_ms(999);
    cr_assert_eq(count_admitted(), 0);
    virtual_clock_pass_ms(60000);
    cr_assert_eq(lease_for(&lease, 0), 0);
    virtual_clock_pass_ms(900);
    cr_assert_eq(acquire(0, 0), 0);
    cr_assert_eq(keyshm_cancel(pool, &lease), 0);
    cr_assert_eq(count_admitted(), 1);
    virtual_clock_pass_ms(999);
    cr_assert_eq(count_admitted(), 0, "what has drained was not given back");
}

Test(limits, of_a_process_that_has_forgotten_its_leases)
{
    struct keyshm_lease lease;
    keyshm_id id = add_key(1);
    set_limits(id, 0, cap(2));
    cr_assert_eq(lease_for(&lease, 0), 0);
    cr_assert_eq(lease_for(&lease, 0), 0);
    cr_assert_eq(keyshm_reap(pool, 0), 0);
    cr_assert_eq(keyshm_reap(pool, getppid()), 0);
    cr_assert_eq(keyshm_reap(pool, -1), -EINVAL);
    cr_assert_eq(keyshm_reap(pool, getpid()), 2);
    cr_assert_eq(keyshm_release(pool, &lease), -ESTALE);
    cr_assert_eq(count_leases(), 0);
}

Test(limits, of_requests_in_flight_end_with_their_key)
{
    struct keyshm_lease lease;
    keyshm_id id = add_key(1);
    set_limits(0, 0, cap(1));
    cr_assert_eq(lease_for(&lease, 0), 0);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    cr_assert_eq(count_leases(), 0);
    add_key(2);
    cr_assert_eq(keyshm_settle(pool, &lease, 1), -ESTALE);
    struct keyshm_lease next;
    cr_assert_eq(lease_for(&next, 0), 0);
    cr_assert_eq(keyshm_release(pool, &lease), -ESTALE);
    cr_assert_eq(count_leases(), 1);
    cr_assert_eq(keyshm_release(pool, &next), 0);
}

Test(limits, of_a_group_end_with_a_removed_key)
{
    struct keyshm_limits limits = tokens_at_release(1000);
    struct keyshm_lease lease, next;
    keyshm_id group, id = add_key(1), other = add_key(2);
    limits.in_flight = 1;
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_set_group(pool, id, group), 0);
    set_limits(group, 0, limits);
    cr_assert_eq(lease_for(&lease, 600), 0);
    cr_assert_eq(lease.pick.id, id);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    cr_assert_eq(keyshm_set_group(pool, other, group), 0);
    cr_assert_eq(lease_for(&next, 1), -EAGAIN);
    cr_assert_eq(keyshm_release(pool, &lease), -ESTALE);
    cr_assert_eq(count_leases(), 0);
    cr_assert_eq(lease_for(&next, 401), -EAGAIN, "what it held was used");
    cr_assert_eq(lease_for(&next, 400), 0);
    cr_assert_eq(keyshm_remove(pool, other), 0);
    cr_assert_eq(keyshm_cancel(pool, &next), -ESTALE);
    cr_assert_eq(count_leases(), 0);
}

Test(limits, take_a_place_away_after_the_longest_time)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    struct keyshm_lease frozen, next;
    keyshm_id id = add_key(1);
    policy.lease_max_ms = 5000;
    set_policy(policy);
    set_limits(id, 0, cap(1));
    cr_assert_eq(lease_for(&frozen, 0), 0);
    virtual_clock_pass_ms(5000);
    cr_assert_eq(lease_for(&next, 0), -EAGAIN);
    virtual_clock_pass_ms(500);
    cr_assert_eq(lease_for(&next, 0), 0);
    cr_assert_eq(keyshm_release(pool, &frozen), -ESTALE);
    cr_assert_eq(keyshm_release(pool, &next), 0);
}

Test(limits, say_when_a_key_is_available)
{
    struct keyshm_lease lease;
    keyshm_id id = add_key(1);
    set_limits(id, 0, limits_of_requests(60, 60000, 1));
    cr_assert_eq(keyshm_is_available(pool, id), 1);
    cr_assert_eq(count_admitted(), 1);
    cr_assert_eq(keyshm_is_available(pool, id), 0);
    cr_assert_eq(keyshm_available_count(pool), 0);
    cr_assert_eq(keyshm_next_available_ms(pool), 1000);
    virtual_clock_pass_ms(400);
    cr_assert_eq(keyshm_next_available_ms(pool), 600);
    virtual_clock_pass_ms(600);
    cr_assert_eq(keyshm_next_available_ms(pool), 0);
    cr_assert_eq(keyshm_available_count(pool), 1);
    set_limits(id, 0, cap(1));
    cr_assert_eq(lease_for(&lease, 0), 0);
    cr_assert_eq(keyshm_is_available(pool, id), 0);
    cr_assert_eq(keyshm_next_available_ms(pool), -1);
    cr_assert_eq(state_of(id).status, KEYSHM_AVAILABLE);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    cr_assert_eq(keyshm_is_available(pool, id), 1);
}

/* What is said to be used may be any number. */
Test(limits, owe_no_more_than_can_be_owed)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.tokens = (struct keyshm_rate){.amount = 1, .per_ms = 1000, .burst = 10, .charge = KEYSHM_CHARGE_AT_RELEASE};
    keyshm_id id = add_key(1);
    set_limits(id, 0, limits);
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.tokens = 1;
    cr_assert_eq(keyshm_acquire(pool, &request, &lease), 0);
    for (int i = 0; i < 1000; i++) {
        struct keyshm_lease copy = lease; /* which has not been settled */
        cr_assert_eq(keyshm_settle(pool, &copy, UINT64_MAX), 0);
        cr_assert_eq(acquire(0, 1), -EAGAIN, "%d", i);
    }
    virtual_clock_pass_ms(365LL * 24 * 60 * 60 * 1000);
    cr_assert_eq(acquire(0, 1), -EAGAIN);
    virtual_clock_pass_ms(3 * 366LL * 24 * 60 * 60 * 1000);
    cr_assert_eq(acquire(0, 1), 0, "it drains in the end");
}

/* Of keys with limits of their own between others, each is asked by its own. */
Test(limits, of_many_keys_are_those_of_each)
{
    keyshm_id ids[6];
    add_keys(ids, 6);
    set_limits(0, 0, limits_of_requests(1, 60000, 1));
    set_limits(ids[2], 0, limits_of_requests(3, 60000, 3));
    set_limits(ids[4], 0, limits_of_requests(5, 60000, 5));
    cr_assert_eq(count_admitted(), 4 + 3 + 5);
    cr_assert_eq(keyshm_next_available_ms(pool), 12000);
}

/* A machine that has too much to do may read its coarse clock late by more than a tick. */
Test(limits, do_not_rely_on_how_late_the_coarse_clock_is)
{
    keyshm_id id = add_key(1);
    set_limits(id, 0, limits_of_requests(100, 1000, 1));
    cr_assert_eq(count_admitted(), 1);
    virtual_clock->tick_ns = 1000 * NS_PER_MS;
    for (int i = 0; i < 10; i++) {
        virtual_clock_pass_ms(11);
        cr_assert_eq(keyshm_next_available_ms(pool), 0);
        struct keyshm_pick pick;
        cr_assert_eq(keyshm_next(pool, &pick), 0, "%d", i);
    }
}
