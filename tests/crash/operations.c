/* SPDX-License-Identifier: MIT */
#include "operations.h"

#include "clock.h"
#include "ready_bits.h"
#include "slot.h"
#include "tagged.h"

#include "burst.h"
#include "expect.h"
#include "problem.h"

static const char new_note[] = "another, and a longer one";

static enum outcome settle_as_before(void)
{
    return OLD;
}

static void act_next(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_next(world_pool(), &pick), 0);
}

/* The first available one from the cursor on. */
static int next_number(void)
{
    for (uint32_t i = 0; i < CAPACITY; i++)
        for (int number = 0; number < KEYS; number++)
            if (world_is_pickable(number) && id_slot(world.keys[number].id) == (world.cursor + i) % CAPACITY)
                return number;
    return -1;
}

/* Is the pick counted? And tells the model. */
static bool settle_count(int number)
{
    struct model_key *picked = &world.keys[number];
    uint64_t before = picked->picks;
    picked->picks = tagged_value(atomic_load(&world_slot_of(number)->picks), picked->id);
    HOLD(picked->picks == before || picked->picks == before + 1, "%llu picks", (unsigned long long)picked->picks);
    return picked->picks != before;
}

/* The turn is used up, or is not; and the pick is counted only if it is. */
static enum outcome settle_claim(uint64_t cursor_after, int number)
{
    uint64_t cursor = atomic_load(&world_pool()->header->cursor);
    if (cursor == world.cursor)
        return OLD;
    HOLD(cursor == cursor_after, "the cursor is at %llu", (unsigned long long)cursor);
    settle_count(number);
    return NEW;
}

static enum outcome settle_next(void)
{
    int number = next_number();
    EXPECT(number >= 0);
    return settle_claim(id_slot(world.keys[number].id) + 1, number);
}

/* The victim claims all turns up to the end of the round, and uses one of them. */
static void act_next_in_burst(void)
{
    burst_begin(world_pool());
    act_next();
}

static enum outcome settle_next_in_burst(void)
{
    int number = next_number();
    EXPECT(number >= 0);
    /* Or of one turn, when a tick has just ended. */
    uint32_t one = id_slot(world.keys[number].id) + 1;
    bool is_one = atomic_load(&world_pool()->header->cursor) == one;
    return settle_claim(is_one ? one : pool_slots_used(world_pool()), number);
}

/* It has claimed them in the round before: those up to the cursor. */
static void act_next_of_kept(void)
{
    rotation_keep_range(world_pool(), 0, (uint32_t)world.cursor);
    act_next();
}

static enum outcome settle_next_of_kept(void)
{
    return settle_count(AVAILABLE_KEY) ? NEW : OLD;
}

/* The word is the old one, or says exactly what the mark says; and the mark is counted only if it does. */
static enum outcome settle_mark(int number, enum keyshm_status status, uint64_t least_ms, uint64_t most_ms)
{
    struct model_key *key = &world.keys[number];
    uint64_t word = atomic_load(&world_pool()->words[id_slot(key->id)]);
    uint64_t deadline_ms = word_deadline_ms(word);
    uint64_t marked = tagged_value(atomic_load(&world_slot_of(number)->marked[status]), key->id);
    if (word == key->word)
        return OLD;
    HOLD(word == word_make(status, id_generation(key->id), deadline_ms), "the mark is half-done: %#llx",
         (unsigned long long)word);
    HOLD(deadline_ms >= least_ms && deadline_ms <= most_ms, "the mark's deadline is %llu",
         (unsigned long long)deadline_ms);
    HOLD(marked == key->marked[status] || marked == key->marked[status] + 1, "marked %llu times",
         (unsigned long long)marked);
    key->word = word;
    key->marked[status] = marked;
    return NEW;
}

static enum outcome settle_mark_for(int number, enum keyshm_status status, uint64_t duration_ms)
{
    return settle_mark(number, status, world_began_ms + 1 + duration_ms, clock_now_ms() + 1 + duration_ms);
}

static void act_mark_rate_limited(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[AVAILABLE_KEY].id, COOLDOWN_MS), 0);
}

static enum outcome settle_mark_rate_limited(void)
{
    return settle_mark_for(AVAILABLE_KEY, KEYSHM_RATE_LIMITED, COOLDOWN_MS);
}

/* Both status and deadline change. */
static void act_mark_quota_exceeded(void)
{
    EXPECT_EQ(keyshm_mark_quota_exceeded(world_pool(), world.keys[LIMITED_KEY].id, 2 * HOUR_MS), 0);
}

