/* SPDX-License-Identifier: MIT */
#include "operations.h"

#include "ready_bits.h"
#include "slot.h"

#include "expect.h"
#include "problem.h"
#include "settle.h"

static enum outcome settle_limit_of(int number, enum keyshm_status status, uint64_t duration_ms)
{
    return settle_limit(ANY_MODEL, world_subject_of_key(number), status, duration_ms);
}

static enum outcome settle_invalid(int number)
{
    return settle_mark(ANY_MODEL, world_subject_of_key(number),
                       &(struct expected){.status = KEYSHM_INVALID,
                                          .reason = KEYSHM_REASON_AUTHENTICATION,
                                          .step = STREAK_INVALID,
                                          .least_ms = WORD_FOREVER,
                                          .most_ms = WORD_FOREVER});
}

static void act_mark_rate_limited(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[AVAILABLE_KEY].id, COOLDOWN_MS), 0);
}

static enum outcome settle_mark_rate_limited(void)
{
    return settle_limit_of(AVAILABLE_KEY, KEYSHM_RATE_LIMITED, COOLDOWN_MS);
}

/* Both status and deadline change. */
static void act_mark_quota_exceeded(void)
{
    EXPECT_EQ(keyshm_mark_quota_exceeded(world_pool(), world.keys[LIMITED_KEY].id, 2 * HOUR_MS), 0);
}

static enum outcome settle_mark_quota_exceeded(void)
{
    return settle_limit_of(LIMITED_KEY, KEYSHM_QUOTA_EXCEEDED, 2 * HOUR_MS);
}

static void act_mark_invalid(void)
{
    EXPECT_EQ(keyshm_mark_invalid(world_pool(), world.keys[AVAILABLE_KEY].id), 0);
}

static enum outcome settle_mark_invalid(void)
{
    return settle_invalid(AVAILABLE_KEY);
}

static void act_mark_available(void)
{
    EXPECT_EQ(keyshm_mark_available(world_pool(), world.keys[LIMITED_KEY].id), 0);
}

/* The word whatever the model comes before that of the model, and the mark is counted when both are lifted. */
static enum outcome settle_mark_available(void)
{
    uint32_t subject = world_subject_of_key(LIMITED_KEY);
    enum outcome whole = settle_released_word(ANY_MODEL, subject), of_model = settle_released_word(MODEL, subject);
    HOLD(whole == NEW || of_model == OLD, "the bench for a model is lifted before the other");
    if (of_model == NEW)
        settle_count(subject, KEYSHM_AVAILABLE);
    return whole;
}

static void act_reset_expired(void)
{
    EXPECT_EQ(keyshm_reset_expired_cooldowns(world_pool()), 1);
}

static enum outcome settle_reset_expired(void)
{
    return settle_release(ANY_MODEL, world_subject_of_key(EXPIRED_KEY));
}

/* ---- with all that keyshm_mark() can say ---- */

/* Limited for less time than it is, and for a reason that says more. */
static void act_mark_with_reason(void)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.duration_ms = COOLDOWN_MS;
    mark.reason = KEYSHM_REASON_OPERATOR;
    EXPECT_EQ(keyshm_mark(world_pool(), world.keys[LIMITED_KEY].id, &mark), 0);
}

static enum outcome settle_mark_with_reason(void)
{
    uint64_t deadline_ms = word_deadline_ms(*world_word_of(LIMITED_KEY));
    return settle_mark(ANY_MODEL, world_subject_of_key(LIMITED_KEY),
                       &(struct expected){.status = KEYSHM_RATE_LIMITED,
                                          .reason = KEYSHM_REASON_OPERATOR,
                                          .least_ms = deadline_ms,
                                          .most_ms = deadline_ms});
}

/* As an answer to a pick that was made when the key had been marked so often. */
static void mark_available_with(uint64_t stamp)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.stamp = stamp;
    EXPECT_EQ(keyshm_mark(world_pool(), world.keys[LIMITED_KEY].id, &mark), 0);
}

