/* SPDX-License-Identifier: MIT */
#include "lease.h"

#include <errno.h>
#include <string.h>

#include "slot.h"
#include "subject.h"

/* The words of a token. What is in them comes from outside, and is checked. */
enum {
    TOKEN_STATE, /* the bits below */
    TOKEN_CELL,
    TOKEN_PLACES, /* bits 63..32 of the key, 31..0 of the group */
    TOKEN_TOKENS,
    TOKEN_CHARGED_NS,
    TOKEN_KEY_GROUP,
};

#define STATE_IS_HELD UINT64_C(1)
#define STATE_IS_SETTLED UINT64_C(2)

void lease_begin(const struct budget_request *request, const struct budget_charges *charges,
                 struct keyshm_lease *ret_lease)
{
    uint64_t *token = ret_lease->token;
    memset(token, 0, sizeof(ret_lease->token));
    token[TOKEN_STATE] = STATE_IS_HELD;
    token[TOKEN_CELL] = charges->cell;
    token[TOKEN_PLACES] = (uint64_t)charges->key_place << 32 | charges->group_place;
    token[TOKEN_TOKENS] = request->tokens;
    token[TOKEN_CHARGED_NS] = charges->charged_ns;
    token[TOKEN_KEY_GROUP] = charges->key_group;
}

/* ---- what it says ---- */

/* Of the key, or of its group. */
struct part {
    bool is_there; /* it has a place here */
    uint32_t subject, number;
    struct places places;
};

/* Not in the order of the token: the compiler would copy two of its words at once, and wait for each to be written. */
struct lease {
    uint64_t cell;
    struct budgets budgets;
    uint64_t tokens;
    struct part of_key;
    uint64_t charged_ns;
    struct part of_group;
    bool is_settled;
};

ALWAYS_INLINE void find_part(const struct keyshm_pool *pool, uint32_t subject, uint32_t number, struct part *ret_part)
{
    ret_part->is_there = number != PLACE_NONE;
    ret_part->subject = subject;
    ret_part->number = number;
    if (ret_part->is_there)
        ret_part->places = places_of(pool, subject);
}

/* The group that it was charged to, if that is still there. */
ALWAYS_INLINE uint32_t group_of(const struct keyshm_pool *pool, uint64_t key_group)
{
    if (key_group == GROUP_NONE || key_group > UINT32_MAX ||
        group_index((uint32_t)key_group) >= pool->settings.groups_max)
        return GROUP_NONE;
    uint32_t group = group_index((uint32_t)key_group);
    keyshm_id id = atomic_load_explicit(&pool->groups[group].id, memory_order_acquire);
    bool is_it = group_pack(id) == key_group && word_is_live(subject_word_of(pool, id));
    return is_it ? (uint32_t)key_group : GROUP_NONE;
}

ALWAYS_INLINE bool is_in_its_places(const struct lease *lease)
{
    return (!lease->of_key.is_there || places_is_taken(&lease->of_key.places, lease->of_key.number, lease->cell)) &&
           (!lease->of_group.is_there || places_is_taken(&lease->of_group.places, lease->of_group.number, lease->cell));
}

ALWAYS_INLINE bool has_place(const uint64_t *token)
{
    return (uint32_t)token[TOKEN_PLACES] != PLACE_NONE || (uint32_t)(token[TOKEN_PLACES] >> 32) != PLACE_NONE;
}

/* -ESTALE: it is ended, or its key was removed, or a place of it was taken away. It may have the other one still: then that is
 * in *ret_lease. The budgets are read before it is seen to be in its places, if they are wanted. */
