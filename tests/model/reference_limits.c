/* SPDX-License-Identifier: MIT */
#include "reference.h"

#include <errno.h>
#include <string.h>

/* Budgets, places and leases, as keyshm.h says: what was used drains, and is known to the nanosecond. */

#define NS_PER_MS INT64_C(1000000)
#define LONGEST_NS (KEYSHM_DURATION_MAX_MS * NS_PER_MS)

enum { OF_KEY, OF_GROUP, SIDES };

static bool is_of_tokens(unsigned rate)
{
    return rate % 2 != 0;
}

static bool is_held(const struct keyshm_rate *rate)
{
    return rate->amount != 0 && rate->charge == KEYSHM_CHARGE_AT_RELEASE;
}

static int64_t cost_ns(const struct keyshm_rate *rate, uint64_t units)
{
    uint64_t per_ns = (uint64_t)rate->per_ms * NS_PER_MS, unit_ns = (per_ns + rate->amount - 1) / rate->amount;
    return units == 0 ? 0 : unit_ns >= LONGEST_NS / units ? LONGEST_NS : (int64_t)(unit_ns * units);
}

/* ---- which limits ---- */

/* Of a key: its own, or those of the pool. */
static const struct reference_limits *limits_of(const struct reference *reference,
                                                const struct reference_subject *subject, unsigned model, int side)
{
    const struct reference_limits *own = &subject->limits[model];
    return own->is_set || side == OF_GROUP ? own : &reference->limits[model];
}

/* Whatever the model, and for it. */
struct budget {
    const struct reference_limits *limits;
    const struct reference_subject *subject;
    unsigned model;
    int side;
};

static int find_budgets(const struct reference *reference, const struct reference_subject *key,
                        const struct reference_subject *group, unsigned model, struct budget ret_budgets[4])
{
    const struct reference_subject *const subjects[SIDES] = {[OF_KEY] = key, [OF_GROUP] = group};
    int count = 0;
    for (int side = 0; side < SIDES; side++)
        for (unsigned i = 0; i < (model != 0 ? 2u : 1u) && subjects[side] != NULL; i++)
            ret_budgets[count++] = (struct budget){.limits = limits_of(reference, subjects[side], i * model, side),
                                                   .subject = subjects[side],
                                                   .model = i * model,
                                                   .side = side};
    return count;
}

/* ---- places ---- */

static bool is_there(const struct reference_lease *lease, const struct reference_subject *subject, int side)
{
    keyshm_id id = side == OF_KEY ? lease->key_id : lease->group_id;
    return lease->is_held && lease->has_place[side] && subject->is_in && subject->id == id;
}

static unsigned count_places(const struct reference *reference, const struct reference_subject *subject, int side)
{
    unsigned count = 0;
    for (int i = 0; i < REFERENCE_LEASES; i++)
        count += is_there(&reference->leases[i], subject, side);
    return count;
}

/* By requests for the model, or with 0 by all. */
static uint64_t sum_held(const struct reference *reference, const struct reference_subject *subject, int side,
                         unsigned model)
{
    uint64_t sum = 0;
    for (int i = 0; i < REFERENCE_LEASES; i++)
        if (is_there(&reference->leases[i], subject, side) && (model == 0 || reference->leases[i].model == model))
            sum += reference->leases[i].held[side];
    return sum;
}

/* What a request needs of the key or its group. */
struct need {
    bool is_needed, holds, is_refused, needs_lease;
};

static bool would_hold(const struct budget *budgets, int count, int side)
{
    for (int i = 0; i < count; i++)
        for (unsigned rate = 0; rate < REFERENCE_RATES; rate++)
            if (budgets[i].side == side && is_held(&budgets[i].limits->rates[rate]))
                return true;
    return false;
}

