/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "state_word.h"

#define NOW_MS UINT64_C(1000000)
#define MARKS UINT64_C(0x2bcd)

/* Every state that a mark can find or leave, and of each status several reasons. */
static const struct state {
    enum keyshm_status status;
    enum keyshm_reason reason;
    uint64_t deadline_ms;
    bool is_paused;
    enum word_probe probe;
} states[] = {
    {KEYSHM_AVAILABLE, KEYSHM_REASON_NONE, WORD_NO_DEADLINE, false, WORD_PROBE_NONE},
    {KEYSHM_AVAILABLE, KEYSHM_REASON_NONE, WORD_NO_DEADLINE, true, WORD_PROBE_NONE},
    {KEYSHM_RATE_LIMITED, KEYSHM_REASON_OPERATOR, NOW_MS - 5, false, WORD_PROBE_NONE},
    {KEYSHM_RATE_LIMITED, KEYSHM_REASON_NONE, NOW_MS + 5, false, WORD_PROBE_NONE},
    {KEYSHM_RATE_LIMITED, KEYSHM_REASON_RATE_LIMIT, NOW_MS + 5, true, WORD_PROBE_NONE},
    {KEYSHM_RATE_LIMITED, KEYSHM_REASON_OPERATOR, NOW_MS + 50, false, WORD_PROBE_NONE},
    {KEYSHM_RATE_LIMITED, KEYSHM_REASON_TIMEOUT, WORD_FOREVER, false, WORD_PROBE_NONE},
    {KEYSHM_QUOTA_EXCEEDED, KEYSHM_REASON_QUOTA, NOW_MS - 1, false, WORD_PROBE_NONE},
    {KEYSHM_QUOTA_EXCEEDED, KEYSHM_REASON_QUOTA, NOW_MS + 20, false, WORD_PROBE_NONE},
    {KEYSHM_QUOTA_EXCEEDED, KEYSHM_REASON_BILLING, NOW_MS + 5, false, WORD_PROBE_NONE},
    {KEYSHM_QUOTA_EXCEEDED, KEYSHM_REASON_PEER, WORD_FOREVER, false, WORD_PROBE_NONE},
    {KEYSHM_INVALID, KEYSHM_REASON_NONE, WORD_FOREVER, false, WORD_PROBE_NONE},
    {KEYSHM_INVALID, KEYSHM_REASON_AUTHENTICATION, WORD_FOREVER, true, WORD_PROBE_NONE},
    {KEYSHM_RATE_LIMITED, KEYSHM_REASON_SERVER_ERROR, NOW_MS + 30, false, WORD_PROBE_WANTED},
    {KEYSHM_QUOTA_EXCEEDED, KEYSHM_REASON_QUOTA, NOW_MS - 1, true, WORD_PROBE_WANTED},
    {KEYSHM_INVALID, KEYSHM_REASON_PERMISSION, NOW_MS + 60, false, WORD_PROBE_WANTED},
    {KEYSHM_INVALID, KEYSHM_REASON_PERMISSION, NOW_MS + 70, false, WORD_PROBE_TAKEN},
    {KEYSHM_RATE_LIMITED, KEYSHM_REASON_NONE, NOW_MS - 1, true, WORD_PROBE_TAKEN},
};
#define STATE_COUNT (sizeof(states) / sizeof(states[0]))

static uint64_t word_of(const struct state *state)
{
    uint64_t word = word_make(state->status, state->reason, MARKS, state->deadline_ms);
    return word_with_probe(word, state->probe) | (state->is_paused ? WORD_PAUSED : 0);
}

static uint64_t word(enum keyshm_status status, uint64_t deadline_ms)
{
    return word_make(status, KEYSHM_REASON_NONE, MARKS, deadline_ms);
}

