/* SPDX-License-Identifier: MIT */
#include "operations.h"

#include "clock.h"
#include "ready_bits.h"
#include "slot.h"
#include "tagged.h"

#include "expect.h"
#include "problem.h"

/* The word is the old one, or says exactly what the mark says; and the mark is counted only if it does. */
static enum outcome settle_mark(int number, enum keyshm_status status, uint64_t least_ms, uint64_t most_ms)
{
    struct model_key *key = &world.keys[number];
    uint64_t word = atomic_load(&world_pool()->words[id_slot(key->id)]);
    uint64_t deadline_ms = word_deadline_ms(word);
    uint64_t marked = tagged_value(atomic_load(&world_slot_of(number)->marked[status]), key->id);
    if (word == key->word)
        return OLD;
    HOLD(word == word_make(status, id_generation(key->id), deadline_ms), "the mark is half-done: %#llx",
         (unsigned long long)word);
    HOLD(deadline_ms >= least_ms && deadline_ms <= most_ms, "the mark's deadline is %llu",
         (unsigned long long)deadline_ms);
    HOLD(marked == key->marked[status] || marked == key->marked[status] + 1, "marked %llu times",
         (unsigned long long)marked);
    key->word = word;
    key->marked[status] = marked;
    return NEW;
}

static enum outcome settle_mark_for(int number, enum keyshm_status status, uint64_t duration_ms)
{
    return settle_mark(number, status, world_began_ms + 1 + duration_ms, clock_now_ms() + 1 + duration_ms);
}

static void act_mark_rate_limited(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[AVAILABLE_KEY].id, COOLDOWN_MS), 0);
}

static enum outcome settle_mark_rate_limited(void)
{
    return settle_mark_for(AVAILABLE_KEY, KEYSHM_RATE_LIMITED, COOLDOWN_MS);
}

/* Both status and deadline change. */
static void act_mark_quota_exceeded(void)
{
    EXPECT_EQ(keyshm_mark_quota_exceeded(world_pool(), world.keys[LIMITED_KEY].id, 2 * HOUR_MS), 0);
}

static enum outcome settle_mark_quota_exceeded(void)
{
    return settle_mark_for(LIMITED_KEY, KEYSHM_QUOTA_EXCEEDED, 2 * HOUR_MS);
}

static void act_mark_invalid(void)
{
    EXPECT_EQ(keyshm_mark_invalid(world_pool(), world.keys[AVAILABLE_KEY].id), 0);
}

static enum outcome settle_mark_invalid(void)
{
    return settle_mark(AVAILABLE_KEY, KEYSHM_INVALID, WORD_FOREVER, WORD_FOREVER);
}

static void act_mark_available(void)
{
    EXPECT_EQ(keyshm_mark_available(world_pool(), world.keys[LIMITED_KEY].id), 0);
}

static enum outcome settle_mark_available(void)
{
    return settle_mark(LIMITED_KEY, KEYSHM_AVAILABLE, WORD_NO_DEADLINE, WORD_NO_DEADLINE);
}

static void act_reset_expired(void)
{
    EXPECT_EQ(keyshm_reset_expired_cooldowns(world_pool()), 1);
}

static enum outcome settle_reset_expired(void)
{
    return settle_mark(EXPIRED_KEY, KEYSHM_AVAILABLE, WORD_NO_DEADLINE, WORD_NO_DEADLINE);
}

/* ---- keys that become available ---- */

void prepare_just_swept(void)
{
    ready_sweep(world_pool(), clock_now_ms());
}

/* A process has announced a sweep and died before it. The next sweep is as far away as it can be. */
static void prepare_unswept(void)
{
    atomic_store(&world_pool()->header->next_sweep_ms, clock_now_ms() + READY_SWEEP_INTERVAL_MS);
}

static void act_limit_shortly(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[AVAILABLE_KEY].id, SHORT_MS), 0);
}

static enum outcome settle_limit_shortly(void)
{
    return settle_mark_for(AVAILABLE_KEY, KEYSHM_RATE_LIMITED, SHORT_MS);
}

static void act_limit_expired(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[EXPIRED_KEY].id, SHORT_MS), 0);
}

static enum outcome settle_limit_expired(void)
{
    return settle_mark_for(EXPIRED_KEY, KEYSHM_RATE_LIMITED, SHORT_MS);
}

static void act_exhaust_shortly(void)
{
    EXPECT_EQ(keyshm_mark_quota_exceeded(world_pool(), world.keys[AVAILABLE_KEY].id, SHORT_MS), 0);
}

