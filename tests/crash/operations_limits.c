/* SPDX-License-Identifier: MIT */
#include "operations.h"

#include <errno.h>

#include "budget.h"
#include "limit_sets.h"
#include "places.h"
#include "rotation.h"
#include "tagged.h"
#include "workers.h"

#include "expect.h"
#include "problem.h"
#include "settle.h"

/*
 * Limits, requests in flight, and the leases that they have.
 *
 * A unit takes an hour to drain, so that what was used can be counted in units, however long a proof takes; and there are so
 * many that no survivor is refused. A key with a cap is none for a plain pick. So where there are caps, the survivor first
 * looks at all that is about limits, and then removes them.
 */

enum { UNITS = 8784, OTHER_UNITS = 2 * UNITS, CAP = 3, GROUP_CAP = 4, TOKENS = 3, TOKENS_USED = 5 };
#define UNITS_PER_MS KEYSHM_DURATION_MAX_MS

/* ---- setting them ---- */

/* Limits are told apart by their units; 0: there are none. */
static struct change {
    int key, group; /* -1: not of one */
    unsigned model;
    uint64_t before, after;
} change;

static struct keyshm_limits limits_of_units(uint64_t units)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct keyshm_rate *const rates[] = {&limits.requests, &limits.tokens, &limits.requests_long, &limits.tokens_long};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        rates[i]->amount = rates[i]->burst = units;
        rates[i]->per_ms = UNITS_PER_MS;
    }
    return limits;
}

static int set(keyshm_id id, unsigned model, uint64_t units)
{
    struct keyshm_limits limits = limits_of_units(units);
    return keyshm_set_limits(world_pool(), id, model, units != 0 ? &limits : NULL);
}

static keyshm_id changed_id(void)
{
    return change.key >= 0 ? world.keys[change.key].id : change.group >= 0 ? world.groups[change.group].id : 0;
}

static void act_set(void)
{
    EXPECT_EQ(set(changed_id(), change.model, change.after), 0);
}

/* They are the old ones or the new ones, all of them. What each has is counted (keyshm_verify()). */
static enum outcome settle_set(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    EXPECT_EQ(keyshm_get_limits(world_pool(), changed_id(), change.model, &limits), 0);
    uint64_t units = limits.requests.amount;
    HOLD(units == change.before || units == change.after, "limits of %llu", (unsigned long long)units);
    HOLD(limits.tokens.amount == units && limits.requests_long.amount == units && limits.tokens_long.amount == units,
         "the limits are half-changed");
    return units == change.before ? OLD : NEW;
}

static void prepare_change(int key, int group, unsigned model, uint64_t before, uint64_t after)
{
    change = (struct change){.key = key, .group = group, .model = model, .before = before, .after = after};
    if (before != 0)
        EXPECT_EQ(set(changed_id(), model, before), 0);
}

static void prepare_first(void)
{
    prepare_change(AVAILABLE_KEY, NO_GROUP, ANY_MODEL, 0, UNITS);
}

/* Others have the same. */
static void prepare_shared(void)
{
    EXPECT_EQ(set(world.keys[QUOTA_KEY].id, MODEL, UNITS), 0);
    prepare_first();
}

/* Nobody has the old ones any longer, and others come into their place. */
static void prepare_replaced(void)
{
    prepare_change(AVAILABLE_KEY, NO_GROUP, ANY_MODEL, UNITS, OTHER_UNITS);
}

/* There are none any longer. */
static void prepare_removed(void)
{
    struct keyshm_pick pick;
    prepare_change(AVAILABLE_KEY, NO_GROUP, ANY_MODEL, UNITS, 0);
    for (int i = 0; i < KEYS; i++)
        EXPECT_EQ(keyshm_next(world_pool(), &pick), 0);
}

static void prepare_of_group(void)
{
    EXPECT_EQ(set(world.keys[QUOTA_KEY].id, ANY_MODEL, OTHER_UNITS), 0);
    prepare_change(-1, GROUP, ANY_MODEL, UNITS, OTHER_UNITS);
}

