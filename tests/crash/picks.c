/* SPDX-License-Identifier: MIT */
#include "picks.h"

#include <string.h>

#include "pool.h"
#include "state_word.h"

#include "for_model.h"
#include "problem.h"

/* A pick for any model is that of keyshm_next(). */
static int pick(unsigned model, struct keyshm_pick *ret_pick)
{
    return model == ANY_MODEL ? keyshm_next(world_pool(), ret_pick) : pick_for_model(world_pool(), model, ret_pick);
}

/* What it has taken as a probe nobody else gets. */
static void note_probe(unsigned model, uint32_t subject)
{
    uint64_t *known = world_word(model, subject), word = atomic_load(pool_word(world_pool(), model, subject));
    if (!word_is_live(*known) || !word_is_for_probe(*known))
        return;
    HOLD(word == word_with_deadline(word_with_probe(*known, WORD_PROBE_TAKEN), word_deadline_ms(word)) &&
             word_deadline_ms(word) > world_now_ms(),
         "a key is given that wants a probe, and others get it, too: %#llx", (unsigned long long)word);
    *known = word;
}

static void note_probes(int number, unsigned model)
{
    uint32_t key = world_subject_of_key(number);
    int group = world.keys[number].group;
    for (unsigned i = 0; i <= model; i += model != 0 ? model : 1) {
        note_probe(i, key);
        if (group != NO_GROUP)
            note_probe(i, world_subject_of_group(group));
    }
}

int picks_one(unsigned model)
{
    struct keyshm_pick picked;
    int r = pick(model, &picked);
    int number = r == 0 ? world_number_of(picked.id) : -1;
    HOLD(number >= 0, "a pick is of no key: %s", keyshm_strerror(r));
    if (number < 0)
        return number;
    HOLD(world_is_pickable(number, model), "key %d is picked, and should not be available", number);
    HOLD(picked.model == model, "a pick is for another model");
    HOLD(world_owner_has_died() || world_has_turns(number, model), "key %d is picked before one of an earlier priority",
         number);
    HOLD(strcmp(picked.key, world.keys[number].text) == 0, "the bytes of key %d", number);
    world.keys[number].picks++;
    note_probes(number, model);
    return number;
}

/* A process that died while it gave a key its place may have left it the old one, too, and so more turns than the key
 * should have. */
void picks_round(unsigned model, bool ret_was_picked[KEYS])
{
    int turns = world_count_turns(model) * (world_owner_has_died() ? 4 : 1);
    memset(ret_was_picked, false, KEYS * sizeof(*ret_was_picked));
    for (int i = 0; i < turns; i++) {
        int number = picks_one(model);
        if (number >= 0)
            ret_was_picked[number] = true;
    }
}
