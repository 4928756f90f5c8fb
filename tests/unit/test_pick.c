/* SPDX-License-Identifier: MIT */
#include "fixture.h"

TestSuite(pick, .init = create_pool, .fini = close_pool);

Test(pick, goes_round_in_the_order_of_slots)
{
    keyshm_id ids[5];
    add_keys(ids, 5);
    for (int i = 0; i < 23; i++)
        cr_assert_eq(pick_id(), ids[i % 5], "pick %d", i);
}

Test(pick, gives_the_key_itself)
{
    struct keyshm_pick pick;
    keyshm_id id = add_key(3);
    cr_assert_eq(keyshm_next(pool, &pick), 0);
    cr_assert_eq(pick.id, id);
    cr_assert_str_eq(pick.key, key_text(3));
    cr_assert_eq(pick.key_length, strlen(key_text(3)));
}

Test(pick, skips_what_is_unavailable)
{
    keyshm_id ids[6];
    add_keys(ids, 6);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[0], 60000), 0);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[3]), 0);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, ids[5], KEYSHM_UNTIL_MARKED), 0);
    static const int expected[] = {1, 2, 4};
    for (int i = 0; i < 12; i++)
        cr_assert_eq(pick_id(), ids[expected[i % 3]], "pick %d", i);
    cr_assert_eq(keyshm_mark_available(pool, ids[3]), 0);
    static const int then[] = {1, 2, 3, 4};
    for (int i = 0; i < 12; i++)
        cr_assert_eq(pick_id(), ids[then[i % 4]], "pick %d", i);
}

Test(pick, goes_on_after_the_key_picked_last_when_the_set_changes)
{
    keyshm_id ids[4];
    add_keys(ids, 4);
    cr_assert_eq(pick_id(), ids[0]);
    cr_assert_eq(pick_id(), ids[1]);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[2]), 0);
    cr_assert_eq(pick_id(), ids[3]);
    cr_assert_eq(keyshm_mark_available(pool, ids[2]), 0);
    cr_assert_eq(pick_id(), ids[0], "not back to 2");
    cr_assert_eq(keyshm_remove(pool, ids[1]), 0);
    cr_assert_eq(pick_id(), ids[2]);
    keyshm_id added = add_key(9);
    cr_assert_eq(pick_id(), ids[3]);
    cr_assert_eq(pick_id(), ids[0]);
    cr_assert_eq(pick_id(), added, "in the slot of the removed one");
}

Test(pick, distinguishes_an_exhausted_pool_from_an_empty_one)
{
    struct keyshm_pick pick;
    memset(&pick, 0x55, sizeof(pick));
    cr_assert_eq(keyshm_next(pool, &pick), -ENOKEY);
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    cr_assert_eq(keyshm_next(pool, &pick), -EAGAIN);
    for (size_t i = 0; i < sizeof(pick); i++)
        cr_assert_eq(((const unsigned char *)&pick)[i], 0x55, "written although it failed");
    cr_assert_eq(keyshm_mark_available(pool, id), 0);
    cr_assert_eq(keyshm_next(pool, &pick), 0);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    cr_assert_eq(keyshm_next(pool, &pick), -ENOKEY);
}

Test(pick, stamps_and_counts_picks)
{
    keyshm_id ids[2];
    add_keys(ids, 2);
    for (int i = 0; i < 3; i++)
        pick_id();
    cr_assert_eq(inspect(ids[0]).picks, 2);
    cr_assert_eq(inspect(ids[1]).picks, 1);
    int64_t ago_ms = inspect(ids[1]).last_used_ago_ms;
    cr_assert(ago_ms >= 0 && ago_ms < 60000);
    sleep_ms(50);
    cr_assert_geq(inspect(ids[1]).last_used_ago_ms, ago_ms + 30);
    pick_id();
    pick_id();
    cr_assert_lt(inspect(ids[1]).last_used_ago_ms, ago_ms + 50 + 60000);
    cr_assert_eq(inspect(ids[1]).picks, 2);
}

Test(pick, reports_when_a_key_will_be_available)
{
    keyshm_id ids[3];
    cr_assert_eq(keyshm_next_available_ms(pool), -1, "an empty pool");
    add_keys(ids, 3);
    cr_assert_eq(keyshm_next_available_ms(pool), 0);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[0]), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, ids[1], 50000), 0);
    cr_assert_eq(keyshm_next_available_ms(pool), 0, "one is left");
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, ids[2], 20000), 0);
    int64_t left_ms = keyshm_next_available_ms(pool);
    cr_assert(left_ms > 10000 && left_ms <= 20001, "%lld", (long long)left_ms);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, ids[2], KEYSHM_UNTIL_MARKED), 0);
    left_ms = keyshm_next_available_ms(pool);
    cr_assert(left_ms > 40000 && left_ms <= 50001, "%lld", (long long)left_ms);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[1]), 0);
    cr_assert_eq(keyshm_next_available_ms(pool), -1, "no time is known");
}

