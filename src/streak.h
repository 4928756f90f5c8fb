/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STREAK_H
#define KEYSHM_STREAK_H

/*
 * Failures in a row, of each state word: rate limits without a Retry-After, and marks that it is invalid.
 *
 * The state word is the truth, but has no room for the counts. It has two bits for them, and every change of the streak
 * moves these on by what it was (enum streak_step). The counts stand in a word beside it (struct layout_history), with
 * the two bits as they were when the counts were written. Where the bits differ, one change is not in the counts yet,
 * and the difference says which; whoever finds that writes it there (streak_settle()), and nobody moves the bits on
 * before. So a mark and its count are one compare-and-swap, and a process that is killed between the two words loses
 * nothing.
 *
 *   counts      bits 45..44 the two bits
 *               bits 43..30 marks of the state word after the last invalid mark that counted; 29..16 rate limit
 *               bits 15..8  invalid marks in a row; 7..0 rate limits; at most 255
 *
 * A streak is over by itself when no failure was heard of for the policy's streak_forget_ms: the next mark ends it then.
 */

#include "pool.h"
#include "state_word.h"

#define STREAK_COUNT_BITS 8
#define STREAK_COUNT_MAX ((1u << STREAK_COUNT_BITS) - 1)
#define STREAK_COUNTS_MASK ((UINT64_C(1) << 2 * STREAK_COUNT_BITS) - 1)
#define STREAK_BITS_SHIFT (2 * STREAK_COUNT_BITS + 2 * WORD_MARKS_BITS)

/* What a change of a state word means for its streak: by so much it moves the two bits on. */
enum streak_step { STREAK_STAYS, STREAK_RATE_LIMIT, STREAK_INVALID, STREAK_ENDS };

struct streak {
    unsigned rate_limits, invalids;
    uint64_t marks_at_rate_limit, marks_at_invalid; /* word_marks() after the last that counted */
    unsigned bits;
};

ALWAYS_INLINE uint64_t streak_step(uint64_t word, enum streak_step step)
{
    return (word & ~WORD_STREAK_MASK) | ((word + ((uint64_t)step << WORD_STREAK_SHIFT)) & WORD_STREAK_MASK);
}

static inline bool streak_is_there(const struct streak *streak)
{
    return streak->rate_limits != 0 || streak->invalids != 0;
}

/* What ends it. */
static inline enum streak_step streak_end_of(const struct streak *streak)
{
    return streak_is_there(streak) ? STREAK_ENDS : STREAK_STAYS;
}

/* There is no streak, and nothing is to be counted, as far as this word, which may have changed since, tells. */
ALWAYS_INLINE bool streak_is_quiet(const struct layout_history *history, uint64_t word)
{
    uint64_t counts = atomic_load_explicit(&history->streak, memory_order_acquire);
    return ((counts & STREAK_COUNTS_MASK) | ((counts >> STREAK_BITS_SHIFT ^ word >> WORD_STREAK_SHIFT) & 3)) == 0;
}

/* The streak of this state word, which is in memory, and what was not counted yet is. False: it has changed since it
 * was loaded. */
bool streak_settle(const _Atomic uint64_t *word_at, struct layout_history *history, uint64_t word,
                   struct streak *ret_streak);

/* The same without a store. No failures, if they are forgotten. */
bool streak_read(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint64_t word, uint64_t now_ms,
                 struct streak *ret_streak);

/* The longer of its two counts; 0 when it is over, or the word has changed. */
unsigned streak_length(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint64_t word, uint64_t now_ms);

/* How long ago the last failure was, if there is a streak; at least 0. Is that too long? */
int64_t streak_failed_ago_ms(const struct layout_history *history, uint64_t now_ms);
bool streak_is_forgotten(const struct keyshm_pool *pool, const struct layout_history *history, uint64_t now_ms);

/* There was a failure so long ago, at most KEYSHM_DURATION_MAX_MS. Call it before the change of the state word: a process
 * that is killed in between has heard of it all the same. */
void streak_hear_failure(struct layout_history *history, uint64_t now_ms, int64_t ago_ms);

/* Each count of `streak`, which streak_settle() has just read, becomes the larger of it and what is said. False: another
 * process has changed them since. */
bool streak_raise(struct layout_history *history, const struct streak *streak, const struct streak *said);

/* Is a mark of the kind, that answers a pick at `marks_at_pick`, of the same cause as the last that counted? */
bool streak_is_same_cause(const struct streak *streak, enum streak_step kind, uint64_t word, uint64_t marks_at_pick);

/* For the owner of the mutex: there is nothing in the past of a new key or group, of which the word will have these
 * marks. A late streak_settle() for the one before it then fails. */
void streak_begin(struct layout_history *history, uint64_t marks);

/* Is it one that keyshm writes, beside this word? */
bool streak_is_valid(const _Atomic uint64_t *word_at, const struct layout_history *history);

#endif
