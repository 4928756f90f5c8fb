/* SPDX-License-Identifier: MIT */
#include "pool.h"
#include "process_local.h"
#include "ready_bits.h"
#include "workers.h"

#include "virtual_futex.h"

/* How keyshm_acquire() waits, and who wakes whom. */

static void create_pool_with_futex(void)
{
    create_pool_with_clock();
    futex.sleeps = futex.changed = futex.woke_one = futex.woke_all = 0;
    futex.sleepers = 0;
    futex.act = NULL;
}

TestSuite(waiting, .init = create_pool_with_futex, .fini = close_pool);

static struct keyshm_lease lease;
static keyshm_id key;

static int acquire_for(unsigned model, int64_t wait_ms)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.model = model;
    request.wait_ms = wait_ms;
    return keyshm_acquire(pool, &request, &lease);
}

static int acquire(int64_t wait_ms)
{
    return acquire_for(0, wait_ms);
}

static int64_t now_ns(void)
{
    return virtual_clock->monotonic_ns;
}

static void bench(int64_t duration_ms)
{
    cr_assert_eq(keyshm_mark_rate_limited(pool, key, duration_ms), 0);
}

static void expect_wakes(unsigned one, unsigned all)
{
    cr_assert_eq(futex.woke_one, one, "%u", futex.woke_one);
    cr_assert_eq(futex.woke_all, all, "%u", futex.woke_all);
    futex.woke_one = futex.woke_all = 0;
}

/* Somebody else waits, and sleeps. */
static void others_wait(int sleepers)
{
    atomic_store(&pool->header->waiters, 1);
    futex.sleepers = sleepers;
}

static void set_cap(unsigned in_flight)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.in_flight = in_flight;
    cr_assert_eq(keyshm_set_limits(pool, key, 0, &limits), 0);
}

/* ---- how long ---- */

Test(waiting, lasts_as_long_as_the_bench_and_a_fiftieth_more_at_most)
{
    key = add_key(1);
    for (int64_t bench_ms = 1; bench_ms <= 3000; bench_ms = bench_ms * 3 / 2 + 1) {
        bench(bench_ms);
        int64_t begin_ns = now_ns();
        futex.sleeps = 0;
        cr_assert_eq(acquire(10000), 0);
        int64_t took_ns = now_ns() - begin_ns;
        cr_assert_geq(took_ns, bench_ms * NS_PER_MS);
        cr_assert_leq(took_ns, (bench_ms + 1) * NS_PER_MS * 51 / 50 + NS_PER_MS, "%lld ns for %lld ms",
                      (long long)took_ns, (long long)bench_ms);
        for (unsigned i = 0; i < futex.sleeps; i++)
            cr_assert_leq(futex.sleeps_ns[i], 100 * NS_PER_MS);
        cr_assert_leq(futex.sleeps, (unsigned)(bench_ms * 51 / 50 / 100 + 3), "%u sleeps", futex.sleeps);
    }
}

Test(waiting, of_many_ends_at_different_times)
{
    key = add_key(1);
    bool differs = false;
    int64_t first_ns = 0;
    for (int i = 0; i < 20; i++) {
        bench(1000);
        int64_t begin_ns = now_ns();
        cr_assert_eq(acquire(10000), 0);
        differs |= i > 0 && now_ns() - begin_ns != first_ns;
        first_ns = i == 0 ? now_ns() - begin_ns : first_ns;
        virtual_clock_pass_ms(7);
    }
    cr_assert(differs);
}

Test(waiting, ends_without_a_key_when_the_time_is_over)
{
    key = add_key(1);
    bench(60000);
    for (int64_t wait_ms = 1; wait_ms <= 500; wait_ms *= 5) {
        int64_t begin_ns = now_ns();
        cr_assert_eq(acquire(wait_ms), -EAGAIN);
        cr_assert_eq(now_ns() - begin_ns, wait_ms * NS_PER_MS);
    }
    futex.sleeps = 0;
    cr_assert_eq(acquire(0), -EAGAIN);
    cr_assert_eq(futex.sleeps, 0, "that is no wait");
}

