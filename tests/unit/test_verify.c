/* SPDX-License-Identifier: MIT */
#include "groups.h"
#include "key_group.h"
#include "key_index.h"
#include "ready_bits.h"
#include "rotation.h"
#include "slot.h"
#include "streak.h"
#include "tagged.h"

#include "fixture.h"

/* Violate each invariant: verify reports it, and nothing else. */

static char problem[256];

static void note(const char *text, void *user)
{
    (void)user;
    snprintf(problem, sizeof(problem), "%s", text);
}

static keyshm_id ids[5];

static void make_mixed_pool(void)
{
    create_pool();
    add_keys(ids, 5);
    keyshm_mark_rate_limited(pool, ids[0], 60000);
    keyshm_mark_quota_exceeded(pool, ids[1], KEYSHM_UNTIL_MARKED);
    keyshm_mark_invalid(pool, ids[2]);
    keyshm_set_metadata(pool, ids[3], "name", "value");
    pick_id();
    cr_assert_eq(keyshm_remove(pool, ids[4]), 0);
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0, "%s", problem);
}

TestSuite(verify, .init = make_mixed_pool, .fini = close_pool);

static void expect_problem(const char *words)
{
    int count = keyshm_verify(pool, note, NULL);
    cr_assert_gt(count, 0, "nothing was noticed, waiting for '%s'", words);
    cr_assert(strstr(problem, words) != NULL, "'%s' is not in: %s", words, problem);
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), count);
}

static struct layout_slot *slot(uint32_t number)
{
    return pool_slot(pool, number);
}

Test(verify, state_words)
{
    uint64_t good = atomic_load(&pool->words[3]);
    atomic_store(&pool->words[3], good | 5);
    expect_problem("slot 3: its deadline does not match its status");
    for (unsigned probe = WORD_PROBE_WANTED; probe <= 3; probe++) {
        atomic_store(&pool->words[3], good | (uint64_t)probe << WORD_PROBE_SHIFT);
        expect_problem("slot 3: its probe does not match its status");
    }
    atomic_store(&pool->words[3], word_make(KEYSHM_INVALID, KEYSHM_REASON_NONE, 1, 5));
    expect_problem("slot 3: its probe does not match its status");
    atomic_store(&pool->words[3],
                 word_with_probe(word_make(KEYSHM_INVALID, KEYSHM_REASON_NONE, 1, WORD_FOREVER), WORD_PROBE_TAKEN));
    expect_problem("slot 3: its probe does not match its status");
    atomic_store(&pool->words[3], word_with_probe(word_make(KEYSHM_INVALID, KEYSHM_REASON_NONE, 1, 5), WORD_PROBE_TAKEN));
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0, "one that is tried again: %s", problem);
    atomic_store(&pool->words[3], word_make_available(0));
    expect_problem("slot 3: its state word has bits that are never so");
    atomic_store(&pool->words[3], good | UINT64_C(1) << WORD_REASON_SHIFT);
    expect_problem("slot 3: its reason does not match its status");
    atomic_store(&pool->words[3], good | WORD_PAUSED);
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0, "a paused key is sound: %s", problem);
    uint64_t benched = atomic_load(&pool->words[0]);
    atomic_store(&pool->words[0], benched | WORD_REASON_MASK << WORD_REASON_SHIFT);
    expect_problem("slot 0: its reason does not match its status");
    atomic_store(&pool->words[0], benched);
    atomic_store(&pool->words[6], UINT64_C(7) << WORD_CONTENT_SHIFT);
    expect_problem("slot 6: its state word is none that keyshm writes");
}

Test(verify, streaks)
{
    struct layout_history *history = pool_history(pool, 0, 3);
    uint64_t good = atomic_load(&history->streak), word = atomic_load(&pool->words[3]);
    atomic_store(&history->streak, good | UINT64_C(1) << 50);
    expect_problem("slot 3: its streak is none that keyshm writes");
    atomic_store(&history->streak, good);
    atomic_store(&pool->words[3], streak_step(word, STREAK_ENDS)); /* there is none */
    expect_problem("slot 3: its streak is none that keyshm writes");
    atomic_store(&history->streak, good + 1); /* there is one, of which the end is not written down yet */
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0, "%s", problem);
    atomic_store(&history->streak, good);
    atomic_store(&pool->words[3], streak_step(word, STREAK_INVALID)); /* not counted yet */
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0, "%s", problem);
}

