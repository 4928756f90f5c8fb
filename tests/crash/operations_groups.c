/* SPDX-License-Identifier: MIT */

/* Marks of groups, which groups there are, and which keys are in them. */

#include "operations.h"

#include "ready_bits.h"
#include "slot.h"

#include "expect.h"
#include "problem.h"
#include "settle.h"

/* ---- marks ---- */

static struct keyshm_mark make_mark(enum keyshm_status status, int64_t duration_ms)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = status;
    mark.duration_ms = duration_ms;
    mark.reason = status == KEYSHM_RATE_LIMITED ? KEYSHM_REASON_RATE_LIMIT : KEYSHM_REASON_QUOTA;
    return mark;
}

static void limit_group(int64_t duration_ms)
{
    struct keyshm_mark mark = make_mark(KEYSHM_RATE_LIMITED, duration_ms);
    EXPECT_EQ(keyshm_mark(world_pool(), world.groups[GROUP].id, &mark), 0);
}

static void act_mark_group(void)
{
    limit_group(COOLDOWN_MS);
}

static enum outcome settle_mark_group(void)
{
    return settle_limit(ANY_MODEL, world_subject_of_group(GROUP), KEYSHM_RATE_LIMITED, COOLDOWN_MS);
}

static void act_mark_group_by_key(void)
{
    struct keyshm_mark mark = make_mark(KEYSHM_QUOTA_EXCEEDED, 2 * HOUR_MS);
    mark.scope = KEYSHM_SCOPE_GROUP;
    EXPECT_EQ(keyshm_mark(world_pool(), world.keys[EXPIRED_KEY].id, &mark), 0);
}

static enum outcome settle_mark_group_by_key(void)
{
    return settle_limit(ANY_MODEL, world_subject_of_group(GROUP), KEYSHM_QUOTA_EXCEEDED, 2 * HOUR_MS);
}

static void act_limit_group_shortly(void)
{
    limit_group(SHORT_MS);
}

static enum outcome settle_limit_group_shortly(void)
{
    return settle_limit(ANY_MODEL, world_subject_of_group(GROUP), KEYSHM_RATE_LIMITED, SHORT_MS);
}

/* Picks have found that the keys of the group are not available, and there was a sweep since. */
static void clear_bits_of_group(void)
{
    for (int number = 0; number < KEYS; number++) {
        if (!world.keys[number].is_there || world.keys[number].group != GROUP)
            continue;
        uint32_t slot = world_subject_of_key(number);
        struct pair pair = pair_load(world_pool(), ANY_MODEL, slot, memory_order_relaxed);
        ready_clear(world_pool(), ANY_MODEL, slot, &pair);
    }
    prepare_just_swept();
}

static void prepare_group_limited(void)
{
    limit_group(HOUR_MS);
    clear_bits_of_group();
}

static void act_release_group(void)
{
    EXPECT_EQ(keyshm_mark_available(world_pool(), world.groups[GROUP].id), 0);
}

static enum outcome settle_release_group(void)
{
    return settle_release(ANY_MODEL, world_subject_of_group(GROUP));
}

static void act_release_key_of_group(void)
{
    EXPECT_EQ(keyshm_mark_available(world_pool(), world.keys[EXPIRED_KEY].id), 0);
}

/* It is the key's word that is lifted, never that of its group. */
static enum outcome settle_release_key_of_group(void)
{
    return settle_release(ANY_MODEL, world_subject_of_key(EXPIRED_KEY));
}

/* ---- pauses ---- */

static void act_pause_group(void)
{
    EXPECT_EQ(keyshm_pause(world_pool(), world.groups[GROUP].id), 0);
}

static enum outcome settle_pause_group(void)
{
    return settle_paused(world_subject_of_group(GROUP), true);
}

static void prepare_group_paused(void)
{
    act_pause_group();
    clear_bits_of_group();
}

static void act_resume_group(void)
{
    EXPECT_EQ(keyshm_resume(world_pool(), world.groups[GROUP].id), 0);
}

static enum outcome settle_resume_group(void)
{
    return settle_paused(world_subject_of_group(GROUP), false);
}

/* And limited: then it is lifted with all others, and stays paused. */
static void prepare_group_limited_and_paused(void)
{
    limit_group(HOUR_MS);
    act_pause_group();
    for (int number = 0; number < FIRST_KEYS; number++)
        EXPECT_EQ(keyshm_mark_available(world_pool(), world.keys[number].id), 0);
}

static void act_release_all(void)
{
    EXPECT_EQ(keyshm_mark_all_available(world_pool(), 1u << KEYSHM_RATE_LIMITED), 1);
}

/* ---- which groups there are ---- */

static void act_group(void)
{
    keyshm_id id;
    EXPECT_EQ(keyshm_group(world_pool(), world.groups[ADDED_GROUP].name, &id), 0);
}

