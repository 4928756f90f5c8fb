/* SPDX-License-Identifier: MIT */

/* Marks for a model, which models there are, and what calls that change nothing say for one. A pick for a model is in
 * operations_pick.c. */

#include "operations.h"

#include "ready_bits.h"
#include "slot.h"

#include "expect.h"
#include "problem.h"
#include "settle.h"

static struct keyshm_mark make_mark(unsigned model, enum keyshm_status status, int64_t duration_ms)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = status;
    mark.duration_ms = duration_ms;
    mark.model = model;
    mark.reason = status == KEYSHM_RATE_LIMITED ? KEYSHM_REASON_RATE_LIMIT : KEYSHM_REASON_QUOTA;
    return mark;
}

static void mark_for_model(keyshm_id id, enum keyshm_status status, int64_t duration_ms)
{
    struct keyshm_mark mark = make_mark(MODEL, status, duration_ms);
    EXPECT_EQ(keyshm_mark(world_pool(), id, &mark), 0);
}

/* ---- marks ---- */

static void act_mark(void)
{
    mark_for_model(world.keys[NOTED_KEY].id, KEYSHM_RATE_LIMITED, COOLDOWN_MS);
}

static enum outcome settle_of_noted(uint64_t duration_ms)
{
    return settle_limit(MODEL, world_subject_of_key(NOTED_KEY), KEYSHM_RATE_LIMITED, duration_ms);
}

static enum outcome settle_marked(void)
{
    return settle_of_noted(COOLDOWN_MS);
}

static void act_limit_shortly(void)
{
    mark_for_model(world.keys[NOTED_KEY].id, KEYSHM_RATE_LIMITED, SHORT_MS);
}

static enum outcome settle_limit_shortly(void)
{
    return settle_of_noted(SHORT_MS);
}

static void act_mark_group(void)
{
    mark_for_model(world.groups[GROUP].id, KEYSHM_QUOTA_EXCEEDED, 2 * HOUR_MS);
}

static enum outcome settle_mark_group(void)
{
    return settle_limit(MODEL, world_subject_of_group(GROUP), KEYSHM_QUOTA_EXCEEDED, 2 * HOUR_MS);
}

/* A pick has found that it is not available, and there was a sweep since. */
static void prepare_bit_cleared(void)
{
    uint32_t slot = world_subject_of_key(AVAILABLE_KEY);
    struct pair pair = pair_load(world_pool(), MODEL, slot, memory_order_relaxed);
    ready_clear(world_pool(), MODEL, slot, &pair);
    prepare_just_swept();
}

static void act_release(void)
{
    mark_for_model(world.keys[AVAILABLE_KEY].id, KEYSHM_AVAILABLE, 0);
}

static enum outcome settle_released(void)
{
    return settle_release(MODEL, world_subject_of_key(AVAILABLE_KEY));
}

/* The key is available but for the model, so this is all that the mark has to lift. */
static void act_release_whole(void)
{
    EXPECT_EQ(keyshm_mark_available(world_pool(), world.keys[AVAILABLE_KEY].id), 0);
}

/* ---- which models there are ---- */

static void act_model(void)
{
    unsigned model;
    EXPECT_EQ(keyshm_model(world_pool(), world_model_names[ADDED_MODEL], &model), 0);
}

static enum outcome settle_model(void)
{
    unsigned model;
    int r = keyshm_find_model(world_pool(), world_model_names[ADDED_MODEL], &model);
    HOLD((r == 0 && model == ADDED_MODEL) || r == -ENOENT, "find a model: %s", keyshm_strerror(r));
    if (r == 0)
        world.models = ADDED_MODEL;
    return r == 0 ? NEW : OLD;
}

/* ---- what is said for one ---- */

static void act_inspect(void)
{
    struct keyshm_key_snapshot row;
    EXPECT(keyshm_available_count_for(world_pool(), MODEL) > 0);
    EXPECT_EQ(keyshm_inspect(world_pool(), world.keys[EXPIRED_KEY].id, MODEL, sizeof(row), &row), 0);
}