static void act_mark_with_stamp(void)
{
    mark_available_with(word_marks(*world_word_of(LIMITED_KEY)));
}

/* It knows nothing of what the key is for a model. */
static enum outcome settle_mark_with_stamp(void)
{
    return settle_release(ANY_MODEL, world_subject_of_key(LIMITED_KEY));
}

/* The key was limited after that pick: the mark is counted, and changes nothing. */
static void act_mark_outdated(void)
{
    mark_available_with(word_marks(*world_word_of(LIMITED_KEY)) - 1);
}

static enum outcome settle_mark_outdated(void)
{
    return settle_count(world_subject_of_key(LIMITED_KEY), KEYSHM_AVAILABLE) ? NEW : OLD;
}

/* ---- all keys at once ---- */

static void act_mark_all_available(void)
{
    unsigned status_mask = 1u << KEYSHM_RATE_LIMITED | 1u << KEYSHM_QUOTA_EXCEEDED;
    EXPECT_EQ(keyshm_mark_all_available(world_pool(), status_mask), 3);
}

/* The others of `freeze` mark keys as rate limited, too. */
static void act_mark_all_of_quota(void)
{
    EXPECT_EQ(keyshm_mark_all_available(world_pool(), 1u << KEYSHM_QUOTA_EXCEEDED), 1);
}

/* In the order of the slots, and of the models in each. Each is counted. */
static enum outcome settle_mark_all_available(void)
{
    static const struct {
        unsigned model;
        int number;
    } benched[] = {{MODEL, AVAILABLE_KEY}, {ANY_MODEL, LIMITED_KEY}, {MODEL, LIMITED_KEY}, {ANY_MODEL, QUOTA_KEY}};
    enum outcome first = OLD, last = NEW;
    uint64_t lifted[FIRST_KEYS] = {0}, all = 0, counted = 0;
    for (size_t i = 0; i < sizeof(benched) / sizeof(benched[0]); i++) {
        enum outcome outcome = settle_released_word(benched[i].model, world_subject_of_key(benched[i].number));
        HOLD(last == NEW || outcome == OLD, "a later bench was lifted before an earlier one");
        first = i == 0 ? outcome : first;
        last = outcome;
        lifted[benched[i].number] += outcome == NEW;
        all += outcome == NEW;
    }
    for (int number = 0; number < FIRST_KEYS; number++)
        counted += settle_counts(world_subject_of_key(number), KEYSHM_AVAILABLE, lifted[number]);
    HOLD(counted + 1 >= all, "%llu of %llu are counted", (unsigned long long)counted, (unsigned long long)all);
    return first;
}

/* ---- pauses ---- */

static void act_pause(void)
{
    EXPECT_EQ(keyshm_pause(world_pool(), world.keys[AVAILABLE_KEY].id), 0);
}

static void act_resume(void)
{
    EXPECT_EQ(keyshm_resume(world_pool(), world.keys[AVAILABLE_KEY].id), 0);
}

static enum outcome settle_pause(void)
{
    return settle_paused(world_subject_of_key(AVAILABLE_KEY), true);
}

static enum outcome settle_resume(void)
{
    return settle_paused(world_subject_of_key(AVAILABLE_KEY), false);
}

/* A pick has found that it is paused, and there was a sweep since. */
static void prepare_paused(void)
{
    uint32_t slot = id_slot(world.keys[AVAILABLE_KEY].id);
    act_pause();
    struct pair pair = pair_load(world_pool(), 0, slot, memory_order_relaxed);
    ready_clear(world_pool(), 0, slot, &pair);
    prepare_just_swept();
}

static void prepare_limited_paused(void)
{
    EXPECT_EQ(keyshm_pause(world_pool(), world.keys[LIMITED_KEY].id), 0);
}

/* ---- the policy ---- */

