/* SPDX-License-Identifier: MIT */
#include "operations.h"

#include "policy.h"
#include "probe.h"
#include "ready_bits.h"
#include "rotation.h"
#include "slot.h"
#include "tagged.h"

#include "expect.h"
#include "problem.h"
#include "settle.h"

/* How a key comes back: failures in a row, probes, and what ends them. */

enum { LONG_AGO_MS = 1 };

/* ---- failures in a row ---- */

static void act_fail(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[AVAILABLE_KEY].id, KEYSHM_NO_RETRY_AFTER), 0);
}

static enum outcome settle_fail(void)
{
    const struct expected expected = {
        .status = KEYSHM_RATE_LIMITED,
        .reason = KEYSHM_REASON_RATE_LIMIT,
        .least_ms = world_began_ms + 1 + COOLDOWN_MS,
        .most_ms = world_now_ms() + 1 + COOLDOWN_MS,
        .step = STREAK_RATE_LIMIT,
    };
    return settle_mark(ANY_MODEL, world_subject_of_key(AVAILABLE_KEY), &expected);
}

static void set_deadline(unsigned model, uint32_t subject, enum word_probe probe, uint64_t deadline_ms)
{
    _Atomic uint64_t *word = pool_word(world_pool(), model, subject);
    atomic_store(word, word_with_deadline(word_with_probe(atomic_load(word), probe), deadline_ms));
}

/* The key has failed before, and its cooldown is over. */
static void prepare_failed(void)
{
    act_fail();
    set_deadline(ANY_MODEL, world_subject_of_key(AVAILABLE_KEY), WORD_PROBE_NONE, LONG_AGO_MS);
}

/* So long ago that it is forgotten. */
static void prepare_forgotten(void)
{
    prepare_failed();
    struct layout_history *history = pool_history(world_pool(), ANY_MODEL, world_subject_of_key(AVAILABLE_KEY));
    atomic_store(&history->failed_ms, 0);
    streak_hear_failure(history, LONG_AGO_MS, 0);
    /* The pool is younger than the default. */
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    policy.streak_forget_ms = 1;
    EXPECT_EQ(keyshm_set_policy(world_pool(), &policy), 0);
}

/* The streak ends, by one change of the word, and nothing else changes. */
static enum outcome settle_end(unsigned model, uint32_t subject)
{
    uint64_t *known = world_word(model, subject), word = atomic_load(pool_word(world_pool(), model, subject));
    if (word == *known)
        return OLD;
    HOLD(word == streak_step(*known, STREAK_ENDS), "the end of a streak is half-done: %#llx", (unsigned long long)word);
    *known = word;
    *world_streak(model, subject) = (struct model_streak){0};
    return NEW;
}

/* It ends first, and then this failure is the first again. */
static enum outcome settle_fail_after_end(void)
{
    uint32_t subject = world_subject_of_key(AVAILABLE_KEY);
    uint64_t word = atomic_load(pool_word(world_pool(), ANY_MODEL, subject));
    uint64_t *known = world_word(ANY_MODEL, subject);
    if (word == *known)
        return OLD;
    *world_streak(ANY_MODEL, subject) = (struct model_streak){0};
    *known = streak_step(*known, STREAK_ENDS);
    return word == *known ? OLD : settle_fail();
}

/* ---- failures in a row that are carried over ---- */

static const struct model_streak carried = {.rate_limits = 3, .invalids = 2};

static int raise_streak(keyshm_pool *pool, keyshm_id id, unsigned model)
{
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    streak.rate_limits = carried.rate_limits;
    streak.invalids = carried.invalids;
    streak.failed_ago_ms = 0;
    return keyshm_raise_streak(pool, id, model, &streak);
}

static void act_raise(void)
{
    EXPECT_EQ(raise_streak(world_pool(), world.keys[AVAILABLE_KEY].id, ANY_MODEL), 0);
}

static void act_raise_for_model(void)
{
    EXPECT_EQ(raise_streak(world_pool(), world.keys[EXPIRED_KEY].id, MODEL), 0);
}

