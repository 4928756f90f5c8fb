/* SPDX-License-Identifier: MIT */
#include "operations.h"

#include "slot.h"
#include "tagged.h"

#include "burst.h"
#include "expect.h"
#include "problem.h"
#include "turns.h"
#include "virtual_clock.h"

static void act_next(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_next(world_pool(), &pick), 0);
}

static void act_acquire(void)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.model = MODEL;
    EXPECT_EQ(keyshm_acquire(world_pool(), &request, &lease), 0);
    EXPECT_EQ(lease.pick.model, MODEL);
}

/* The first available one from the cursor on. */
static int next_number(unsigned model)
{
    for (uint32_t i = 0; i < CAPACITY; i++)
        for (int number = 0; number < KEYS; number++)
            if (world_is_pickable(number, model) &&
                world_subject_of_key(number) == (claim_unpack(world.cursors[model]).end + i) % CAPACITY)
                return number;
    return -1;
}

/* Whether the pick is counted. Updates the model. */
static bool settle_count(int number)
{
    struct model_key *picked = &world.keys[number];
    uint64_t before = picked->picks;
    picked->picks = tagged_value(atomic_load(&world_slot_of(number)->picks), picked->id);
    HOLD(picked->picks == before || picked->picks == before + 1, "%llu picks", (unsigned long long)picked->picks);
    return picked->picks != before;
}

/* The turn is used up, or is not; and the pick is counted only if it is. */
static enum outcome settle_pick(unsigned model)
{
    int number = next_number(model);
    EXPECT(number >= 0);
    uint32_t slot = world_subject_of_key(number);
    struct claim claim = {.number = claim_unpack(world.cursors[model]).number + 1, .begin = slot, .end = slot + 1};
    uint64_t cursor = atomic_load(&pool_model(world_pool(), model)->cursor);
    if (cursor == world.cursors[model])
        return OLD;
    HOLD(cursor == claim_pack(&claim), "the cursor is %#llx", (unsigned long long)cursor);
    settle_count(number);
    return NEW;
}

static enum outcome settle_next(void)
{
    return settle_pick(ANY_MODEL);
}

static enum outcome settle_acquire(void)
{
    return settle_pick(MODEL);
}

/* ---- in a burst ---- */

void prepare_round(void)
{
    struct claim claim = {.number = 1};
    atomic_store(&world_pool()->header->model_0.cursor, claim_pack(&claim));
}

/* The victim claims all turns of the round, and uses one of them. */
static void act_next_in_burst(void)
{
    virtual_clock_stop(); /* a burst is of one tick */
    burst_begin(world_pool());
    act_next();
}

/* And the next one. */
static void act_next_two_in_burst(void)
{
    act_next_in_burst();
    act_next();
}

static enum outcome settle_next_in_burst(void)
{
    return turns_settle(1);
}

static enum outcome settle_next_two_in_burst(void)
{
    return turns_settle(2);
}

static enum outcome settle_next_signalled(void)
{
    return turns_settle(3);
}

/* ---- turns that others have left ---- */

/* As a child does that then ends. */
static void run_child(void (*act)(void))
{
    pid_t child = expect_fork();
    if (child == 0) {
        act();
        _exit(0); /* and so it does not close the pool */
    }
    expect_success_of(child);
}

static void act_next_and_close(void)
{
    act_next_in_burst();
    keyshm_close(world_pool());
}

/* A process has claimed the rest of a round, used one turn, and was killed. (If all of a round were lost, nobody could
 * see it.) */
static void prepare_dead_claimer(void)
{
    do
        run_child(act_next_in_burst);
    while (burst_place_of_last_claim(world_pool()) == 0); /* its burst has ended too early */
}

static void prepare_closed_claimer(void)
{
    do
        run_child(act_next_and_close);
    while (burst_place_of_last_claim(world_pool()) == 0);
}

/* It was killed before it could write down what it had claimed. */
static void prepare_unsettled_claimer(void)
{
    struct claim none = {.number = 0};
    prepare_dead_claimer();
    struct claim last = claim_unpack(atomic_load(&world_pool()->header->model_0.cursor));
    last.place = burst_place_of_last_claim(world_pool());
    atomic_store(&world_pool()->header->model_0.cursor, claim_pack(&last));
    atomic_store(&world_pool()->header->model_0.turns[last.place - 1].range, claim_pack(&none));
}

