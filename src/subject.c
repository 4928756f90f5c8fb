/* SPDX-License-Identifier: MIT */
#include "subject.h"

#include "ready_bits.h"
#include "streak.h"

static uint64_t next_marks(const _Atomic uint64_t *word_at)
{
    return word_marks_next(atomic_load_explicit(word_at, memory_order_relaxed));
}

void subject_publish(const struct keyshm_pool *pool, uint32_t subject)
{
    for (unsigned model = 1; model <= pool_models_used(pool); model++) {
        _Atomic uint64_t *word_at = pool_word(pool, model, subject);
        /* release: whoever reads it (acquire) reads a word for model 0 that is at least as new as the withdrawal of what
         * had the number before, and so does not take it for what is known of that. */
        atomic_store_explicit(word_at, word_make_free(next_marks(word_at)), memory_order_release);
        /* After it: who sees these counts does not take the word of before for theirs. */
        streak_begin(pool_history(pool, model, subject), word_marks(atomic_load_explicit(word_at, memory_order_relaxed)));
        if (!subject_is_group(pool, subject))
            ready_set(pool, model, subject);
    }
    streak_begin(pool_history(pool, 0, subject), next_marks(&pool->words[subject]));
    /* release: publishes everything above; pairs with every acquire load of a word. */
    atomic_store_explicit(&pool->words[subject], word_make_available(next_marks(&pool->words[subject])),
                          memory_order_release);
    if (!subject_is_group(pool, subject)) /* no key is in a new group */
        ready_announce(pool, 0, subject);
}

/* An earlier mark goes with its subject, a later one misses; and as this one instruction keeps the count, the next one
 * will not have a word that a mark of this one was prepared for. The release stores of a wipe order it before the
 * wipe. */
void subject_withdraw(const struct keyshm_pool *pool, uint32_t subject)
{
    atomic_fetch_and_explicit(&pool->words[subject], word_make_free(WORD_MARKS_MASK), memory_order_release);
}
