/* SPDX-License-Identifier: MIT */
#include "pool.h"
#include "state_word.h"

#include "fixture.h"

TestSuite(membership, .init = create_pool, .fini = close_pool);

Test(membership, a_new_key_is_available_and_has_no_history)
{
    struct keyshm_key_snapshot key = inspect(add_key(7));
    cr_assert_eq(key.slot, 0);
    cr_assert_eq(key.status, KEYSHM_AVAILABLE);
    cr_assert_eq(key.cooldown_left_ms, 0);
    cr_assert_eq(key.last_used_ago_ms, -1, "never used");
    cr_assert_eq(key.error_count, 0);
    cr_assert_eq(key.picks, 0);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        cr_assert_eq(key.marked[status], 0);
    cr_assert_eq(key.metadata_count, 0);
    cr_assert_str_eq(key.masked_key, "sk-\xe2\x80\xa6"
                                     "0007");
}

Test(membership, a_duplicate_is_told_and_changes_nothing)
{
    keyshm_id first = add_key(1), again = 0;
    cr_assert_eq(keyshm_add(pool, key_text(1), &again), -EEXIST);
    cr_assert_eq(again, first);
    cr_assert_eq(keyshm_add(pool, key_text(1), NULL), -EEXIST);
    cr_assert_eq(keyshm_available_count(pool), 1);
}

Test(membership, a_prefix_is_another_key)
{
    keyshm_id id, other;
    cr_assert_eq(keyshm_add(pool, "abcdefgh", &id), 0);
    cr_assert_eq(keyshm_add(pool, "abcdefghi", &other), 0);
    cr_assert_eq(keyshm_add(pool, "abcdefg", NULL), 0);
    cr_assert_neq(id, other);
    cr_assert_eq(keyshm_find(pool, "abcdefgh", &other), 0);
    cr_assert_eq(other, id);
}

Test(membership, keys_of_every_length_come_back_byte_for_byte)
{
    keyshm_close(pool);
    cr_assert_eq(keyshm_create_anonymous(&pool, "lengths", NULL), 0);
    for (size_t length = 1; length <= 200; length++) {
        char key[201] = "";
        struct keyshm_pick pick;
        keyshm_id id;
        for (size_t i = 0; i < length; i++)
            key[i] = (char)('A' + (length + i) % 50);
        cr_assert_eq(keyshm_add(pool, key, &id), 0);
        memset(&pick, 0x55, sizeof(pick));
        cr_assert_eq(keyshm_next(pool, &pick), 0);
        cr_assert_eq(pick.id, id);
        cr_assert_eq(pick.key_length, length);
        cr_assert_str_eq(pick.key, key);
        for (size_t i = length + 1; i < sizeof(pick.key); i++)
            cr_assert_eq(pick.key[i], i < 64 ? 0 : 0x55, "after a key of %zu bytes: byte %zu", length, i);
        cr_assert_eq(keyshm_remove(pool, id), 0);
    }
}

Test(membership, a_removed_key_is_gone)
{
    keyshm_id id = add_key(1), other = add_key(2), found;
    cr_assert_eq(keyshm_remove(pool, id), 0);
    cr_assert_eq(keyshm_find(pool, key_text(1), &found), -ENOENT);
    cr_assert_eq(keyshm_find(pool, key_text(2), &found), 0);
    cr_assert_eq(keyshm_available_count(pool), 1);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(pick_id(), other);
    cr_assert_eq(keyshm_remove(pool, id), -ESTALE, "twice");
}