/* ---- a key that will be available shortly ---- */

/* The victim finds a key that will be available again shortly, and puts it aside until then. */
static void prepare_short_cooldown(void)
{
    prepare_just_swept();
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[EXPIRED_KEY].id, SHORT_MS), 0);
}

/* The same of a key that is available for any model but this. */
static void prepare_short_cooldown_for_model(void)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.duration_ms = SHORT_MS;
    mark.model = MODEL;
    prepare_just_swept();
    EXPECT_EQ(keyshm_mark(world_pool(), world.keys[NOTED_KEY].id, &mark), 0);
}

/* ---- interleaved ---- */

/* Claims all turns up to the end of the round, and goes away with them: the place stays taken, by a row of the list of
 * workers that all processes of the meeting share. So none of them ends for the others. */
static struct result step_next_in_burst(const struct meeting *meeting)
{
    atomic_store(&meeting->pool->local->token, meeting->token);
    burst_begin(meeting->pool);
    struct result result = meeting_next(meeting);
    atomic_store(&meeting->pool->local->pace, 0);
    atomic_store(&meeting->pool->local->rotations[0].place, 0);
    return result;
}

static const struct operation operations[] = {
    {"next", .act = act_next, .settle = settle_next, .steps = {meeting_next}, .is_pick = true,
     .proofs = KILLED | FROZEN | READY_IN_TIME | INTERLEAVED | INTERLEAVED_TWICE | ONE_AVAILABLE | ONE_KEY | SWEEP_DUE |
               GROUP_COOLING | GROUP_COOLED | GROUP_TWICE | MODEL_COOLING | COMING_BACK | COMING_BACK_TWICE | CARRIED |
               ORDERED | ORDERED_TWICE},
    {"next, in a burst", .prepare = prepare_round, .act = act_next_in_burst, .settle = settle_next_in_burst,
     .is_burst = true, .steps = {step_next_in_burst}, .is_pick = true,
     .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE | ORDERED},
    {"next, two in a burst", .prepare = prepare_round, .act = act_next_two_in_burst, .settle = settle_next_two_in_burst,
     .is_burst = true, .proofs = FROZEN},
    {"next, turns of a dead one", .prepare = prepare_dead_claimer, .act = act_next_two_in_burst,
     .settle = settle_next_two_in_burst, .is_burst = true, .proofs = KILLED | FROZEN},
    {"next, turns of a closed one", .prepare = prepare_closed_claimer, .act = act_next_in_burst,
     .settle = settle_next_in_burst, .is_burst = true, .proofs = KILLED},
    {"next, unsettled turns", .prepare = prepare_unsettled_claimer, .act = act_next_in_burst,
     .settle = settle_next_in_burst, .is_burst = true, .proofs = KILLED},
    {"next, one, unsettled turns", .prepare = prepare_unsettled_claimer, .act = act_next, .settle = settle_next_in_burst,
     .is_burst = true, .proofs = KILLED},
    {"next, past a short cooldown", .prepare = prepare_short_cooldown, .act = act_next, .settle = settle_next,
     .proofs = READY_IN_TIME},
    {"acquire, for a model", .act = act_acquire, .settle = settle_acquire, .steps = {meeting_acquire}, .model = MODEL,
     .is_pick = true, .proofs = KILLED | FROZEN | READY_IN_TIME | MODEL_COOLING | MODEL_COOLED | MODEL_TWICE},
    {"acquire, past a short cooldown", .prepare = prepare_short_cooldown_for_model, .act = act_acquire,
     .settle = settle_acquire, .model = MODEL, .proofs = READY_IN_TIME},
};
/* Two picks in a burst; the handler makes another. */
const struct operation signalled_pick = {"next, signalled", .prepare = prepare_round, .act = act_next_two_in_burst,
                                         .settle = settle_next_signalled, .is_burst = true};

const struct operation_list pick_operations = OPERATION_LIST(operations);