/* 100 keys, in several words of ready bits, with random subsets of them available. */
Test(pick, is_exact_for_many_subsets)
{
    enum { KEYS = 150 };
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    struct keyshm_pick pick;
    keyshm_pool *wide;
    keyshm_id ids[KEYS];
    bool available[KEYS];
    uint32_t random = 4711;
    int last = -1;
    options.capacity = KEYS;
    cr_assert_eq(keyshm_create_anonymous(&wide, "wide", &options), 0);
    for (int i = 0; i < KEYS; i++) {
        cr_assert_eq(keyshm_add(wide, key_text(i), &ids[i]), 0);
        available[i] = true;
    }
    for (int step = 0; step < 5000; step++) {
        random = random * 1664525 + 1013904223;
        int changed = (int)(random >> 16) % KEYS;
        available[changed] = (random & 0x700) == 0; /* mostly unavailable */
        cr_assert_eq(
            available[changed] ? keyshm_mark_available(wide, ids[changed]) : keyshm_mark_invalid(wide, ids[changed]), 0);
        int expected = -1;
        for (int i = 1; i <= KEYS && expected < 0; i++)
            if (available[(last + i) % KEYS])
                expected = (last + i) % KEYS;
        int r = keyshm_next(wide, &pick);
        cr_assert_eq(r, expected < 0 ? -EAGAIN : 0);
        if (expected >= 0) {
            cr_assert_eq(pick.id, ids[expected], "step %d", step);
            last = expected;
        }
    }
    keyshm_close(wide);
}

Test(pick, into_a_buffer_of_the_callers)
{
    char buffer[65];
    keyshm_id id = add_key(1), other, picked = 0;
    size_t length = strlen(key_text(1));
    cr_assert_eq(keyshm_next_key(pool, buffer, sizeof(buffer), &picked), (ssize_t)length);
    cr_assert_str_eq(buffer, key_text(1));
    cr_assert_eq(picked, id);
    cr_assert_eq(keyshm_next_key(pool, buffer, length + 1, NULL), (ssize_t)length);
    memset(buffer, 'u', sizeof(buffer));
    cr_assert_eq(keyshm_next_key(pool, buffer, length, &picked), -ERANGE);
    cr_assert_eq(keyshm_next_key(pool, buffer, 0, NULL), -ERANGE);
    cr_assert_eq(inspect(id).picks, 4, "its turn is used up");
    for (size_t i = 0; i < sizeof(buffer); i++)
        cr_assert_eq(buffer[i], 'u');
    cr_assert_eq(keyshm_next_key(pool, NULL, 1, NULL), -EINVAL);
    cr_assert_eq(keyshm_next_key(NULL, buffer, 1, NULL), -EINVAL);
    cr_assert_eq(keyshm_mark_invalid(pool, id), 0);
    cr_assert_eq(keyshm_next_key(pool, buffer, sizeof(buffer), &picked), -EAGAIN);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    cr_assert_eq(keyshm_next_key(pool, buffer, sizeof(buffer), &picked), -ENOKEY);
    cr_assert_eq(picked, id, "written although it failed");

    /* As long as the pool allows. */
    char longest[65];
    memset(longest, 'k', 64);
    longest[64] = '\0';
    cr_assert_eq(keyshm_add(pool, longest, &other), 0);
    cr_assert_eq(keyshm_next_key(pool, buffer, sizeof(buffer), &picked), 64);
    cr_assert_str_eq(buffer, longest);
    cr_assert_eq(picked, other);
}

Test(pick, its_struct_is_laid_out_for_good_and_written_whole)
{
    struct keyshm_pick pick;
    cr_assert_eq(offsetof(struct keyshm_pick, id), 0);
    cr_assert_eq(offsetof(struct keyshm_pick, key_length), 8);
    cr_assert_eq(offsetof(struct keyshm_pick, stamp), 16);
    cr_assert_eq(offsetof(struct keyshm_pick, benched_ms), 24);
    cr_assert_eq(offsetof(struct keyshm_pick, model), 32);
    cr_assert_eq(offsetof(struct keyshm_pick, reserve_32), 36);
    cr_assert_eq(offsetof(struct keyshm_pick, reserve), 40);
    cr_assert_eq(offsetof(struct keyshm_pick, key), 64);
    keyshm_id id = add_key(1);
    for (int way = 0; way < 2; way++) {
        memset(&pick, 0x55, sizeof(pick));
        cr_assert_eq(way == 0 ? keyshm_next(pool, &pick) : keyshm_get(pool, id, &pick), 0);
        cr_assert_eq(pick.benched_ms, 0);
        cr_assert_eq(pick.model, 0);
        cr_assert_eq(pick.reserve_32, 0);
        cr_assert_eq(pick.reserve[0] | pick.reserve[1] | pick.reserve[2], 0);
        cr_assert_neq(pick.stamp, 0);
    }
}