static void prepare_of_model(void)
{
    prepare_change(EXPIRED_KEY, NO_GROUP, MODEL, 0, UNITS);
}

static void prepare_of_pool(void)
{
    EXPECT_EQ(set(world.keys[QUOTA_KEY].id, ANY_MODEL, OTHER_UNITS), 0);
    prepare_change(-1, NO_GROUP, ANY_MODEL, 0, UNITS);
}

static void prepare_removed_of_pool(void)
{
    struct keyshm_pick pick;
    prepare_change(-1, NO_GROUP, ANY_MODEL, UNITS, 0);
    for (int i = 0; i < KEYS; i++)
        EXPECT_EQ(keyshm_next(world_pool(), &pick), 0);
}

/* ---- what is charged, and in flight ---- */

/* Of an operation: what the victim asks for, and what there was before it. */
static struct asked {
    unsigned model;
    uint64_t tokens;
    int key;                   /* that it gets, */
    bool has_cells, holds;     /* with places, in which it holds tokens */
    struct keyshm_lease lease; /* the survivors' */
    uint64_t units[MODELS][SUBJECTS][LAYOUT_RATES];
    unsigned cells[SUBJECTS];
} asked;

static struct keyshm_rate rate(enum keyshm_charge charge)
{
    return (struct keyshm_rate){.amount = UNITS, .per_ms = UNITS_PER_MS, .burst = UNITS, .charge = charge};
}

static void set_cap(keyshm_id id, unsigned in_flight)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.in_flight = in_flight;
    EXPECT_EQ(keyshm_set_limits(world_pool(), id, ANY_MODEL, &limits), 0);
}

static void set_rates(keyshm_id id, unsigned model, enum keyshm_charge charge, unsigned in_flight)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = rate(KEYSHM_CHARGE_AT_PICK);
    limits.tokens = rate(charge);
    limits.in_flight = in_flight;
    EXPECT_EQ(keyshm_set_limits(world_pool(), id, model, &limits), 0);
}

/* How many units were used. No half of one drains in time; and a bucket is filled from the latest time that it can be. */
static uint64_t count_units(unsigned model, uint32_t subject, unsigned number)
{
    uint64_t used_ns = atomic_load(&pool_usage(world_pool(), model, subject)->used_ns[number]);
    uint64_t unit_ns = rate_unit_cost_ns(UNITS, (uint64_t)UNITS_PER_MS);
    return (rate_owed_ns(used_ns, world_now_ms() * RATE_NS_PER_MS) + unit_ns / 2) / unit_ns;
}

static bool is_subject(uint32_t subject)
{
    return subject < CAPACITY || subject >= FIRST_GROUP_SUBJECT;
}

/* Of one process, which may have ended; 0: of all. */
static unsigned count_cells(uint32_t subject, pid_t process_or_0)
{
    struct places places = places_of(world_pool(), subject);
    unsigned count = 0;
    for (uint32_t i = 0; i < places.max; i++) {
        uint64_t cell = atomic_load(&places.cells[i]);
        count += cell != CELL_FREE &&
                 (process_or_0 == 0 || workers_was_of(world_pool(), cell_row(cell), cell_count(cell), process_or_0));
    }
    return count;
}

static unsigned count_all_cells(pid_t process_or_0)
{
    unsigned count = 0;
    for (uint32_t subject = 0; subject < SUBJECTS; subject++)
        count += is_subject(subject) ? count_cells(subject, process_or_0) : 0;
    return count;
}

static void learn_asked(void)
{
    for (uint32_t subject = 0; subject < SUBJECTS; subject++) {
        asked.cells[subject] = is_subject(subject) ? count_cells(subject, 0) : 0;
        for (unsigned model = 0; model <= world.models; model++)
            for (unsigned i = 0; i < LAYOUT_RATES; i++)
                asked.units[model][subject][i] = count_units(model, subject, i);
    }
}

static int acquire(struct keyshm_lease *ret_lease)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.model = asked.model;
    request.tokens = asked.tokens;
    return keyshm_acquire(world_pool(), &request, ret_lease);
}