static enum outcome settle_group(void)
{
    keyshm_id id;
    int r = keyshm_find_group(world_pool(), world.groups[ADDED_GROUP].name, &id);
    HOLD(r == 0 || r == -ENOENT, "find a group: %s", keyshm_strerror(r));
    if (r == 0)
        world_note_group_added(ADDED_GROUP, id);
    return r == 0 ? NEW : OLD;
}

/* For the group that is made there is only the place of one that was removed. */
static void prepare_reused_place(void)
{
    EXPECT_EQ(world_remove_group(EMPTY_GROUP), 0);
}

static void act_group_that_is_there(void)
{
    keyshm_id id;
    EXPECT_EQ(keyshm_group(world_pool(), world.groups[GROUP].name, &id), 0);
}

static void act_remove_group(void)
{
    EXPECT_EQ(keyshm_remove_group(world_pool(), world.groups[EMPTY_GROUP].id), 0);
}

static enum outcome settle_remove_group(void)
{
    keyshm_id id;
    int r = keyshm_find_group(world_pool(), world.groups[EMPTY_GROUP].name, &id);
    HOLD(r == 0 || r == -ENOENT, "find a group: %s", keyshm_strerror(r));
    if (r < 0)
        world_note_group_removed(EMPTY_GROUP);
    return r < 0 ? NEW : OLD;
}

/* ---- which keys are in them ---- */

static void act_set_group(void)
{
    EXPECT_EQ(keyshm_set_group(world_pool(), world.keys[AVAILABLE_KEY].id, world.groups[GROUP].id), 0);
}

static void act_leave_group(void)
{
    EXPECT_EQ(keyshm_set_group(world_pool(), world.keys[EXPIRED_KEY].id, 0), 0);
}

/* It is in the one, or in the other. */
static enum outcome settle_moved(int number, int group)
{
    struct keyshm_key_snapshot row;
    keyshm_id before = world.keys[number].group != NO_GROUP ? world.groups[world.keys[number].group].id : 0;
    keyshm_id after = group != NO_GROUP ? world.groups[group].id : 0;
    EXPECT_EQ(keyshm_inspect(world_pool(), world.keys[number].id, ANY_MODEL, sizeof(row), &row), 0);
    HOLD(row.group == before || row.group == after, "key %d is in no group that it was in", number);
    if (row.group != after)
        return OLD;
    world.keys[number].group = group;
    return NEW;
}

static enum outcome settle_set_group(void)
{
    return settle_moved(AVAILABLE_KEY, GROUP);
}

static enum outcome settle_leave_group(void)
{
    return settle_moved(EXPIRED_KEY, NO_GROUP);
}

static void act_add_to_group(void)
{
    EXPECT_EQ(keyshm_add_to_group(world_pool(), world.keys[ADDED_KEY].text, world.groups[GROUP].id, NULL), 0);
}

static enum outcome settle_add_to_group(void)
{
    return settle_added(ADDED_KEY, GROUP);
}

/* ---- replacing the keys of a group ---- */

/* NOTED_KEY is not among them; LIMITED_KEY is in no group, and stays so. */
static int replace_group_keys(void)
{
    const char *const texts[] = {world.keys[EXPIRED_KEY].text, world.keys[ADDED_KEY].text, world.keys[LIMITED_KEY].text};
    return keyshm_replace_group_keys(world_pool(), world.groups[GROUP].id, texts, sizeof(texts) / sizeof(texts[0]), NULL);
}

static void act_replace_group_keys(void)
{
    EXPECT_EQ(replace_group_keys(), 0);
}

static enum outcome settle_replace_group_keys(void)
{
    enum outcome added = settle_added(ADDED_KEY, GROUP), removed = settle_removed(NOTED_KEY);
    HOLD(added == NEW || removed == OLD, "a key is removed before another is added");
    return added;
}

static void complete_replace_group_keys(void)
{
    bool was_added = world.keys[ADDED_KEY].is_there, was_removed = !world.keys[NOTED_KEY].is_there;
    int r = replace_group_keys();
    HOLD(r == 0, "the keys cannot be replaced again: %s", keyshm_strerror(r));
    HOLD(was_added || settle_added(ADDED_KEY, GROUP) == NEW, "a key was not added by the second call");
    HOLD(was_removed || settle_removed(NOTED_KEY) == NEW, "a key was not removed by the second call");
}

/* ---- interleaved ---- */

static struct result step_limit_group(const struct meeting *meeting)
{
    struct keyshm_mark mark = make_mark(KEYSHM_RATE_LIMITED, LIMIT_MS);
    return (struct result){.value = keyshm_mark(meeting->pool, meeting->group, &mark)};
}

