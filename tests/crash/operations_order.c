/* SPDX-License-Identifier: MIT */
#include "operations.h"

#include "order.h"
#include "rotation.h"
#include "tagged.h"

#include "expect.h"
#include "problem.h"
#include "settle.h"

/* Priorities and weights: what changes them, and picks where keys differ in them. */

/* ---- changes ---- */

static void set_priority(int number, unsigned priority)
{
    EXPECT_EQ(keyshm_set_priority(world_pool(), world.keys[number].id, priority), 0);
    world.keys[number].priority = priority;
}

static void set_weight(int number, unsigned weight)
{
    EXPECT_EQ(keyshm_set_weight(world_pool(), world.keys[number].id, weight), 0);
    world.keys[number].weight = weight;
}

/* The model is the survivors'. */
static void act_set_priority(unsigned priority)
{
    EXPECT_EQ(keyshm_set_priority(world_pool(), world.keys[AVAILABLE_KEY].id, priority), 0);
}

static void act_set_weight(unsigned weight)
{
    EXPECT_EQ(keyshm_set_weight(world_pool(), world.keys[AVAILABLE_KEY].id, weight), 0);
}

/* The key has the old priority and weight, or the new ones. */
static enum outcome settle_order(unsigned priority, unsigned weight)
{
    struct keyshm_key_snapshot row;
    struct model_key *key = &world.keys[AVAILABLE_KEY];
    EXPECT_EQ(keyshm_inspect(world_pool(), key->id, ANY_MODEL, sizeof(row), &row), 0);
    bool is_old = row.priority == key->priority && row.weight == key->weight;
    HOLD(is_old || (row.priority == priority && row.weight == weight), "priority %u and weight %u", row.priority,
         row.weight);
    key->priority = row.priority;
    key->weight = row.weight;
    return is_old ? OLD : NEW;
}

/* Until now all keys are alike. */
static void act_demote(void)
{
    act_set_priority(1);
}

static enum outcome settle_demote(void)
{
    return settle_order(1, 1);
}

/* And afterwards they are again. */
static void prepare_demoted(void)
{
    set_priority(AVAILABLE_KEY, 2);
}

static void act_promote(void)
{
    act_set_priority(0);
}

static enum outcome settle_promote(void)
{
    return settle_order(0, 1);
}

/* From between two others to behind them. */
static void prepare_three_priorities(void)
{
    set_priority(AVAILABLE_KEY, 1);
    set_priority(EXPIRED_KEY, 2);
    set_priority(SPARE_KEY, 2);
}

static void act_demote_further(void)
{
    act_set_priority(3);
}

static enum outcome settle_demote_further(void)
{
    return settle_order(3, 1);
}

static void act_weigh(void)
{
    act_set_weight(6);
}

static enum outcome settle_weigh(void)
{
    return settle_order(0, 6);
}

/* No bit of the old weight is in the new one. */
static void prepare_weighed(void)
{
    set_weight(AVAILABLE_KEY, 10);
}

static void act_weigh_anew(void)
{
    act_set_weight(5);
}

static enum outcome settle_weigh_anew(void)
{
    return settle_order(0, 5);
}

static void act_weigh_alike(void)
{
    act_set_weight(1);
}

static enum outcome settle_weigh_alike(void)
{
    return settle_order(0, 1);
}

/* ---- picks ---- */

static void act_next(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_next(world_pool(), &pick), 0);
}

/* The cursor has been moved to the turn of the key, or not. */
static enum outcome settle_turn(unsigned rank, struct claim claim, int number)
{
    uint64_t cursor = atomic_load(rotation_cursor(world_pool(), ANY_MODEL, rank));
    uint64_t before = rank == 0 ? world.cursors[ANY_MODEL] : 0;
    struct model_key *picked = &world.keys[number];
    uint64_t picks = picked->picks;
    picked->picks = tagged_value(atomic_load(&world_slot_of(number)->picks), picked->id);
    claim.number = claim_number_after(before);
    HOLD(rank == 0 || atomic_load(rotation_cursor(world_pool(), ANY_MODEL, 0)) == world.cursors[ANY_MODEL],
         "the rotation of another priority has moved");
    HOLD(cursor == before || cursor == claim_pack(&claim), "the cursor is %#llx", (unsigned long long)cursor);
    HOLD(picked->picks == picks || (picked->picks == picks + 1 && cursor != before), "it is counted");
    return cursor == before ? OLD : NEW;
}