Test(waiting, is_not_for_what_time_does_not_bring)
{
    cr_assert_eq(acquire(KEYSHM_UNTIL_MARKED), -ENOKEY);
    cr_assert_eq(futex.sleeps, 0);
}

Test(waiting, for_a_rate_ends_when_it_admits)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = (struct keyshm_rate){.amount = 8, .per_ms = 600, .burst = 1};
    key = add_key(1);
    cr_assert_eq(keyshm_set_limits(pool, key, 0, &limits), 0);
    for (int i = 0; i < 10; i++) {
        int64_t begin_ns = now_ns();
        cr_assert_eq(acquire(1000), 0);
        int64_t took_ns = now_ns() - begin_ns;
        cr_assert(i == 0 ? took_ns == 0 : took_ns > 72 * NS_PER_MS && took_ns < 78 * NS_PER_MS, "%lld ns",
                  (long long)took_ns);
    }
}

/* ---- woken ---- */

static enum wake mark_at_third(unsigned sleep)
{
    if (sleep < 2)
        return TIMED_OUT;
    futex.sleepers = 1;
    cr_assert_eq(keyshm_mark_available(pool, key), 0);
    return WOKEN;
}

Test(waiting, ends_with_a_mark)
{
    key = add_key(1);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, key, KEYSHM_NO_RETRY_AFTER), 0);
    futex.act = mark_at_third;
    int64_t begin_ns = now_ns();
    cr_assert_eq(acquire(KEYSHM_UNTIL_MARKED), 0);
    cr_assert_eq(now_ns() - begin_ns, 200 * NS_PER_MS);
    /* The key is available to others, too, and it does not know that no other waits. */
    expect_wakes(2, 1);
}

/* A process was killed before it announced what it has done. */
static enum wake make_available_in_silence(unsigned sleep)
{
    if (sleep == 1)
        atomic_store(&pool->words[0], word_make_available(7));
    return TIMED_OUT;
}

Test(waiting, finds_what_was_not_announced)
{
    key = add_key(1);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, key, KEYSHM_NO_RETRY_AFTER), 0);
    futex.act = make_available_in_silence;
    cr_assert_eq(acquire(KEYSHM_UNTIL_MARKED), 0);
    cr_assert_eq(futex.sleeps, 2, "%u", futex.sleeps);
}

static void make_first_available_in_silence(void)
{
    atomic_store(&pool->words[0], word_make_available(7));
}

/* It was not there at the last look, and is when it is asked how long to sleep: that is not long. */
Test(waiting, is_short_when_a_key_comes_right_after_the_look)
{
    bool goes_on = true, was_short = false;
    for (unsigned readings = 0; goes_on; readings++) {
        keyshm_id ids[2];
        close_pool();
        create_pool_with_futex();
        add_keys(ids, 2);
        struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
        limits.requests = (struct keyshm_rate){.amount = 60, .per_ms = 60000, .burst = 60};
        cr_assert_eq(keyshm_set_limits(pool, 0, 0, &limits), 0);
        for (int i = 0; i < 2; i++)
            cr_assert_eq(keyshm_mark_quota_exceeded(pool, ids[i], KEYSHM_NO_RETRY_AFTER), 0);
        virtual_clock_interrupt(readings, make_first_available_in_silence);
        int r = acquire(50);
        goes_on = virtual_clock_has_interrupted();
        bool has_slept_to_the_end = futex.sleeps == 1 && futex.sleeps_ns[0] == 50 * NS_PER_MS;
        cr_assert(r == 0 ? goes_on : r == -EAGAIN && has_slept_to_the_end);
        was_short |= r == 0 && futex.sleeps == 1 && futex.sleeps_ns[0] == NS_PER_MS;
    }
    cr_assert(was_short);
}

