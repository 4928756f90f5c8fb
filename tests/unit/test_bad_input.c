/* SPDX-License-Identifier: MIT */
#include "fixture.h"

TestSuite(bad_input, .init = create_pool, .fini = close_pool);

static char too_long[66];

/* A value that no call writes: an output parameter that still has it was not written. */
static void expect_untouched(keyshm_id id)
{
    struct keyshm_snapshot *snapshot;
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->count, 1);
    cr_assert_eq(snapshot->keys[0].id, id);
    cr_assert_eq(snapshot->keys[0].status, KEYSHM_AVAILABLE);
    cr_assert_eq(snapshot->keys[0].error_count, 0);
    cr_assert_eq(snapshot->mutex_holder_pid, 0);
    keyshm_snapshot_free(snapshot);
}

Test(bad_input, keys_that_are_none)
{
    keyshm_id id = add_key(1), untouched = 42;
    memset(too_long, 'k', 65);
    const char *const bad[] = {"",         too_long,    "a\nb", "tab\t", "\x01", "del\x7f",
                               " leading", "trailing ", " ",    "\r",    "a\r",  "\x1b[0m"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(keyshm_add(pool, bad[i], &untouched), -EINVAL, "key %zu", i);
        cr_assert_eq(keyshm_find(pool, bad[i], &untouched), -EINVAL, "key %zu", i);
    }
    cr_assert_eq(untouched, 42);
    expect_untouched(id);
}

Test(bad_input, keys_that_are_unusual_but_fine)
{
    const char *const good[] = {"inner space", "\"quoted\"", "a\\b", "%s%n", "caf\xc3\xa9", "\xff\xfe", too_long + 1};
    memset(too_long, 'k', 65);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        keyshm_id id, found;
        struct keyshm_pick pick;
        cr_assert_eq(keyshm_add(pool, good[i], &id), 0, "key %zu", i);
        cr_assert_eq(keyshm_find(pool, good[i], &found), 0);
        cr_assert_eq(found, id);
        cr_assert_eq(keyshm_next(pool, &pick), 0);
        cr_assert_str_eq(pick.key, good[i]);
        cr_assert_eq(keyshm_remove(pool, id), 0);
    }
}
