/* SPDX-License-Identifier: MIT */
#include <sys/wait.h>

#include "fixture.h"

/* keyshm_replace_keys(). */

TestSuite(replace, .init = create_pool, .fini = close_pool);

static struct keyshm_replaced replaced;

static void expect_replaced(size_t kept, size_t added, size_t removed)
{
    cr_assert_eq(replaced.kept, kept, "%zu kept", replaced.kept);
    cr_assert_eq(replaced.added, added, "%zu added", replaced.added);
    cr_assert_eq(replaced.removed, removed, "%zu removed", replaced.removed);
    cr_assert_eq(replaced.invalid, 0);
    cr_assert_eq(replaced.size, sizeof(replaced));
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
}

static int replace(const char *const *keys, size_t count)
{
    replaced = (struct keyshm_replaced)KEYSHM_REPLACED_INIT;
    return keyshm_replace_keys(pool, keys, count, &replaced);
}

static void expect_keys(const char *const *keys, size_t count)
{
    struct keyshm_snapshot *snapshot;
    keyshm_id id;
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->count, count);
    keyshm_snapshot_free(snapshot);
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(keyshm_find(pool, keys[i], &id), 0, "key %zu", i);
}

Test(replace, fills_an_empty_pool_and_empties_it)
{
    static const char *const keys[] = {"b", "a", "c"};
    cr_assert_eq(replace(keys, 3), 0);
    expect_replaced(0, 3, 0);
    expect_keys(keys, 3);
    cr_assert_eq(replace(keys, 3), 0);
    expect_replaced(3, 0, 0);
    cr_assert_eq(replace(NULL, 0), 0);
    expect_replaced(0, 0, 3);
    expect_keys(keys, 0);
}

Test(replace, keys_that_stay_keep_everything)
{
    static const char *const before[] = {"a", "b", "c"}, *const after[] = {"d", "b"};
    keyshm_id id, found;
    char note[8];
    cr_assert_eq(replace(before, 3), 0);
    cr_assert_eq(keyshm_find(pool, "b", &id), 0);
    cr_assert_eq(keyshm_set_metadata(pool, id, "tier", "paid"), 0);
    pick_id();
    pick_id();
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, id, KEYSHM_UNTIL_MARKED), 0);
    cr_assert_eq(keyshm_pause(pool, id), 0);
    struct keyshm_key_snapshot known = inspect(id);
    cr_assert_eq(replace(after, 2), 0);
    expect_replaced(1, 1, 2);
    expect_keys(after, 2);
    cr_assert_eq(keyshm_find(pool, "b", &found), 0);
    cr_assert_eq(found, id);
    struct keyshm_key_snapshot kept = inspect(id);
    cr_assert_eq(kept.status, KEYSHM_QUOTA_EXCEEDED);
    cr_assert_eq(kept.is_paused, 1);
    cr_assert_eq(kept.picks, known.picks);
    cr_assert_eq(kept.marked[KEYSHM_QUOTA_EXCEEDED], 1);
    cr_assert_eq(keyshm_get_metadata(pool, id, "tier", note, sizeof(note)), 4);
    cr_assert_eq(keyshm_find(pool, "a", &found), -ENOENT);
}

Test(replace, a_key_that_is_given_twice_is_one)
{
    static const char *const keys[] = {"a", "b", "a", "a", "b"};
    cr_assert_eq(replace(keys, 5), 0);
    expect_replaced(0, 2, 0);
    cr_assert_eq(replace(keys + 2, 2), 0);
    expect_replaced(1, 0, 1);
}

/* There is room for no more than the pool has: one is removed for one that is added. */
Test(replace, a_full_pool_by_as_many_others)
{
    static const char *const one[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
    static const char *const other[] = {"i", "j", "k", "l", "m", "n", "o", "h"};
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(replace(one, 8), 0);
        expect_keys(one, 8);
        cr_assert_eq(replace(other, 8), 0);
        expect_replaced(1, 7, 7);
        expect_keys(other, 8);
    }
}

Test(replace, by_more_keys_than_there_is_room_changes_nothing)
{
    static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i"};
    keyshm_id id = add_key(1);
    struct keyshm_replaced untouched = {sizeof(untouched), 1, 2, 3, 4};
    cr_assert_eq(keyshm_replace_keys(pool, keys, 9, &untouched), -ENOSPC);
    cr_assert(untouched.kept == 1 && untouched.added == 2 && untouched.removed == 3 && untouched.invalid == 4);
    cr_assert_eq(keyshm_is_available(pool, id), 1);
    cr_assert_eq(keyshm_available_count(pool), 1);
}