Test(waiting, has_a_shortest_sleep)
{
    key = add_key(1);
    bench(10);
    virtual_clock->monotonic_ns += 10 * NS_PER_MS - 20000;
    cr_assert_eq(acquire(1000), 0);
    cr_assert_gt(futex.sleeps, 0);
    for (unsigned i = 0; i < futex.sleeps; i++)
        cr_assert_geq(futex.sleeps_ns[i], 50000);
}

static enum wake interrupt_second(unsigned sleep)
{
    return sleep == 1 ? INTERRUPTED : TIMED_OUT;
}

Test(waiting, ends_with_a_signal)
{
    key = add_key(1);
    bench(60000);
    futex.act = interrupt_second;
    cr_assert_eq(acquire(KEYSHM_UNTIL_MARKED), -EINTR);
    struct keyshm_snapshot *snapshot;
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->waiting, 0);
    keyshm_snapshot_free(snapshot);
}

static enum wake remove_key(unsigned sleep)
{
    (void)sleep;
    cr_assert_eq(keyshm_remove(pool, key), 0);
    return TIMED_OUT;
}

Test(waiting, ends_when_the_last_key_is_removed)
{
    key = add_key(1);
    bench(60000);
    futex.act = remove_key;
    cr_assert_eq(acquire(KEYSHM_UNTIL_MARKED), -ENOKEY);
}

static unsigned waiting_meanwhile;

static enum wake count_waiting(unsigned sleep)
{
    (void)sleep;
    struct keyshm_snapshot *snapshot;
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    waiting_meanwhile = snapshot->waiting;
    keyshm_snapshot_free(snapshot);
    return TIMED_OUT;
}

Test(waiting, is_counted)
{
    key = add_key(1);
    bench(50);
    futex.act = count_waiting;
    cr_assert_eq(acquire(1000), 0);
    cr_assert_eq(waiting_meanwhile, 1);
    waiting_meanwhile = 7;
    count_waiting(0);
    cr_assert_eq(waiting_meanwhile, 0);
}

/* Not of one that is not listed. */
Test(waiting, needs_no_row)
{
    struct process_local *local = pool->local;
    key = add_key(1);
    bench(50);
    pool->local = NULL;
    futex.act = count_waiting;
    cr_assert_eq(acquire(1000), 0);
    pool->local = local;
    cr_assert_eq(waiting_meanwhile, 0);
}

static enum wake lose_row(unsigned sleep)
{
    (void)sleep;
    workers_leave(pool);
    atomic_store(&pool->local->token, 0);
    return TIMED_OUT;
}

/* Whoever has the row now does not wait: that of one that was killed while it waited counts for nobody, either. */
Test(waiting, is_counted_off_from_its_own_row)
{
    key = add_key(1);
    bench(50);
    futex.act = lose_row;
    uint64_t row = (workers_token(pool) >> 32) - 1;
    cr_assert_eq(acquire(1000), 0);
    cr_assert_eq(atomic_load(&pool->waiting[row]), 1);
    count_waiting(0);
    cr_assert_eq(waiting_meanwhile, 0);
}

/* ---- whom it wakes ---- */

Test(waiting, costs_no_call_of_the_system_where_nobody_waits)
{
    key = add_key(1);
    set_cap(1);
    cr_assert_eq(acquire(0), 0);
    cr_assert_eq(acquire(0), -EAGAIN);
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    bench(1000);
    cr_assert_eq(keyshm_mark_available(pool, key), 0);
    set_cap(0);
    expect_wakes(0, 0);
}

Test(waiting, is_over_for_one_with_each_lease_that_is_given_back)
{
    key = add_key(1);
    set_cap(1);
    others_wait(20);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(acquire(0), 0);
        expect_wakes(0, 0);
        cr_assert_eq(keyshm_release(pool, &lease), 0);
        expect_wakes(1, 0);
        cr_assert_eq(acquire(0), 0);
        cr_assert_eq(keyshm_cancel(pool, &lease), 0);
        cr_assert_geq(futex.woke_one, 1);
        futex.woke_one = 0;
    }
}

