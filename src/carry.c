/* SPDX-License-Identifier: MIT */
#include "carry.h"

#include <errno.h>

#include "availability.h"
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
        int64_t ago_ms = streak_is_there(&streak) ? streak_failed_ago_ms(pool_history(pool, model, subject), now_ms) : -1;
        if (!is_live(pool, id))
            return -ESTALE;
        ret_streak->rate_limits = streak.rate_limits;
        ret_streak->invalids = streak.invalids;
        ret_streak->failed_ago_ms = ago_ms;
        return 0;
    }
    return subject != SUBJECT_NONE ? -EBUSY : -ESTALE;
}

static void end_streak(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint64_t word)
{
    /* release: as every change of a word. */
    atomic_compare_exchange_strong_explicit(pool_word(pool, model, subject), &word,
                                            streak_step(availability_of_model(word), STREAK_ENDS), memory_order_release,
                                            memory_order_relaxed);
}

/* False: look again, since the word or the counts have changed. */
static bool try_to_raise(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint64_t word,
                         const struct keyshm_streak *said)
{
    struct layout_history *history = pool_history(pool, model, subject);
    uint64_t now_ms = pool_now_ms(pool);
    struct streak known;
    if (!streak_settle(pool_word(pool, model, subject), history, word, &known))
        return false;
    /* It ends first, as before a mark: what is heard of below would revive it. */
    if (streak_is_there(&known) && streak_is_forgotten(pool, history, now_ms)) {
        end_streak(pool, model, subject, word);
        return false;
    }
    streak_hear_failure(history, now_ms, said->failed_ago_ms);
    const struct streak carried = {.rate_limits = said->rate_limits, .invalids = said->invalids};
    return streak_raise(history, &known, &carried);
}

int carry_raise(const struct keyshm_pool *pool, keyshm_id id, unsigned model, const struct keyshm_streak *streak)
{
    uint32_t subject = subject_of(pool, id);
    bool is_none = streak->rate_limits == 0 && streak->invalids == 0;
    bool is_forgotten = !is_none && (uint64_t)streak->failed_ago_ms >= policy_streak_forget_ms(pool);
    for (int i = 0; subject != SUBJECT_NONE && i < REPORT_TRIES_MAX; i++) {
        uint64_t word = load_word(pool, model, subject);
        if (!is_live(pool, id))
            return -ESTALE;
        if (is_none || is_forgotten)
            return 0;
        if (try_to_raise(pool, model, subject, word, streak))
            return is_live(pool, id) ? 0 : -ESTALE;
    }
    return subject != SUBJECT_NONE ? -EBUSY : -ESTALE;
}
