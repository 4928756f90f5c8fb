/* SPDX-License-Identifier: MIT */
#include "fixture.h"

/* What an operator does to keys: pauses, and the end of all benches. */

TestSuite(pause, .init = create_pool, .fini = close_pool);

static size_t count_events(enum keyshm_event_kind kind)
{
    struct keyshm_event_list *list;
    size_t count = 0;
    cr_assert_eq(keyshm_events(pool, NULL, &list), 0);
    for (size_t i = 0; i < list->count; i++)
        count += list->events[i].kind == kind;
    keyshm_event_list_free(list);
    return count;
}

Test(pause, takes_a_key_out_until_it_is_resumed)
{
    keyshm_id ids[3];
    add_keys(ids, 3);
    cr_assert_eq(keyshm_pause(pool, ids[1]), 0);
    cr_assert_eq(keyshm_is_available(pool, ids[1]), 0);
    cr_assert_eq(keyshm_available_count(pool), 2);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(pick_id(), ids[i % 2 * 2]);
    struct keyshm_key_snapshot key = inspect(ids[1]);
    cr_assert_eq(key.is_paused, 1);
    cr_assert_eq(key.benched_by, KEYSHM_BY_PAUSE);
    cr_assert_eq(key.status, KEYSHM_AVAILABLE, "it stays known");
    cr_assert_eq(keyshm_resume(pool, ids[1]), 0);
    cr_assert_eq(inspect(ids[1]).is_paused, 0);
    cr_assert_eq(inspect(ids[1]).benched_by, 0);
    cr_assert_eq(pick_id(), ids[0]);
    cr_assert_eq(pick_id(), ids[1]);
}

Test(pause, may_be_said_twice_and_is_one_event)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_resume(pool, id), 0, "it was not paused");
    cr_assert_eq(count_events(KEYSHM_EVENT_RESUMED), 0);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(keyshm_pause(pool, id), 0);
    cr_assert_eq(count_events(KEYSHM_EVENT_PAUSED), 1);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(keyshm_resume(pool, id), 0);
    cr_assert_eq(count_events(KEYSHM_EVENT_RESUMED), 1);
}

Test(pause, no_mark_undoes_it_and_all_are_kept)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    cr_assert_eq(keyshm_pause(pool, id), 0);
    cr_assert_eq(inspect(id).benched_by, KEYSHM_BY_PAUSE | KEYSHM_BY_KEY);
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    cr_assert_eq(keyshm_is_available(pool, id), 0);
    cr_assert_eq(keyshm_mark_all_available(pool, 15), 0, "it is on no bench");
    cr_assert_eq(pick_id(), 0);
    cr_assert_eq(keyshm_next_available_ms(pool), -1, "nobody knows when it is resumed");
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, 600000), 0);
    cr_assert_eq(inspect(id).status, KEYSHM_QUOTA_EXCEEDED);
    cr_assert_eq(keyshm_resume(pool, id), 0);
    cr_assert_eq(keyshm_is_available(pool, id), 0, "what was marked meanwhile counts");
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    cr_assert_eq(pick_id(), id);
}

Test(pause, outlives_the_end_of_a_cooldown)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_pause(pool, id), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 20), 0);
    while (inspect(id).status != KEYSHM_AVAILABLE)
        sleep_ms(1);
    cr_assert_eq(keyshm_is_available(pool, id), 0);
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 1);
    cr_assert_eq(pick_id(), 0);
    cr_assert_eq(keyshm_resume(pool, id), 0);
    cr_assert_eq(pick_id(), id);
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
}

Test(pause, ends_with_its_key)
{
    struct keyshm_snapshot *snapshot;
    keyshm_id id = add_key(1), next;
    cr_assert_eq(keyshm_pause(pool, id), 0);
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->paused_count, 1);
    cr_assert_eq(snapshot->status_count[KEYSHM_AVAILABLE], 1, "whatever its status");
    keyshm_snapshot_free(snapshot);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    next = add_key(2);
    cr_assert_eq(next & 0xffffff, id & 0xffffff, "the same slot");
    cr_assert_eq(keyshm_is_available(pool, next), 1);
    cr_assert_eq(keyshm_pause(pool, id), -ESTALE);
    cr_assert_eq(keyshm_resume(pool, id), -ESTALE);
    cr_assert_eq(keyshm_pause(pool, UINT64_MAX), -ESTALE);
    cr_assert_eq(keyshm_pause(NULL, id), -EINVAL);
    cr_assert_eq(keyshm_resume(NULL, id), -EINVAL);
}

/* ---- all keys at once ---- */

#define BIT(status) (1u << (status))

Test(pause, all_of_a_status_are_made_available)
{
    keyshm_id ids[6];
    add_keys(ids, 6);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[0], 600000), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[1], KEYSHM_UNTIL_MARKED), 0);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, ids[2], KEYSHM_UNTIL_MARKED), 0);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[3]), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[4], 600000), 0);
    cr_assert_eq(keyshm_pause(pool, ids[4]), 0);
    cr_assert_eq(keyshm_mark_all_available(pool, BIT(KEYSHM_AVAILABLE)), 0);
    cr_assert_eq(keyshm_mark_all_available(pool, BIT(KEYSHM_RATE_LIMITED)), 3);
    cr_assert_eq(keyshm_is_available(pool, ids[0]), 1);
    cr_assert_eq(keyshm_is_available(pool, ids[1]), 1);
    cr_assert_eq(keyshm_is_available(pool, ids[2]), 0);
    cr_assert_eq(inspect(ids[4]).benched_by, KEYSHM_BY_PAUSE, "a pause stays");
    cr_assert_eq(inspect(ids[0]).marked[KEYSHM_AVAILABLE], 1, "it is a mark");
    cr_assert_eq(keyshm_mark_all_available(pool, BIT(KEYSHM_QUOTA_EXCEEDED) | BIT(KEYSHM_INVALID)), 2);
    cr_assert_eq(keyshm_available_count(pool), 5);
    cr_assert_eq(keyshm_mark_all_available(pool, 15), 0, "once");
    for (int i = 0; i < 5; i++)
        cr_assert_eq(pick_id(), ids[i < 4 ? i : 5]);
}

Test(pause, a_cooldown_that_has_ended_is_no_bench)
{
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 1), 0);
    while (keyshm_is_available(pool, id) == 0)
        sleep_ms(1);
    cr_assert_eq(keyshm_mark_all_available(pool, 15), 0);
}

Test(pause, the_statuses_are_checked)
{
    cr_assert_eq(keyshm_mark_all_available(pool, 0), -EINVAL);
    cr_assert_eq(keyshm_mark_all_available(pool, BIT(KEYSHM_STATUS_COUNT)), -EINVAL);
    cr_assert_eq(keyshm_mark_all_available(pool, BIT(KEYSHM_INVALID) | BIT(31)), -EINVAL);
    cr_assert_eq(keyshm_mark_all_available(NULL, 1), -EINVAL);
}