/* The word is as before, or what was forgotten has ended; and only then both counts change, as one. */
static enum outcome settle_raised(unsigned model, uint32_t subject)
{
    uint64_t *known = world_word(model, subject), word = atomic_load(pool_word(world_pool(), model, subject));
    struct model_streak *streak = world_streak(model, subject);
    struct streak read;
    if (word != *known) {
        HOLD(word == streak_step(*known, STREAK_ENDS), "the word is half-changed: %#llx", (unsigned long long)word);
        *streak = (struct model_streak){0};
        *known = word;
    }
    HOLD(streak_settle(pool_word(world_pool(), model, subject), pool_history(world_pool(), model, subject), word, &read),
         "the word changes");
    if (read.rate_limits == streak->rate_limits && read.invalids == streak->invalids)
        return OLD;
    HOLD(read.rate_limits == carried.rate_limits && read.invalids == carried.invalids, "carried over: %u and %u",
         read.rate_limits, read.invalids);
    *streak = carried;
    return NEW;
}

static enum outcome settle_raise(void)
{
    return settle_raised(ANY_MODEL, world_subject_of_key(AVAILABLE_KEY));
}

static enum outcome settle_raise_for_model(void)
{
    return settle_raised(MODEL, world_subject_of_key(EXPIRED_KEY));
}

/* ---- success ---- */

/* Of a pick of the key, whatever the model, that was made when its word had the marks that it has. */
static void succeed(int number)
{
    struct keyshm_pick pick = {.id = world.keys[number].id};
    int group = world.keys[number].group;
    pick.stamp = word_marks(*world_word_of(number));
    if (group != NO_GROUP)
        pick.stamp |= STAMP_HAS_GROUP | stamp_of_group(word_marks(*world_word(ANY_MODEL, world_subject_of_group(group))),
                                                       group_pack(world.groups[group].id))
                                            << STAMP_GROUP_SHIFT;
    EXPECT_EQ(keyshm_success(world_pool(), &pick), 0);
}

static void act_success_of_streak(void)
{
    succeed(AVAILABLE_KEY);
}

static enum outcome settle_success_of_streak(void)
{
    return settle_end(ANY_MODEL, world_subject_of_key(AVAILABLE_KEY));
}

static void act_success_of_probe(void)
{
    succeed(EXPIRED_KEY);
}

static enum outcome settle_success_of_probe(void)
{
    return settle_released_word(ANY_MODEL, world_subject_of_key(EXPIRED_KEY));
}

/* ---- probes ---- */

/* The next turn is that of the key, whose bench has ended with a probe. */
static void prepare_half_open(void)
{
    struct claim claim = {.number = 1, .begin = EXPIRED_KEY - 1, .end = EXPIRED_KEY};
    set_deadline(ANY_MODEL, world_subject_of_key(EXPIRED_KEY), WORD_PROBE_WANTED, LONG_AGO_MS);
    atomic_store(&world_pool()->header->model_0.cursor, claim_pack(&claim));
}

static void prepare_both_half_open(void)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    EXPECT_EQ(keyshm_mark(world_pool(), world.groups[GROUP].id, &mark), 0);
    set_deadline(ANY_MODEL, world_subject_of_group(GROUP), WORD_PROBE_WANTED, LONG_AGO_MS);
    prepare_half_open();
}

/* It is under way, by a process of which nothing is known. */
static void prepare_probing(void)
{
    set_deadline(ANY_MODEL, world_subject_of_key(EXPIRED_KEY), WORD_PROBE_TAKEN, world_now_ms() + HOUR_MS);
}

/* And a pick has found it benched until then, and there was a sweep since. */
static void prepare_probing_swept(void)
{
    uint32_t slot = world_subject_of_key(EXPIRED_KEY);
    prepare_probing();
    struct pair pair = pair_load(world_pool(), ANY_MODEL, slot, memory_order_relaxed);
    ready_clear(world_pool(), ANY_MODEL, slot, &pair);
    prepare_just_swept();
}

static void act_next(void)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_next(world_pool(), &pick), 0);
    EXPECT_EQ(pick.id, world.keys[EXPIRED_KEY].id);
}

static void act_fail_probe(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[EXPIRED_KEY].id, COOLDOWN_MS), 0);
}