/* The turn of the key. */
static void set_turn(int key)
{
    uint32_t slot = world_subject_of_key(key);
    struct claim claim = {.number = 1, .begin = slot - 1, .end = slot};
    atomic_store(&pool_model(world_pool(), asked.model)->cursor, claim_pack(&claim));
}

/* The survivors have a lease of the same key. */
static void take_lease(void)
{
    set_turn(asked.key);
    EXPECT_EQ(acquire(&asked.lease), 0);
    EXPECT_EQ(asked.lease.pick.id, world.keys[asked.key].id);
    set_turn(asked.key);
    learn_asked();
}

static void prepare_asked(unsigned model, bool has_cells, bool holds)
{
    asked = (struct asked){.model = model, .tokens = TOKENS, .key = EXPIRED_KEY, .has_cells = has_cells, .holds = holds};
}

static void prepare_cap(void)
{
    prepare_asked(ANY_MODEL, true, false);
    set_cap(0, CAP);
    take_lease();
}

static void prepare_group_cap(void)
{
    prepare_asked(ANY_MODEL, true, false);
    set_cap(world.groups[GROUP].id, GROUP_CAP);
    take_lease();
}

static void prepare_rates(void)
{
    prepare_asked(ANY_MODEL, false, false);
    set_rates(0, ANY_MODEL, KEYSHM_CHARGE_AT_PICK, 0);
    take_lease();
}

/* And there is no cap. */
static void prepare_held(void)
{
    prepare_asked(ANY_MODEL, true, true);
    set_rates(0, ANY_MODEL, KEYSHM_CHARGE_AT_RELEASE, 0);
    take_lease();
}

static void set_all(void)
{
    set_rates(0, ANY_MODEL, KEYSHM_CHARGE_AT_RELEASE, CAP);
    set_rates(0, MODEL, KEYSHM_CHARGE_AT_RELEASE, 0);
    set_rates(world.groups[GROUP].id, ANY_MODEL, KEYSHM_CHARGE_AT_RELEASE, GROUP_CAP);
    set_rates(world.groups[GROUP].id, MODEL, KEYSHM_CHARGE_AT_RELEASE, 0);
}

static void prepare_all(void)
{
    prepare_asked(MODEL, true, true);
    set_all();
    take_lease();
}

/* When others pick meanwhile, it may get another key. */
static void act_acquire(void)
{
    struct keyshm_lease lease;
    EXPECT_EQ(acquire(&lease), 0);
}

/* ---- the judgement ---- */

/* Is it a budget that the request is charged to? */
static bool is_of_request(unsigned model, uint32_t subject)
{
    return (model == ANY_MODEL || model == asked.model) &&
           (subject == world_subject_of_key(asked.key) || subject == world_subject_of_group(GROUP));
}

static bool has_rate(unsigned model, uint32_t subject, unsigned number)
{
    uint32_t ref = subject >= FIRST_GROUP_SUBJECT
                       ? limits_ref_of_group(world_pool(), model, subject - FIRST_GROUP_SUBJECT)
                       : limits_ref_of_key(world_pool(), model, subject);
    return ref != LIMITS_NONE && (limits_kinds(limits_of(world_pool(), ref)) >> number & 1) != 0;
}

/* How many more units were used: at least so many, and at most. */
struct bounds {
    uint64_t least, most;
};

static void look_at_units(unsigned model, uint32_t subject, unsigned number, struct bounds more)
{
    uint64_t before = asked.units[model][subject][number], units = count_units(model, subject, number);
    HOLD(units >= before + more.least && units <= before + more.most,
         "rate %u of subject %u for model %u: %llu units, %llu before, and more by %llu to %llu", number, subject, model,
         (unsigned long long)units, (unsigned long long)before, (unsigned long long)more.least,
         (unsigned long long)more.most);
}

/* What was charged of requests and of tokens. Nothing else was. */
static void look_at_charges(struct bounds requests, struct bounds tokens)
{
    static const struct bounds none;
    for (unsigned model = 0; model <= world.models; model++)
        for (uint32_t subject = 0; subject < SUBJECTS; subject++) {
            bool is_asked = is_of_request(model, subject);
            look_at_units(model, subject, LAYOUT_REQUESTS,
                          is_asked && has_rate(model, subject, LAYOUT_REQUESTS) ? requests : none);
            look_at_units(model, subject, LAYOUT_TOKENS,
                          is_asked && has_rate(model, subject, LAYOUT_TOKENS) ? tokens : none);
        }
}