Test(waiting, is_over_for_all_with_what_is_about_many_keys)
{
    keyshm_id group;
    struct keyshm_policy policy = {.size = sizeof(policy)};
    key = add_key(1);
    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_set_group(pool, key, group), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, group, 1000), 0);
    others_wait(20);
    cr_assert_eq(keyshm_mark_available(pool, group), 0);
    expect_wakes(0, 1);
    others_wait(20);
    cr_assert_eq(keyshm_get_policy(pool, &policy), 0);
    cr_assert_eq(keyshm_set_policy(pool, &policy), 0);
    expect_wakes(0, 1);
    others_wait(20);
    set_cap(3);
    cr_assert_geq(futex.woke_all, 1);
}

Test(waiting, leaves_nothing_when_the_process_is_killed)
{
    key = add_key(1);
    bench(1000);
    others_wait(0);
    cr_assert_eq(keyshm_mark_available(pool, key), 0);
    cr_assert_eq(futex.woke_one, 1, "in vain");
    cr_assert_eq(atomic_load(&pool->header->waiters), 0);
    futex.woke_one = futex.woke_all = 0;
    bench(1000);
    cr_assert_eq(keyshm_mark_available(pool, key), 0);
    expect_wakes(0, 0);
}

/* One that has said that it waits, and looked, is overlooked by a wake-up before it sleeps: it looks again. */
static enum wake forget_waiters(unsigned sleep)
{
    if (sleep != 0)
        return TIMED_OUT;
    futex.sleepers = 0;
    ready_count_announcement(pool);
    cr_assert_eq(atomic_load(&pool->header->waiters), 0);
    return WOKEN;
}

Test(waiting, is_said_again_after_each_sleep)
{
    key = add_key(1);
    bench(150);
    futex.act = forget_waiters;
    cr_assert_eq(acquire(1000), 0);
    cr_assert_neq(atomic_load(&pool->header->waiters), 0);
}

static enum wake look_at_waiters(unsigned sleep)
{
    cr_assert_eq(atomic_load(&pool->header->waiters), sleep + 1);
    return TIMED_OUT;
}

/* The number of those that have said so, which is 0 where nobody has, goes round. */
Test(waiting, is_said_with_any_number)
{
    key = add_key(1);
    bench(50);
    atomic_store(&pool->header->waiters, UINT32_MAX);
    futex.act = look_at_waiters;
    cr_assert_eq(acquire(10), -EAGAIN);
    cr_assert_gt(futex.sleeps, 0);
}

static void announce_once(void)
{
    ready_count_announcement(pool);
}

Test(waiting, does_not_begin_when_something_was_announced_since)
{
    key = add_key(1);
    bench(1000);
    /* The clock is read by the look, which comes after the number was. */
    virtual_clock_interrupt(6, announce_once);
    cr_assert_eq(acquire(100), -EAGAIN);
    cr_assert(virtual_clock_has_interrupted());
    cr_assert_eq(futex.changed, 1);
}

/* ---- passing on ---- */

/* The first wake-up is for something that this waiter cannot use. */
static enum wake wake_for_others(unsigned sleep)
{
    if (sleep > 2)
        return INTERRUPTED;
    futex.sleepers = 5;
    return WOKEN;
}

Test(waiting, hands_on_what_is_for_others_once)
{
    unsigned model;
    key = add_key(1);
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.scope = KEYSHM_SCOPE_KEY;
    mark.model = model;
    mark.duration_ms = 60000;
    cr_assert_eq(keyshm_mark(pool, key, &mark), 0);
    futex.act = wake_for_others;
    cr_assert_eq(acquire_for(model, KEYSHM_UNTIL_MARKED), -EINTR);
    cr_assert_eq(futex.sleeps, 4);
    expect_wakes(1, 0);
}

/* And something is announced before each but the last. */
static enum wake announce_for_others(unsigned sleep)
{
    if (sleep > 3)
        return INTERRUPTED;
    if (sleep < 3)
        ready_count_announcement(pool);
    futex.woke_all = 0;
    futex.sleepers = 5;
    return WOKEN;
}

