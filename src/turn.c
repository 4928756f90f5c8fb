/* SPDX-License-Identifier: MIT */
#include "turn.h"

#include <errno.h>

/* Is the key in the slot available, as far as its words for this model tell? Clears its bit if it is not. */
static bool look(struct turn *turn, unsigned model, uint32_t slot)
{
    /* acquire: pairs with the store that publishes the word in membership.c; the key's bytes are read after it. */
    struct pair pair = pair_load(turn->pool, model, slot, memory_order_acquire);
    if (turn_has_passed(turn, pair_available_at_ms(&pair)))
        return true;
    ready_clear(turn->pool, model, slot, &pair);
    return false;
}

uint32_t turn_find_slowly(struct turn *turn, const struct ready_filter *filter_or_null, uint32_t from, uint32_t end)
{
    const struct keyshm_pool *pool = turn->pool;
    unsigned model = turn->model;
    for (uint32_t slot = from;; slot++) {
        slot = ready_find(pool, model, filter_or_null, slot, end);
        if (slot == READY_NONE || (look(turn, 0, slot) && (model == 0 || look(turn, model, slot))))
            return slot;
    }
}

/*
 * No bit led to a key. The bits are a hint, so the words decide: -ENOKEY, -EAGAIN, or 0 when there is one after all.
 *
 * The words are read one after another, and meanwhile one key may have become available whose word was read already. So
 * the answer is given only if nothing of the kind has happened: no key was made available from before the first word
 * was read until after the last one, and no cooldown has ended. Then it is true of the instant at which the clock was
 * read.
 */
static int find_in_words(const struct keyshm_pool *pool, unsigned model)
{
    uint32_t announced = ready_announced(pool);
    uint64_t now_ms = pool_now_ms(pool), earliest_ms = availability_first_at_ms(pool, model);
    if (earliest_ms <= now_ms)
        ready_set_available(pool, model, now_ms);
    if (earliest_ms <= pool_now_ms(pool) || ready_announced(pool) != announced)
        return 0;
    return earliest_ms == AVAILABILITY_NO_KEY ? -ENOKEY : -EAGAIN;
}

int turn_look_in_words(struct turn *turn)
{
    int r = find_in_words(turn->pool, turn->model);
    turn->is_exact = false; /* a cooldown may have ended since */
    turn_make_exact(turn);
    return r < 0 ? r : -EBUSY;
}
