/* SPDX-License-Identifier: MIT */

/* Adds, removes, metadata, and the making of a pool. */

#include "operations.h"

#include "slot.h"

#include "expect.h"
#include "problem.h"
#include "settle.h"

static const char new_note[] = "another, and a longer one";

static void act_add(void)
{
    EXPECT_EQ(keyshm_add(world_pool(), world.keys[ADDED_KEY].text, NULL), 0);
}

static enum outcome settle_add(void)
{
    return settle_added(ADDED_KEY, NO_GROUP);
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
    return settle_removed(NOTED_KEY);
}

/* ---- replacing keys ---- */

/* The list: of the keys that are there all but NOTED_KEY and QUOTA_KEY, and two new ones. */
static const int listed[] = {AVAILABLE_KEY, LIMITED_KEY, EXPIRED_KEY, SPARE_KEY, ADDED_KEY, REPLACING_KEY};
enum { LISTED = sizeof(listed) / sizeof(listed[0]) };

static bool is_listed(int number)
{
    for (int i = 0; i < LISTED; i++)
        if (listed[i] == number)
            return true;
    return false;
}

static int replace_keys(struct keyshm_replaced *ret_replaced)
{
    const char *texts[LISTED];
    for (int i = 0; i < LISTED; i++)
        texts[i] = world.keys[listed[i]].text;
    return keyshm_replace_keys(world_pool(), texts, LISTED, ret_replaced);
}

static void act_replace_keys(void)
{
    EXPECT_EQ(replace_keys(NULL), 0);
}

/* Of its steps, those that were made come before those that were not: two adds and two removes, in the order in which
 * they are made where there is room for both. */
static enum outcome settle_replace_keys(void)
{
    enum outcome steps[] = {settle_added(ADDED_KEY, NO_GROUP), settle_added(REPLACING_KEY, NO_GROUP),
                            settle_removed(NOTED_KEY), settle_removed(QUOTA_KEY)};
    for (size_t i = 1; i < sizeof(steps) / sizeof(steps[0]); i++)
        HOLD(steps[i] == OLD || steps[i - 1] == NEW, "step %zu of the replacement was made before the one before it", i);
    return steps[0];
}

/* All slots but one are taken: the first key is added, and for the second one must go. */
static void prepare_nearly_full(void)
{
    for (int i = FILLING_KEYS; i < KEYS - 1; i++)
        EXPECT_EQ(world_add_key(i), 0);
}

/* The second key is in the slot of the first that had to go. */
static enum outcome settle_replace_in_full(void)
{
    enum outcome first = settle_added(ADDED_KEY, NO_GROUP), gone = settle_removed(NOTED_KEY),
                 second = settle_added(REPLACING_KEY, NO_GROUP);
    enum outcome last = settle_removed(QUOTA_KEY);
    HOLD(first == NEW || gone == OLD, "a key is removed, and there was room for another");
    HOLD(gone == NEW || second == OLD, "a key is added, and there was no room for it");
    HOLD(second == NEW || last == OLD, "keys are removed before all are added");
    for (int i = FILLING_KEYS; i < KEYS - 1; i++)
        HOLD(settle_removed(i) == OLD || last == NEW, "keys are removed in another order than that of their slots");
    return first;
}

