/* SPDX-License-Identifier: MIT */
#include "streak.h"

#include "policy.h"

/* Each failed try is a failure of another process, at about the same time. */
#define HEAR_TRIES_MAX 100

/* A failure of another pool may be from before this one began: what is stored is the time of the pool and so much. */
#define FAILED_BEFORE_MS (UINT64_C(1) << 40)
_Static_assert(KEYSHM_DURATION_MAX_MS < FAILED_BEFORE_MS, "it is above 0, which is none");

#define STREAK_INVALIDS_SHIFT STREAK_COUNT_BITS
#define STREAK_RATE_LIMIT_SHIFT (2 * STREAK_COUNT_BITS)
#define STREAK_INVALID_SHIFT (STREAK_RATE_LIMIT_SHIFT + WORD_MARKS_BITS)
_Static_assert(STREAK_BITS_SHIFT == STREAK_INVALID_SHIFT + WORD_MARKS_BITS, "the bits are above all else");
#define STREAK_USED_MASK ((UINT64_C(4) << STREAK_BITS_SHIFT) - 1)

static uint64_t pack(const struct streak *streak)
{
    return streak->rate_limits | (uint64_t)streak->invalids << STREAK_INVALIDS_SHIFT |
           streak->marks_at_rate_limit << STREAK_RATE_LIMIT_SHIFT | streak->marks_at_invalid << STREAK_INVALID_SHIFT |
           (uint64_t)streak->bits << STREAK_BITS_SHIFT;
}

static struct streak unpack(uint64_t counts)
{
    return (struct streak){
        .rate_limits = counts & STREAK_COUNT_MAX,
        .invalids = counts >> STREAK_INVALIDS_SHIFT & STREAK_COUNT_MAX,
        .marks_at_rate_limit = counts >> STREAK_RATE_LIMIT_SHIFT & WORD_MARKS_MASK,
        .marks_at_invalid = counts >> STREAK_INVALID_SHIFT & WORD_MARKS_MASK,
        .bits = counts >> STREAK_BITS_SHIFT & 3,
    };
}

static unsigned bits_of(uint64_t word)
{
    return (unsigned)(word >> WORD_STREAK_SHIFT) & 3;
}

static void count(unsigned *number)
{
    *number += *number < STREAK_COUNT_MAX;
}

/* What the word has and the counts lack. False: nothing. */
static bool catch_up(struct streak *streak, uint64_t word)
{
    enum streak_step step = (bits_of(word) - streak->bits) & 3;
    streak->bits = bits_of(word);
    if (step == STREAK_RATE_LIMIT) {
        count(&streak->rate_limits);
        streak->marks_at_rate_limit = word_marks(word);
    } else if (step == STREAK_INVALID) {
        count(&streak->invalids);
        streak->marks_at_invalid = word_marks(word);
    } else if (step == STREAK_ENDS) {
        streak->rate_limits = streak->invalids = 0;
    }
    return step != STREAK_STAYS;
}

/* The counts that belong to the word. False: it has changed, so they may be those of a later one. */
static bool load_counts(const _Atomic uint64_t *word_at, const struct layout_history *history, uint64_t word,
                        uint64_t *ret_counts)
{
    /* acquire: pairs with the release in streak_settle() and streak_begin(), so that the word is read no older than it
     * was for these counts. */
    *ret_counts = atomic_load_explicit(&history->streak, memory_order_acquire);
    return atomic_load_explicit(word_at, memory_order_relaxed) == word;
}

bool streak_settle(const _Atomic uint64_t *word_at, struct layout_history *history, uint64_t word,
                   struct streak *ret_streak)
{
    uint64_t counts;
    if (!load_counts(word_at, history, word, &counts))
        return false;
    *ret_streak = unpack(counts);
    /* One try: what another process has written meanwhile is the same, or of a later word. */
    if (catch_up(ret_streak, word))
        atomic_compare_exchange_strong_explicit(&history->streak, &counts, pack(ret_streak), memory_order_release,
                                                memory_order_relaxed);
    return true;
}