static enum outcome settle_mark_quota_exceeded(void)
{
    return settle_mark_for(LIMITED_KEY, KEYSHM_QUOTA_EXCEEDED, 2 * HOUR_MS);
}

static void act_mark_invalid(void)
{
    EXPECT_EQ(keyshm_mark_invalid(world_pool(), world.keys[AVAILABLE_KEY].id), 0);
}

static enum outcome settle_mark_invalid(void)
{
    return settle_mark(AVAILABLE_KEY, KEYSHM_INVALID, WORD_FOREVER, WORD_FOREVER);
}

static void act_mark_available(void)
{
    EXPECT_EQ(keyshm_mark_available(world_pool(), world.keys[LIMITED_KEY].id), 0);
}

static enum outcome settle_mark_available(void)
{
    return settle_mark(LIMITED_KEY, KEYSHM_AVAILABLE, WORD_NO_DEADLINE, WORD_NO_DEADLINE);
}

static void act_reset_expired(void)
{
    EXPECT_EQ(keyshm_reset_expired_cooldowns(world_pool()), 1);
}

static enum outcome settle_reset_expired(void)
{
    return settle_mark(EXPIRED_KEY, KEYSHM_AVAILABLE, WORD_NO_DEADLINE, WORD_NO_DEADLINE);
}

/* Whether the key is in is for the pool to say, once. All else is held against this answer. */
static enum outcome settle_added(int number)
{
    struct model_key *key = &world.keys[number];
    int r = keyshm_find(world_pool(), key->text, &key->id);
    HOLD(r == 0 || r == -ENOENT, "find: %s", keyshm_strerror(r));
    if (r < 0)
        return OLD;
    key->is_there = true;
    key->word = word_make(KEYSHM_AVAILABLE, id_generation(key->id), WORD_NO_DEADLINE);
    return NEW;
}

static void act_add(void)
{
    EXPECT_EQ(keyshm_add(world_pool(), world.keys[ADDED_KEY].text, NULL), 0);
}

static enum outcome settle_add(void)
{
    return settle_added(ADDED_KEY);
}

static void prepare_reused_slot(void)
{
    EXPECT_EQ(world_add_key(ADDED_KEY), 0);
    EXPECT_EQ(world_remove_key(ADDED_KEY), 0);
}

static void act_add_duplicate(void)
{
    EXPECT_EQ(keyshm_add(world_pool(), world.keys[AVAILABLE_KEY].text, NULL), -EEXIST);
}

static void prepare_full(void)
{
    for (int i = FILLING_KEYS; i < KEYS; i++)
        EXPECT_EQ(world_add_key(i), 0);
}

static void act_add_full(void)
{
    EXPECT_EQ(keyshm_add(world_pool(), world.keys[ADDED_KEY].text, NULL), -ENOSPC);
}

static void act_remove(void)
{
    EXPECT_EQ(keyshm_remove(world_pool(), world.keys[NOTED_KEY].id), 0);
}

static enum outcome settle_remove(void)
{
    keyshm_id id;
    int r = keyshm_find(world_pool(), world.keys[NOTED_KEY].text, &id);
    HOLD(r == 0 || r == -ENOENT, "find: %s", keyshm_strerror(r));
    world.keys[NOTED_KEY].is_there = r == 0;
    return r == 0 ? OLD : NEW;
}

static void act_set_metadata(void)
{
    EXPECT_EQ(keyshm_set_metadata(world_pool(), world.keys[NOTED_KEY].id, WORLD_NOTE, new_note), 0);
}

static void act_delete_metadata(void)
{
    EXPECT_EQ(keyshm_set_metadata(world_pool(), world.keys[NOTED_KEY].id, WORLD_NOTE, NULL), 0);
}

static enum outcome settle_note(const char *note)
{
    struct keyshm_snapshot *snapshot;
    enum outcome outcome = OLD;
    EXPECT_EQ(keyshm_snapshot(world_pool(), &snapshot), 0);
    for (unsigned i = 0; i < snapshot->count; i++)
        if (snapshot->keys[i].id == world.keys[NOTED_KEY].id &&
            world_is_same_note(world_note_of(&snapshot->keys[i]), note))
            outcome = NEW;
    keyshm_snapshot_free(snapshot);
    if (outcome == NEW)
        world.keys[NOTED_KEY].note = note;
    return outcome;
}

static enum outcome settle_set_metadata(void)
{
    return settle_note(new_note);
}