static void look_at_caps(void)
{
    for (uint32_t slot = 0; slot < CAPACITY; slot++)
        HOLD(!asked.has_cells || asked.holds || count_cells(slot, 0) <= CAP, "more are in flight than the cap");
    HOLD(count_cells(world_subject_of_group(GROUP), 0) <= GROUP_CAP, "more are in flight in a group than its cap");
}

/* Nobody has a place but the survivor, who has those of before. */
static void look_at_places(void)
{
    for (uint32_t subject = 0; subject < SUBJECTS; subject++)
        if (is_subject(subject))
            HOLD(count_cells(subject, 0) == asked.cells[subject], "%u in flight in subject %u and not %u",
                 count_cells(subject, 0), subject, asked.cells[subject]);
}

/* What a plain pick would not give, or only for so long. */
static void remove_limits(void)
{
    keyshm_id group = world.groups[GROUP].id;
    for (unsigned model = 0; model <= world.models; model++) {
        HOLD(keyshm_set_limits(world_pool(), 0, model, NULL) == 0, "limits cannot be removed");
        HOLD(keyshm_set_limits(world_pool(), group, model, NULL) == 0, "limits of a group cannot be removed");
    }
}

static void end_lease(int expected)
{
    struct keyshm_lease lease = asked.lease;
    int r = keyshm_release(world_pool(), &lease);
    HOLD(r == expected, "the survivor's release: %s", keyshm_strerror(r));
}

/* Whether the pick was counted, and with that given. Updates the model. */
static bool settle_count_of_pick(void)
{
    struct model_key *key = &world.keys[asked.key];
    uint64_t before = key->picks;
    key->picks = tagged_value(atomic_load(&world_slot_of(asked.key)->picks), key->id);
    HOLD(key->picks - before <= 1, "%llu picks", (unsigned long long)(key->picks - before));
    return key->picks != before;
}

static bool has_turn(void)
{
    return atomic_load(&pool_model(world_pool(), asked.model)->cursor) != world.cursors[asked.model];
}

/* Whoever was given the key was charged, and has its place; what a dead one held is used. */
static enum outcome settle_acquire(void)
{
    bool is_new = has_turn(), is_given = settle_count_of_pick();
    HOLD(is_new || !is_given, "a key was given without a turn");
    look_at_caps();
    int reaped = keyshm_reap(world_pool(), 0);
    HOLD(reaped == (is_given && asked.has_cells) || (reaped == 1 && !is_given && asked.has_cells), "%d leases reaped",
         reaped);
    look_at_charges((struct bounds){is_given, 1}, (struct bounds){is_given ? TOKENS : 0, TOKENS});
    look_at_places();
    end_lease(0);
    HOLD(count_all_cells(0) == 0, "a place is left");
    remove_limits();
    return is_new ? NEW : OLD;
}

/* ---- a pick that is charged ---- */

static void act_next(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_next(world_pool(), &pick), 0);
}

static enum outcome settle_next(void)
{
    bool is_new = has_turn(), is_given = settle_count_of_pick();
    HOLD(is_new || !is_given, "a key was given without a turn");
    look_at_charges((struct bounds){is_given, 1}, (struct bounds){0, 0});
    return is_new ? NEW : OLD;
}

/* ---- the end of a lease ---- */

static void act_settle(void)
{
    struct keyshm_lease lease = asked.lease;
    EXPECT_EQ(keyshm_settle(world_pool(), &lease, TOKENS_USED), 0);
}

static void act_release(void)
{
    struct keyshm_lease lease = asked.lease;
    EXPECT_EQ(keyshm_release(world_pool(), &lease), 0);
}

static void act_cancel(void)
{
    struct keyshm_lease lease = asked.lease;
    EXPECT_EQ(keyshm_cancel(world_pool(), &lease), 0);
}