static struct result step_exhaust_group_by_key(const struct meeting *meeting)
{
    struct keyshm_mark mark = make_mark(KEYSHM_QUOTA_EXCEEDED, KEYSHM_UNTIL_MARKED);
    mark.scope = KEYSHM_SCOPE_GROUP;
    return (struct result){.value = keyshm_mark(meeting->pool, meeting->target, &mark)};
}

static struct result step_release_group(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_mark_available(meeting->pool, meeting->group)};
}

static struct result step_add_to_group(const struct meeting *meeting)
{
    struct result result = {.id = 0};
    result.value = keyshm_add_to_group(meeting->pool, meeting->added_text, meeting->group, &result.id);
    return result;
}

static struct result step_join(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_set_group(meeting->pool, meeting->other, meeting->group)};
}

static struct result step_move(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_set_group(meeting->pool, meeting->target, meeting->empty_group)};
}

static struct result step_remove_group(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_remove_group(meeting->pool, meeting->empty_group)};
}

static struct result step_group(const struct meeting *meeting)
{
    struct result result = {.id = 0};
    result.value = keyshm_group(meeting->pool, MEETING_ADDED_GROUP, &result.id);
    return result;
}

static struct result step_find_group(const struct meeting *meeting)
{
    struct result result = {.id = 0};
    result.value = keyshm_find_group(meeting->pool, MEETING_EMPTY_GROUP, &result.id);
    return result;
}

/* What is half-done in the middle of replace_group_keys is an add or a remove, so the recovery from those is enough. A
 * pause of a group is the same compare-and-swap as one of a key. */
static const struct operation operations[] = {
    {"group, mark", .act = act_mark_group, .settle = settle_mark_group, .steps = {step_limit_group},
     .proofs = KILLED | FROZEN | GROUP_COOLING | GROUP_COOLED | GROUP_TWICE},
    {"group, mark by a key", .act = act_mark_group_by_key, .settle = settle_mark_group_by_key,
     .steps = {step_exhaust_group_by_key}, .proofs = KILLED | FROZEN | GROUP_COOLING},
    {"group, mark short", .prepare = prepare_just_swept, .act = act_limit_group_shortly,
     .settle = settle_limit_group_shortly, .proofs = READY_IN_TIME},
    {"group, mark available", .prepare = prepare_group_limited, .act = act_release_group, .settle = settle_release_group,
     .steps = {step_release_group},
     .proofs = KILLED | FROZEN | READY_IN_TIME | GROUP_COOLING | GROUP_COOLED | GROUP_TWICE},
    {"group, mark its key available", .prepare = prepare_group_limited, .act = act_release_key_of_group,
     .settle = settle_release_key_of_group, .proofs = KILLED},
    {"group, pause", .act = act_pause_group, .settle = settle_pause_group, .proofs = KILLED | FROZEN},
    {"group, resume", .prepare = prepare_group_paused, .act = act_resume_group, .settle = settle_resume_group,
     .proofs = KILLED | FROZEN | READY_IN_TIME},
    {"group, mark all available", .prepare = prepare_group_limited_and_paused, .act = act_release_all,
     .settle = settle_release_group, .proofs = KILLED},
    {"group, new", .act = act_group, .settle = settle_group, .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED},
    {"group, in a reused place", .prepare = prepare_reused_place, .act = act_group, .settle = settle_group,
     .proofs = KILLED | KILLED_AND_RECOVERED},
    {"group, that is there", .act = act_group_that_is_there, .settle = settle_as_before, .is_without_effect = true,
     .steps = {step_find_group}, .proofs = KILLED | FROZEN | GROUP_COOLING},
    {"remove_group", .act = act_remove_group, .settle = settle_remove_group, .steps = {step_remove_group, step_group},
     .takes_mutex = true, .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED | GROUP_COOLING},
    {"set_group", .act = act_set_group, .settle = settle_set_group, .steps = {step_join}, .takes_mutex = true,
     .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED | GROUP_COOLING},
    {"set_group, of a benched one", .prepare = prepare_group_limited, .act = act_leave_group,
     .settle = settle_leave_group, .steps = {step_move}, .takes_mutex = true,
     .proofs = KILLED | READY_IN_TIME | GROUP_COOLING},
    {"add_to_group", .act = act_add_to_group, .settle = settle_add_to_group, .steps = {step_add_to_group},
     .takes_mutex = true, .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED | GROUP_COOLING},
    {"add_to_group, benched", .prepare = prepare_group_limited, .act = act_add_to_group, .settle = settle_add_to_group,
     .proofs = KILLED},
    {"replace_group_keys", .allocates = true, .act = act_replace_group_keys, .settle = settle_replace_group_keys,
     .complete = complete_replace_group_keys, .proofs = KILLED | FROZEN},
};
const struct operation_list group_operations = OPERATION_LIST(operations);