static enum outcome settle_exhaust_shortly(void)
{
    return settle_mark_for(AVAILABLE_KEY, KEYSHM_QUOTA_EXCEEDED, SHORT_MS);
}

static void act_exhaust_expired(void)
{
    EXPECT_EQ(keyshm_mark_quota_exceeded(world_pool(), world.keys[EXPIRED_KEY].id, SHORT_MS), 0);
}

static enum outcome settle_exhaust_expired(void)
{
    return settle_mark_for(EXPIRED_KEY, KEYSHM_QUOTA_EXCEEDED, SHORT_MS);
}

static void act_invalidate_expired(void)
{
    EXPECT_EQ(keyshm_mark_invalid(world_pool(), world.keys[EXPIRED_KEY].id), 0);
}

static enum outcome settle_invalidate_expired(void)
{
    return settle_mark(EXPIRED_KEY, KEYSHM_INVALID, WORD_FOREVER, WORD_FOREVER);
}

static void act_release_expired(void)
{
    EXPECT_EQ(keyshm_mark_available(world_pool(), world.keys[EXPIRED_KEY].id), 0);
}

/* ---- interleaved ---- */

static struct result step_limit(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_mark_rate_limited(meeting->pool, meeting->target, LIMIT_MS)};
}

static struct result step_limit_longer(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_mark_rate_limited(meeting->pool, meeting->target, LONGER_LIMIT_MS)};
}

static struct result step_exceed_quota(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_mark_quota_exceeded(meeting->pool, meeting->target, -1)};
}

static struct result step_invalidate(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_mark_invalid(meeting->pool, meeting->target)};
}

static struct result step_make_available(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_mark_available(meeting->pool, meeting->target)};
}

/* A step for each key, and so there is only one to reset. */
static struct result step_reset(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_reset_expired_cooldowns(meeting->pool)};
}

static const struct operation operations[] = {
    {"mark_rate_limited", .act = act_mark_rate_limited, .settle = settle_mark_rate_limited, .steps = {step_limit},
     .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE},
    {"mark_rate_limited, longer", .steps = {step_limit_longer}, .proofs = INTERLEAVED | INTERLEAVED_TWICE},
    {"mark_quota_exceeded", .act = act_mark_quota_exceeded, .settle = settle_mark_quota_exceeded,
     .steps = {step_exceed_quota}, .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE},
    {"mark_invalid", .act = act_mark_invalid, .settle = settle_mark_invalid, .steps = {step_invalidate},
     .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE},
    {"mark_available", .act = act_mark_available, .settle = settle_mark_available, .steps = {step_make_available},
     .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE},
    {"reset_expired", .act = act_reset_expired, .settle = settle_reset_expired, .steps = {step_reset},
     .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE | READY_IN_TIME},
    {"mark_available, just swept", .prepare = prepare_just_swept, .act = act_mark_available,
     .settle = settle_mark_available, .proofs = READY_IN_TIME},
    {"mark_available, expired", .prepare = prepare_just_swept, .act = act_release_expired, .settle = settle_reset_expired,
     .proofs = READY_IN_TIME},
    {"mark_available, unswept", .prepare = prepare_unswept, .act = act_release_expired, .settle = settle_reset_expired,
     .proofs = READY_IN_TIME},
    {"mark_rate_limited, short", .prepare = prepare_just_swept, .act = act_limit_shortly, .settle = settle_limit_shortly,
     .proofs = READY_IN_TIME},
    {"mark_rate_limited, expired", .prepare = prepare_just_swept, .act = act_limit_expired,
     .settle = settle_limit_expired, .proofs = READY_IN_TIME},
    {"mark_quota_exceeded, short", .prepare = prepare_just_swept, .act = act_exhaust_shortly,
     .settle = settle_exhaust_shortly, .proofs = READY_IN_TIME},
    {"mark_quota_exceeded, expired", .prepare = prepare_just_swept, .act = act_exhaust_expired,
     .settle = settle_exhaust_expired, .proofs = READY_IN_TIME},
    {"mark_invalid, expired", .prepare = prepare_just_swept, .act = act_invalidate_expired,
     .settle = settle_invalidate_expired, .proofs = READY_IN_TIME},
    {"reset_expired, unswept", .prepare = prepare_unswept, .act = act_reset_expired, .settle = settle_reset_expired,
     .proofs = READY_IN_TIME},
};
const struct operation_list mark_operations = OPERATION_LIST(operations);
