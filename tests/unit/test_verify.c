/* SPDX-License-Identifier: MIT */
#include "groups.h"
#include "key_group.h"
#include "key_index.h"
#include "limit_sets.h"
#include "places.h"
#include "pool_clock.h"
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

/* Somebody wrote it over: what is behind the key is not given as a part of it. */
Test(verify, a_length_that_no_key_has_is_not_believed)
{
    struct keyshm_pick pick;
    const uint32_t length = pool->settings.key_max + 1;
    atomic_store(&slot(3)->key_length, length);
    for (int i = 0; i < 10; i++)
        cr_assert(keyshm_next(pool, &pick) != 0 || pick.key_length < length);
    cr_assert_neq(keyshm_get(pool, ids[3], &pick), 0);
    atomic_store(&slot(3)->key_length, strlen(key_text(3)));
    cr_assert_eq(keyshm_get(pool, ids[3], &pick), 0);
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

static void expect_sound(void)
{
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0, "%s", problem);
}

/* Of slot 3, of a group and of the pool for a model. */
static void set_some_limits(keyshm_id *ret_group)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    unsigned model;
    limits.requests.amount = 60;
    limits.in_flight = 16;
    cr_assert_eq(keyshm_model(pool, "a", &model), 0);
    cr_assert_eq(keyshm_group(pool, "b", ret_group), 0);
    cr_assert_eq(keyshm_set_limits(pool, ids[3], 0, &limits), 0);
    limits.in_flight = 20;
    cr_assert_eq(keyshm_set_limits(pool, *ret_group, 0, &limits), 0);
    limits.in_flight = 0;
    limits.tokens.amount = 1000;
    cr_assert_eq(keyshm_set_limits(pool, 0, model, &limits), 0);
    expect_sound();
}

Test(verify, whose_limits_they_are)
{
    keyshm_id group;
    set_some_limits(&group);
    _Atomic uint32_t *at = limits_ref_at(pool, 0, 3);
    uint32_t good = atomic_load(at), of_model = atomic_load(&pool_model(pool, 1)->limit_ref);
    const uint32_t wrong[] = {good + pool->settings.limits_max, good ^ 1u << LIMITS_VERSION_SHIFT,
                              atomic_load(limits_ref_at(pool, 0, pool_group_subject(pool, 0)))};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        atomic_store(at, wrong[i]);
        keyshm_repair(pool);
        expect_problem("slot 3: its limits for model 0 are none that it can have");
    }
    atomic_store(at, good);
    keyshm_repair(pool);
    atomic_store(limits_ref_at(pool, 1, 3), good);
    keyshm_repair(pool);
    expect_problem("slot 3: its limits for model 1 are none that it can have");
    atomic_store(limits_ref_at(pool, 1, 3), 0);
    keyshm_repair(pool);
    atomic_store(&pool_model(pool, 1)->limit_ref, good);
    keyshm_repair(pool);
    expect_problem("the limits of all keys for model 1 are none that they can have");
    atomic_store(&pool_model(pool, 1)->limit_ref, of_model);
    keyshm_repair(pool);
    expect_sound();
    atomic_store(limits_ref_at(pool, 0, 6), good);
    atomic_fetch_add(&pool->limits[0].references, 1);
    expect_problem("slot 6: not there, but it has limits");
    keyshm_repair(pool);
    atomic_store(limits_ref_at(pool, 0, pool_group_subject(pool, 1)), good);
    atomic_fetch_add(&pool->limits[0].references, 1);
    expect_problem("group 1: not there, but it has limits");
    keyshm_repair(pool);
    expect_sound();
}

Test(verify, how_many_have_the_limits)
{
    keyshm_id group;
    set_some_limits(&group);
    atomic_store(&pool->limits[1].references, 2);
    expect_problem("limits 1: those of 1 keys, groups and models, but counted as 2");
    atomic_store(&pool->limits[1].references, 0);
    expect_problem("limits 1: those of 1 keys, groups and models, but counted as 0");
    atomic_store(&pool->limits[1].references, 1);
    atomic_fetch_xor(&pool->header->model_0.order_in_use, ORDER_IS_LIMITED);
    expect_problem("there are limits, but picks do not look at them");
    atomic_fetch_xor(&pool->header->model_0.order_in_use, ORDER_IS_LIMITED);
    cr_assert_eq(keyshm_set_limits(pool, ids[3], 0, NULL), 0);
    cr_assert_eq(keyshm_set_limits(pool, group, 0, NULL), 0);
    cr_assert_eq(keyshm_set_limits(pool, 0, 1, NULL), 0);
    expect_sound();
    atomic_fetch_xor(&pool->header->model_0.order_in_use, ORDER_IS_LIMITED);
    expect_problem("there are no limits, but picks look for them");
    keyshm_repair(pool);
    expect_sound();
}