ALWAYS_INLINE int read_lease(const struct keyshm_pool *pool, const struct keyshm_lease *lease, bool wants_budgets,
                             struct lease *ret_lease)
{
    const uint64_t *token = lease->token;
    ret_lease->cell = token[TOKEN_CELL];
    ret_lease->tokens = token[TOKEN_TOKENS];
    ret_lease->charged_ns = token[TOKEN_CHARGED_NS];
    ret_lease->is_settled = (token[TOKEN_STATE] & STATE_IS_SETTLED) != 0;
    ret_lease->of_key.is_there = ret_lease->of_group.is_there = false;
    if ((token[TOKEN_STATE] & STATE_IS_HELD) == 0 || id_is_group(lease->pick.id) ||
        lease->pick.model > pool_models_used(pool))
        return -ESTALE;
    uint32_t slot = id_slot(lease->pick.id), group = group_of(pool, token[TOKEN_KEY_GROUP]);
    if (group != GROUP_NONE)
        find_part(pool, pool_group_subject(pool, group_index(group)), (uint32_t)token[TOKEN_PLACES],
                  &ret_lease->of_group);
    if (!word_is_live(slot_word_of(pool, lease->pick.id)))
        return -ESTALE;
    if (wants_budgets) {
        budgets_in_group(pool, lease->pick.model, slot, group, &ret_lease->budgets);
        ret_lease->budgets.id = lease->pick.id; /* another may be there by now */
    }
    find_part(pool, slot, (uint32_t)(token[TOKEN_PLACES] >> 32), &ret_lease->of_key);
    return is_in_its_places(ret_lease) ? 0 : -ESTALE;
}

/* ---- charging ---- */

ALWAYS_INLINE const struct part *part_of_budget(const struct lease *lease, unsigned i)
{
    return i == BUDGET_OF_GROUP || i == BUDGET_OF_GROUP_FOR_MODEL ? &lease->of_group : &lease->of_key;
}

/* Each rate of tokens that the request was charged, or is to be. */
ALWAYS_INLINE void settle_rates(const struct keyshm_pool *pool, const struct lease *lease, uint64_t tokens_used)
{
    uint64_t more = tokens_used > lease->tokens ? tokens_used - lease->tokens : 0;
    for (unsigned i = 0; i < budgets_end(&lease->budgets); i++) {
        if (lease->budgets.refs[i] == LIMITS_NONE)
            continue;
        const struct layout_limits *limits = limits_of(pool, lease->budgets.refs[i]);
        uint64_t kinds = limits_kinds(limits), held = limits_held(kinds);
        for (uint64_t left = kinds & LIMITS_TOKENS_MASK; left != 0; left &= left - 1) {
            unsigned number = (unsigned)__builtin_ctzll(left);
            bool is_held = (held >> number & 1) != 0 && part_of_budget(lease, i)->is_there;
            budget_charge_used(pool, &budget_usage(pool, &lease->budgets, i)->used_ns[number],
                               rate_cost_ns(limits_rate(limits, number).cost_ns, is_held ? tokens_used : more));
        }
    }
}

ALWAYS_INLINE bool settle_part(const struct part *part, uint64_t cell)
{
    return part->is_there && places_settle(&part->places, part->number, cell);
}

/* First charged, then no longer held: who looks at what is held before it looks at what is used misses nothing. Killed in
 * between, it is charged twice. Returns whether somebody was refused for what was held. */
ALWAYS_INLINE bool settle(const struct keyshm_pool *pool, const struct lease *lease, uint64_t tokens_used)
{
    settle_rates(pool, lease, tokens_used);
    bool is_wanted = settle_part(&lease->of_key, lease->cell);
    return settle_part(&lease->of_group, lease->cell) || is_wanted;
}

void lease_charge_held(const struct keyshm_pool *pool, uint32_t subject, unsigned model, uint64_t tokens)
{
    for (unsigned of_model = 0; tokens != 0 && of_model <= model && of_model <= pool_models_used(pool);
         of_model += model != 0 ? model : 1) {
        uint32_t ref = limits_ref_of_subject(pool, of_model, subject);
        uint64_t left = ref != LIMITS_NONE ? limits_held(limits_kinds(limits_of(pool, ref))) : 0;
        for (; left != 0; left &= left - 1) {
            unsigned number = (unsigned)__builtin_ctzll(left);
            uint64_t cost_ns = rate_cost_ns(limits_rate(limits_of(pool, ref), number).cost_ns, tokens);
            budget_charge_used(pool, &pool_usage(pool, of_model, subject)->used_ns[number], cost_ns);
        }
    }
}

/* ---- ending ---- */

/* False: it is not there any more. *is_wanted becomes true if somebody was refused. */
ALWAYS_INLINE bool leave(const struct part *part, uint64_t cell, bool *is_wanted)
{
    bool is_wanted_here;
    if (!part->is_there)
        return true;
    bool was_there = places_give_back(&part->places, part->number, cell, &is_wanted_here);
    *is_wanted |= is_wanted_here;
    return was_there;
}