static struct need need_of(const struct reference *reference, const struct reference_subject *subject, int side,
                           const struct budget *budgets, int count, const struct reference_request *request)
{
    unsigned cap = limits_of(reference, subject, 0, side)->in_flight;
    unsigned most = cap != 0 ? cap : side == OF_KEY ? reference->in_flight_max : reference->group_in_flight_max;
    bool has_room = request->is_lease && count_places(reference, subject, side) < most;
    bool holds = request->is_lease && request->tokens != 0 && would_hold(budgets, count, side) && has_room;
    return (struct need){.is_needed = cap != 0 || holds,
                         .holds = holds,
                         .is_refused = cap != 0 && !has_room,
                         .needs_lease = cap != 0 && !request->is_lease};
}

static void find_needs(const struct reference *reference, const struct reference_key *key, const struct budget *budgets,
                       int count, const struct reference_request *request, struct need ret_needs[SIDES])
{
    memset(ret_needs, 0, SIDES * sizeof(*ret_needs));
    ret_needs[OF_KEY] = need_of(reference, &key->subject, OF_KEY, budgets, count, request);
    if (key->group != NULL)
        ret_needs[OF_GROUP] = need_of(reference, key->group, OF_GROUP, budgets, count, request);
}

/* ---- is it admitted? ---- */

static int64_t later(int64_t a_ns, int64_t b_ns)
{
    return a_ns > b_ns ? a_ns : b_ns;
}

static uint64_t units_of(const struct reference_request *request, unsigned rate)
{
    return is_of_tokens(rate) ? request->tokens : 1;
}

/* One unit has to be left, also where it is not known how many it will use. */
static int64_t rate_admits_at_ns(const struct reference *reference, const struct budget *budget, unsigned number,
                                 const struct reference_request *request)
{
    const struct keyshm_rate *rate = &budget->limits->rates[number];
    uint64_t units = units_of(request, number);
    int64_t used_ns = budget->subject->used_ns[budget->model][number], need_ns = cost_ns(rate, units != 0 ? units : 1);
    int64_t burst_ns = cost_ns(rate, rate->burst);
    uint64_t held = is_held(rate) ? sum_held(reference, budget->subject, budget->side, budget->model) : 0;
    int64_t held_ns = cost_ns(rate, held);
    if (need_ns > burst_ns)
        return held_ns == 0 ? used_ns : REFERENCE_FOREVER;
    if (held_ns > burst_ns - need_ns)
        return REFERENCE_FOREVER;
    return later(used_ns, reference->now_ns) + held_ns + need_ns - burst_ns;
}

int64_t reference_admits_at_ns(const struct reference *reference, const struct reference_key *key,
                               const struct reference_request *request, bool *ret_needs_lease)
{
    struct budget budgets[4];
    struct need needs[SIDES];
    int count = find_budgets(reference, &key->subject, key->group, request->model, budgets);
    int64_t at_ns = REFERENCE_NONE;
    find_needs(reference, key, budgets, count, request, needs);
    for (int side = 0; side < SIDES; side++) {
        *ret_needs_lease |= needs[side].needs_lease;
        at_ns = needs[side].is_refused ? REFERENCE_FOREVER : at_ns;
    }
    for (int i = 0; i < count; i++)
        for (unsigned rate = 0; rate < REFERENCE_RATES; rate++)
            if (budgets[i].limits->rates[rate].amount != 0)
                at_ns = later(at_ns, rate_admits_at_ns(reference, &budgets[i], rate, request));
    return at_ns;
}

/* The subject is that of the budget. */
static void charge(const struct reference *reference, struct reference_subject *subject, const struct budget *budget,
                   unsigned rate, uint64_t units)
{
    int64_t *used_ns = &subject->used_ns[budget->model][rate];
    if (units != 0)
        *used_ns = later(*used_ns, reference->now_ns) + cost_ns(&budget->limits->rates[rate], units);
}