/* LIMITED_KEY alone is of the first priority. */
static void prepare_first_benched(void)
{
    for (int number = 0; number < FIRST_KEYS; number++)
        if (number != LIMITED_KEY)
            set_priority(number, number == AVAILABLE_KEY ? 2 : 3);
}

static enum outcome settle_next_priority(void)
{
    const struct claim claim = {.begin = AVAILABLE_KEY, .end = AVAILABLE_KEY + 1};
    return settle_turn(1, claim, AVAILABLE_KEY);
}

/* The next turn is in the next round but one. */
static void prepare_rounds(void)
{
    struct claim claim = {.number = 1, .round = 2, .begin = SPARE_KEY, .end = SPARE_KEY + 1};
    set_weight(EXPIRED_KEY, 3);
    set_weight(AVAILABLE_KEY, 2);
    atomic_store(rotation_cursor(world_pool(), ANY_MODEL, 0), claim_pack(&claim));
}

static enum outcome settle_next_round(void)
{
    const struct claim claim = {.round = 4, .begin = AVAILABLE_KEY, .end = AVAILABLE_KEY + 1};
    return settle_turn(0, claim, AVAILABLE_KEY);
}

/* ---- interleaved ---- */

static struct result step_set_priority(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_set_priority(meeting->pool, meeting->target, 3)};
}

static struct result step_set_another_priority(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_set_priority(meeting->pool, meeting->other, 0)};
}

static struct result step_make_available(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_mark_available(meeting->pool, meeting->target)};
}

static struct result step_limit_another(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_mark_rate_limited(meeting->pool, meeting->other, LIMIT_MS)};
}

static struct result step_set_weight(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_set_weight(meeting->pool, meeting->target, 5)};
}

static const struct operation operations[] = {
    {"set_priority", .act = act_demote, .settle = settle_demote, .steps = {step_set_priority}, .takes_mutex = true,
     .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED | ORDERED},
    {"set_priority, back", .prepare = prepare_demoted, .act = act_promote, .settle = settle_promote,
     .steps = {step_set_another_priority}, .takes_mutex = true, .proofs = KILLED | FROZEN | ORDERED},
    {"set_priority, then available", .steps = {step_set_priority, step_make_available}, .takes_mutex = true,
     .proofs = INTERLEAVED | ORDERED},
    {"available, then another limited", .steps = {step_make_available, step_limit_another}, .proofs = ORDERED},
    {"set_priority, of three", .prepare = prepare_three_priorities, .act = act_demote_further,
     .settle = settle_demote_further, .proofs = KILLED | KILLED_AND_RECOVERED},
    {"set_weight", .act = act_weigh, .settle = settle_weigh, .steps = {step_set_weight}, .takes_mutex = true,
     .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED | ORDERED},
    {"set_weight, of another", .prepare = prepare_weighed, .act = act_weigh_anew, .settle = settle_weigh_anew,
     .proofs = KILLED | FROZEN},
    {"set_weight, back", .prepare = prepare_weighed, .act = act_weigh_alike, .settle = settle_weigh_alike,
     .proofs = KILLED},
    {"next, of a later priority", .prepare = prepare_first_benched, .act = act_next, .settle = settle_next_priority,
     .proofs = KILLED | FROZEN},
    {"next, of a later round", .prepare = prepare_rounds, .act = act_next, .settle = settle_next_round,
     .proofs = KILLED | FROZEN},
};
const struct operation_list order_operations = OPERATION_LIST(operations);
