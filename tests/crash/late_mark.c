/* SPDX-License-Identifier: MIT */
#include "late.h"
#include "virtual_clock.h"

static void victim_limits_a(void)
{
    seen->result = keyshm_mark_rate_limited(late_pool, *letter_id('A'), 60000);
}

static void victim_invalidates_a(void)
{
    seen->result = keyshm_mark_invalid(late_pool, *letter_id('A'));
}

static void victim_frees_a(void)
{
    seen->result = keyshm_mark_available(late_pool, *letter_id('A'));
}

static void victim_resets(void)
{
    seen->result = keyshm_reset_expired_cooldowns(late_pool);
}

/* ---- the key is replaced ---- */

/* The mark met the key that it was for, or none. */
static void end_mark_of_replaced(void)
{
    EXPECT(seen->result == 0 || seen->result == -ESTALE);
    EXPECT_EQ(late_row_of(*letter_id('B')).status, KEYSHM_AVAILABLE);
    late_expect_marked('B', 0, 0);
    EXPECT_EQ(letter_pick(), 'B');
    late_end();
}

static void end_release_of_replaced(void)
{
    EXPECT(seen->result == 0 || seen->result == -ESTALE);
    EXPECT_EQ(late_row_of(*letter_id('B')).status, KEYSHM_INVALID);
    late_expect_marked('B', 0, 1);
    late_end();
}

/* ---- another mark comes between ---- */

static void end_a_invalid(void)
{
    EXPECT_EQ(seen->result, 0);
    struct keyshm_key_snapshot a = late_row_of(*letter_id('A'));
    EXPECT_EQ(a.status, KEYSHM_INVALID);
    EXPECT_EQ(a.cooldown_left_ms, -1);
    late_expect_marked('A', 1, 1);
    late_end();
}

static void mark_a_quota(void)
{
    EXPECT_EQ(keyshm_mark_quota_exceeded(late_pool, *letter_id('A'), 10000), 0);
}

static void end_a_joined(void)
{
    EXPECT_EQ(seen->result, 0);
    struct keyshm_key_snapshot a = late_row_of(*letter_id('A'));
    EXPECT_EQ(a.status, KEYSHM_QUOTA_EXCEEDED);
    EXPECT(a.cooldown_left_ms >= 60000);
    EXPECT_EQ(a.marked[KEYSHM_RATE_LIMITED], 1);
    EXPECT_EQ(a.marked[KEYSHM_QUOTA_EXCEEDED], 1);
    late_end();
}

static void limit_a_longer(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(late_pool, *letter_id('A'), 120000), 0);
}

static void end_a_limited_longer(void)
{
    EXPECT_EQ(seen->result, 0);
    EXPECT(late_row_of(*letter_id('A')).cooldown_left_ms >= 120000);
    late_expect_marked('A', 2, 0);
    late_end();
}

/* ---- a reset of expired cooldowns is stopped ---- */

static void begin_a_expired(void)
{
    late_begin_a();
    EXPECT_EQ(keyshm_mark_rate_limited(late_pool, *letter_id('A'), 100), 0);
    virtual_clock_pass_ms(200);
}

static void end_reset_of_invalid(void)
{
    EXPECT(seen->result == 0 || seen->result == 1);
    EXPECT_EQ(late_row_of(*letter_id('A')).status, KEYSHM_INVALID);
    late_expect_marked('A', 1, 1);
    late_end();
}

static void replace_a_by_limited_b(void)
{
    letter_replace('A', 'B');
    EXPECT_EQ(keyshm_mark_rate_limited(late_pool, *letter_id('B'), 100), 0);
}

static void end_reset_of_replaced(void)
{
    EXPECT(seen->result == 0 || seen->result == 1);
    EXPECT_EQ(late_row_of(*letter_id('B')).status, KEYSHM_RATE_LIMITED);
    late_expect_marked('B', 1, 0);
    late_end();
}

static const struct scenario scenarios[] = {
    {"limit, key replaced", late_begin_a, victim_limits_a, late_replace_a_by_b, end_mark_of_replaced},
    {"invalidate, key replaced", late_begin_a, victim_invalidates_a, late_replace_a_by_b, end_mark_of_replaced},
    {"release, key replaced", late_begin_a_invalid, victim_frees_a, late_replace_a_by_invalid_b, end_release_of_replaced},
    {"limit, key invalid", late_begin_a, victim_limits_a, late_mark_a_invalid, end_a_invalid},
    {"limit, quota exceeded", late_begin_a, victim_limits_a, mark_a_quota, end_a_joined},
    {"limit, limited longer", late_begin_a, victim_limits_a, limit_a_longer, end_a_limited_longer},
    {"reset, key invalid", begin_a_expired, victim_resets, late_mark_a_invalid, end_reset_of_invalid},
    {"reset, key replaced", begin_a_expired, victim_resets, replace_a_by_limited_b, end_reset_of_replaced},
};
const struct scenario_list late_mark_scenarios = SCENARIO_LIST(scenarios);
