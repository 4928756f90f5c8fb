/* SPDX-License-Identifier: MIT */
#include "settle.h"

#include "slot.h"

#include "problem.h"

static uint64_t load_word(unsigned model, uint32_t subject)
{
    return atomic_load(pool_word(world_pool(), model, subject));
}

uint64_t settle_counts(uint32_t subject, enum keyshm_status status, uint64_t most)
{
    uint64_t *marked = &world_marked_of(subject)[status], before = *marked;
    *marked = world_load_marked(subject, status);
    HOLD(*marked - before <= most, "marked %llu times", (unsigned long long)*marked);
    return *marked - before;
}

bool settle_count(uint32_t subject, enum keyshm_status status)
{
    return settle_counts(subject, status, 1) != 0;
}

static enum streak_step step_of(unsigned model, uint32_t subject, const struct expected *expected)
{
    if (expected->status != KEYSHM_AVAILABLE)
        return expected->step;
    return world_has_streak(model, subject) ? STREAK_ENDS : STREAK_STAYS;
}

static void step(struct model_streak *streak, enum streak_step step)
{
    streak->rate_limits += step == STREAK_RATE_LIMIT;
    streak->invalids += step == STREAK_INVALID;
    if (step == STREAK_ENDS)
        *streak = (struct model_streak){0};
}

enum outcome settle_word(unsigned model, uint32_t subject, const struct expected *expected)
{
    uint64_t before = *world_word(model, subject), word = load_word(model, subject), deadline_ms = word_deadline_ms(word);
    uint64_t marks = expected->status == KEYSHM_AVAILABLE ? word_marks(before) : word_marks_next(before);
    if (word == before)
        return OLD;
    uint64_t after =
        word_make(expected->status, expected->reason, marks, deadline_ms) | (before & (WORD_PAUSED | WORD_STREAK_MASK));
    after = word_with_probe(streak_step(after, step_of(model, subject, expected)), expected->probe);
    HOLD(word == after, "the mark is half-done: %#llx", (unsigned long long)word);
    HOLD(deadline_ms >= expected->least_ms && deadline_ms <= expected->most_ms, "the mark's deadline is %llu",
         (unsigned long long)deadline_ms);
    step(world_streak(model, subject), step_of(model, subject, expected));
    *world_word(model, subject) = word;
    return NEW;
}

enum outcome settle_mark(unsigned model, uint32_t subject, const struct expected *expected)
{
    enum outcome outcome = settle_word(model, subject, expected);
    if (outcome == NEW)
        settle_count(subject, expected->status);
    return outcome;
}

enum outcome settle_limit(unsigned model, uint32_t subject, enum keyshm_status status, uint64_t duration_ms)
{
    const struct expected expected = {
        .status = status,
        .reason = status == KEYSHM_RATE_LIMITED ? KEYSHM_REASON_RATE_LIMIT : KEYSHM_REASON_QUOTA,
        .least_ms = world_began_ms + 1 + duration_ms,
        .most_ms = world_now_ms() + 1 + duration_ms,
    };
    return settle_mark(model, subject, &expected);
}

enum outcome settle_released_word(unsigned model, uint32_t subject)
{
    return settle_word(model, subject, &(struct expected){.status = KEYSHM_AVAILABLE});
}

enum outcome settle_release(unsigned model, uint32_t subject)
{
    return settle_mark(model, subject, &(struct expected){.status = KEYSHM_AVAILABLE});
}

enum outcome settle_paused(uint32_t subject, bool is_paused)
{
    uint64_t before = *world_word(ANY_MODEL, subject), word = load_word(ANY_MODEL, subject);
    uint64_t after = is_paused ? before | WORD_PAUSED : before & ~WORD_PAUSED;
    HOLD(word == before || word == after, "the pause is half-done: %#llx", (unsigned long long)word);
    *world_word(ANY_MODEL, subject) = word;
    return word == before ? OLD : NEW;
}

enum outcome settle_added(int number, int group)
{
    keyshm_id id;
    int r = keyshm_find(world_pool(), world.keys[number].text, &id);
    HOLD(r == 0 || r == -ENOENT, "find: %s", keyshm_strerror(r));
    if (r == 0)
        world_note_added(number, id, group);
    return r == 0 ? NEW : OLD;
}

enum outcome settle_removed(int number)
{
    keyshm_id id;
    int r = keyshm_find(world_pool(), world.keys[number].text, &id);
    HOLD(r == 0 || r == -ENOENT, "find: %s", keyshm_strerror(r));
    if (r < 0)
        world_note_removed(number);
    return r < 0 ? NEW : OLD;
}

enum outcome settle_as_before(void)
{
    return OLD;
}