static uint64_t count_held(uint32_t subject)
{
    struct places places = places_of(world_pool(), subject);
    return places_held(&places, ANY_MODEL, CELL_FREE);
}

/* What it holds in the key's place and in the group's is settled one after the other. The survivor knows nothing of it, and
 * settles once more: it is charged too much. */
static enum outcome settle_settle(void)
{
    bool is_of_key = count_held(world_subject_of_key(asked.key)) == 0;
    bool is_of_group = count_held(world_subject_of_group(GROUP)) == 0;
    HOLD(is_of_key || !is_of_group, "what is held is settled in another order");
    look_at_charges((struct bounds){0, 0}, (struct bounds){is_of_group ? TOKENS_USED : 0, TOKENS_USED});
    end_lease(0);
    look_at_charges((struct bounds){0, 0}, (struct bounds){TOKENS, TOKENS_USED + TOKENS});
    HOLD(count_all_cells(0) == 0, "a place is left");
    remove_limits();
    return is_of_group ? NEW : OLD;
}

/* The survivor ends it, too. Where a killed one has left it the place of the group alone, what is held there is used. */
static enum outcome settle_end(struct bounds requests, struct bounds tokens_if_old, struct bounds tokens_if_new)
{
    bool is_new = count_cells(world_subject_of_key(asked.key), 0) == 0;
    if (is_new && count_all_cells(0) > 0)
        tokens_if_new.most += TOKENS;
    end_lease(is_new ? -ESTALE : 0);
    look_at_charges(requests, is_new ? tokens_if_new : tokens_if_old);
    HOLD(count_all_cells(0) == 0, "a place is left");
    remove_limits();
    return is_new ? NEW : OLD;
}

static enum outcome settle_release_of_lease(void)
{
    return settle_end((struct bounds){0, 0}, (struct bounds){TOKENS, 2 * TOKENS}, (struct bounds){TOKENS, TOKENS});
}

/* One that was not cancelled is released by the survivor. That the lease before the survivor's was charged stays so. */
static enum outcome settle_cancel(void)
{
    return settle_end((struct bounds){0, 1}, (struct bounds){TOKENS, TOKENS}, (struct bounds){0, 0});
}

/* What is given back is one unit of requests: it is counted from there. */
static void prepare_cancel(void)
{
    prepare_all();
    for (unsigned model = 0; model <= world.models; model++)
        for (uint32_t subject = 0; subject < SUBJECTS; subject++)
            if (is_of_request(model, subject) && has_rate(model, subject, LAYOUT_REQUESTS))
                asked.units[model][subject][LAYOUT_REQUESTS]--;
}

/* ---- what dead ones hold ---- */

static pid_t dead;

static void run_and_kill(void (*act)(void))
{
    int ready[2];
    char byte = 0;
    EXPECT_EQ(pipe(ready), 0);
    dead = expect_fork();
    if (dead == 0) {
        act();
        EXPECT_EQ(write(ready[1], "", 1), 1);
        for (;;)
            pause();
    }
    EXPECT_EQ(read(ready[0], &byte, 1), 1);
    expect_kill(dead);
    close(ready[0]);
    close(ready[1]);
}

static void prepare_dead_holder(void)
{
    prepare_all();
    run_and_kill(act_acquire);
    EXPECT_EQ(count_all_cells(dead), 2);
    set_turn(asked.key);
    for (unsigned model = 0; model <= world.models; model++)
        for (uint32_t subject = 0; subject < SUBJECTS; subject++)
            if (is_of_request(model, subject) && has_rate(model, subject, LAYOUT_REQUESTS))
                asked.units[model][subject][LAYOUT_REQUESTS]++;
}

static void act_reap(void)
{
    EXPECT_EQ(keyshm_reap(world_pool(), 0), 1);
}

static void act_reap_one(void)
{
    EXPECT_EQ(keyshm_reap(world_pool(), dead), 1);
}

