/* SPDX-License-Identifier: MIT */

/* Adds, removes, metadata, and the making of a pool. */

#include "operations.h"

#include "slot.h"

#include "expect.h"
#include "problem.h"

static const char new_note[] = "another, and a longer one";

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

static void act_recover(void)
{
    EXPECT_EQ(keyshm_add(world_pool(), world.keys[SECOND_KEY].text, NULL), 0);
}

static enum outcome settle_recover(void)
{
    return settle_added(SECOND_KEY);
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

static const struct operation operations[] = {
    {"add, fresh slot", .act = act_add, .settle = settle_add, .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED},
    {"add, reused slot", .prepare = prepare_reused_slot, .act = act_add, .settle = settle_add, .steps = {step_add},
     .takes_mutex = true, .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED | INTERLEAVED},
    {"add, just swept", .prepare = prepare_just_swept, .act = act_add, .settle = settle_add, .proofs = READY_IN_TIME},
    {"add, duplicate", .act = act_add_duplicate, .settle = settle_as_before, .is_without_effect = true,
     .proofs = KILLED | FROZEN},
    {"add, full", .prepare = prepare_full, .act = act_add_full, .settle = settle_as_before, .is_without_effect = true,
     .proofs = KILLED | FROZEN},
    {"remove", .act = act_remove, .settle = settle_remove, .steps = {step_remove}, .takes_mutex = true,
     .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED | INTERLEAVED},
    {"remove, then add", .steps = {step_remove, step_add_another}, .takes_mutex = true, .proofs = INTERLEAVED},
    {"set_metadata, new value", .act = act_set_metadata, .settle = settle_set_metadata, .proofs = KILLED | FROZEN},
    {"set_metadata, delete", .act = act_delete_metadata, .settle = settle_delete_metadata, .proofs = KILLED | FROZEN},
    {"create", .act = act_create, .settle = settle_create, .proofs = KILLED | FROZEN},
};
const struct operation_list membership_operations = OPERATION_LIST(operations);

const struct operation recovering_operation = {"recover", .act = act_recover, .settle = settle_recover};