/* Anything at all. */
static bool has_limits(const struct reference *reference)
{
    bool has_limits = false;
    for (unsigned model = 0; model <= REFERENCE_MODELS; model++) {
        has_limits |= reference->limits[model].is_set;
        for (unsigned slot = 0; slot < reference->capacity; slot++)
            has_limits |= reference->keys[slot].subject.is_in && reference->keys[slot].subject.limits[model].is_set;
        for (unsigned group = 0; group < REFERENCE_GROUPS; group++)
            has_limits |= reference->groups[group].is_in && reference->groups[group].limits[model].is_set;
    }
    return has_limits;
}

void reference_charge(struct reference *reference, struct reference_key *key, const struct reference_request *request,
                      struct reference_lease *lease_or_null)
{
    struct budget budgets[4];
    struct need needs[SIDES];
    struct reference_subject *const subjects[SIDES] = {[OF_KEY] = &key->subject, [OF_GROUP] = key->group};
    int count = find_budgets(reference, &key->subject, key->group, request->model, budgets);
    find_needs(reference, key, budgets, count, request, needs);
    for (int i = 0; i < count; i++)
        for (unsigned rate = 0; rate < REFERENCE_RATES; rate++) {
            const struct keyshm_rate *at = &budgets[i].limits->rates[rate];
            if (at->amount != 0 && !(is_held(at) && needs[budgets[i].side].holds))
                charge(reference, subjects[budgets[i].side], &budgets[i], rate, units_of(request, rate));
        }
    if (lease_or_null == NULL)
        return;
    struct reference_lease lease = {.lease = lease_or_null->lease,
                                    .is_held = true,
                                    .model = request->model,
                                    .tokens = request->tokens,
                                    .group = key->group,
                                    .key_id = key->subject.id,
                                    .group_id = key->group != NULL ? key->group->id : 0,
                                    .charged_from_ns = reference->tick_ms * NS_PER_MS,
                                    .charged_to_ns = reference->now_ns};
    if (!has_limits(reference)) { /* it was not charged, and it is not known to what it would have been */
        lease.charged_from_ns = lease.charged_to_ns = 0;
        lease.group = NULL;
        lease.group_id = 0;
    }
    for (int side = 0; side < SIDES; side++) {
        lease.has_place[side] = needs[side].is_needed;
        lease.held[side] = needs[side].holds ? request->tokens : 0;
    }
    *lease_or_null = lease;
}

/* ---- the end of a lease ---- */

/* What is still there of it. */
struct parts {
    struct reference_key *key;
    struct reference_subject *group;
};

static struct parts parts_of(struct reference *reference, const struct reference_lease *lease)
{
    struct reference_subject *group = lease->group;
    bool has_group = group != NULL && group->is_in && group->id == lease->group_id;
    return (struct parts){.key = reference_of_id(reference, lease->key_id), .group = has_group ? group : NULL};
}

static void charge_tokens(struct reference *reference, const struct reference_lease *lease, const struct parts *parts,
                          uint64_t tokens)
{
    struct budget budgets[4];
    uint64_t more = tokens > lease->tokens ? tokens - lease->tokens : 0;
    struct reference_subject *const subjects[SIDES] = {[OF_KEY] = &parts->key->subject, [OF_GROUP] = parts->group};
    int count = find_budgets(reference, &parts->key->subject, parts->group, lease->model, budgets);
    for (int i = 0; i < count; i++)
        for (unsigned rate = 0; rate < REFERENCE_RATES; rate++) {
            const struct keyshm_rate *at = &budgets[i].limits->rates[rate];
            if (at->amount != 0 && is_of_tokens(rate))
                charge(reference, subjects[budgets[i].side], &budgets[i], rate,
                       is_held(at) && lease->has_place[budgets[i].side] ? tokens : more);
        }
}

