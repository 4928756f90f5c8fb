/* SPDX-License-Identifier: MIT */
#include "late.h"

#include <errno.h>

#include "virtual_clock.h"

/* Keys with limits: one request in flight, which holds tokens; or one request in a year. */

enum { LEASE_MAX_MS = 5000, AGAIN_MS = 500, TOKENS = 3 };

static struct keyshm_lease lease; /* that of the victim, or its parent's, before it was stopped */
static struct keyshm_lease next;  /* the parent's */
static int next_result;

static int acquire(struct keyshm_lease *ret_lease)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.tokens = TOKENS;
    return keyshm_acquire(late_pool, &request, ret_lease);
}

static size_t count_leases(uint64_t *ret_tokens)
{
    struct keyshm_lease_list *list;
    EXPECT_EQ(keyshm_leases(late_pool, &list), 0);
    size_t count = list->count;
    *ret_tokens = count > 0 ? list->leases[0].tokens : 0;
    keyshm_lease_list_free(list);
    return count;
}

/* ---- beginnings ---- */

static void begin_capped(void)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    late_begin_with("A", 1);
    policy.lease_max_ms = LEASE_MAX_MS;
    limits.in_flight = 1;
    limits.tokens = (struct keyshm_rate){
        .amount = 100, .per_ms = KEYSHM_DURATION_MAX_MS, .burst = 100, .charge = KEYSHM_CHARGE_AT_RELEASE};
    EXPECT_EQ(keyshm_set_policy(late_pool, &policy), 0);
    EXPECT_EQ(keyshm_set_limits(late_pool, 0, 0, &limits), 0);
    virtual_clock_pass_ms(2 * LEASE_MAX_MS); /* a place that was never taken looks as if it were taken long ago */
}

static void begin_leased(void)
{
    begin_capped();
    EXPECT_EQ(acquire(&lease), 0);
}

static void begin_leased_long_ago(void)
{
    begin_leased();
    virtual_clock_pass_ms(LEASE_MAX_MS + 1);
}

static void begin_dead(void)
{
    begin_capped();
    pid_t child = expect_fork();
    if (child == 0) {
        EXPECT_EQ(acquire(&lease), 0);
        _exit(0);
    }
    expect_success_of(child);
}

static void begin_rated(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    late_begin_with("A", 1);
    limits.requests = (struct keyshm_rate){.amount = 1, .per_ms = KEYSHM_DURATION_MAX_MS, .burst = 1};
    EXPECT_EQ(keyshm_set_limits(late_pool, 0, 0, &limits), 0);
}

/* ---- victims ---- */

static void victim_acquires(void)
{
    seen->result = acquire(&lease);
    seen->pick = lease.pick;
}

/* And ends it: as late as it was stopped. */
static void victim_acquires_and_releases(void)
{
    victim_acquires();
    if (seen->result == 0)
        seen->result = keyshm_release(late_pool, &lease);
}

static void victim_settles(void)
{
    seen->result = keyshm_settle(late_pool, &lease, 2 * TOKENS);
}

static void victim_releases(void)
{
    seen->result = keyshm_release(late_pool, &lease);
}

static void victim_cancels(void)
{
    seen->result = keyshm_cancel(late_pool, &lease);
}

static void victim_picks(void)
{
    seen->result = keyshm_next(late_pool, &seen->pick);
}

/* ---- meanwhile ---- */

/* Who is stopped keeps its place for so long, and no longer, from when somebody needs it. */
static void take_place_in_time(void)
{
    next_result = acquire(&next);
    for (int passed_ms = 0; next_result == -EAGAIN && passed_ms <= 2 * LEASE_MAX_MS; passed_ms += AGAIN_MS) {
        virtual_clock_pass_ms(AGAIN_MS);
        next_result = acquire(&next);
    }
    EXPECT_EQ(next_result, 0);
}

static void replace_a_and_take_place(void)
{
    late_replace_a_by_b();
    next_result = acquire(&next);
    EXPECT_EQ(next_result, 0);
    EXPECT_EQ(next.pick.id, *letter_id('B'));
}

static void reap_and_take_place(void)
{
    EXPECT(keyshm_reap(late_pool, 0) >= 0);
    next_result = acquire(&next);
    EXPECT(next_result == 0 || next_result == -EAGAIN); /* the victim has it */
}

/* The holder is not stopped at all, and takes the place again, if it is free. */
static void release_and_acquire(void)
{
    int r = keyshm_release(late_pool, &lease);
    EXPECT(r == 0 || r == -ESTALE);
    next_result = acquire(&next);
    EXPECT(next_result == 0 || next_result == -EAGAIN);
}

static void replace_a_and_pick(void)
{
    struct keyshm_pick pick;
    late_replace_a_by_b();
    EXPECT_EQ(keyshm_next(late_pool, &pick), 0);
    EXPECT_EQ(keyshm_next(late_pool, &pick), -EAGAIN);
}

/* ---- ends ---- */

static void end_without_limits(void)
{
    EXPECT_EQ(keyshm_set_limits(late_pool, 0, 0, NULL), 0);
    late_end();
}

/* The place is the parent's, with what it holds, and nobody else's. */
static void end_taken(void)
{
    uint64_t tokens;
    EXPECT_EQ(count_leases(&tokens), 1);
    EXPECT_EQ(tokens, TOKENS);
    EXPECT_EQ(keyshm_release(late_pool, &next), 0);
    EXPECT_EQ(count_leases(&tokens), 0);
    end_without_limits();
}

/* Of a victim that ends a lease, or finds that it is no longer there. */
static void end_late(void)
{
    EXPECT(seen->result == 0 || seen->result == -ESTALE);
    end_taken();
}

static void end_acquired_late(void)
{
    EXPECT(seen->result == 0 || seen->result == -ESTALE || seen->result == -EAGAIN);
    end_taken();
}

/* One of the two has it, or none. */
static void end_one(void)
{
    uint64_t tokens;
    size_t count = count_leases(&tokens);
    EXPECT_EQ(count, (seen->result == 0) + (next_result == 0));
    EXPECT(count <= 1);
    EXPECT(next_result != 0 || keyshm_release(late_pool, &next) == 0);
    end_without_limits();
}

/* The new key was used up by others. */
static void end_used(void)
{
    struct keyshm_pick pick;
    EXPECT((seen->result == 0 && letter_of(&seen->pick) == 'A') || seen->result == -EAGAIN);
    EXPECT_EQ(keyshm_next(late_pool, &pick), -EAGAIN);
    end_without_limits();
}

static const struct scenario scenarios[] = {
    {"acquire, place taken", begin_capped, victim_acquires_and_releases, take_place_in_time, end_acquired_late},
    {"settle, place taken", begin_leased, victim_settles, take_place_in_time, end_late},
    {"release, place taken", begin_leased, victim_releases, take_place_in_time, end_late},
    {"cancel, place taken", begin_leased, victim_cancels, take_place_in_time, end_late},
    {"acquire, limited key replaced", begin_capped, victim_acquires_and_releases, replace_a_and_take_place,
     end_acquired_late},
    {"release, limited key replaced", begin_leased, victim_releases, replace_a_and_take_place, end_late},
    {"acquire, dead one's place taken", begin_dead, victim_acquires, reap_and_take_place, end_one},
    {"acquire, place given back", begin_leased_long_ago, victim_acquires, release_and_acquire, end_one},
    {"pick, limited key replaced", begin_rated, victim_picks, replace_a_and_pick, end_used},
};
const struct scenario_list late_limit_scenarios = SCENARIO_LIST(scenarios);