/* Of two that reap one after the other, each may charge what is held. */
static enum outcome settle_reap(void)
{
    bool is_new = count_all_cells(dead) == 0;
    HOLD(keyshm_reap(world_pool(), 0) >= 0, "what is left cannot be reaped");
    look_at_charges((struct bounds){0, 0}, (struct bounds){TOKENS, is_new ? TOKENS : 2 * TOKENS});
    look_at_places();
    end_lease(0);
    HOLD(count_all_cells(0) == 0, "a place is left");
    remove_limits();
    return is_new ? NEW : OLD;
}

/* It has all places that there are. */
static void hold_all(void)
{
    struct keyshm_lease lease;
    int r;
    do
        r = acquire(&lease);
    while (r == 0);
    EXPECT_EQ(r, -EAGAIN);
}

static void prepare_dead_holders(void)
{
    prepare_asked(ANY_MODEL, true, false);
    int available = keyshm_available_count(world_pool());
    set_cap(0, 1);
    run_and_kill(hold_all);
    EXPECT_EQ(count_all_cells(dead), available);
    set_turn(asked.key);
}

/* Which key it gets depends on which place is freed first. */
static enum outcome settle_acquire_of_dead(void)
{
    bool is_new = has_turn();
    for (int number = 0; number < KEYS; number++) {
        struct model_key *key = &world.keys[number];
        if (!key->is_there)
            continue;
        uint64_t picks = tagged_value(atomic_load(&world_slot_of(number)->picks), key->id);
        HOLD(picks - key->picks <= is_new, "a key was given without a turn");
        HOLD(count_cells(world_subject_of_key(number), 0) <= 1, "more are in flight than the cap");
        key->picks = picks;
    }
    HOLD(keyshm_reap(world_pool(), 0) >= 0, "what is left cannot be reaped");
    HOLD(count_all_cells(0) == 0, "a place is left");
    remove_limits();
    return is_new ? NEW : OLD;
}

/* ---- changes while a request is in flight ---- */

/* Two are in flight, of three; and then one may be. */
static struct keyshm_lease second_lease;

static void prepare_lowered(void)
{
    prepare_cap();
    EXPECT_EQ(acquire(&second_lease), 0);
    set_turn(asked.key);
    learn_asked();
}

static void act_lower(void)
{
    set_cap(0, 1);
}

/* The next owner of the mutex recovers here, and not when the survivor first adds a key: then the log says nothing any more. */
static enum outcome settle_lower(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    EXPECT_EQ(keyshm_get_limits(world_pool(), 0, ANY_MODEL, &limits), 0);
    HOLD(limits.in_flight == 1 || limits.in_flight == CAP, "a cap of %u", limits.in_flight);
    struct keyshm_lease lease = second_lease;
    look_at_places();
    remove_limits();
    end_lease(0);
    HOLD(keyshm_release(world_pool(), &lease) == 0, "the survivor's other release");
    HOLD(count_all_cells(0) == 0, "a place is left");
    return limits.in_flight == CAP ? OLD : NEW;
}

/* The survivors have a lease of the key that is removed. */
static void prepare_leased(void)
{
    prepare_asked(ANY_MODEL, true, true);
    asked.key = NOTED_KEY;
    set_rates(0, ANY_MODEL, KEYSHM_CHARGE_AT_RELEASE, 0);
    set_rates(world.keys[NOTED_KEY].id, ANY_MODEL, KEYSHM_CHARGE_AT_RELEASE, 0);
    take_lease();
    set_turn(EXPIRED_KEY);
}

static void act_remove(void)
{
    EXPECT_EQ(keyshm_remove(world_pool(), world.keys[NOTED_KEY].id), 0);
}

static enum outcome settle_remove(void)
{
    return settle_removed(NOTED_KEY);
}

/* By now another key is in its slot. The lease is of nobody any longer, and nothing is left of it there. */
static void complete_remove(void)
{
    uint32_t slot = world_subject_of_key(NOTED_KEY);
    bool is_there = world.keys[NOTED_KEY].is_there;
    HOLD(count_cells(slot, 0) == is_there, "%u in flight in the slot of a removed key", count_cells(slot, 0));
    end_lease(is_there ? 0 : -ESTALE);
    HOLD(count_all_cells(0) == 0, "a place is left");
    HOLD(is_there || count_units(ANY_MODEL, slot, LAYOUT_TOKENS) == 0, "a new key has used what the one before it has");
}