Test(replace, by_a_key_that_is_not_valid_changes_nothing_and_says_which)
{
    static const char *const bad[] = {"", " a", "a\n", NULL,
                                      "0123456789012345678901234567890123456789012345678901234567890123456789"};
    keyshm_id id = add_key(1);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *const keys[] = {"fine", "good", bad[i], ""};
        struct keyshm_replaced untouched = {sizeof(untouched), 1, 2, 3, 4};
        cr_assert_eq(keyshm_replace_keys(pool, keys, 4, &untouched), -EINVAL);
        cr_assert_eq(untouched.invalid, 2);
        cr_assert(untouched.kept == 1 && untouched.added == 2 && untouched.removed == 3, "only that is set");
        cr_assert_eq(keyshm_replace_keys(pool, keys, 4, NULL), -EINVAL);
    }
    cr_assert_eq(keyshm_is_available(pool, id), 1);
    cr_assert_eq(keyshm_available_count(pool), 1);
    cr_assert_eq(keyshm_replace_keys(pool, NULL, 1, NULL), -EINVAL);
    cr_assert_eq(keyshm_replace_keys(NULL, NULL, 0, NULL), -EINVAL);
}

Test(replace, what_was_done_is_told_in_a_struct_of_every_size)
{
    static const char *const keys[] = {"a", "b"}, *const bad[] = {""};
    struct {
        struct keyshm_replaced known;
        size_t later;
    } result = {.known = {offsetof(struct keyshm_replaced, added), 7, 7, 7, 7}, .later = 7};
    cr_assert_eq(keyshm_replace_keys(pool, keys, 2, &result.known), 0);
    cr_assert_eq(result.known.size, offsetof(struct keyshm_replaced, added));
    cr_assert_eq(result.known.kept, 0);
    cr_assert_eq(result.known.added, 7, "it has no room for it");
    result.known.size = sizeof(result);
    cr_assert_eq(keyshm_replace_keys(pool, keys, 1, &result.known), 0);
    cr_assert_eq(result.known.removed, 1);
    cr_assert_eq(result.later, 7);
    result.known = (struct keyshm_replaced){sizeof(size_t), 7, 7, 7, 7};
    cr_assert_eq(keyshm_replace_keys(pool, keys, 1, &result.known), 0, "nothing but the size");
    cr_assert_eq(result.known.kept, 7);
    cr_assert_eq(keyshm_replace_keys(pool, bad, 1, &result.known), -EINVAL);
    cr_assert_eq(result.known.invalid, 7);
    result.known.size = 0;
    cr_assert_eq(keyshm_replace_keys(pool, keys, 1, &result.known), -EINVAL);
    cr_assert_eq(keyshm_replace_keys(pool, keys, 2, NULL), 0);
}

Test(replace, new_keys_are_added_before_old_ones_are_removed)
{
    static const char *const before[] = {"a", "b", "c"}, *const after[] = {"d", "e", "f"};
    struct keyshm_event_cursor cursor = {{0}};
    struct keyshm_event_list *events;
    cr_assert_eq(replace(before, 3), 0);
    cr_assert_eq(keyshm_events(pool, &cursor, &events), 0);
    keyshm_event_list_free(events);
    cr_assert_eq(replace(after, 3), 0);
    cr_assert_eq(keyshm_events(pool, &cursor, &events), 0);
    cr_assert_eq(events->count, 6);
    for (size_t i = 0; i < 6; i++)
        cr_assert_eq(events->events[i].kind, i < 3 ? KEYSHM_EVENT_ADDED : KEYSHM_EVENT_REMOVED);
    keyshm_event_list_free(events);
}

/* Another process picks all the while, and never finds the pool empty. */
Test(replace, no_pick_finds_the_pool_empty_meanwhile)
{
    static const char *const lists[][3] = {{"a", "b", "c"}, {"d", "e", "f"}, {"g", "h", "i"}};
    int status;
    cr_assert_eq(replace(lists[0], 3), 0);
    pid_t child = fork();
    if (child == 0) {
        struct keyshm_pick pick;
        for (int i = 0; i < 500000; i++)
            if (keyshm_next(pool, &pick) != 0)
                _exit(1);
        _exit(0);
    }
    while (waitpid(child, &status, WNOHANG) == 0)
        for (size_t i = 0; i < 3; i++)
            cr_assert_eq(replace(lists[i], 3), 0);
    cr_assert_eq(status, 0);
}