static enum outcome settle_delete_metadata(void)
{
    return settle_note(NULL);
}

static int create_another(keyshm_pool **ret_pool)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = CAPACITY;
    return keyshm_create(ret_pool, expect_name, &options);
}

static void act_create(void)
{
    keyshm_pool *created;
    EXPECT_EQ(create_another(&created), 0);
}

/* There is no pool of that name, or a whole one. */
static enum outcome settle_create(void)
{
    keyshm_pool *created, *again;
    struct keyshm_pick pick;
    int r = keyshm_attach(&created, expect_name);
    enum outcome outcome = r == 0 ? NEW : OLD;
    HOLD(r == 0 || r == -ENOENT, "attach: %s", keyshm_strerror(r));
    if (r < 0)
        r = create_another(&created);
    HOLD(r == 0, "create, after the death: %s", keyshm_strerror(r));
    if (r == 0) {
        HOLD(create_another(&again) == -EEXIST, "created twice");
        HOLD(keyshm_verify(created, problem_note, NULL) == 0, "the created pool");
        HOLD(keyshm_add(created, "sk-first-key", NULL) == 0, "the first add");
        HOLD(keyshm_next(created, &pick) == 0, "the first pick");
        keyshm_close(created);
    }
    keyshm_unlink(expect_name);
    return outcome;
}

static void act_attach(void)
{
    keyshm_pool *attached;
    EXPECT_EQ(keyshm_attach(&attached, expect_name), 0);
}

static void act_snapshot(void)
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(world_pool(), &snapshot), 0);
    keyshm_snapshot_free(snapshot);
}

static void act_close(void)
{
    keyshm_close(world_pool());
}

static void act_find(void)
{
    keyshm_id id;
    EXPECT_EQ(keyshm_find(world_pool(), world.keys[AVAILABLE_KEY].text, &id), 0);
}

static void act_recover(void)
{
    EXPECT_EQ(keyshm_add(world_pool(), world.keys[SECOND_KEY].text, NULL), 0);
}

static enum outcome settle_recover(void)
{
    return settle_added(SECOND_KEY);
}

/* ---- keys that become available ---- */

/* The sweep has just been, so that the next one is as far away as it can be. */
static void prepare_swept(void)
{
    ready_sweep(world_pool(), clock_now_ms());
}

/* Somebody was to sweep, and died right before. Nobody will, for as long as can be. */
static void prepare_unswept(void)
{
    atomic_store(&world_pool()->header->next_sweep_ms, clock_now_ms() + READY_SWEEP_INTERVAL_MS);
}

static void act_limit_shortly(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[AVAILABLE_KEY].id, SHORT_MS), 0);
}

static enum outcome settle_limit_shortly(void)
{
    return settle_mark_for(AVAILABLE_KEY, KEYSHM_RATE_LIMITED, SHORT_MS);
}

static void act_limit_expired(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[EXPIRED_KEY].id, SHORT_MS), 0);
}

static enum outcome settle_limit_expired(void)
{
    return settle_mark_for(EXPIRED_KEY, KEYSHM_RATE_LIMITED, SHORT_MS);
}

static void act_exhaust_shortly(void)
{
    EXPECT_EQ(keyshm_mark_quota_exceeded(world_pool(), world.keys[AVAILABLE_KEY].id, SHORT_MS), 0);
}

static enum outcome settle_exhaust_shortly(void)
{
    return settle_mark_for(AVAILABLE_KEY, KEYSHM_QUOTA_EXCEEDED, SHORT_MS);
}

static void act_exhaust_expired(void)
{
    EXPECT_EQ(keyshm_mark_quota_exceeded(world_pool(), world.keys[EXPIRED_KEY].id, SHORT_MS), 0);
}

static enum outcome settle_exhaust_expired(void)
{
    return settle_mark_for(EXPIRED_KEY, KEYSHM_QUOTA_EXCEEDED, SHORT_MS);
}

static void act_invalidate_expired(void)
{
    EXPECT_EQ(keyshm_mark_invalid(world_pool(), world.keys[EXPIRED_KEY].id), 0);
}

static enum outcome settle_invalidate_expired(void)
{
    return settle_mark(EXPIRED_KEY, KEYSHM_INVALID, WORD_FOREVER, WORD_FOREVER);
}

static void act_release_expired(void)
{
    EXPECT_EQ(keyshm_mark_available(world_pool(), world.keys[EXPIRED_KEY].id), 0);
}

