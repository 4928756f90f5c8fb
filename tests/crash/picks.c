/* SPDX-License-Identifier: MIT */
#include "picks.h"

#include <string.h>

#include "problem.h"

int picks_one(void)
{
    struct keyshm_pick pick;
    int r = keyshm_next(world_pool(), &pick);
    int number = r == 0 ? world_number_of(pick.id) : -1;
    HOLD(number >= 0, "a pick is of no key: %s", keyshm_strerror(r));
    if (number < 0)
        return number;
    HOLD(world_is_pickable(number), "key %d is picked, and should not be available", number);
    HOLD(strcmp(pick.key, world.keys[number].text) == 0, "the bytes of key %d", number);
    world.keys[number].picks++;
    return number;
}

void picks_round(bool ret_was_picked[KEYS])
{
    int available = world_count_pickable();
    memset(ret_was_picked, false, KEYS * sizeof(*ret_was_picked));
    for (int i = 0; i < available; i++) {
        int number = picks_one();
        if (number >= 0)
            ret_was_picked[number] = true;
    }
}