Test(verify, keys_and_ids)
{
    atomic_fetch_xor(&slot(3)->key[1], 1);
    expect_problem("slot 3: the hash is not that of the key");
    atomic_fetch_xor(&slot(3)->key[1], 1);
    atomic_store(&slot(3)->key[7], 1);
    expect_problem("slot 3: the key is not as long as its length");
    atomic_store(&slot(3)->key[7], 0);
    atomic_store(&slot(3)->key_length, 1000);
    expect_problem("slot 3: its id, its key and its state word");
    atomic_store(&slot(3)->key_length, strlen(key_text(3)));
    atomic_store(&slot(3)->id, ids[2]);
    expect_problem("slot 3: ");
    atomic_store(&slot(3)->id, ids[3]);
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0);
}

Test(verify, a_free_slot_that_was_not_wiped)
{
    atomic_store(&slot(4)->key[2], 'x');
    expect_problem("slot 4: free, but not wiped");
    atomic_store(&slot(4)->key[2], 0);
    atomic_store(&slot(4)->metadata[1][3], 'x');
    expect_problem("slot 4: free, but not wiped");
}

Test(verify, the_index)
{
    index_delete(pool, atomic_load(&slot(3)->key_hash), 3);
    keyshm_verify(pool, note, NULL);
    expect_problem("the index has 3 entries for 4 keys");
    index_rebuild(pool);
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0);
    index_insert(pool, 12345, 6);
    expect_problem("the index has 5 entries for 4 keys");
}

Test(verify, the_same_key_twice)
{
    struct slot_key key;
    slot_key_make(&key, key_text(3), strlen(key_text(3)));
    slot_fill(pool, 5, id_make(1, 5), &key);
    index_insert(pool, key.hash, 5);
    atomic_store(&pool->header->slots_used, 6);
    atomic_store(&pool->words[5], word_make_available(1));
    expect_problem("the same key");
}

Test(verify, counters_of_another_key)
{
    atomic_store(&slot(1)->marked[KEYSHM_INVALID], tagged_make(ids[1] + (UINT64_C(1) << ID_SLOT_BITS), 1));
    expect_problem("slot 1: a counter is another key's");
}

Test(verify, metadata)
{
    atomic_store(&slot(3)->metadata[atomic_load(&slot(3)->metadata_version) & 1][0], 0x0101010101010101);
    expect_problem("slot 3: its metadata are not well formed");
}

Test(verify, the_header)
{
    pool->header->settings.capacity++;
    expect_problem("the header has changed");
    pool->header->settings.capacity--;
    atomic_store(&pool->header->slots_used, 9);
    expect_problem("more slots are counted as used");
    atomic_store(&pool->header->slots_used, 3);
    expect_problem("slot 3: in use, but counted as never used");
    atomic_store(&pool->header->slots_used, 5);
    atomic_store(&pool->header->lowest_free, 5);
    expect_problem("slot 4: free, but the search");
}

Test(verify, a_key_that_is_hidden_for_too_long)
{
    atomic_store(&pool->ready[0], 0);
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0, "a sweep will come: %s", problem);
    _Atomic uint64_t *const due_times[] = {&pool->header->model_0.next_due, &pool->due[0], &pool->due[1]};
    for (size_t i = 0; i < sizeof(due_times) / sizeof(due_times[0]); i++) {
        atomic_fetch_add(due_times[i], 10000);
        expect_problem("hidden until a sweep");
        atomic_fetch_sub(due_times[i], 10000);
        cr_assert_eq(keyshm_verify(pool, note, NULL), 0, "%s", problem);
    }
}