enum { OTHER_COOLDOWN_MS = 1234, OTHER_COOLDOWN_MAX_MS = 2 * HOUR_MS };

static void act_set_policy(void)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    policy.cooldown_ms = OTHER_COOLDOWN_MS;
    policy.cooldown_max_ms = OTHER_COOLDOWN_MAX_MS;
    EXPECT_EQ(keyshm_set_policy(world_pool(), &policy), 0);
}

/* The one that was set, or the one that is. */
static bool settle_field(int64_t value, int64_t set, int64_t *model)
{
    bool is_set = value == set;
    HOLD(is_set || value == *model, "a field of the policy is half-done");
    *model = value;
    return is_set;
}

/* Each field for itself. */
static enum outcome settle_set_policy(void)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    EXPECT_EQ(keyshm_get_policy(world_pool(), &policy), 0);
    bool first = settle_field(policy.cooldown_ms, OTHER_COOLDOWN_MS, &world.policy.cooldown_ms);
    bool second = settle_field(policy.cooldown_max_ms, OTHER_COOLDOWN_MAX_MS, &world.policy.cooldown_max_ms);
    return first || second ? NEW : OLD;
}

/* ---- keys that become available ---- */

void prepare_just_swept(void)
{
    for (unsigned model = 0; model <= MODEL; model++)
        ready_sweep(world_pool(), model, world_now_ms());
}

/* A process has begun a sweep of everything, and died before it could set a bit. */
static void prepare_unswept(void)
{
    keyshm_pool *pool = world_pool();
    uint64_t taken = READY_IS_SWEPT | (world_now_ms() + READY_SWEEP_TIMEOUT_MS);
    uint32_t blocks = layout_due_blocks(CAPACITY), words = blocks + layout_due_blocks(blocks);
    for (uint32_t i = 0; i < words; i++)
        atomic_store(&pool->due[i], taken);
    atomic_store(&pool->header->model_0.next_due, taken);
}

static void act_limit_shortly(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[AVAILABLE_KEY].id, SHORT_MS), 0);
}

static enum outcome settle_limit_shortly(void)
{
    return settle_limit_of(AVAILABLE_KEY, KEYSHM_RATE_LIMITED, SHORT_MS);
}

static void act_limit_expired(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[EXPIRED_KEY].id, SHORT_MS), 0);
}

static enum outcome settle_limit_expired(void)
{
    return settle_limit_of(EXPIRED_KEY, KEYSHM_RATE_LIMITED, SHORT_MS);
}

static void act_exhaust_shortly(void)
{
    EXPECT_EQ(keyshm_mark_quota_exceeded(world_pool(), world.keys[AVAILABLE_KEY].id, SHORT_MS), 0);
}

static enum outcome settle_exhaust_shortly(void)
{
    return settle_limit_of(AVAILABLE_KEY, KEYSHM_QUOTA_EXCEEDED, SHORT_MS);
}

static void act_exhaust_expired(void)
{
    EXPECT_EQ(keyshm_mark_quota_exceeded(world_pool(), world.keys[EXPIRED_KEY].id, SHORT_MS), 0);
}

static enum outcome settle_exhaust_expired(void)
{
    return settle_limit_of(EXPIRED_KEY, KEYSHM_QUOTA_EXCEEDED, SHORT_MS);
}

static void act_invalidate_expired(void)
{
    EXPECT_EQ(keyshm_mark_invalid(world_pool(), world.keys[EXPIRED_KEY].id), 0);
}

static enum outcome settle_invalidate_expired(void)
{
    return settle_invalid(EXPIRED_KEY);
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
    return (struct result){.value = keyshm_mark_quota_exceeded(meeting->pool, meeting->target, KEYSHM_UNTIL_MARKED)};
}

static struct result step_invalidate(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_mark_invalid(meeting->pool, meeting->target)};
}