/* ---- interleaved ---- */

static struct result step_acquire(const struct meeting *meeting)
{
    return meeting_acquire_limited(meeting);
}

static struct result step_next(const struct meeting *meeting)
{
    return meeting_next(meeting);
}

static struct result step_settle(const struct meeting *meeting)
{
    struct keyshm_lease lease = meeting->lease;
    return (struct result){.value = keyshm_settle(meeting->pool, &lease, MEETING_TOKENS_USED)};
}

static struct result step_release(const struct meeting *meeting)
{
    struct keyshm_lease lease = meeting->lease;
    return (struct result){.value = keyshm_release(meeting->pool, &lease)};
}

static struct result step_cancel(const struct meeting *meeting)
{
    struct keyshm_lease lease = meeting->lease;
    return (struct result){.value = keyshm_cancel(meeting->pool, &lease)};
}

static struct result step_reap(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_reap(meeting->pool, 0)};
}

static struct result step_lower(const struct meeting *meeting)
{
    struct keyshm_limits limits = meeting->limits;
    limits.in_flight = 1;
    return (struct result){.value = keyshm_set_limits(meeting->pool, meeting->target, 0, &limits)};
}

static struct result step_set_other(const struct meeting *meeting)
{
    struct keyshm_limits limits = meeting->limits;
    limits.requests.amount *= 2;
    limits.tokens.amount *= 2;
    return (struct result){.value = keyshm_set_limits(meeting->pool, meeting->target, 0, &limits)};
}

static struct result step_unlimit(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_set_limits(meeting->pool, meeting->target, 0, NULL)};
}

static struct result step_get(const struct meeting *meeting)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct result result = {.value = keyshm_get_limits(meeting->pool, meeting->target, 0, &limits)};
    result.content = digest_add(digest_add(limits.in_flight, limits.requests.amount), limits.tokens.amount);
    return result;
}

static struct result step_remove(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_remove(meeting->pool, meeting->target)};
}

/* Into its slot. */
static struct result step_add_another(const struct meeting *meeting)
{
    struct result result = {.value = keyshm_add(meeting->pool, meeting->replacing_text, &result.id)};
    return result;
}

static struct result step_move(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_set_group(meeting->pool, meeting->target, meeting->empty_group)};
}