Test(state_word, packs_and_unpacks)
{
    for (int i = 0; i < KEYSHM_STATUS_COUNT * KEYSHM_REASON_COUNT; i++) {
        enum keyshm_status status = (enum keyshm_status)(i % KEYSHM_STATUS_COUNT);
        enum keyshm_reason reason = (enum keyshm_reason)(i / KEYSHM_STATUS_COUNT);
        uint64_t packed = word_make(status, reason, WORD_MARKS_MASK, WORD_FOREVER) | WORD_PAUSED;
        cr_assert(word_is_live(packed));
        cr_assert(word_is_paused(packed));
        cr_assert_eq(word_status(packed), status);
        cr_assert_eq(word_reason(packed), reason);
        cr_assert_eq(word_marks(packed), WORD_MARKS_MASK);
        cr_assert_eq(word_deadline_ms(packed), WORD_FOREVER);
        packed = word_make(status, reason, 0, 1);
        cr_assert_not(word_is_paused(packed));
        cr_assert_eq(word_probe(packed), WORD_PROBE_NONE);
        cr_assert_eq(word_probe(word_with_probe(packed, WORD_PROBE_TAKEN)), WORD_PROBE_TAKEN);
        cr_assert_eq(word_with_probe(word_with_probe(packed, WORD_PROBE_TAKEN), WORD_PROBE_NONE), packed);
        cr_assert_eq(word_status(packed), status);
        cr_assert_eq(word_reason(packed), reason);
        cr_assert_eq(word_marks(packed), 0);
        cr_assert_eq(word_deadline_ms(packed), 1);
    }
}

Test(state_word, zeroed_memory_is_a_free_slot)
{
    cr_assert_not(word_is_live(0));
    cr_assert_not(word_is_available(0, NOW_MS));
    cr_assert_not(word_is_cooling(0));
    cr_assert_not(word_is_live(word_make_free(MARKS)));
    cr_assert_eq(word_marks(word_make_free(MARKS)), MARKS);
}

Test(state_word, a_content_that_no_version_writes_is_no_key)
{
    for (uint64_t content = KEYSHM_STATUS_COUNT + 1; content < 8; content++) {
        cr_assert_not(word_is_live(content << WORD_CONTENT_SHIFT));
        cr_assert_not(word_is_available(content << WORD_CONTENT_SHIFT, NOW_MS));
    }
}

Test(state_word, is_available_without_a_cooldown_or_after_it)
{
    cr_assert(word_is_available(word(KEYSHM_AVAILABLE, WORD_NO_DEADLINE), NOW_MS));
    for (int i = KEYSHM_RATE_LIMITED; i <= KEYSHM_QUOTA_EXCEEDED; i++) {
        enum keyshm_status status = (enum keyshm_status)i;
        cr_assert_not(word_is_available(word(status, NOW_MS + 1), NOW_MS), "a running cooldown");
        cr_assert(word_is_available(word(status, NOW_MS), NOW_MS), "a cooldown that ends now");
        cr_assert(word_is_available(word(status, NOW_MS - 1), NOW_MS), "a cooldown that has ended");
        cr_assert_not(word_is_available(word(status, WORD_FOREVER), NOW_MS), "no end");
        cr_assert_not(word_is_available(word(status, WORD_FOREVER), WORD_FOREVER), "no end, ever");
    }
    cr_assert_not(word_is_available(word(KEYSHM_INVALID, WORD_FOREVER), NOW_MS));
}

Test(state_word, is_never_available_while_it_is_paused)
{
    for (size_t i = 0; i < STATE_COUNT; i++) {
        uint64_t paused = word_of(&states[i]) | WORD_PAUSED;
        cr_assert_not(word_is_available(paused, NOW_MS));
        cr_assert_eq(word_available_at_ms(paused), WORD_FOREVER, "no sweep need wait for it");
        cr_assert_eq(word_status_at(paused, NOW_MS), word_status_at(word_of(&states[i]), NOW_MS), "it stays known");
    }
}