Test(waiting, hands_on_each_announcement_once)
{
    unsigned model;
    key = add_key(1);
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    cr_assert_eq(mark_for_model(pool, key, model, KEYSHM_RATE_LIMITED, 60000), 0);
    futex.act = announce_for_others;
    cr_assert_eq(acquire_for(model, KEYSHM_UNTIL_MARKED), -EINTR);
    cr_assert_eq(futex.sleeps, 5);
    expect_wakes(6, 0); /* each announcement wakes one, who wakes another */
}

Test(waiting, hands_on_nothing_where_nothing_is_left)
{
    key = add_key(1);
    bench(60000);
    futex.act = wake_for_others;
    cr_assert_eq(acquire(KEYSHM_UNTIL_MARKED), -EINTR);
    expect_wakes(0, 0);
}

/* Whoever announces something while this one looks finds nobody asleep. */
static enum wake forget_in_next_look(unsigned sleep)
{
    if (sleep > 0)
        return INTERRUPTED;
    futex.sleepers = 0;
    virtual_clock_interrupt(0, announce_once);
    return WOKEN;
}

Test(waiting, hands_on_nothing_where_nobody_waits)
{
    unsigned model;
    key = add_key(1);
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    cr_assert_eq(mark_for_model(pool, key, model, KEYSHM_RATE_LIMITED, 60000), 0);
    futex.act = forget_in_next_look;
    cr_assert_eq(acquire_for(model, KEYSHM_UNTIL_MARKED), -EINTR);
    expect_wakes(1, 1); /* by the announcement */
    cr_assert_eq(futex.changed, 1, "it looks again");
}

static enum wake release_to_all(unsigned sleep)
{
    (void)sleep;
    futex.sleepers = 6;
    cr_assert_eq(keyshm_mark_available(pool, key), 0);
    return WOKEN;
}

Test(waiting, hands_on_what_more_than_one_can_use)
{
    key = add_key(1);
    bench(60000);
    futex.act = release_to_all;
    cr_assert_eq(acquire(KEYSHM_UNTIL_MARKED), 0);
    expect_wakes(2, 0);
    set_cap(1);
    bench(60000);
    futex.woke_one = futex.woke_all = 0;
    cr_assert_eq(acquire(KEYSHM_UNTIL_MARKED), 0);
    expect_wakes(1, 0);
}

/* ---- what else a request may say ---- */

Test(waiting, wants_a_time_and_known_flags)
{
    const struct keyshm_request empty = KEYSHM_REQUEST_INIT;
    struct keyshm_request requests[] = {empty, empty, empty};
    key = add_key(1);
    requests[0].wait_ms = -1;
    requests[1].wait_ms = KEYSHM_UNTIL_MARKED + 1;
    requests[2].flags = 2;
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        cr_assert_eq(keyshm_acquire(pool, &requests[i], &lease), -EINVAL, "request %zu", i);
        cr_assert_eq(keyshm_wait_hint_ms(pool, &requests[i]), -EINVAL);
    }
    cr_assert_eq(keyshm_wait_hint_ms(NULL, &empty), -EINVAL);
    cr_assert_eq(keyshm_acquire(pool, &empty, &lease), 0);
}

