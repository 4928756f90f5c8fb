/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>

#include "state_word.h"

#define NOW_MS UINT64_C(1000000)
#define GENERATION UINT64_C(0x1abcd)

static uint64_t word(enum keyshm_status status, uint64_t deadline_ms)
{
    return word_make(status, GENERATION, deadline_ms);
}

Test(state_word, packs_and_unpacks)
{
    for (int i = 0; i < KEYSHM_STATUS_COUNT; i++) {
        enum keyshm_status status = (enum keyshm_status)i;
        uint64_t packed = word_make(status, WORD_GENERATION_MASK, WORD_FOREVER);
        cr_assert(word_is_live(packed));
        cr_assert_eq(word_status(packed), status);
        cr_assert_eq(word_generation(packed), WORD_GENERATION_MASK);
        cr_assert_eq(word_deadline_ms(packed), WORD_FOREVER);
        packed = word_make(status, 0, 1);
        cr_assert_eq(word_status(packed), status);
        cr_assert_eq(word_generation(packed), 0);
        cr_assert_eq(word_deadline_ms(packed), 1);
    }
}

Test(state_word, zeroed_memory_is_a_free_slot)
{
    cr_assert_not(word_is_live(0));
    cr_assert_not(word_is_available(0, NOW_MS));
    cr_assert_not(word_is_cooling(0));
    cr_assert_not(word_is_live(word_make_free(GENERATION)));
    cr_assert_eq(word_generation(word_make_free(GENERATION)), GENERATION);
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

Test(state_word, an_expired_status_reads_as_available)
{
    cr_assert_eq(word_status_at(word(KEYSHM_RATE_LIMITED, NOW_MS + 1), NOW_MS), KEYSHM_RATE_LIMITED);
    cr_assert_eq(word_status_at(word(KEYSHM_RATE_LIMITED, NOW_MS), NOW_MS), KEYSHM_AVAILABLE);
    cr_assert_eq(word_status_at(word(KEYSHM_INVALID, WORD_FOREVER), NOW_MS), KEYSHM_INVALID);
}

Test(state_word, ids_hold_slot_and_generation)
{
    keyshm_id id = id_make(GENERATION, KEYSHM_CAPACITY_MAX - 1);
    cr_assert_eq(id_slot(id), KEYSHM_CAPACITY_MAX - 1);
    cr_assert_eq(id_generation(id), GENERATION);
    cr_assert(word_is_of(word(KEYSHM_AVAILABLE, 0), id));
    cr_assert_not(word_is_of(word(KEYSHM_AVAILABLE, 0), id_make(GENERATION + 1, 0)));
    cr_assert_not(word_is_of(word_make_free(GENERATION), id), "a free slot belongs to no id");
}

/* Every state that a mark can find or leave. */
static const struct {
    enum keyshm_status status;
    uint64_t deadline_ms;
} states[] = {
    {KEYSHM_AVAILABLE, WORD_NO_DEADLINE}, {KEYSHM_RATE_LIMITED, NOW_MS - 5},     {KEYSHM_RATE_LIMITED, NOW_MS + 5},
    {KEYSHM_RATE_LIMITED, NOW_MS + 50},   {KEYSHM_RATE_LIMITED, WORD_FOREVER},   {KEYSHM_QUOTA_EXCEEDED, NOW_MS - 1},
    {KEYSHM_QUOTA_EXCEEDED, NOW_MS + 20}, {KEYSHM_QUOTA_EXCEEDED, WORD_FOREVER}, {KEYSHM_INVALID, WORD_FOREVER},
};
#define STATE_COUNT (sizeof(states) / sizeof(states[0]))

/* The marks that are merged: any status but AVAILABLE, with a deadline that has not passed. */
static bool can_be_marked(size_t i)
{
    return states[i].status != KEYSHM_AVAILABLE && states[i].deadline_ms > NOW_MS;
}

static uint64_t join(uint64_t from, size_t marked)
{
    return word_join(from, states[marked].status, states[marked].deadline_ms, NOW_MS);
}

Test(state_word, a_mark_never_weakens_the_state)
{
    for (size_t i = 0; i < STATE_COUNT; i++) {
        uint64_t before = word(states[i].status, states[i].deadline_ms);
        for (size_t marked = 0; marked < STATE_COUNT; marked++) {
            if (!can_be_marked(marked))
                continue;
            uint64_t after = join(before, marked);
            cr_assert_geq(word_status(after), word_status_at(before, NOW_MS));
            cr_assert_geq(word_status(after), states[marked].status);
            cr_assert_geq(word_deadline_ms(after), states[marked].deadline_ms);
            if (!word_is_available(before, NOW_MS))
                cr_assert_geq(word_deadline_ms(after), word_deadline_ms(before));
            cr_assert_eq(word_generation(after), GENERATION);
            cr_assert_eq(join(after, marked), after, "the same mark twice");
        }
    }
}

Test(state_word, the_order_of_marks_does_not_matter)
{
    for (size_t i = 0; i < STATE_COUNT; i++)
        for (size_t a = 0; a < STATE_COUNT; a++)
            for (size_t b = 0; b < STATE_COUNT; b++)
                if (can_be_marked(a) && can_be_marked(b)) {
                    uint64_t from = word(states[i].status, states[i].deadline_ms);
                    cr_assert_eq(join(join(from, a), b), join(join(from, b), a), "%zu %zu %zu", i, a, b);
                }
}

Test(state_word, what_has_expired_takes_no_part)
{
    uint64_t expired = word(KEYSHM_QUOTA_EXCEEDED, NOW_MS - 1);
    uint64_t after = word_join(expired, KEYSHM_RATE_LIMITED, NOW_MS + 7, NOW_MS);
    cr_assert_eq(after, word(KEYSHM_RATE_LIMITED, NOW_MS + 7));
}

Test(state_word, a_deadline_never_becomes_forever_by_itself)
{
    cr_assert_eq(word_deadline_after(NOW_MS, 5), NOW_MS + 5);
    cr_assert_eq(word_deadline_after(WORD_FOREVER - 10, KEYSHM_DURATION_MAX_MS), WORD_FOREVER - 1);
    cr_assert_lt(NOW_MS + KEYSHM_DURATION_MAX_MS, WORD_FOREVER, "the longest duration fits, for years of uptime");
}