/* The same call again completes it. */
static void complete_replace_keys(void)
{
    struct keyshm_replaced replaced = KEYSHM_REPLACED_INIT;
    bool was_there[KEYS];
    for (int i = 0; i < KEYS; i++)
        was_there[i] = world.keys[i].is_there;
    int r = replace_keys(&replaced);
    HOLD(r == 0, "the keys cannot be replaced again: %s", keyshm_strerror(r));
    size_t kept = 0;
    for (int i = 0; i < KEYS; i++) {
        kept += was_there[i] && is_listed(i);
        if (was_there[i] && !is_listed(i))
            settle_removed(i);
    }
    for (int i = 0; i < LISTED; i++)
        if (!was_there[listed[i]])
            HOLD(settle_added(listed[i], NO_GROUP) == NEW, "key %d was not added by the second call", listed[i]);
    HOLD(replaced.kept == kept && kept + replaced.added == LISTED && world_count_keys() == LISTED,
         "the second call has kept %zu keys, added %zu and removed %zu", replaced.kept, replaced.added, replaced.removed);
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

static struct keyshm_options options_of_another(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = CAPACITY;
    options.workers_max = WORKERS_MAX;
    return options;
}

static int create_another(keyshm_pool **ret_pool)
{
    struct keyshm_options options = options_of_another();
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

static void act_open(void)
{
    keyshm_pool *opened;
    struct keyshm_options options = options_of_another();
    EXPECT_EQ(keyshm_open(&opened, expect_name, &options), 0);
}

static void act_recover(void)
{
    EXPECT_EQ(keyshm_add(world_pool(), world.keys[SECOND_KEY].text, NULL), 0);
}

static enum outcome settle_recover(void)
{
    return settle_added(SECOND_KEY, NO_GROUP);
}

static enum outcome settle_signalled(void)
{
    enum outcome handlers = settle_recover();
    return settle_add() == NEW || handlers == NEW ? NEW : OLD;
}

/* ---- interleaved ---- */

static struct result step_add_text(const struct meeting *meeting, const char *text)
{
    struct result result = {.id = 0};
    result.value = keyshm_add(meeting->pool, text, &result.id);
    return result;
}

static struct result step_add(const struct meeting *meeting)
{
    return step_add_text(meeting, meeting->added_text);
}

static struct result step_remove(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_remove(meeting->pool, meeting->target)};
}

/* Into the slot of the key that was removed, if it was. */
static struct result step_add_another(const struct meeting *meeting)
{
    return step_add_text(meeting, meeting->replacing_text);
}

/* What is half-done in the middle of replace_keys is an add or a remove, so the recovery from those is enough. */
static const struct operation operations[] = {
    {"add, fresh slot", .act = act_add, .settle = settle_add, .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED},
    {"add, reused slot", .prepare = prepare_reused_slot, .act = act_add, .settle = settle_add, .steps = {step_add},
     .takes_mutex = true, .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED | INTERLEAVED | ORDERED},
    {"add, just swept", .prepare = prepare_just_swept, .act = act_add, .settle = settle_add, .proofs = READY_IN_TIME},
    {"add, duplicate", .act = act_add_duplicate, .settle = settle_as_before, .is_without_effect = true,
     .proofs = KILLED | FROZEN},
    {"add, full", .prepare = prepare_full, .act = act_add_full, .settle = settle_as_before, .is_without_effect = true,
     .proofs = KILLED | FROZEN},
    {"remove", .act = act_remove, .settle = settle_remove, .steps = {step_remove}, .takes_mutex = true,
     .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED | INTERLEAVED | GROUP_COOLING | ORDERED},
    {"add, then remove", .steps = {step_add, step_remove}, .takes_mutex = true, .proofs = ONE_KEY},
    {"remove, then add", .steps = {step_remove, step_add_another}, .takes_mutex = true,
     .proofs = INTERLEAVED | MODEL_COOLING | CARRIED | ORDERED},
    {"replace_keys", .allocates = true, .act = act_replace_keys, .settle = settle_replace_keys,
     .complete = complete_replace_keys, .proofs = KILLED | FROZEN},
    {"replace_keys, nearly full", .allocates = true, .prepare = prepare_nearly_full, .act = act_replace_keys,
     .settle = settle_replace_in_full, .complete = complete_replace_keys, .proofs = KILLED},
    {"set_metadata, new value", .act = act_set_metadata, .settle = settle_set_metadata, .proofs = KILLED | FROZEN},
    {"set_metadata, delete", .act = act_delete_metadata, .settle = settle_delete_metadata, .proofs = KILLED | FROZEN},
    {"create", .act = act_create, .settle = settle_create, .maps = true, .proofs = KILLED | FROZEN},
    {"open, no pool", .act = act_open, .settle = settle_create, .maps = true, .proofs = KILLED},
};
const struct operation_list membership_operations = OPERATION_LIST(operations);

const struct operation recovering_operation = {"recover", .act = act_recover, .settle = settle_recover};

const struct operation signalled_operation = {"add, signalled", .act = act_add, .settle = settle_signalled};