Test(state_word, is_open_when_it_is_available_and_wants_no_probe)
{
    cr_assert(word_is_open(word(KEYSHM_AVAILABLE, WORD_NO_DEADLINE), NOW_MS));
    cr_assert(word_is_open(word(KEYSHM_RATE_LIMITED, NOW_MS), NOW_MS));
    cr_assert_not(word_is_open(word(KEYSHM_RATE_LIMITED, NOW_MS + 1), NOW_MS));
    cr_assert_not(word_is_open(word(KEYSHM_RATE_LIMITED, NOW_MS) | WORD_PAUSED, NOW_MS));
    cr_assert_not(word_is_open(word_with_probe(word(KEYSHM_RATE_LIMITED, NOW_MS), WORD_PROBE_WANTED), NOW_MS));
    cr_assert_not(word_is_open(word_make_free(MARKS), NOW_MS), "no key");
}

Test(state_word, an_expired_status_reads_as_available)
{
    cr_assert_eq(word_status_at(word(KEYSHM_RATE_LIMITED, NOW_MS + 1), NOW_MS), KEYSHM_RATE_LIMITED);
    cr_assert_eq(word_status_at(word(KEYSHM_RATE_LIMITED, NOW_MS), NOW_MS), KEYSHM_AVAILABLE);
    cr_assert_eq(word_status_at(word(KEYSHM_INVALID, WORD_FOREVER), NOW_MS), KEYSHM_INVALID);
    uint64_t cooling = word_make(KEYSHM_RATE_LIMITED, KEYSHM_REASON_OVERLOADED, MARKS, NOW_MS + 1);
    cr_assert_eq(word_reason_at(cooling, NOW_MS), KEYSHM_REASON_OVERLOADED);
    cr_assert_eq(word_reason_at(cooling, NOW_MS + 1), KEYSHM_REASON_NONE);
}

Test(state_word, ids_hold_slot_and_generation)
{
    const uint64_t generation = (UINT64_C(1) << 40) - 1;
    keyshm_id id = id_make(generation, KEYSHM_CAPACITY_MAX - 1);
    cr_assert_eq(id_slot(id), KEYSHM_CAPACITY_MAX - 1);
    cr_assert_eq(id_generation(id), generation);
}

Test(state_word, the_count_of_marks_goes_round_and_is_never_zero)
{
    cr_assert_eq(word_marks_next(word_make_free(0)), 1);
    cr_assert_eq(word_marks_next(word_make_free(1)), 2);
    cr_assert_eq(word_marks_next(word_make_free(WORD_MARKS_MASK - 1)), WORD_MARKS_MASK);
    cr_assert_eq(word_marks_next(word_make_free(WORD_MARKS_MASK)), 1);
}

/* ---- marks ---- */

/* The marks that are merged: any status but AVAILABLE, with a deadline that has not passed. A probe is taken by no mark. */
static bool can_be_marked(size_t i)
{
    return states[i].status != KEYSHM_AVAILABLE && states[i].deadline_ms > NOW_MS && states[i].probe != WORD_PROBE_TAKEN;
}

static uint64_t join(uint64_t from, size_t marked)
{
    const struct word_bench bench = {states[marked].status, states[marked].reason, states[marked].deadline_ms,
                                     states[marked].probe == WORD_PROBE_WANTED, false};
    return word_join(from, bench, NOW_MS);
}

/* Status and reason as one number: the order in which marks say more. */
static unsigned weight(enum keyshm_status status, enum keyshm_reason reason)
{
    return (unsigned)status * KEYSHM_REASON_COUNT + (unsigned)reason;
}

Test(state_word, a_mark_never_weakens_the_state)
{
    for (size_t i = 0; i < STATE_COUNT; i++) {
        uint64_t before = word_of(&states[i]);
        bool counts = word_is_benched_by_mark(before, NOW_MS); /* the time of a probe does not */
        unsigned weight_before = counts ? weight(word_status(before), word_reason(before)) : 0;
        for (size_t marked = 0; marked < STATE_COUNT; marked++) {
            if (!can_be_marked(marked))
                continue;
            unsigned marked_weight = weight(states[marked].status, states[marked].reason);
            uint64_t after = join(before, marked);
            cr_assert_eq(weight(word_status(after), word_reason(after)),
                         weight_before > marked_weight ? weight_before : marked_weight);
            cr_assert_geq(word_deadline_ms(after), states[marked].deadline_ms);
            if (counts)
                cr_assert_geq(word_deadline_ms(after), word_deadline_ms(before));
            cr_assert_eq(word_is_paused(after), states[i].is_paused);
            cr_assert_eq(word_probe(after) == WORD_PROBE_WANTED,
                         states[marked].probe == WORD_PROBE_WANTED || (counts && states[i].probe == WORD_PROBE_WANTED));
            cr_assert_neq(word_probe(after), WORD_PROBE_TAKEN);
            cr_assert_eq(word_marks(after), MARKS + 1, "each mark is counted");
            cr_assert(word_is_same_state(join(after, marked), after), "the same mark twice");
        }
    }
}

