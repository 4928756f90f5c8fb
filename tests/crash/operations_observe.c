/* SPDX-License-Identifier: MIT */

/* Calls that change no key. */

#include "operations.h"

#include "burst.h"
#include "expect.h"
#include "settle.h"
#include "turns.h"
#include "virtual_clock.h"

static void act_find(void)
{
    keyshm_id id;
    EXPECT_EQ(keyshm_find(world_pool(), world.keys[AVAILABLE_KEY].text, &id), 0);
}

static void act_attach(void)
{
    keyshm_pool *attached;
    EXPECT_EQ(keyshm_attach(&attached, expect_name), 0);
}

static void act_open(void)
{
    keyshm_pool *opened;
    EXPECT_EQ(keyshm_open(&opened, expect_name, NULL), 0);
}

static void act_after_fork(void)
{
    EXPECT_EQ(keyshm_after_fork(world_pool()), 0);
}

/* ---- a name for the process ---- */

#define WORKER_NAME "another name" /* longer than one word */

static void act_set_worker_name(void)
{
    EXPECT_EQ(keyshm_set_worker_name(world_pool(), WORKER_NAME), 0);
}

static enum outcome settle_worker_name(void)
{
    struct keyshm_worker_list *list;
    enum outcome outcome = OLD;
    EXPECT_EQ(keyshm_workers(world_pool(), &list), 0);
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->workers[i].name, WORKER_NAME) == 0)
            outcome = NEW;
    keyshm_worker_list_free(list);
    return outcome;
}

/* ---- calls that write nothing but what is the process's own ---- */

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

/* With turns that it has claimed and not used. */
static void act_close_in_burst(void)
{
    struct keyshm_pick pick;
    virtual_clock_stop(); /* a burst is of one tick */
    burst_begin(world_pool());
    EXPECT_EQ(keyshm_next(world_pool(), &pick), 0);
    keyshm_close(world_pool());
}

static enum outcome settle_close_in_burst(void)
{
    return turns_settle(1);
}

/* ---- interleaved ---- */

static struct result step_find(const struct meeting *meeting)
{
    struct result result = {.id = 0};
    result.value = keyshm_find(meeting->pool, meeting->target_text, &result.id);
    return result;
}

static struct result step_is_available(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_is_available(meeting->pool, meeting->target)};
}

static struct result step_count(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_available_count(meeting->pool)};
}

/* Without counters: those are for people, and written after the word that they count. */
static struct result step_snapshot(const struct meeting *meeting)
{
    struct keyshm_snapshot *snapshot;
    struct result result = {.value = keyshm_snapshot(meeting->pool, &snapshot)};
    if (result.value < 0)
        return result;
    for (unsigned i = 0; i < snapshot->count; i++) {
        const struct keyshm_key_snapshot *key = &snapshot->keys[i];
        result.content = digest_add(result.content, key->id);
        result.content = digest_add(result.content, key->status);
        result.content = digest_add(result.content, (uint64_t)key->cooldown_left_ms);
        result.content = digest_add(result.content, key->benched_by);
        result.content = digest_add(result.content, key->group);
        result.content = digest_add_text(result.content, key->masked_key);
    }
    for (unsigned i = 0; i < snapshot->group_count; i++) {
        const struct keyshm_group_snapshot *group = &snapshot->groups[i];
        result.content = digest_add(result.content, group->id);
        result.content = digest_add(result.content, group->state.status);
        result.content = digest_add(result.content, (uint64_t)group->state.cooldown_left_ms);
        result.content = digest_add_text(result.content, group->name);
    }
    keyshm_snapshot_free(snapshot);
    return result;
}

static const struct operation operations[] = {
    {"find", .act = act_find, .settle = settle_as_before, .is_without_effect = true, .steps = {step_find},
     .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE},
    {"is available, count", .steps = {step_is_available, step_count},
     .proofs = INTERLEAVED | INTERLEAVED_TWICE | GROUP_COOLING | GROUP_COOLED},
    {"attach", .act = act_attach, .settle = settle_as_before, .is_without_effect = true, .is_named = true, .maps = true,
     .proofs = KILLED | FROZEN},
    {"open, a pool", .act = act_open, .settle = settle_as_before, .is_without_effect = true, .is_named = true,
     .maps = true, .proofs = KILLED},
    {"after_fork", .act = act_after_fork, .settle = settle_as_before, .is_without_effect = true,
     .proofs = KILLED | FROZEN},
    {"set_worker_name", .act = act_set_worker_name, .settle = settle_worker_name, .proofs = KILLED | FROZEN},
    {"snapshot", .act = act_snapshot, .settle = settle_as_before, .is_without_effect = true, .steps = {step_snapshot},
     .proofs = KILLED | FROZEN | INTERLEAVED | GROUP_COOLING},
    {"close", .maps = true, .act = act_close, .settle = settle_as_before, .is_without_effect = true,
     .proofs = KILLED | FROZEN},
    {"close, turns left", .maps = true, .prepare = prepare_round, .act = act_close_in_burst,
     .settle = settle_close_in_burst, .is_burst = true, .proofs = KILLED | FROZEN},
};
const struct operation_list observing_operations = OPERATION_LIST(operations);