bool streak_read(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint64_t word, uint64_t now_ms,
                 struct streak *ret_streak)
{
    const struct layout_history *history = pool_history(pool, model, subject);
    uint64_t counts;
    if (!load_counts(pool_word(pool, model, subject), history, word, &counts))
        return false;
    *ret_streak = unpack(counts);
    catch_up(ret_streak, word);
    if (streak_is_there(ret_streak) && streak_is_forgotten(pool, history, now_ms))
        ret_streak->rate_limits = ret_streak->invalids = 0;
    return true;
}

unsigned streak_length(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint64_t word, uint64_t now_ms)
{
    struct streak streak;
    if (!streak_read(pool, model, subject, word, now_ms, &streak))
        return 0;
    return streak.rate_limits > streak.invalids ? streak.rate_limits : streak.invalids;
}

bool streak_raise(struct layout_history *history, const struct streak *streak, const struct streak *said)
{
    struct streak raised = *streak;
    if (said->rate_limits > raised.rate_limits)
        raised.rate_limits = said->rate_limits;
    if (said->invalids > raised.invalids)
        raised.invalids = said->invalids;
    /* release: as in streak_settle(). The counts of another key, which has come into the place, have other marks. */
    uint64_t counts = pack(streak);
    return atomic_compare_exchange_strong_explicit(&history->streak, &counts, pack(&raised), memory_order_release,
                                                   memory_order_relaxed);
}

int64_t streak_failed_ago_ms(const struct layout_history *history, uint64_t now_ms)
{
    /* relaxed: what a mark by another process has stored there before the change of the word is no older than that. */
    uint64_t failed_ms = atomic_load_explicit(&history->failed_ms, memory_order_relaxed);
    return now_ms + FAILED_BEFORE_MS > failed_ms ? (int64_t)(now_ms + FAILED_BEFORE_MS - failed_ms) : 0;
}

bool streak_is_forgotten(const struct keyshm_pool *pool, const struct layout_history *history, uint64_t now_ms)
{
    return streak_failed_ago_ms(history, now_ms) >= (int64_t)policy_streak_forget_ms(pool);
}

void streak_hear_failure(struct layout_history *history, uint64_t now_ms, int64_t ago_ms)
{
    uint64_t known_ms = atomic_load_explicit(&history->failed_ms, memory_order_relaxed);
    uint64_t failed_ms = now_ms + FAILED_BEFORE_MS - (uint64_t)ago_ms;
    for (int i = 0; i < HEAR_TRIES_MAX && known_ms < failed_ms; i++)
        if (atomic_compare_exchange_weak_explicit(&history->failed_ms, &known_ms, failed_ms, memory_order_relaxed,
                                                  memory_order_relaxed))
            return;
}

/* How many marks ago. The marks go from 1 to WORD_MARKS_MASK, and round. */
static uint64_t age(uint64_t word, uint64_t marks)
{
    return (word_marks(word) + WORD_MARKS_MASK - marks) % WORD_MARKS_MASK;
}

bool streak_is_same_cause(const struct streak *streak, enum streak_step kind, uint64_t word, uint64_t marks_at_pick)
{
    uint64_t marks = kind == STREAK_INVALID ? streak->marks_at_invalid : streak->marks_at_rate_limit;
    return age(word, marks_at_pick) > age(word, marks);
}

void streak_begin(struct layout_history *history, uint64_t marks)
{
    const struct streak none = {.marks_at_rate_limit = marks, .marks_at_invalid = marks};
    /* release: pairs with the acquire in load_counts(). */
    atomic_store_explicit(&history->streak, pack(&none), memory_order_release);
    atomic_store_explicit(&history->failed_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&history->prober, 0, memory_order_relaxed);
}

bool streak_is_valid(const _Atomic uint64_t *word_at, const struct layout_history *history)
{
    uint64_t counts, word = atomic_load_explicit(word_at, memory_order_acquire);
    if (!word_is_live(word) || !load_counts(word_at, history, word, &counts))
        return true; /* it is being marked */
    struct streak streak = unpack(counts);
    bool is_ending = ((bits_of(word) - streak.bits) & 3) == STREAK_ENDS;
    return (counts & ~STREAK_USED_MASK) == 0 && (!is_ending || streak_is_there(&streak));
}