int reference_settle(struct reference *reference, struct reference_lease *lease, uint64_t tokens_used)
{
    struct parts parts = parts_of(reference, lease);
    if (!lease->is_held || parts.key == NULL)
        return -ESTALE;
    if (lease->is_settled)
        return -EALREADY;
    charge_tokens(reference, lease, &parts, tokens_used);
    lease->is_settled = true;
    memset(lease->held, 0, sizeof(lease->held));
    return 0;
}

/* What it holds there is used, as far as anything there is charged at release. */
static void charge_held(struct reference *reference, const struct reference_lease *lease,
                        struct reference_subject *subject, int side)
{
    struct budget budgets[4];
    int count = find_budgets(reference, side == OF_KEY ? subject : NULL, side == OF_GROUP ? subject : NULL, lease->model,
                             budgets);
    for (int i = 0; i < count; i++)
        for (unsigned rate = 0; rate < REFERENCE_RATES; rate++)
            if (is_held(&budgets[i].limits->rates[rate]))
                charge(reference, subject, &budgets[i], rate, lease->held[side]);
}

static void end_stale(struct reference *reference, struct reference_lease *lease, const struct parts *parts)
{
    if (lease->is_held && parts->group != NULL && lease->has_place[OF_GROUP])
        charge_held(reference, lease, parts->group, OF_GROUP);
    lease->is_held = false;
}

int reference_release(struct reference *reference, struct reference_lease *lease)
{
    struct parts parts = parts_of(reference, lease);
    if (!lease->is_held || parts.key == NULL) {
        end_stale(reference, lease, &parts);
        return -ESTALE;
    }
    bool has_place = lease->has_place[OF_KEY] || (parts.group != NULL && lease->has_place[OF_GROUP]);
    if (!lease->is_settled && has_place)
        charge_tokens(reference, lease, &parts, lease->tokens);
    lease->is_held = false;
    return 0;
}

/* So much of it as cannot have drained. */
static int64_t given_back_ns(const struct reference *reference, int64_t used_ns, int64_t charge_ns, int64_t charged_ns)
{
    int64_t left_ns = later(charge_ns - (reference->now_ns - charged_ns), 0);
    int64_t owed_ns = later(used_ns - reference->now_ns, 0);
    return used_ns - (left_ns < owed_ns ? left_ns : owed_ns);
}

static void give_back(const struct reference *reference, const struct reference_lease *lease,
                      struct reference_subject *subject, const struct budget *budget, unsigned rate,
                      struct reference_given_back *back)
{
    const struct reference_request request = {.tokens = lease->tokens};
    int64_t used_ns = budget->subject->used_ns[budget->model][rate];
    int64_t charge_ns = cost_ns(&budget->limits->rates[rate], units_of(&request, rate));
    unsigned i = back->count++;
    back->of[i].subject = subject;
    back->of[i].model = budget->model;
    back->of[i].rate = rate;
    back->of[i].from_ns = given_back_ns(reference, used_ns, charge_ns, lease->charged_to_ns);
    back->of[i].to_ns = given_back_ns(reference, used_ns, charge_ns, lease->charged_from_ns);
}

int reference_cancel(struct reference *reference, struct reference_lease *lease, struct reference_given_back *ret_back)
{
    struct parts parts = parts_of(reference, lease);
    struct budget budgets[4];
    ret_back->count = 0;
    if (!lease->is_held || parts.key == NULL) {
        end_stale(reference, lease, &parts);
        return -ESTALE;
    }
    if (lease->is_settled)
        return -EALREADY;
    struct reference_subject *const subjects[SIDES] = {[OF_KEY] = &parts.key->subject, [OF_GROUP] = parts.group};
    int count = find_budgets(reference, &parts.key->subject, parts.group, lease->model, budgets);
    for (int i = 0; i < count; i++)
        for (unsigned rate = 0; rate < REFERENCE_RATES; rate++) {
            const struct keyshm_rate *at = &budgets[i].limits->rates[rate];
            if (at->amount != 0 && !(is_held(at) && lease->has_place[budgets[i].side]))
                give_back(reference, lease, subjects[budgets[i].side], &budgets[i], rate, ret_back);
        }
    lease->is_held = false;
    return 0;
}