/* ---- interleaved ---- */

static struct result step_mark(const struct meeting *meeting)
{
    struct keyshm_mark mark = make_mark(meeting->model, KEYSHM_RATE_LIMITED, LIMIT_MS);
    return (struct result){.value = keyshm_mark(meeting->pool, meeting->target, &mark)};
}

static struct result step_release(const struct meeting *meeting)
{
    struct keyshm_mark mark = make_mark(meeting->model, KEYSHM_AVAILABLE, 0);
    return (struct result){.value = keyshm_mark(meeting->pool, meeting->target, &mark)};
}

/* As the answer to a pick for the model that was made just now. */
static struct result step_answer(const struct meeting *meeting)
{
    struct keyshm_mark mark = make_mark(meeting->model, KEYSHM_AVAILABLE, 0);
    mark.stamp = meeting->model_stamp;
    return (struct result){.value = keyshm_mark(meeting->pool, meeting->target, &mark)};
}

static struct result step_mark_group(const struct meeting *meeting)
{
    struct keyshm_mark mark = make_mark(meeting->model, KEYSHM_QUOTA_EXCEEDED, LONGER_LIMIT_MS);
    return (struct result){.value = keyshm_mark(meeting->pool, meeting->group, &mark)};
}

static struct result step_model(const struct meeting *meeting)
{
    unsigned model = 0;
    struct result result = {.value = keyshm_model(meeting->pool, MEETING_ADDED_MODEL, &model)};
    result.id = model;
    return result;
}

static struct result step_count(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_available_count_for(meeting->pool, meeting->model)};
}

static struct result step_inspect(const struct meeting *meeting)
{
    struct keyshm_key_snapshot row = {.id = 0};
    struct result result = {.value = keyshm_inspect(meeting->pool, meeting->target, meeting->model, sizeof(row), &row)};
    result.id = row.id;
    result.content = digest_add(result.content, row.benched_by);
    result.content = digest_add(result.content, row.status);
    result.content = digest_add(result.content, row.reason);
    result.content = digest_add(result.content, (uint64_t)row.cooldown_left_ms);
    result.content = digest_add(result.content, row.group);
    return result;
}

static const struct operation operations[] = {
    {"model, mark", .act = act_mark, .settle = settle_marked, .steps = {step_mark},
     .proofs = KILLED | FROZEN | MODEL_COOLING | MODEL_COOLED | MODEL_TWICE},
    {"model, mark a group", .act = act_mark_group, .settle = settle_mark_group, .steps = {step_mark_group},
     .proofs = KILLED | FROZEN | MODEL_COOLING},
    {"model, mark short", .prepare = prepare_just_swept, .act = act_limit_shortly, .settle = settle_limit_shortly,
     .model = MODEL, .proofs = READY_IN_TIME},
    {"model, mark available", .prepare = prepare_bit_cleared, .act = act_release, .settle = settle_released,
     .steps = {step_release}, .model = MODEL, .proofs = KILLED | FROZEN | READY_IN_TIME | MODEL_COOLING | MODEL_TWICE},
    {"model, mark all available", .prepare = prepare_bit_cleared, .act = act_release_whole, .settle = settle_released,
     .model = MODEL, .proofs = KILLED | READY_IN_TIME},
    {"model, mark with a stamp", .steps = {step_answer}, .proofs = MODEL_COOLING},
    {"model, new", .act = act_model, .settle = settle_model, .steps = {step_model}, .takes_mutex = true,
     .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED | MODEL_COOLING},
    {"model, count and inspect", .act = act_inspect, .settle = settle_as_before, .is_without_effect = true,
     .steps = {step_count, step_inspect}, .proofs = KILLED | FROZEN | MODEL_COOLING},
};
const struct operation_list model_operations = OPERATION_LIST(operations);