Test(membership, an_id_is_stale_everywhere_once_its_key_is_gone)
{
    keyshm_id old = add_key(1);
    cr_assert_eq(keyshm_remove(pool, old), 0);
    for (int reused = 0; reused < 2; reused++) {
        cr_assert_eq(keyshm_remove(pool, old), -ESTALE);
        cr_assert_eq(keyshm_mark_rate_limited(pool, old, 1000), -ESTALE);
        cr_assert_eq(keyshm_mark_quota_exceeded(pool, old, KEYSHM_UNTIL_MARKED), -ESTALE);
        cr_assert_eq(keyshm_mark_invalid(pool, old), -ESTALE);
        cr_assert_eq(keyshm_mark_available(pool, old), -ESTALE);
        cr_assert_eq(keyshm_is_available(pool, old), -ESTALE);
        cr_assert_eq(keyshm_set_metadata(pool, old, "a", "b"), -ESTALE);
        if (!reused)
            add_key(2);
    }
    keyshm_id new_id;
    cr_assert_eq(keyshm_find(pool, key_text(2), &new_id), 0);
    cr_assert_neq(new_id, old);
    struct keyshm_key_snapshot key = inspect(new_id);
    cr_assert_eq(key.slot, 0, "the slot was reused");
    cr_assert_eq(key.status, KEYSHM_AVAILABLE);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        cr_assert_eq(key.marked[status], 0, "a stale mark was counted");
}

/* As if the slot had been reused so often that its word, with its count of marks, is the same again: only the id in the
 * slot distinguishes the keys. */
static void age_slot(uint32_t slot, uint64_t word_of_before)
{
    _Atomic keyshm_id *id = &pool_slot(pool, slot)->id;
    atomic_store(id, id_make(id_generation(atomic_load(id)) + (UINT64_C(1) << 24) - 1, slot));
    atomic_store(&pool->words[slot], word_make_free(word_marks(word_of_before) - 1));
}

Test(membership, an_id_of_a_slot_reused_very_often_stays_stale)
{
    keyshm_id first = add_key(0);
    for (int i = 0; i < 4; i++) { /* after which what the word says of the streak (streak.h) is what it was, too */
        cr_assert_eq(keyshm_mark_invalid(pool, first), 0);
        cr_assert_eq(keyshm_mark_available(pool, first), 0);
    }
    uint64_t word = atomic_load(&pool->words[0]);
    cr_assert_eq(keyshm_remove(pool, first), 0);
    age_slot(0, word);
    keyshm_id id = add_key(1);
    cr_assert_neq(id, first);
    cr_assert_eq(atomic_load(&pool->words[0]), word, "the words of both keys look alike");
    cr_assert_eq(keyshm_mark_invalid(pool, first), -ESTALE);
    cr_assert_eq(keyshm_is_available(pool, first), -ESTALE);
    cr_assert_eq(keyshm_remove(pool, first), -ESTALE);
    cr_assert_eq(keyshm_is_available(pool, id), 1);
    cr_assert_eq(pick_id(), id);
}

Test(membership, ids_that_never_were_are_stale)
{
    keyshm_id id = add_key(1);
    const keyshm_id bad[] = {0, 1, UINT64_MAX, id + 1, id ^ UINT64_C(1) << 63, id + (UINT64_C(1) << 24)};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(keyshm_mark_invalid(pool, bad[i]), -ESTALE);
        cr_assert_eq(keyshm_remove(pool, bad[i]), -ESTALE);
        cr_assert_eq(keyshm_is_available(pool, bad[i]), -ESTALE);
    }
    cr_assert_eq(keyshm_is_available(pool, id), 1);
}

Test(membership, a_full_pool_says_so_and_takes_keys_again_after_a_removal)
{
    keyshm_id ids[8], id = 42;
    add_keys(ids, 8);
    cr_assert_eq(keyshm_add(pool, key_text(8), &id), -ENOSPC);
    cr_assert_eq(id, 42, "written although it failed");
    cr_assert_eq(keyshm_add(pool, key_text(3), &id), -EEXIST, "a key that is there needs no room");
    cr_assert_eq(keyshm_remove(pool, ids[5]), 0);
    cr_assert_eq(keyshm_remove(pool, ids[2]), 0);
    id = add_key(8);
    cr_assert_eq(inspect(id).slot, 2, "the lowest free slot");
    cr_assert_eq(inspect(add_key(9)).slot, 5);
    cr_assert_eq(keyshm_add(pool, key_text(10), &id), -ENOSPC);
}