/* Give both back, and announce that once. Of two that end it at once, one frees the first of its places: that one has ended it,
 * whichever frees the other. */
ALWAYS_INLINE bool leave_both(const struct keyshm_pool *pool, const struct lease *lease, bool is_wanted)
{
    bool was_in_key = leave(&lease->of_key, lease->cell, &is_wanted);
    bool was_in_group = leave(&lease->of_group, lease->cell, &is_wanted);
    if (lease->of_key.is_there || lease->of_group.is_there)
        budget_announce_to(pool, is_wanted);
    return lease->of_key.is_there ? was_in_key : was_in_group;
}

static void leave_as_reaped(const struct keyshm_pool *pool, unsigned model, const struct part *part, uint64_t cell)
{
    bool is_wanted = false;
    if (!part->is_there || !places_is_taken(&part->places, part->number, cell))
        return;
    uint64_t held = atomic_load_explicit(&part->places.notes[part->number].held, memory_order_acquire);
    if (held_is_of(held, cell))
        lease_charge_held(pool, part->subject, model, held_tokens(held));
    if (leave(part, cell, &is_wanted))
        budget_announce_to(pool, is_wanted);
}

/* Of a lease that has come to nothing, the place that is left goes, too: as if it were reaped (reap.h). */
static void leave_rest(const struct keyshm_pool *pool, unsigned model, const struct lease *lease)
{
    leave_as_reaped(pool, model, &lease->of_key, lease->cell);
    leave_as_reaped(pool, model, &lease->of_group, lease->cell);
}

int lease_settle(const struct keyshm_pool *pool, struct keyshm_lease *lease, uint64_t tokens_used)
{
    struct lease known;
    int r = read_lease(pool, lease, true, &known);
    if (r < 0)
        return r;
    if (known.is_settled)
        return -EALREADY;
    budget_announce_to(pool, settle(pool, &known, tokens_used));
    lease->token[TOKEN_STATE] |= STATE_IS_SETTLED;
    return 0;
}

int lease_release(const struct keyshm_pool *pool, struct keyshm_lease *lease)
{
    struct lease known;
    bool is_wanted = false;
    /* As mostly, one without a place: there is nothing to charge. */
    int r = read_lease(pool, lease, has_place(lease->token), &known);
    if (r == 0 && !known.is_settled && (known.of_key.is_there || known.of_group.is_there))
        is_wanted = settle(pool, &known, known.tokens);
    if (r < 0)
        leave_rest(pool, lease->pick.model, &known);
    else if (!leave_both(pool, &known, is_wanted))
        r = -ESTALE;
    memset(lease->token, 0, sizeof(lease->token));
    return r;
}

/* What was charged at the pick, as far as it has not drained. */
static void give_back_rates(const struct keyshm_pool *pool, const struct lease *lease)
{
    for (unsigned i = 0; i < budgets_end(&lease->budgets); i++) {
        if (lease->budgets.refs[i] == LIMITS_NONE)
            continue;
        const struct layout_limits *limits = limits_of(pool, lease->budgets.refs[i]);
        uint64_t kinds = limits_kinds(limits), held = part_of_budget(lease, i)->is_there ? limits_held(kinds) : 0;
        for (uint64_t left = kinds & LIMITS_RATES_MASK & ~held; left != 0; left &= left - 1) {
            unsigned number = (unsigned)__builtin_ctzll(left);
            uint64_t units = (LIMITS_TOKENS_MASK >> number & 1) != 0 ? lease->tokens : 1;
            budget_give_back(pool, &lease->budgets, &budget_usage(pool, &lease->budgets, i)->used_ns[number],
                             rate_cost_ns(limits_rate(limits, number).cost_ns, units), lease->charged_ns);
        }
    }
}

/* The places first: who has them no longer, as they were taken away, gives nothing back. */
int lease_cancel(const struct keyshm_pool *pool, struct keyshm_lease *lease)
{
    struct lease known;
    int r = read_lease(pool, lease, true, &known);
    if (r == 0 && known.is_settled)
        return -EALREADY;
    if (r < 0)
        leave_rest(pool, lease->pick.model, &known);
    else if (!leave_both(pool, &known, false))
        r = -ESTALE;
    if (r == 0) {
        give_back_rates(pool, &known);
        budget_announce(pool);
    }
    memset(lease->token, 0, sizeof(lease->token));
    return r;
}