static enum outcome settle_fail_probe(void)
{
    return settle_limit(ANY_MODEL, world_subject_of_key(EXPIRED_KEY), KEYSHM_RATE_LIMITED, COOLDOWN_MS);
}

static void act_fail_probe_shortly(void)
{
    EXPECT_EQ(keyshm_mark_rate_limited(world_pool(), world.keys[EXPIRED_KEY].id, SHORT_MS), 0);
}

static enum outcome settle_fail_probe_shortly(void)
{
    return settle_limit(ANY_MODEL, world_subject_of_key(EXPIRED_KEY), KEYSHM_RATE_LIMITED, SHORT_MS);
}

/* Taken by the victim, for the time that the policy says. */
static bool settle_taken(uint32_t subject)
{
    uint64_t *known = world_word(ANY_MODEL, subject), word = atomic_load(pool_word(world_pool(), ANY_MODEL, subject));
    uint64_t deadline_ms = word_deadline_ms(word), probe_ms = policy_probe_ms(world_pool());
    if (word == *known)
        return false;
    HOLD(word == word_with_deadline(word_with_probe(*known, WORD_PROBE_TAKEN), deadline_ms),
         "the probe is half-taken: %#llx", (unsigned long long)word);
    HOLD(deadline_ms > world_began_ms + probe_ms && deadline_ms <= world_now_ms() + 1 + probe_ms,
         "the probe lasts until %llu", (unsigned long long)deadline_ms);
    *known = word;
    return true;
}

/* The victim is dead: whoever sweeps gives its probe to the next pick, if it has said that it has it, and at its deadline
 * in any case. Until then nobody else gets the key. */
static void settle_death(uint32_t subject)
{
    uint64_t *known = world_word(ANY_MODEL, subject);
    bool is_named = atomic_load(&pool_history(world_pool(), ANY_MODEL, subject)->prober) != 0;
    HOLD(!word_is_available(*known, world_now_ms()), "the probe is open to others");
    atomic_store(&world_pool()->local->next_probes_ms, 0);
    world_make_all_due();
    ready_sweep(world_pool(), ANY_MODEL, world_now_ms());
    uint64_t word = atomic_load(pool_word(world_pool(), ANY_MODEL, subject));
    HOLD(!is_named || (word_probe(word) == WORD_PROBE_WANTED && word_is_available(word, world_now_ms())),
         "the probe of a dead process is not given to another");
    HOLD(is_named || word == *known, "the probe of an unknown process is taken away");
    *known = word;
}

static enum outcome settle_probe(void)
{
    struct claim claim = {.number = 2, .begin = EXPIRED_KEY, .end = EXPIRED_KEY + 1};
    uint32_t key = world_subject_of_key(EXPIRED_KEY), group = world_subject_of_group(GROUP);
    struct model_key *picked = &world.keys[EXPIRED_KEY];
    uint64_t cursor = atomic_load(&world_pool()->header->model_0.cursor), before = picked->picks;
    bool has_turn = cursor == claim_pack(&claim), group_wanted = word_is_for_probe(*world_word(ANY_MODEL, group));
    bool group_is_taken = settle_taken(group), key_is_taken = settle_taken(key);
    HOLD(has_turn || cursor == world.cursors[ANY_MODEL], "the cursor is %#llx", (unsigned long long)cursor);
    HOLD(has_turn || !(group_is_taken || key_is_taken), "a probe is taken without a turn");
    HOLD(!key_is_taken || group_is_taken == group_wanted, "the probe of the key is taken before that of its group");
    if (group_is_taken)
        settle_death(group);
    if (key_is_taken)
        settle_death(key);
    picked->picks = tagged_value(atomic_load(&world_slot_of(EXPIRED_KEY)->picks), picked->id);
    HOLD(picked->picks == before || (key_is_taken && picked->picks == before + 1), "it is counted");
    return has_turn ? NEW : OLD;
}

/* ---- interleaved ---- */

static struct keyshm_pick last_pick;

static struct result step_pick(const struct meeting *meeting)
{
    last_pick = (struct keyshm_pick){.id = 0};
    struct result result = {.value = keyshm_next(meeting->pool, &last_pick)};
    result.id = last_pick.id;
    result.content = digest_add_text(last_pick.key_length, last_pick.key);
    return result;
}