static const struct operation operations[] = {
    {"set_limits, the first", .prepare = prepare_first, .act = act_set, .settle = settle_set,
     .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED},
    {"set_limits, shared", .prepare = prepare_shared, .act = act_set, .settle = settle_set, .proofs = KILLED | FROZEN},
    {"set_limits, replaced", .prepare = prepare_replaced, .act = act_set, .settle = settle_set,
     .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED},
    {"set_limits, removed", .prepare = prepare_removed, .act = act_set, .settle = settle_set,
     .proofs = KILLED | FROZEN | KILLED_AND_RECOVERED},
    {"set_limits, of a group", .prepare = prepare_of_group, .act = act_set, .settle = settle_set,
     .proofs = KILLED | FROZEN},
    {"set_limits, of a model", .prepare = prepare_of_model, .act = act_set, .settle = settle_set,
     .proofs = KILLED | FROZEN},
    {"set_limits, of the pool", .prepare = prepare_of_pool, .act = act_set, .settle = settle_set,
     .proofs = KILLED | FROZEN},
    {"set_limits, removed of the pool", .prepare = prepare_removed_of_pool, .act = act_set, .settle = settle_set,
     .proofs = KILLED | FROZEN},
    {"set_limits, a lower cap", .prepare = prepare_lowered, .act = act_lower, .settle = settle_lower, .proofs = KILLED},
    {"remove, with a lease", .prepare = prepare_leased, .act = act_remove, .settle = settle_remove,
     .complete = complete_remove, .proofs = KILLED},
    {"acquire, a cap", .prepare = prepare_cap, .act = act_acquire, .settle = settle_acquire, .proofs = KILLED},
    {"acquire, a cap of a group", .prepare = prepare_group_cap, .act = act_acquire, .settle = settle_acquire,
     .proofs = KILLED},
    {"acquire, rates", .prepare = prepare_rates, .act = act_acquire, .settle = settle_acquire, .proofs = KILLED | FROZEN},
    {"acquire, held tokens", .prepare = prepare_held, .act = act_acquire, .settle = settle_acquire,
     .proofs = KILLED | FROZEN},
    {"acquire, everything", .prepare = prepare_all, .act = act_acquire, .settle = settle_acquire, .model = MODEL,
     .proofs = KILLED},
    {"acquire, places of a dead one", .prepare = prepare_dead_holders, .act = act_acquire,
     .settle = settle_acquire_of_dead, .proofs = KILLED},
    {"next, rates", .prepare = prepare_rates, .act = act_next, .settle = settle_next, .proofs = KILLED | FROZEN},
    {"settle", .prepare = prepare_all, .act = act_settle, .settle = settle_settle, .proofs = KILLED},
    {"release", .prepare = prepare_all, .act = act_release, .settle = settle_release_of_lease, .proofs = KILLED},
    {"cancel", .prepare = prepare_cancel, .act = act_cancel, .settle = settle_cancel, .proofs = KILLED},
    {"reap", .prepare = prepare_dead_holder, .act = act_reap, .settle = settle_reap, .proofs = KILLED},
    {"reap, of one", .prepare = prepare_dead_holder, .act = act_reap_one, .settle = settle_reap, .proofs = KILLED},
    {"settle, held tokens", .prepare = prepare_held, .act = act_settle, .proofs = FROZEN},
    {"release, held tokens", .prepare = prepare_held, .act = act_release, .proofs = FROZEN},
    {"cancel, held tokens", .prepare = prepare_held, .act = act_cancel, .proofs = FROZEN},

    {"acquire, limited", .steps = {step_acquire}, .may_be_refused = true,
     .proofs = IN_FLIGHT | IN_FLIGHT_TWICE | HELD_BY_DEAD | CHARGED},
    {"next, limited", .steps = {step_next}, .proofs = CHARGED},
    {"settle, limited", .steps = {step_settle}, .ends_lease = true, .proofs = IN_FLIGHT | IN_FLIGHT_TWICE | HELD_BY_DEAD},
    {"release, limited", .steps = {step_release}, .ends_lease = true,
     .proofs = IN_FLIGHT | IN_FLIGHT_TWICE | HELD_BY_DEAD},
    {"cancel, limited", .steps = {step_cancel}, .ends_lease = true,
     .proofs = IN_FLIGHT | IN_FLIGHT_TWICE | HELD_BY_DEAD | CHARGED},
    {"acquire, then acquire", .steps = {step_acquire, step_acquire}, .is_only_a = true, .proofs = IN_FLIGHT},
    {"reap, limited", .steps = {step_reap}, .ends_lease = true, .proofs = HELD_BY_DEAD},
    {"set_limits, a lower cap", .steps = {step_lower}, .takes_mutex = true, .proofs = IN_FLIGHT},
    {"set_limits, others", .steps = {step_set_other}, .takes_mutex = true, .proofs = IN_FLIGHT | CHARGED},
    {"set_limits, lower, then others", .steps = {step_lower, step_set_other}, .takes_mutex = true, .proofs = IN_FLIGHT},
    {"set_limits, none", .steps = {step_unlimit}, .forgets_use = true, .takes_mutex = true,
     .proofs = IN_FLIGHT | CHARGED},
    {"get_limits", .steps = {step_get}, .proofs = IN_FLIGHT},
    {"remove, limited", .steps = {step_remove}, .forgets_use = true, .takes_mutex = true, .proofs = IN_FLIGHT | CHARGED},
    {"remove, then add, limited", .steps = {step_remove, step_add_another}, .forgets_use = true, .takes_mutex = true,
     .proofs = IN_FLIGHT | CHARGED},
    {"set_group, limited", .steps = {step_move}, .takes_mutex = true, .proofs = IN_FLIGHT},
};
const struct operation_list limit_operations = OPERATION_LIST(operations);