Test(membership, a_pool_of_one)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_pool *one;
    keyshm_id id;
    struct keyshm_pick pick;
    options.capacity = 1;
    options.key_max = 1;
    cr_assert_eq(keyshm_create_anonymous(&one, "one", &options), 0);
    cr_assert_eq(keyshm_add(one, "ab", &id), -EINVAL);
    cr_assert_eq(keyshm_add(one, "a", &id), 0);
    cr_assert_eq(keyshm_add(one, "b", &id), -ENOSPC);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(keyshm_next(one, &pick), 0);
        cr_assert_str_eq(pick.key, "a");
    }
    keyshm_close(one);
}

/* Random additions and removals, compared with a plain array. The seed is fixed, so that a failure can be repeated. */
Test(membership, agrees_with_a_model_through_many_changes)
{
    enum { KEYS = 24, STEPS = 20000 };
    keyshm_id model[KEYS] = {0}, id;
    int present = 0;
    uint32_t random = 12345;
    for (int step = 0; step < STEPS; step++) {
        random = random * 1664525 + 1013904223;
        int key = (int)(random >> 16) % KEYS;
        if (model[key] != 0) {
            cr_assert_eq(keyshm_find(pool, key_text(key), &id), 0);
            cr_assert_eq(id, model[key]);
            cr_assert_eq(keyshm_remove(pool, id), 0);
            model[key] = 0;
            present--;
        } else {
            cr_assert_eq(keyshm_find(pool, key_text(key), &id), -ENOENT);
            int r = keyshm_add(pool, key_text(key), &id);
            cr_assert_eq(r, present < 8 ? 0 : -ENOSPC);
            if (r == 0) {
                model[key] = id;
                present++;
            }
        }
        cr_assert_eq(keyshm_available_count(pool), present);
    }
}

Test(membership, a_large_pool_finds_and_returns_every_key)
{
    enum { KEYS = 65536 };
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    struct keyshm_pick pick;
    keyshm_pool *large;
    keyshm_id id, found;
    options.capacity = KEYS;
    options.key_max = 32;
    cr_assert_eq(keyshm_create_anonymous(&large, "large", &options), 0);
    for (int i = 0; i < KEYS; i++) {
        cr_assert_eq(keyshm_add(large, key_text(i), &id), 0);
        cr_assert_eq(id & 0xffffff, i);
    }
    cr_assert_eq(keyshm_add(large, "one more", &id), -ENOSPC);
    cr_assert_eq(keyshm_available_count(large), KEYS);
    for (int i = 0; i < KEYS; i++) {
        cr_assert_eq(keyshm_next(large, &pick), 0);
        cr_assert_str_eq(pick.key, key_text(i));
        cr_assert_eq(keyshm_find(large, pick.key, &found), 0);
        cr_assert_eq(found, pick.id);
    }
    keyshm_close(large);
}

Test(membership, metadata_is_kept_sorted_replaced_and_deleted)
{
    struct keyshm_snapshot *snapshot;
    keyshm_id id = add_key(1);
    cr_assert_eq(keyshm_set_metadata(pool, id, "tier", "paid"), 0);
    cr_assert_eq(keyshm_set_metadata(pool, id, "owner", "team-a"), 0);
    cr_assert_eq(keyshm_set_metadata(pool, id, "empty", ""), 0);
    cr_assert_eq(keyshm_set_metadata(pool, id, "tier", "free"), 0);
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->keys[0].metadata_count, 3);
    const struct keyshm_metadata *metadata = snapshot->keys[0].metadata;
    cr_assert_str_eq(metadata[0].name, "empty");
    cr_assert_str_eq(metadata[0].value, "");
    cr_assert_str_eq(metadata[1].name, "owner");
    cr_assert_str_eq(metadata[1].value, "team-a");
    cr_assert_str_eq(metadata[2].name, "tier");
    cr_assert_str_eq(metadata[2].value, "free");
    keyshm_snapshot_free(snapshot);

    cr_assert_eq(keyshm_set_metadata(pool, id, "owner", NULL), 0);
    cr_assert_eq(keyshm_set_metadata(pool, id, "owner", NULL), -ENOENT);
    cr_assert_eq(inspect(id).metadata_count, 2);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    cr_assert_eq(inspect(add_key(2)).metadata_count, 0, "the next key in the slot begins with none");
}