/* The victim looks at a key that will be available again shortly, and puts it aside until then. */
static void prepare_short_cooldown(void)
{
    prepare_swept();
    act_limit_expired();
}

const struct operation operations[] = {
    {"next", NULL, act_next, settle_next, .is_without_effect = false},
    {"next, in a burst", NULL, act_next_in_burst, settle_next_in_burst, .is_burst = true},
    {"next, of turns in hand", NULL, act_next_of_kept, settle_next_of_kept, .is_burst = true},
    {"mark_rate_limited", NULL, act_mark_rate_limited, settle_mark_rate_limited, .is_without_effect = false},
    {"mark_quota_exceeded", NULL, act_mark_quota_exceeded, settle_mark_quota_exceeded, .is_without_effect = false},
    {"mark_invalid", NULL, act_mark_invalid, settle_mark_invalid, .is_without_effect = false},
    {"mark_available", NULL, act_mark_available, settle_mark_available, .is_without_effect = false},
    {"reset_expired", NULL, act_reset_expired, settle_reset_expired, .is_without_effect = false},
    {"add, fresh slot", NULL, act_add, settle_add, .is_without_effect = false},
    {"add, reused slot", prepare_reused_slot, act_add, settle_add, .is_without_effect = false},
    {"add, duplicate", NULL, act_add_duplicate, settle_as_before, .is_without_effect = true},
    {"add, full", prepare_full, act_add_full, settle_as_before, .is_without_effect = true},
    {"remove", NULL, act_remove, settle_remove, .is_without_effect = false},
    {"set_metadata, new value", NULL, act_set_metadata, settle_set_metadata, .is_without_effect = false},
    {"set_metadata, delete", NULL, act_delete_metadata, settle_delete_metadata, .is_without_effect = false},
    {"create", NULL, act_create, settle_create, .is_without_effect = false},
    {"attach", NULL, act_attach, settle_as_before, .is_without_effect = true, .is_named = true},
    {"snapshot", NULL, act_snapshot, settle_as_before, .is_without_effect = true},
    {"close", NULL, act_close, settle_as_before, .is_without_effect = true},
    {"find", NULL, act_find, settle_as_before, .is_without_effect = true},
};
const size_t operation_count = sizeof(operations) / sizeof(operations[0]);

const struct operation membership_operations[] = {
    {"add, fresh slot", NULL, act_add, settle_add, .is_without_effect = false},
    {"add, reused slot", prepare_reused_slot, act_add, settle_add, .is_without_effect = false},
    {"remove", NULL, act_remove, settle_remove, .is_without_effect = false},
};
const size_t membership_operation_count = sizeof(membership_operations) / sizeof(membership_operations[0]);

const struct operation recovering_operation = {"recover", NULL, act_recover, settle_recover, .is_without_effect = false};

const struct operation ready_operations[] = {
    {"mark_available", prepare_swept, act_mark_available, settle_mark_available, .is_without_effect = false},
    {"mark_available, expired", prepare_swept, act_release_expired, settle_reset_expired, .is_without_effect = false},
    {"mark_available, unswept", prepare_unswept, act_release_expired, settle_reset_expired, .is_without_effect = false},
    {"mark_rate_limited, short", prepare_swept, act_limit_shortly, settle_limit_shortly, .is_without_effect = false},
    {"mark_rate_limited, expired", prepare_swept, act_limit_expired, settle_limit_expired, .is_without_effect = false},
    {"mark_quota_exceeded, short", prepare_swept, act_exhaust_shortly, settle_exhaust_shortly,
     .is_without_effect = false},
    {"mark_quota_exceeded, expired", prepare_swept, act_exhaust_expired, settle_exhaust_expired,
     .is_without_effect = false},
    {"mark_invalid, expired", prepare_swept, act_invalidate_expired, settle_invalidate_expired,
     .is_without_effect = false},
    {"reset_expired", NULL, act_reset_expired, settle_reset_expired, .is_without_effect = false},
    {"reset_expired, unswept", prepare_unswept, act_reset_expired, settle_reset_expired, .is_without_effect = false},
    {"next, a sweep is due", NULL, act_next, settle_next, .is_without_effect = false},
    {"next, past a short cooldown", prepare_short_cooldown, act_next, settle_next, .is_without_effect = false},
    {"add", prepare_swept, act_add, settle_add, .is_without_effect = false},
};
const size_t ready_operation_count = sizeof(ready_operations) / sizeof(ready_operations[0]);
