/* SPDX-License-Identifier: MIT */
#include "carry.h"

#include <errno.h>

#include "policy.h"
#include "pool_clock.h"
#include "report.h"
#include "streak.h"
#include "subject.h"

/* The word to which the counts belong. acquire: it is read before the id is compared, so if that is still of this key, so
 * is the word; the counts of a later key have other marks. */
static uint64_t load_word(const struct keyshm_pool *pool, unsigned model, uint32_t subject)
{
    return atomic_load_explicit(pool_word(pool, model, subject), memory_order_acquire);
}

static bool is_live(const struct keyshm_pool *pool, keyshm_id id)
{
    return word_is_live(subject_word_of(pool, id));
}

static int64_t failed_ago_ms(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint64_t now_ms)
{
    uint64_t failed_ms = atomic_load_explicit(&pool_history(pool, model, subject)->failed_ms, memory_order_relaxed);
    return failed_ms < now_ms ? (int64_t)(now_ms - failed_ms) : 0;
}

int carry_get(const struct keyshm_pool *pool, keyshm_id id, unsigned model, struct keyshm_streak *ret_streak)
{
    uint32_t subject = subject_of(pool, id);
    for (int i = 0; subject != SUBJECT_NONE && i < REPORT_TRIES_MAX; i++) {
        struct streak streak;
        uint64_t now_ms = pool_now_ms(pool), word = load_word(pool, model, subject);
        if (!is_live(pool, id))
            return -ESTALE;
        if (!streak_read(pool, model, subject, word, now_ms, &streak))
            continue;
        int64_t ago_ms = streak_is_there(&streak) ? failed_ago_ms(pool, model, subject, now_ms) : -1;
        if (!is_live(pool, id))
            return -ESTALE;
        ret_streak->rate_limits = streak.rate_limits;
        ret_streak->invalids = streak.invalids;
        ret_streak->failed_ago_ms = ago_ms;
        return 0;
    }
    return subject != SUBJECT_NONE ? -EBUSY : -ESTALE;
}

/* A word of a model that nothing was marked for is free, and whoever ends streaks passes over it: it becomes available,
 * which is the same to picks. */
static bool begin_word(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint64_t *word)
{
    uint64_t before = *word;
    *word = word_make_available(word_marks(before) != 0 ? word_marks(before) : 1);
    /* release: as every change of a word. */
    return atomic_compare_exchange_strong_explicit(pool_word(pool, model, subject), &before, *word, memory_order_release,
                                                   memory_order_relaxed);
}

/* Not before the pool was made. */
static uint64_t time_of_failure(uint64_t now_ms, uint64_t ago_ms)
{
    uint64_t begin_ms = POOL_CLOCK_BEGIN_US / 1000;
    return now_ms > begin_ms + ago_ms ? now_ms - ago_ms : begin_ms;
}

int carry_raise(const struct keyshm_pool *pool, keyshm_id id, unsigned model, const struct keyshm_streak *streak)
{
    const struct streak said = {.rate_limits = streak->rate_limits, .invalids = streak->invalids};
    uint32_t subject = subject_of(pool, id);
    for (int i = 0; subject != SUBJECT_NONE && i < REPORT_TRIES_MAX; i++) {
        uint64_t now_ms = pool_now_ms(pool), ago_ms = (uint64_t)streak->failed_ago_ms;
        uint64_t word = load_word(pool, model, subject);
        if (!is_live(pool, id))
            return -ESTALE;
        if (!streak_is_there(&said) || ago_ms >= policy_streak_forget_ms(pool))
            return 0;
        if (!word_is_live(word) && !begin_word(pool, model, subject, &word))
            continue;
        if (streak_raise(pool, model, subject, word, &said, time_of_failure(now_ms, ago_ms), now_ms))
            return is_live(pool, id) ? 0 : -ESTALE;
    }
    return subject != SUBJECT_NONE ? -EBUSY : -ESTALE;
}