/* Of that pick. */
static struct result step_succeed(const struct meeting *meeting)
{
    return (struct result){.value = last_pick.id != 0 ? keyshm_success(meeting->pool, &last_pick) : 0};
}

static struct result step_fail(const struct meeting *meeting)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.reason = KEYSHM_REASON_RATE_LIMIT;
    mark.stamp = last_pick.stamp;
    return (struct result){.value = last_pick.id != 0 ? keyshm_mark(meeting->pool, last_pick.id, &mark) : 0};
}

static struct result step_raise(const struct meeting *meeting)
{
    return (struct result){.value = raise_streak(meeting->pool, meeting->target, ANY_MODEL)};
}

static struct result step_get_streak(const struct meeting *meeting)
{
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    struct result result = {.value = keyshm_get_streak(meeting->pool, meeting->target, ANY_MODEL, &streak)};
    result.content = streak.rate_limits << 8 | streak.invalids;
    return result;
}

/* As the answers to a pick of the target that was made just before. */
static struct result step_success(const struct meeting *meeting)
{
    const struct keyshm_pick pick = {.id = meeting->target, .stamp = meeting->stamp};
    return (struct result){.value = keyshm_success(meeting->pool, &pick)};
}

static struct result step_another_failure(const struct meeting *meeting)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.reason = KEYSHM_REASON_RATE_LIMIT;
    mark.stamp = meeting->stamp;
    return (struct result){.value = keyshm_mark(meeting->pool, meeting->target, &mark)};
}

static const struct operation operations[] = {
    {"mark, in a row", .prepare = prepare_failed, .act = act_fail, .settle = settle_fail, .steps = {step_another_failure},
     .proofs = KILLED | FROZEN | COMING_BACK | COMING_BACK_TWICE},
    {"mark, after a streak", .prepare = prepare_forgotten, .act = act_fail, .settle = settle_fail_after_end,
     .proofs = KILLED | FROZEN},
    {"mark, of a probe", .prepare = prepare_probing, .act = act_fail_probe, .settle = settle_fail_probe,
     .proofs = KILLED | FROZEN},
    {"success, of a streak", .prepare = prepare_failed, .act = act_success_of_streak, .settle = settle_success_of_streak,
     .steps = {step_success}, .proofs = KILLED | FROZEN | COMING_BACK | COMING_BACK_TWICE | CARRIED},
    {"success, of a probe", .prepare = prepare_probing, .act = act_success_of_probe, .settle = settle_success_of_probe,
     .proofs = KILLED | FROZEN},
    {"raise_streak", .prepare = prepare_failed, .act = act_raise, .settle = settle_raise, .steps = {step_raise},
     .proofs = KILLED | FROZEN | CARRIED},
    {"raise_streak, after a streak", .prepare = prepare_forgotten, .act = act_raise, .settle = settle_raise,
     .proofs = KILLED | FROZEN},
    {"raise_streak, for a model", .act = act_raise_for_model, .settle = settle_raise_for_model,
     .proofs = KILLED | FROZEN},
    {"get_streak", .steps = {step_get_streak}, .proofs = CARRIED},
    {"mark, of a probe, short", .prepare = prepare_probing_swept, .act = act_fail_probe_shortly,
     .settle = settle_fail_probe_shortly, .proofs = READY_IN_TIME},
    {"success, swept", .prepare = prepare_probing_swept, .act = act_success_of_probe, .settle = settle_success_of_probe,
     .proofs = READY_IN_TIME},
    {"next, a probe", .prepare = prepare_half_open, .act = act_next, .settle = settle_probe, .proofs = KILLED},
    {"next, a probe of two", .prepare = prepare_both_half_open, .act = act_next, .settle = settle_probe,
     .proofs = KILLED},
    {"next, then success", .steps = {step_pick, step_succeed}, .proofs = COMING_BACK},
    {"next, then failure", .steps = {step_pick, step_fail}, .proofs = COMING_BACK},
};
const struct operation_list probe_operations = OPERATION_LIST(operations);