Test(waiting, can_be_driven_by_a_hint)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    cr_assert_eq(keyshm_wait_hint_ms(pool, NULL), -1);
    key = add_key(1);
    cr_assert_eq(keyshm_wait_hint_ms(pool, NULL), 0);
    bench(300);
    cr_assert_eq(keyshm_wait_hint_ms(pool, &request), keyshm_next_available_ms(pool));
    cr_assert_eq(keyshm_mark_available(pool, key), 0);
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.tokens = (struct keyshm_rate){.amount = 1000, .per_ms = 1000, .burst = 1000, .charge = KEYSHM_CHARGE_AT_PICK};
    limits.in_flight = 2;
    cr_assert_eq(keyshm_set_limits(pool, key, 0, &limits), 0);
    request.tokens = 900;
    cr_assert_eq(keyshm_wait_hint_ms(pool, &request), 0);
    cr_assert_eq(keyshm_acquire(pool, &request, &lease), 0);
    cr_assert_eq(keyshm_wait_hint_ms(pool, NULL), 0);
    cr_assert_eq(keyshm_wait_hint_ms(pool, &request), 800);
    cr_assert_eq(keyshm_acquire(pool, NULL, &lease), 0);
    cr_assert_eq(keyshm_wait_hint_ms(pool, NULL), -1, "a place is given back, or not");
    cr_assert_eq(keyshm_wait_hint_ms(pool, &request), -1);
}

static int acquire_soonest(int64_t wait_ms)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.wait_ms = wait_ms;
    request.flags = KEYSHM_SOONEST;
    return keyshm_acquire(pool, &request, &lease);
}

Test(waiting, for_the_soonest_gives_the_key_whose_bench_ends_first)
{
    keyshm_id ids[5], group;
    add_keys(ids, 5);
    cr_assert_eq(acquire_soonest(0), 0);
    cr_assert_eq(lease.pick.benched_ms, 0, "one is available");
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[0], 5000), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[1], 1000), 0);
    cr_assert_eq(keyshm_pause(pool, ids[1]), 0);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[2]), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[3], KEYSHM_UNTIL_MARKED), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[4], 9000), 0);
    cr_assert_eq(acquire_soonest(0), 0);
    cr_assert_eq(lease.pick.id, ids[0]);
    cr_assert(lease.pick.benched_ms == 5000 || lease.pick.benched_ms == 5001);
    cr_assert_str_eq(lease.pick.key, key_text(0));
    cr_assert_eq(inspect(ids[0]).status, KEYSHM_RATE_LIMITED, "it is benched as before");
    cr_assert_eq(acquire_soonest(300), 0, "after the wait");
    cr_assert_eq(lease.pick.benched_ms / 10, 470);

    cr_assert_eq(keyshm_group(pool, "account", &group), 0);
    cr_assert_eq(keyshm_set_group(pool, ids[0], group), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, group, 20000), 0);
    cr_assert_eq(acquire_soonest(0), 0);
    cr_assert_eq(lease.pick.id, ids[4], "the later of key and group counts");
    cr_assert_eq(keyshm_remove(pool, ids[0]), 0);
    cr_assert_eq(keyshm_remove(pool, ids[4]), 0);
    cr_assert_eq(acquire_soonest(0), -EAGAIN);
}

Test(waiting, for_the_soonest_respects_caps_and_budgets)
{
    key = add_key(1);
    set_cap(1);
    bench(1000);
    cr_assert_eq(acquire_soonest(0), 0);
    struct keyshm_lease first = lease;
    cr_assert_eq(acquire_soonest(0), -EAGAIN);
    cr_assert_eq(keyshm_release(pool, &first), 0);
    cr_assert_eq(acquire_soonest(0), 0);
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = (struct keyshm_rate){.amount = 1, .per_ms = 60000, .burst = 1};
    cr_assert_eq(keyshm_set_limits(pool, key, 0, &limits), 0);
    cr_assert_eq(acquire_soonest(0), 0);
    cr_assert_eq(acquire_soonest(0), -EAGAIN);
}

Test(waiting, for_the_soonest_of_a_model_reads_all_its_words)
{
    unsigned model;
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    keyshm_id ids[2];
    add_keys(ids, 2);
    cr_assert_eq(keyshm_model(pool, "large", &model), 0);
    for (int i = 0; i < 2; i++) {
        struct keyshm_mark mark = KEYSHM_MARK_INIT;
        mark.status = KEYSHM_RATE_LIMITED;
        mark.model = model;
        mark.duration_ms = i == 0 ? 9000 : 5000;
        cr_assert_eq(keyshm_mark(pool, ids[i], &mark), 0);
    }
    request.model = model;
    request.flags = KEYSHM_SOONEST;
    cr_assert_eq(keyshm_acquire(pool, &request, &lease), 0);
    cr_assert_eq(lease.pick.id, ids[1]);
    cr_assert_eq(lease.pick.model, model);
    cr_assert_eq(lease.pick.benched_ms / 10, 500);
}

