/* SPDX-License-Identifier: MIT */
#include "turn.h"

#include <errno.h>

#include "process_local.h"
#include "reap.h"

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

/* Where its limits are not the usual ones, or the exact time decides. */
static __attribute__((noinline)) bool is_admitted_exactly(struct turn *turn, uint32_t slot)
{
    struct budgets budgets;
    budgets_of(turn->pool, turn->model, slot, &budgets);
    uint64_t at_ns;
    unsigned obstacles;
    bool is_admitted = budgets_admit(turn->pool, &budgets, &turn->request, &turn->clock, &at_ns, &obstacles);
    turn->obstacles |= is_admitted ? 0 : obstacles;
    return is_admitted;
}

ALWAYS_INLINE bool is_admitted(struct turn *turn, uint32_t slot)
{
    const struct rate_time *now = &turn->clock.time;
    uint64_t at_ns;
    if (budget_scan(turn->pool, turn->model, slot, &turn->request, now, turn->scan, &at_ns) &&
        (at_ns <= now->early_ns || at_ns > now->late_ns))
        return at_ns <= now->early_ns;
    return is_admitted_exactly(turn, slot);
}

bool turn_is_admitted(struct turn *turn, uint32_t slot)
{
    return is_admitted(turn, slot);
}

/* When the budgets of the key admit the request, as turn_available_at_ms(). */
static __attribute__((noinline)) uint64_t admits_at_ns(struct turn *turn, uint32_t slot)
{
    struct budgets budgets;
    budgets_of(turn->pool, turn->model, slot, &budgets);
    uint64_t at_ns;
    unsigned obstacles;
    if (!budgets_admit(turn->pool, &budgets, &turn->request, &turn->clock, &at_ns, &obstacles))
        turn->obstacles |= obstacles;
    return at_ns;
}

ALWAYS_INLINE uint64_t available_at_ms(struct turn *turn, uint32_t slot)
{
    uint64_t at_ms = availability_at_ms(turn->pool, turn->model, slot), at_ns;
    if (!turn->is_limited || at_ms >= WORD_FOREVER)
        return at_ms;
    if (!budget_scan(turn->pool, turn->model, slot, &turn->request, &turn->clock.time, turn->scan, &at_ns))
        at_ns = admits_at_ns(turn, slot);
    if (at_ns <= turn->clock.time.early_ns)
        return at_ms;
    uint64_t admits_ms = budget_ms_of_ns(at_ns);
    return at_ms > admits_ms ? at_ms : admits_ms;
}

uint64_t turn_available_at_ms(struct turn *turn, uint32_t slot)
{
    return available_at_ms(turn, slot);
}

/* Is the key in the slot, whose bits were found, available and admitted? Clears its bits if it is not available. */
ALWAYS_INLINE bool is_it(struct turn *turn, uint32_t slot)
{
    struct others others;
    bool is_available = turn_look_quickly(turn->pool, turn->model, turn->now_ms, slot, &others) ||
                        (look(turn, 0, slot) && (turn->model == 0 || look(turn, turn->model, slot)));
    return is_available && (!turn->is_limited || is_admitted(turn, slot));
}

uint32_t turn_find_slowly(struct turn *turn, const struct ready_filter *filter_or_null, uint32_t from, uint32_t end)
{
    for (uint32_t slot = from;; slot++) {
        slot = ready_look(turn->pool, turn->model, filter_or_null, slot, end);
        if (slot == READY_NONE || is_it(turn, slot))
            return slot;
    }
}

/* Of all keys, when the first can be had. */
static uint64_t first_at_ms(struct turn *turn)
{
    if (!turn->is_limited)
        return availability_first_at_ms(turn->pool, turn->model);
    uint64_t earliest_ms = AVAILABILITY_NO_KEY;
    uint32_t used = pool_slots_used(turn->pool);
    turn->clock = budget_exact_clock(turn->pool);
    turn->obstacles = 0;
    for (uint32_t slot = 0; slot < used && earliest_ms > 0; slot++) {
        uint64_t at_ms = available_at_ms(turn, slot);
        earliest_ms = at_ms < earliest_ms ? at_ms : earliest_ms;
    }
    return earliest_ms;
}

/* For half a second at most: a process may have been killed after it has made a key available, and before it has announced
 * that. */
static void remember_refusal(const struct turn *turn, uint32_t announced, uint64_t now_ms, uint64_t until_ms)
{
    bool waits_for_others = (turn->obstacles & BUDGET_HAS_NO_PLACE) != 0; /* which may have ended: reap.h */
    uint64_t latest_ms = now_ms + (waits_for_others ? REAP_EVERY_MS : READY_SWEEP_INTERVAL_MS);
    turn->pool->local->rotations[turn->model].refusal = (struct process_refusal){
        .until_ms = until_ms < latest_ms ? until_ms : latest_ms,
        .tokens = turn->request.tokens,
        .is_lease = turn->request.is_lease,
        .announced = announced,
    };
}

bool turn_is_refused(const struct turn *turn)
{
    const struct process_refusal *known = &turn->pool->local->rotations[turn->model].refusal;
    return turn->now_ms + pool_coarse_lag_ms(turn->pool) < known->until_ms && turn->request.tokens >= known->tokens &&
           turn->request.is_lease == known->is_lease && ready_announced(turn->pool) == known->announced;
}

/*
 * No bit led to a key. The bits are a hint, so the words decide: -ENOKEY, -EAGAIN, or 0 when there is one after all.
 *
 * The words are read one after another, and meanwhile one key may have become available whose word was read already. So
 * the answer is given only if nothing of the kind has happened: no key was made available from before the first word
 * was read until after the last one, and no cooldown has ended. Then it is true of the instant at which the clock was
 * read.
 */
static int find_in_words(struct turn *turn)
{
    const struct keyshm_pool *pool = turn->pool;
    uint32_t announced = ready_announced(pool);
    uint64_t now_ms = pool_now_ms(pool), earliest_ms = first_at_ms(turn);
    if (earliest_ms <= now_ms)
        ready_set_available(pool, turn->model, now_ms);
    if (earliest_ms <= pool_now_ms(pool) || ready_announced(pool) != announced)
        return 0;
    if (turn->is_limited && turn->has_range && earliest_ms != AVAILABILITY_NO_KEY &&
        (turn->obstacles & ~(unsigned)BUDGET_HAS_NO_PLACE) == 0)
        remember_refusal(turn, announced, now_ms, earliest_ms);
    if (earliest_ms == AVAILABILITY_NO_KEY)
        return -ENOKEY;
    /* No key will be had by waiting, and what is in the way is not for time to mend. */
    if (earliest_ms == WORD_FOREVER && (turn->obstacles & BUDGET_NEEDS_LEASE) != 0)
        return -EOPNOTSUPP;
    return (turn->obstacles & BUDGET_NEEDS_ROW) != 0 ? -EUSERS : -EAGAIN;
}

int turn_look_in_words(struct turn *turn)
{
    int r = find_in_words(turn);
    if (r == -EAGAIN && (turn->obstacles & BUDGET_HAS_NO_PLACE) != 0 && reap_wanted(turn->pool))
        r = 0;
    turn->is_exact = false; /* a cooldown may have ended since */
    turn_make_exact(turn);
    return r < 0 ? r : -EBUSY;
}