Test(verify, the_rotation)
{
    const struct claim outside = {.begin = pool->settings.capacity, .end = pool->settings.capacity + 1};
    const struct claim nowhere = {.place = LAYOUT_TURNS + 1};
    atomic_store(&pool->header->model_0.cursor, claim_pack(&outside));
    expect_problem("the cursor is not a range of slots");
    atomic_store(&pool->header->model_0.cursor, claim_pack(&nowhere));
    expect_problem("the cursor is not a range of slots");
    atomic_store(&pool->header->model_0.cursor, 0);
    atomic_store(&pool->header->model_0.turns[3].range, claim_pack(&outside));
    expect_problem("a claimed range is not a range of slots");
    atomic_store(&pool->header->model_0.turns[3].range, 0);
    atomic_store(&pool->header->model_0.turns[7].owner, (uint64_t)(pool->settings.worker_rows + 1) << 32);
    expect_problem("a claimed range belongs to a worker that there is not");
}

Test(verify, groups)
{
    keyshm_id a, b;
    cr_assert_eq(keyshm_group(pool, "a", &a), 0);
    cr_assert_eq(keyshm_group(pool, "b", &b), 0);
    cr_assert_eq(keyshm_set_group(pool, ids[3], b), 0);
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0, "%s", problem);
    atomic_store(&pool->groups[1].keys, 2);
    expect_problem("group 1: its keys are not as many as it says");
    atomic_store(&pool->groups[1].keys, 1);
    atomic_fetch_add(&pool->key_groups[3], 1u << GROUP_NUMBER_BITS);
    expect_problem("slot 3: the group of its key is not there");
    atomic_fetch_sub(&pool->key_groups[3], 1u << GROUP_NUMBER_BITS);
    uint32_t whole = atomic_exchange(&pool->key_groups[3], GROUP_NUMBER_MASK);
    atomic_store(&pool->groups[1].keys, 0);
    expect_problem("slot 3: the group of its key is not there");
    atomic_store(&pool->key_groups[3], whole);
    atomic_store(&pool->groups[1].keys, 1);
    atomic_store(&pool->key_groups[6], group_pack(a));
    expect_problem("slot 6: free, but in a group");
    atomic_store(&pool->key_groups[6], GROUP_NONE);
    atomic_store(&pool->groups[0].name[0], 0);
    expect_problem("group 0: its name is none");
    atomic_store(&pool->groups[0].name[0], 'a');
    atomic_store(&pool->groups[2].name_length, 5);
    expect_problem("group 2: not there, but it has a name");
    cr_assert_eq(keyshm_repair(pool), 0);
    atomic_store(&pool->words[pool_group_subject(pool, 0)], word_make_available(0));
    expect_problem("group 0: its state word has bits that are never so");
    atomic_store(&pool->words[pool_group_subject(pool, 0)], word_make_available(1));
    atomic_store(&pool->header->groups_used, 65);
    expect_problem("more groups are counted as used than there are");
}

Test(verify, models)
{
    unsigned model;
    cr_assert_eq(keyshm_model(pool, "a", &model), 0);
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0, "%s", problem);
    atomic_store(pool_word(pool, 1, 3), word_make_available(1) | WORD_PAUSED);
    expect_problem("slot 3: it is paused for a model");
    atomic_store(pool_word(pool, 1, 3), word_make(KEYSHM_RATE_LIMITED, KEYSHM_REASON_QUOTA, 1, 0));
    expect_problem("slot 3: its deadline does not match its status");
    atomic_store(pool_word(pool, 1, 3), 0);
    atomic_fetch_and(ready_words(pool, 1), ~UINT64_C(8));
    atomic_store(&pool_model(pool, 1)->next_due, UINT32_MAX);
    expect_problem("slot 3: the key is hidden until a sweep that is too far away");
    cr_assert_eq(keyshm_repair(pool), 0);
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0, "%s", problem);
    atomic_store(&pool_model(pool, 1)->cursor, UINT64_MAX);
    expect_problem("the cursor is not a range of slots");
    atomic_store(&pool_model(pool, 1)->cursor, 0);
    atomic_store(&pool->header->models_used, 9);
    expect_problem("more models are counted than there can be");
}

Test(verify, an_unfinished_change_is_no_damage)
{
    index_begin_change(pool);
    cr_assert_eq(keyshm_verify(pool, note, NULL), -EBUSY);
    index_end_change(pool);
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0);
    cr_assert_eq(keyshm_verify(NULL, note, NULL), -EINVAL);
}