/* ---- affinity ---- */

static keyshm_id acquire_by(uint64_t affinity)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.affinity = affinity;
    int r = keyshm_acquire(pool, &request, &lease);
    cr_assert(r == 0 || r == -EAGAIN);
    return r == 0 ? lease.pick.id : 0;
}

Test(waiting, by_affinity_gets_the_same_key_while_it_is_available)
{
    keyshm_id ids[8];
    add_keys(ids, 8);
    for (uint64_t affinity = 1; affinity <= 100; affinity++) {
        keyshm_id preferred = acquire_by(affinity);
        for (int i = 0; i < 3; i++)
            cr_assert_eq(acquire_by(affinity), preferred);
        cr_assert_eq(keyshm_mark_rate_limited(pool, preferred, 60000), 0);
        keyshm_id other = acquire_by(affinity);
        cr_assert_neq(other, preferred);
        cr_assert_eq(acquire_by(affinity), other);
        cr_assert_eq(keyshm_mark_available(pool, preferred), 0);
        cr_assert_eq(acquire_by(affinity), preferred);
    }
}

Test(waiting, by_affinity_spreads_numbers_over_keys)
{
    keyshm_id ids[8];
    unsigned counts[8] = {0};
    add_keys(ids, 8);
    for (uint64_t affinity = 1; affinity <= 800; affinity++)
        counts[id_slot(acquire_by(affinity))]++;
    for (int i = 0; i < 8; i++)
        cr_assert(counts[i] > 60 && counts[i] < 140, "%u of 100", counts[i]);
}

Test(waiting, by_affinity_takes_no_turn)
{
    keyshm_id ids[4];
    add_keys(ids, 4);
    for (int i = 0; i < 12; i++) {
        cr_assert_eq(pick_id(), ids[i % 4]);
        acquire_by(42);
        acquire_by(43);
    }
}

Test(waiting, by_affinity_stays_in_the_first_priority)
{
    keyshm_id ids[8];
    add_keys(ids, 8);
    for (int i = 0; i < 8; i++)
        set_priority(ids[i], i < 3 ? 2 : 0);
    set_priority(ids[5], 1);
    for (uint64_t affinity = 1; affinity <= 50; affinity++) {
        keyshm_id id = acquire_by(affinity);
        cr_assert(id != ids[0] && id != ids[1] && id != ids[2] && id != ids[5]);
        cr_assert_eq(acquire_by(affinity), id);
    }
    for (int i = 3; i < 8; i++)
        if (i != 5)
            cr_assert_eq(keyshm_mark_rate_limited(pool, ids[i], 60000), 0);
    cr_assert_eq(acquire_by(1), ids[5]);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[5], 60000), 0);
    keyshm_id last = acquire_by(1);
    cr_assert(last == ids[0] || last == ids[1] || last == ids[2]);
    cr_assert_eq(acquire_by(1), last);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(keyshm_mark_rate_limited(pool, ids[i], 60000), 0);
    cr_assert_eq(acquire_by(1), 0);
}

Test(waiting, by_affinity_fills_one_key_after_the_other)
{
    keyshm_id ids[3];
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = (struct keyshm_rate){.amount = 3, .per_ms = 60000, .burst = 3};
    add_keys(ids, 3);
    cr_assert_eq(keyshm_set_limits(pool, 0, 0, &limits), 0);
    keyshm_id before = 0;
    for (int i = 0; i < 9; i++) {
        keyshm_id id = acquire_by(7);
        cr_assert_neq(id, 0);
        cr_assert(i % 3 == 0 ? id != before : id == before);
        before = id;
    }
    cr_assert_eq(acquire_by(7), 0);
}
