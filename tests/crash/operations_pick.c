/* SPDX-License-Identifier: MIT */
#include "operations.h"

#include "slot.h"
#include "tagged.h"

#include "burst.h"
#include "expect.h"
#include "problem.h"

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

/* The victim finds a key that will be available again shortly, and puts it aside until then. */
static void prepare_short_cooldown(void)
{
    prepare_just_swept();
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[EXPIRED_KEY].id, SHORT_MS), 0);
}

/* ---- interleaved ---- */

/* Claims all turns up to the end of the round, and goes away with them. */
static struct result step_next_in_burst(const struct meeting *meeting)
{
    burst_begin(meeting->pool);
    struct result result = meeting_next(meeting);
    burst_end(meeting->pool);
    return result;
}

static const struct operation operations[] = {
    {"next", .act = act_next, .settle = settle_next, .steps = {meeting_next}, .is_pick = true,
     .proofs = KILLED | FROZEN | READY_IN_TIME | INTERLEAVED | INTERLEAVED_TWICE},
    {"next, in a burst", .act = act_next_in_burst, .settle = settle_next_in_burst, .is_burst = true,
     .steps = {step_next_in_burst}, .is_pick = true, .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE},
    {"next, of turns in hand", .act = act_next_of_kept, .settle = settle_next_of_kept, .is_burst = true,
     .proofs = KILLED | FROZEN},
    {"next, past a short cooldown", .prepare = prepare_short_cooldown, .act = act_next, .settle = settle_next,
     .proofs = READY_IN_TIME},
};
const struct operation_list pick_operations = OPERATION_LIST(operations);