Test(membership, metadata_is_checked)
{
    char long_name[KEYSHM_METADATA_NAME_MAX + 2], long_value[KEYSHM_METADATA_VALUE_MAX + 2];
    memset(long_name, 'n', sizeof(long_name));
    memset(long_value, 'v', sizeof(long_value));
    long_name[sizeof(long_name) - 1] = long_value[sizeof(long_value) - 1] = '\0';
    keyshm_id id = add_key(1);
    const char *const bad_names[] = {"", "a b", "a=b", "a\n", long_name};
    for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++)
        cr_assert_eq(keyshm_set_metadata(pool, id, bad_names[i], "v"), -EINVAL);
    const char *const bad_values[] = {"a\nb", "\x1b[31m", "\x7f", long_value};
    for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++)
        cr_assert_eq(keyshm_set_metadata(pool, id, "n", bad_values[i]), -EINVAL);
    cr_assert_eq(inspect(id).metadata_count, 0);

    cr_assert_eq(keyshm_set_metadata(pool, id, long_name + 1, long_value + 1), 0, "32 + 120 bytes");
    cr_assert_eq(keyshm_set_metadata(pool, id, "more", "than fits"), -ENOSPC);
    cr_assert_eq(keyshm_set_metadata(pool, id, "z", "1234"), -ENOSPC, "7 bytes, and 6 are left of 160");
    cr_assert_eq(keyshm_set_metadata(pool, id, "z", "123"), 0);
    cr_assert_eq(inspect(id).metadata_count, 2);
}

Test(membership, one_note_is_read_by_its_name)
{
    char value[KEYSHM_METADATA_VALUE_MAX + 1];
    keyshm_id id = add_key(1), other = add_key(2);
    cr_assert_eq(keyshm_set_metadata(pool, id, "tier", "paid"), 0);
    cr_assert_eq(keyshm_set_metadata(pool, id, "empty", ""), 0);
    cr_assert_eq(keyshm_set_metadata(pool, other, "tier", "free"), 0);
    cr_assert_eq(keyshm_get_metadata(pool, id, "tier", value, sizeof(value)), 4);
    cr_assert_str_eq(value, "paid");
    cr_assert_eq(keyshm_get_metadata(pool, id, "tier", value, 5), 4);
    cr_assert_eq(keyshm_get_metadata(pool, id, "empty", value, 1), 0);
    cr_assert_str_eq(value, "");
    memset(value, 'u', sizeof(value));
    cr_assert_eq(keyshm_get_metadata(pool, id, "tier", value, 4), -ERANGE);
    cr_assert_eq(keyshm_get_metadata(pool, id, "empty", value, 0), -ERANGE);
    cr_assert_eq(keyshm_get_metadata(pool, id, "tie", value, sizeof(value)), -ENOENT);
    cr_assert_eq(keyshm_get_metadata(pool, id, "tiers", value, sizeof(value)), -ENOENT);
    cr_assert_eq(keyshm_get_metadata(pool, id, "", value, sizeof(value)), -EINVAL);
    cr_assert_eq(keyshm_get_metadata(pool, id, "a b", value, sizeof(value)), -EINVAL);
    cr_assert_eq(keyshm_get_metadata(pool, id, NULL, value, sizeof(value)), -EINVAL);
    cr_assert_eq(keyshm_get_metadata(pool, id, "tier", NULL, sizeof(value)), -EINVAL);
    cr_assert_eq(keyshm_get_metadata(NULL, id, "tier", value, sizeof(value)), -EINVAL);
    cr_assert_eq(keyshm_get_metadata(pool, 0, "tier", value, sizeof(value)), -ESTALE);
    cr_assert_eq(keyshm_get_metadata(pool, UINT64_MAX, "tier", value, sizeof(value)), -ESTALE);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    cr_assert_eq(keyshm_get_metadata(pool, id, "tier", value, sizeof(value)), -ESTALE);
    for (size_t i = 0; i < sizeof(value); i++)
        cr_assert_eq(value[i], 'u', "written although it failed");
}