/* As the answer to a pick that was made just now. */
static struct result step_answer(const struct meeting *meeting)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.stamp = meeting->stamp;
    return (struct result){.value = keyshm_mark(meeting->pool, meeting->target, &mark)};
}

static struct result step_pause(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_pause(meeting->pool, meeting->target)};
}

static struct result step_make_available(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_mark_available(meeting->pool, meeting->target)};
}

/* Of which there is one. */
static struct result step_all_of_quota(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_mark_all_available(meeting->pool, 1u << KEYSHM_QUOTA_EXCEEDED)};
}

static struct result step_release_other(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_mark_available(meeting->pool, meeting->other)};
}

/* A step for each key, and so there is only one to reset. */
static struct result step_reset(const struct meeting *meeting)
{
    return (struct result){.value = keyshm_reset_expired_cooldowns(meeting->pool)};
}

static const struct operation operations[] = {
    {"mark_rate_limited", .act = act_mark_rate_limited, .settle = settle_mark_rate_limited, .steps = {step_limit},
     .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE | ORDERED | ORDERED_TWICE},
    {"mark_rate_limited, longer", .steps = {step_limit_longer}, .proofs = INTERLEAVED | INTERLEAVED_TWICE | CARRIED},
    {"mark_quota_exceeded", .act = act_mark_quota_exceeded, .settle = settle_mark_quota_exceeded,
     .steps = {step_exceed_quota}, .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE},
    {"mark_invalid", .act = act_mark_invalid, .settle = settle_mark_invalid, .steps = {step_invalidate},
     .proofs =
         KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE | MODEL_COOLING | COMING_BACK | COMING_BACK_TWICE | ORDERED},
    {"mark_available", .act = act_mark_available, .settle = settle_mark_available, .steps = {step_make_available},
     .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE | MODEL_COOLING | MODEL_COOLED | COMING_BACK |
               COMING_BACK_TWICE | CARRIED | ORDERED | ORDERED_TWICE},
    {"quota, then all available", .steps = {step_exceed_quota, step_all_of_quota}, .proofs = MODEL_COOLING},
    {"reset_expired", .act = act_reset_expired, .settle = settle_reset_expired, .steps = {step_reset},
     .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE | READY_IN_TIME},
    {"mark, with a reason", .act = act_mark_with_reason, .settle = settle_mark_with_reason, .proofs = KILLED | FROZEN},
    {"mark, with a stamp", .act = act_mark_with_stamp, .settle = settle_mark_with_stamp, .steps = {step_answer},
     .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE},
    {"mark, outdated", .act = act_mark_outdated, .settle = settle_mark_outdated, .proofs = KILLED | FROZEN},
    {"mark_all_available", .act = act_mark_all_available, .settle = settle_mark_all_available, .proofs = KILLED},
    {"mark_all_available, quota", .act = act_mark_all_of_quota, .proofs = FROZEN},
    {"mark_all_available, swept", .prepare = prepare_just_swept, .act = act_mark_all_available,
     .settle = settle_mark_all_available, .proofs = READY_IN_TIME},
    {"pause", .act = act_pause, .settle = settle_pause, .steps = {step_pause},
     .proofs = KILLED | FROZEN | INTERLEAVED | INTERLEAVED_TWICE | ORDERED},
    {"resume", .prepare = prepare_paused, .act = act_resume, .settle = settle_resume,
     .proofs = KILLED | FROZEN | READY_IN_TIME},
    {"limit, then next", .steps = {step_limit, meeting_next}, .proofs = SWEEP_DUE},
    {"other available, invalid", .steps = {step_release_other, step_invalidate}, .proofs = ONE_AVAILABLE},
    {"mark_available, paused", .prepare = prepare_limited_paused, .act = act_mark_available,
     .settle = settle_mark_available, .proofs = KILLED},
    {"set_policy", .act = act_set_policy, .settle = settle_set_policy, .proofs = KILLED | FROZEN},
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