/* Those that have a place. */
int reference_reap(struct reference *reference)
{
    int count = 0;
    for (int i = 0; i < REFERENCE_LEASES; i++) {
        struct reference_lease *lease = &reference->leases[i];
        struct parts parts = parts_of(reference, lease);
        bool is_in_key = lease->is_held && lease->has_place[OF_KEY] && parts.key != NULL;
        bool is_in_group = lease->is_held && lease->has_place[OF_GROUP] && parts.group != NULL;
        if (is_in_key)
            charge_held(reference, lease, &parts.key->subject, OF_KEY);
        if (is_in_group)
            charge_held(reference, lease, parts.group, OF_GROUP);
        if (is_in_key || is_in_group)
            lease->is_held = false;
        count += is_in_key || (is_in_group && !lease->has_place[OF_KEY]);
    }
    return count;
}

unsigned reference_count_leases(struct reference *reference)
{
    unsigned count = 0;
    for (int i = 0; i < REFERENCE_LEASES; i++) {
        const struct reference_lease *lease = &reference->leases[i];
        struct parts parts = parts_of(reference, lease);
        count += lease->is_held &&
                 (lease->has_place[OF_KEY] ? parts.key != NULL : lease->has_place[OF_GROUP] && parts.group != NULL);
    }
    return count;
}

/* ---- setting them ---- */

static void read_limits(const struct keyshm_limits *said, struct reference_limits *ret_limits)
{
    const struct keyshm_rate *const rates[REFERENCE_RATES] = {&said->requests, &said->tokens, &said->requests_long,
                                                              &said->tokens_long};
    *ret_limits = (struct reference_limits){.is_set = true, .in_flight = said->in_flight};
    for (int i = 0; i < REFERENCE_RATES; i++) {
        struct keyshm_rate *rate = &ret_limits->rates[i];
        if (rates[i]->amount == 0)
            continue;
        *rate = *rates[i];
        if (rate->burst == 0)
            rate->burst = rate->amount < 6 ? 1 : rate->amount / 6;
    }
}

void reference_set_limits(struct reference *reference, struct reference_subject *subject_or_null, unsigned model,
                          const struct keyshm_limits *limits_or_null)
{
    struct reference_limits *limits =
        subject_or_null != NULL ? &subject_or_null->limits[model] : &reference->limits[model];
    if (limits_or_null != NULL) {
        read_limits(limits_or_null, limits);
        return;
    }
    memset(limits, 0, sizeof(*limits));
    if (subject_or_null != NULL)
        memset(subject_or_null->used_ns[model], 0, sizeof(subject_or_null->used_ns[model]));
    for (unsigned slot = 0; subject_or_null == NULL && slot < reference->capacity; slot++)
        if (!reference->keys[slot].subject.limits[model].is_set)
            memset(reference->keys[slot].subject.used_ns[model], 0, sizeof(reference->keys[slot].subject.used_ns[model]));
}

struct keyshm_limits reference_get_limits(const struct reference *reference,
                                          const struct reference_subject *subject_or_null, unsigned model, bool is_group)
{
    struct keyshm_limits said = KEYSHM_LIMITS_INIT;
    const struct reference_limits *limits =
        subject_or_null != NULL ? limits_of(reference, subject_or_null, model, is_group ? OF_GROUP : OF_KEY)
                                : &reference->limits[model];
    struct keyshm_rate *const rates[REFERENCE_RATES] = {&said.requests, &said.tokens, &said.requests_long,
                                                        &said.tokens_long};
    for (int i = 0; i < REFERENCE_RATES; i++)
        if (limits->rates[i].amount != 0)
            *rates[i] = limits->rates[i];
    said.in_flight = limits->in_flight;
    return said;
}
