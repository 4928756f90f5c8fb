/* SPDX-License-Identifier: MIT */
#include "mark.h"

#include <errno.h>

#include "clock.h"
#include "ready.h"
#include "turns.h"

/* As keyshm.h tells under -EBUSY. A try fails only when another process changed this very word in the same few
 * nanoseconds, so this is never reached by chance. */
#define MARK_TRIES_MAX 10000

/* When a mark was made: not before now_ms, and before end_ms. */
struct moment {
    uint64_t now_ms;
    uint64_t end_ms;
};

/* Exactly, to the millisecond; in a burst, to the tick; and for a mark that knows no time, not at all. */
static struct moment moment_of_mark(const struct keyshm_pool *pool, enum keyshm_status status)
{
    if (status == KEYSHM_AVAILABLE || status == KEYSHM_INVALID)
        return (struct moment){0, 0};
    uint64_t coarse_ms = clock_coarse_ms();
    if (turns_in_burst(pool, coarse_ms))
        return (struct moment){.now_ms = coarse_ms, .end_ms = coarse_ms + CLOCK_COARSE_LAG_MS + 1};
    uint64_t now_ms = clock_now_ms();
    return (struct moment){.now_ms = now_ms, .end_ms = now_ms + 1};
}

static uint64_t deadline_of(enum keyshm_status status, int64_t duration_ms, uint64_t moment_end_ms)
{
    if (status == KEYSHM_INVALID || duration_ms < 0)
        return WORD_FOREVER;
    /* From the end of the moment: a deadline is never early. */
    return word_deadline_after(moment_end_ms, (uint64_t)duration_ms);
}

/* The word after the mark. A duration of 0 says "at once", which is no news about the future. */
static uint64_t marked(uint64_t word, enum keyshm_status status, int64_t duration_ms, uint64_t deadline_ms,
                       uint64_t now_ms)
{
    if (status == KEYSHM_AVAILABLE)
        return word_make(KEYSHM_AVAILABLE, word_generation(word), WORD_NO_DEADLINE);
    if (status != KEYSHM_INVALID && duration_ms == 0)
        return word;
    return word_join(word, status, deadline_ms, now_ms);
}

int mark(const struct keyshm_pool *pool, keyshm_id id, enum keyshm_status status, int64_t duration_ms,
         struct mark_change *ret_change)
{
    if (id_slot(id) >= pool->settings.capacity)
        return -ESTALE;
    struct layout_slot *at = pool_slot(pool, id_slot(id));
    _Atomic uint64_t *word_at = &pool->words[id_slot(id)];
    struct moment moment = moment_of_mark(pool, status);
    struct mark_change change;
    uint64_t deadline_ms = deadline_of(status, duration_ms, moment.end_ms);
    bool done = false;

    for (int i = 0; i < MARK_TRIES_MAX && !done; i++) {
        change.before = slot_word_at(word_at, at, id);
        if (!word_is_live(change.before))
            return -ESTALE;
        change.after = marked(change.before, status, duration_ms, deadline_ms, moment.now_ms);
        /* acq_rel: whoever sees the new word (acquire, in a pick or a mark) sees what its author saw. */
        done = change.after == change.before ||
               atomic_compare_exchange_weak_explicit(word_at, &change.before, change.after, memory_order_acq_rel,
                                                     memory_order_relaxed);
    }
    if (!done)
        return -EBUSY;
    if (status == KEYSHM_AVAILABLE)
        ready_set(pool, id_slot(id));
    tagged_increment(&at->marked[status], id);
    *ret_change = change;
    return 0;
}

int mark_expired(const struct keyshm_pool *pool, uint32_t slot, uint64_t now_ms, keyshm_id *ret_id)
{
    /* acquire: pairs with the publication in table.c, so that the id is at least as new. */
    uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_acquire);
    if (!word_is_cooling(word) || !word_is_available(word, now_ms))
        return -EAGAIN;
    keyshm_id id = atomic_load_explicit(&pool_slot(pool, slot)->id, memory_order_relaxed);
    /* One try: if the word has changed, it was somebody else's news. */
    if (!atomic_compare_exchange_strong_explicit(&pool->words[slot], &word,
                                                 word_make(KEYSHM_AVAILABLE, word_generation(word), WORD_NO_DEADLINE),
                                                 memory_order_acq_rel, memory_order_relaxed))
        return -EAGAIN;
    ready_set(pool, slot);
    *ret_id = id;
    return 0;
}
