/* SPDX-License-Identifier: MIT */
#include "turns.h"

#include "slot.h"
#include "tagged.h"

#include "burst.h"
#include "expect.h"
#include "picks.h"
#include "problem.h"

/* By then the survivors have come to the end of a round, even if the clock keeps ending their bursts. */
enum { PICKS_MAX = 10000 };

/* Those of the keys in these slots. */
static void add_owed(uint32_t begin, uint32_t end, int owed[KEYS])
{
    for (int number = 0; number < KEYS; number++) {
        uint32_t slot = id_slot(world.keys[number].id);
        owed[number] += world_is_pickable(number, ANY_MODEL) && slot >= begin && slot < end;
    }
}

/* The last claim may not be in its place yet. */
static struct claim range_in_place(uint32_t place)
{
    const struct layout_header *header = world_pool()->header;
    struct claim range = claim_unpack(atomic_load(&header->model_0.turns[place - 1].range));
    struct claim last = claim_unpack(atomic_load(&header->model_0.cursor));
    return last.place == place && last.number != range.number ? last : range;
}

void turns_count_owed(int ret_owed[KEYS])
{
    struct claim last = claim_unpack(atomic_load(&world_pool()->header->model_0.cursor));
    memset(ret_owed, 0, KEYS * sizeof(*ret_owed));
    add_owed(last.end, CAPACITY, ret_owed);
    for (uint32_t place = 1; place <= LAYOUT_TURNS; place++) {
        struct claim range = range_in_place(place);
        add_owed(range.begin, range.end, ret_owed);
    }
}

static int sum_of(const int turns[KEYS])
{
    int sum = 0;
    for (int number = 0; number < KEYS; number++)
        sum += turns[number];
    return sum;
}

/* A key that has had more turns than it was owed is in the next round. */
static int rounds_begun(const int owed[KEYS])
{
    int rounds = 0;
    for (int number = 0; number < KEYS; number++)
        if (owed[number] - world.owed[number] > rounds)
            rounds = owed[number] - world.owed[number];
    return rounds;
}

/* Whether the pick of the last turn was counted. Updates the model. */
static int settle_counts(const int used[KEYS])
{
    int uncounted = 0;
    for (int number = 0; number < KEYS; number++) {
        struct model_key *key = &world.keys[number];
        if (!key->is_there)
            continue;
        uint64_t before = key->picks;
        key->picks = tagged_value(atomic_load(&world_slot_of(number)->picks), key->id);
        uncounted += used[number] - (int)(key->picks - before);
        HOLD(key->picks <= before + (uint64_t)used[number], "key %d is picked more often than it had turns", number);
    }
    return uncounted;
}

enum outcome turns_settle(int picks)
{
    int owed[KEYS], used[KEYS];
    turns_count_owed(owed);
    int rounds = rounds_begun(owed);
    for (int number = 0; number < KEYS; number++) {
        used[number] = world.owed[number] + (world_is_pickable(number, ANY_MODEL) ? rounds : 0) - owed[number];
        HOLD(used[number] >= 0, "key %d has got turns", number);
    }
    HOLD(sum_of(used) <= picks, "%d turns are used up by %d picks", sum_of(used), picks);
    HOLD(settle_counts(used) <= 1, "turns are used up that nobody had");
    return sum_of(used) > 0 ? NEW : OLD;
}

/* To the end of a round, with nothing left over. */
static void give_all(int ret_given[KEYS])
{
    int owed[KEYS];
    turns_count_owed(owed);
    for (int i = 0; i < PICKS_MAX && sum_of(owed) > 0; i++) {
        burst_begin(world_pool());
        int number = picks_one(ANY_MODEL);
        if (number < 0)
            return;
        ret_given[number]++;
        turns_count_owed(owed);
    }
    HOLD(sum_of(owed) == 0, "%d turns are left for ever", sum_of(owed));
}

void turns_look(void)
{
    int owed[KEYS], given[KEYS] = {0}, rounds = -1;
    world_make_all_due(); /* a hint is no matter here */
    turns_count_owed(owed);
    give_all(given);
    for (int number = 0; number < KEYS; number++) {
        if (!world_is_pickable(number, ANY_MODEL))
            continue;
        rounds = rounds >= 0 ? rounds : given[number] - owed[number];
        HOLD(given[number] - owed[number] == rounds, "key %d has %d turns, and others %d", number,
             given[number] - owed[number], rounds);
    }
    burst_end(world_pool());
}
