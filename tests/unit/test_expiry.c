/* SPDX-License-Identifier: MIT */
#include "fixture.h"

/* Tests that only need time to pass. Those that need exact times use a virtual clock (tests/process). */

TestSuite(expiry, .init = create_pool, .fini = close_pool);

/* Wait until the cooldown is over, as the pool reports it. Bounded, so that a broken pool fails instead of hanging. */
static void wait_for(keyshm_id id)
{
    for (int i = 0; i < 3000 && keyshm_is_available(pool, id) == 0; i++)
        sleep_ms(10);
    cr_assert_eq(keyshm_is_available(pool, id), 1);
}

Test(expiry, happens_by_itself)
{
    keyshm_id ids[2];
    add_keys(ids, 2);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[0], 40), 0);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, ids[1], 60), 0);
    wait_for(ids[0]);
    wait_for(ids[1]);
    cr_assert_eq(keyshm_available_count(pool), 2);
    cr_assert_eq(pick_id(), ids[0]);
    cr_assert_eq(pick_id(), ids[1]);
    cr_assert_eq(inspect(ids[0]).status, KEYSHM_AVAILABLE, "it needs no reset");
    cr_assert_eq(inspect(ids[0]).cooldown_left_ms, 0);
}

Test(expiry, a_key_that_was_skipped_while_cooling_is_picked_again)
{
    keyshm_id ids[2];
    add_keys(ids, 2);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[0], 80), 0);
    for (int i = 0; i < 10; i++)
        pick_id(); /* these clear its ready bit */
    wait_for(ids[0]);
    cr_assert_eq(pick_id() + pick_id(), ids[0] + ids[1], "each once");
}

Test(expiry, the_last_key_comes_back_after_eagain)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 50), 0);
    while (keyshm_next_available_ms(pool) > 0) {
        pick_id();
        sleep_ms(1);
    }
    cr_assert_eq(pick_id(), id, "next_available_ms returned 0");
}

Test(expiry, reset_counts_what_it_reset)
{
    keyshm_id ids[5];
    add_keys(ids, 5);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[0], 30), 0);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, ids[1], 30), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[2], 600000), 0);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[3]), 0);
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 0, "none before the time");
    wait_for(ids[0]);
    wait_for(ids[1]);
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 2);
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 0, "once");
    cr_assert_eq(keyshm_is_available(pool, ids[2]), 0);
    cr_assert_eq(keyshm_is_available(pool, ids[3]), 0);
    cr_assert_eq(inspect(ids[0]).marked[KEYSHM_AVAILABLE], 0, "an expiry is not counted as a mark");
}

Test(expiry, a_mark_after_the_end_begins_anew)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, 20), 0);
    wait_for(id);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 600000), 0);
    cr_assert_eq(inspect(id).status, KEYSHM_RATE_LIMITED, "the quota is over, so it is no longer known");
}