Test(state_word, the_order_of_marks_does_not_matter)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < STATE_COUNT * STATE_COUNT * STATE_COUNT * STATE_COUNT; i++) {
        size_t marks[] = {i % STATE_COUNT, i / STATE_COUNT % STATE_COUNT, i / STATE_COUNT / STATE_COUNT % STATE_COUNT};
        uint64_t from = word_of(&states[i / STATE_COUNT / STATE_COUNT / STATE_COUNT]), expected = 0;
        if (!can_be_marked(marks[0]) || !can_be_marked(marks[1]) || !can_be_marked(marks[2]))
            continue;
        for (int order = 0; order < 6; order++) {
            const int *at = orders[order];
            uint64_t after = join(join(join(from, marks[at[0]]), marks[at[1]]), marks[at[2]]);
            expected = order == 0 ? after : expected;
            cr_assert_eq(after, expected, "%zu, order %d", i, order);
        }
    }
}

Test(state_word, what_has_expired_takes_no_part)
{
    uint64_t expired = word_make(KEYSHM_QUOTA_EXCEEDED, KEYSHM_REASON_OPERATOR, MARKS, NOW_MS - 1);
    const struct word_bench bench = {KEYSHM_RATE_LIMITED, KEYSHM_REASON_TIMEOUT, NOW_MS + 7, false, false};
    uint64_t after = word_join(expired, bench, NOW_MS);
    cr_assert_eq(after, word_make(KEYSHM_RATE_LIMITED, KEYSHM_REASON_TIMEOUT, MARKS + 1, NOW_MS + 7));
}

Test(state_word, an_answer_of_before_leaves_a_probe_under_way)
{
    uint64_t taken = word_make(KEYSHM_INVALID, KEYSHM_REASON_PERMISSION, MARKS, NOW_MS + 50);
    taken = word_with_probe(taken, WORD_PROBE_TAKEN);
    struct word_bench bench = {KEYSHM_RATE_LIMITED, KEYSHM_REASON_RATE_LIMIT, NOW_MS + 7, false, true};
    uint64_t after = word_join(taken, bench, NOW_MS);
    cr_assert(word_is_same_state(after, taken));
    cr_assert_eq(word_marks(after), MARKS + 1);
    bench.deadline_ms = NOW_MS + 51; /* then there is another one after that */
    after = word_join(taken, bench, NOW_MS);
    cr_assert_eq(word_probe(after), WORD_PROBE_WANTED);
    cr_assert_eq(word_status(after), KEYSHM_INVALID);
    cr_assert_eq(word_deadline_ms(after), NOW_MS + 51);
}

Test(state_word, a_release_leaves_the_pause_and_the_count_of_marks)
{
    for (size_t i = 0; i < STATE_COUNT; i++) {
        uint64_t after = word_release(word_of(&states[i]));
        cr_assert_eq(after, word_make_available(MARKS) | (states[i].is_paused ? WORD_PAUSED : 0));
    }
}

Test(state_word, a_deadline_never_becomes_forever_by_itself)
{
    cr_assert_eq(word_deadline_after(NOW_MS, 5), NOW_MS + 5);
    cr_assert_eq(word_deadline_after(WORD_FOREVER - 10, KEYSHM_DURATION_MAX_MS), WORD_FOREVER - 1);
    cr_assert_lt(NOW_MS + KEYSHM_DURATION_MAX_MS, WORD_FOREVER, "the longest duration fits, for years of a pool's life");
}