static void expect_unsound(_Atomic uint64_t *at, uint64_t value)
{
    uint64_t good = atomic_exchange(at, value);
    expect_problem("limits 2: a rate is none that keyshm writes");
    atomic_store(at, good);
    expect_sound();
}

Test(verify, the_limits_themselves)
{
    keyshm_id group;
    set_some_limits(&group);
    struct layout_limits *limits = &pool->limits[2];
    expect_unsound(&limits->cost_ns[LAYOUT_REQUESTS], 1);
    expect_unsound(&limits->burst_ns[LAYOUT_TOKENS], 1);
    expect_unsound(&limits->burst[LAYOUT_REQUESTS], 7);
    expect_unsound(&limits->amount[LAYOUT_TOKENS_LONG], 7);
    expect_unsound(&limits->amount[LAYOUT_TOKENS], 0);
    expect_unsound(&limits->kinds, atomic_load(&limits->kinds) | 1 << LAYOUT_TOKENS_LONG);
    uint64_t per_ms = atomic_exchange(&limits->per_ms[LAYOUT_TOKENS], 0);
    keyshm_verify(pool, note, NULL);
    expect_problem("limits 2: ");
    atomic_store(&limits->per_ms[LAYOUT_TOKENS], per_ms);
    uint64_t kinds = atomic_fetch_or(&limits->kinds, UINT64_C(1) << (LIMITS_AT_RELEASE_SHIFT + LAYOUT_REQUESTS));
    expect_problem("the limits of all keys for model 1 are none that they can have");
    atomic_store(&limits->kinds, kinds);
    expect_sound();
}

/* A request in flight of the key in slot 3. */
static struct places take_a_place(uint32_t *ret_number)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct keyshm_lease lease;
    limits.in_flight = 5;
    cr_assert_eq(keyshm_set_limits(pool, ids[3], 0, &limits), 0);
    cr_assert_eq(keyshm_acquire(pool, NULL, &lease), 0);
    struct places places = places_of(pool, 3);
    *ret_number = 0;
    while (atomic_load(&places.cells[*ret_number]) == CELL_FREE)
        ++*ret_number;
    expect_sound();
    return places;
}

static void expect_bad_place(_Atomic uint64_t *at, uint64_t value, const char *words)
{
    uint64_t good = atomic_exchange(at, value);
    expect_problem(words);
    atomic_store(at, good);
    expect_sound();
}

Test(verify, requests_in_flight)
{
    uint32_t number;
    struct places places = take_a_place(&number);
    uint64_t cell = atomic_load(&places.cells[number]), held = atomic_load(&places.notes[number].held);
    expect_bad_place(&places.cells[places.max - 1], cell, "slot 3: a request is in flight where none is looked for");
    atomic_store(&places.head->width, places.max + 1);
    expect_problem("slot 3: more places are looked at than there are");
    atomic_store(&places.head->width, places.max);
    expect_bad_place(&places.cells[number], cell | (uint64_t)pool->settings.worker_rows << CELL_ROW_SHIFT,
                     "slot 3: a place belongs to a worker that there is not");
    expect_bad_place(&places.cells[number], cell & ~CELL_NUMBER_MASK,
                     "slot 3: a place is taken by a word that is none that keyshm writes");
    static const char note_words[] = "slot 3: what is noted of a request in flight is none that keyshm writes";
    expect_bad_place(&places.notes[number].held, held | UINT64_C(1) << HELD_TOKENS_BITS, note_words);
    expect_bad_place(&places.notes[number].since_ms, (pool_now_ms(pool) + 60000) << SINCE_MS_SHIFT, note_words);
    expect_bad_place(&places.notes[number].since_ms, pool->settings.capacity, note_words);
    atomic_store(&places.notes[number].held, 0);
    atomic_store(&places.notes[number].since_ms, UINT64_MAX);
    expect_sound(); /* of another request */
    places = places_of(pool, pool_group_subject(pool, 5));
    atomic_store(&places.cells[1], cell);
    expect_problem("group 5: a request is in flight where none is looked for");
}

Test(verify, an_unfinished_change_is_no_damage)
{
    index_begin_change(pool);
    cr_assert_eq(keyshm_verify(pool, note, NULL), -EBUSY);
    index_end_change(pool);
    cr_assert_eq(keyshm_verify(pool, note, NULL), 0);
    cr_assert_eq(keyshm_verify(NULL, note, NULL), -EINVAL);
}
