/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_TURN_H
#define KEYSHM_TURN_H

/* One pick while it looks for a key: its time, and which key is available then. */

#include "budget.h"
#include "order.h"

/* What a pick reads before it reads the time, and what is to be so still when it has copied the key. */
struct turn_order {
    uint64_t in_use; /* order.h */
    uint32_t announced;
    unsigned earlier; /* so many priorities before that of the key have none available, if nothing was announced since */
};

/* One pick. */
struct turn {
    const struct keyshm_pool *pool;
    unsigned model;
    uint64_t now_ms; /* read from the coarse clock, and again exactly when a decision depends on the difference */
    bool is_exact;   /* in a burst the coarse time counts as exact */
    bool is_burst;
    bool has_range;    /* it may use a range of several turns, and claim one in a burst */
    uint32_t slot;     /* whose turn was taken already; READY_NONE: none was */
    uint64_t affinity; /* not 0: it takes no turn, but the key that this prefers */
    bool is_ordered;   /* keys differ in priority or weight; otherwise this is not set: */
    struct turn_order order;
    bool is_limited; /* there are limits, and so are these: */
    struct budget_request request;
    struct budget_clock clock;
    struct budget_scan *scan;
    unsigned obstacles; /* of keys that were passed over */
    int hidden;         /* so often no bit led to a key that was there */
    int disturbed;      /* so often something was made available, or got another place, before a key could be given */
};

static inline void turn_make_exact(struct turn *turn)
{
    if (!turn->is_exact) {
        turn->now_ms = pool_now_ms(turn->pool);
        turn->is_exact = true;
    }
}

/* Has `deadline_ms` passed? Makes the time exact if that depends on it. */
ALWAYS_INLINE bool turn_has_passed(struct turn *turn, uint64_t deadline_ms)
{
    if (deadline_ms > turn->now_ms && deadline_ms <= turn->now_ms + pool_coarse_lag_ms(turn->pool))
        turn_make_exact(turn);
    return deadline_ms <= turn->now_ms;
}

/* Is the key that was found still one whose turn it may be? Of NULL: are all keys still alike, and if the request was not
 * charged, without limits? */
ALWAYS_INLINE bool turn_is_in_order(const struct keyshm_pool *pool, const struct turn_order *order_or_null,
                                    bool is_charged)
{
    if (order_or_null == NULL)
        return is_charged ? !order_matters(order_in_use(pool)) : order_is_plain(order_in_use(pool));
    return order_in_use(pool) == order_or_null->in_use &&
           (order_or_null->earlier == 0 || ready_announced(pool) == order_or_null->announced);
}

/* Of turn_find_in(), what is seldom needed. Clears the bits of keys that turn out not to be available. */
uint32_t turn_find_slowly(struct turn *turn, const struct ready_filter *filter_or_null, uint32_t from, uint32_t end);

/* Do the budgets of the key in the slot admit the request? */
bool turn_is_admitted(struct turn *turn, uint32_t slot);

/* When the key in the slot can be had, if nothing changes but the time; AVAILABILITY_NO_KEY: there is none. */
uint64_t turn_available_at_ms(struct turn *turn, uint32_t slot);

/* Is the key in the slot available? */
ALWAYS_INLINE bool turn_look_quickly(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms, uint32_t slot,
                                     struct others *ret_others)
{
    /* acquire: as in look(). */
    return word_is_available(atomic_load_explicit(&pool->words[slot], memory_order_acquire), now_ms) &&
           availability_of_others(pool, model, slot, now_ms, ret_others);
}

/* The first ready slot, if its key is available. */
ALWAYS_INLINE uint32_t turn_find_quickly(const struct keyshm_pool *pool, unsigned model,
                                         const struct ready_filter *filter_or_null, uint64_t now_ms, uint32_t from,
                                         uint32_t end, struct others *ret_others)
{
    uint32_t slot = ready_look(pool, model, filter_or_null, from, end);
    return slot != READY_NONE && turn_look_quickly(pool, model, now_ms, slot, ret_others) ? slot : READY_NONE;
}

/* The first available key in [from, end). */
ALWAYS_INLINE uint32_t turn_find_in(struct turn *turn, unsigned model, const struct ready_filter *filter_or_null,
                                    uint32_t from, uint32_t end)
{
    struct others others;
    uint32_t slot = ready_look(turn->pool, model, filter_or_null, from, end);
    bool is_it = slot == READY_NONE || (turn_look_quickly(turn->pool, model, turn->now_ms, slot, &others) &&
                                        (!turn->is_limited || turn_is_admitted(turn, slot)));
    return is_it ? slot : turn_find_slowly(turn, filter_or_null, slot, end);
}

/* The first available key at or after `from`, going round. */
ALWAYS_INLINE uint32_t turn_find_from(struct turn *turn, unsigned model, const struct ready_filter *filter_or_null,
                                      uint32_t from)
{
    uint32_t used = pool_slots_used(turn->pool);
    uint32_t slot = turn_find_in(turn, model, filter_or_null, from, used);
    return slot != READY_NONE ? slot : turn_find_in(turn, model, filter_or_null, 0, from < used ? from : used);
}

/* Where there are limits, and this process is in the rotation: does it know that there is nothing, but for the time? */
bool turn_is_refused(const struct turn *turn);

/* Nothing was found: is there really nothing? -EAGAIN, -ENOKEY, or -EBUSY: try again. */
int turn_look_in_words(struct turn *turn);

#endif
