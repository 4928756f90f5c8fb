/* SPDX-License-Identifier: MIT */
#include "mark.h"

#include <errno.h>

#include "clock.h"
#include "events.h"
#include "ready_bits.h"
#include "rotation.h"
#include "workers.h"

/* As keyshm.h tells under -EBUSY. A try fails only when another process changed this very word in the same few
 * nanoseconds, so this is never reached by chance. */
#define MARK_TRIES_MAX 10000

/* What a mark says. */
struct news {
    keyshm_id id;
    enum keyshm_status status;
    int64_t duration_ms; /* negative: none */
    uint64_t deadline_ms;
    uint64_t now_ms;  /* not before this; 0: not asked for */
    uint64_t tick_us; /* clock_coarse_us(), 0: not yet asked for */
};

static uint64_t deadline_of(enum keyshm_status status, int64_t duration_ms, uint64_t moment_end_ms)
{
    if (status == KEYSHM_INVALID || duration_ms < 0)
        return WORD_FOREVER;
    /* From the end of the moment: a deadline is never early. */
    return word_deadline_after(moment_end_ms, (uint64_t)duration_ms);
}

/* The time is read exactly; in a burst, to the tick; and of a mark that knows no time, only when it is to be recorded. */
static struct news make_news(const struct keyshm_pool *pool, keyshm_id id, enum keyshm_status status, int64_t duration_ms)
{
    struct news news = {.id = id, .status = status, .duration_ms = duration_ms, .deadline_ms = WORD_FOREVER};
    if (status == KEYSHM_AVAILABLE || status == KEYSHM_INVALID)
        return news;
    news.tick_us = clock_coarse_us();
    news.now_ms = news.tick_us / 1000;
    uint64_t end_ms = news.now_ms + CLOCK_COARSE_LAG_MS + 1;
    if (!pace_is_burst(pool, news.now_ms)) {
        news.now_ms = clock_now_ms();
        end_ms = news.now_ms + 1;
    }
    news.deadline_ms = deadline_of(status, duration_ms, end_ms);
    return news;
}

/* The word after the mark. A duration of 0 says "at once", which is no news about the future. */
static uint64_t marked(uint64_t word, const struct news *news)
{
    if (news->status == KEYSHM_AVAILABLE)
        return word_make(KEYSHM_AVAILABLE, word_generation(word), WORD_NO_DEADLINE);
    if (news->status != KEYSHM_INVALID && news->duration_ms == 0)
        return word;
    return word_join(word, news->status, news->deadline_ms, news->now_ms);
}

/* ---- what is recorded of it (events.h) ---- */

/* In line: a tenth of what a mark costs. */
#define ALWAYS_INLINE __attribute__((always_inline)) static inline

static enum event_class class_of(uint64_t before, uint64_t after)
{
    bool lasts = word_status(before) >= KEYSHM_QUOTA_EXCEEDED || word_status(after) >= KEYSHM_QUOTA_EXCEEDED;
    return lasts ? EVENTS_THAT_LAST : EVENTS_OF_COOLDOWNS;
}

ALWAYS_INLINE void record(const struct keyshm_pool *pool, struct event_ticket ticket, const struct news *news,
                          enum keyshm_event_kind kind, enum keyshm_status to, int from)
{
    struct event_record record = {
        .kind = kind,
        .from = from,
        .to = (int)to,
        .id = news->id,
        .time_us = news->tick_us != 0 ? news->tick_us : clock_coarse_us(),
        .process = workers_process_id(pool),
        .number = news->duration_ms < 0 ? -1 : news->duration_ms,
    };
    events_write(pool, ticket, &record);
}

ALWAYS_INLINE void record_change(const struct keyshm_pool *pool, struct event_ticket ticket, struct news *news,
                                 const struct mark_change *change)
{
    enum keyshm_status from = word_status(change->before), to = word_status(change->after);
    if (news->tick_us == 0)
        news->tick_us = clock_coarse_us();
    uint64_t now_ms = news->now_ms != 0 ? news->now_ms : news->tick_us / 1000;
    if (word_is_cooling(change->before) && word_is_available(change->before, now_ms)) {
        /* A pick would have found it available already. */
        if (to == KEYSHM_AVAILABLE) {
            record(pool, ticket, news, KEYSHM_EVENT_EXPIRED, to, (int)from);
            return;
        }
        from = KEYSHM_AVAILABLE;
    }
    record(pool, ticket, news, KEYSHM_EVENT_MARKED, to, (int)from);
}

/* A mark that has changed nothing. What says the same as is known, or nothing, is not worth a record. */
static bool is_late(const struct news *news, uint64_t word)
{
    return news->status != KEYSHM_AVAILABLE && news->duration_ms != 0 &&
           word != word_make(news->status, word_generation(word), news->deadline_ms);
}

/* The ticket is that of a change which others made impossible at the last moment; NULL: there is none. */
__attribute__((cold, noinline)) static void record_refusal(const struct keyshm_pool *pool, const struct news *news,
                                                           const struct event_ticket *ticket_or_null, int from)
{
    struct event_ticket ticket = ticket_or_null != NULL ? *ticket_or_null : events_claim(pool, EVENTS_OF_COOLDOWNS);
    record(pool, ticket, news, KEYSHM_EVENT_REFUSED, news->status, from);
}

/* ---- the mark ---- */

static bool change_word(_Atomic uint64_t *word_at, struct mark_change *change)
{
    /* acq_rel: whoever sees the new word (acquire, in a pick or a mark) sees what its author saw. */
    return atomic_compare_exchange_weak_explicit(word_at, &change->before, change->after, memory_order_acq_rel,
                                                 memory_order_relaxed);
}

/* The word of the key becomes the join of what it is and the news. -ESTALE, -EBUSY. */
static int join(const struct keyshm_pool *pool, struct layout_slot *at, struct news *news, struct mark_change *change)
{
    _Atomic uint64_t *word_at = &pool->words[id_slot(news->id)];
    struct event_ticket ticket, *claimed = NULL;
    for (int i = 0; i < MARK_TRIES_MAX; i++) {
        change->before = slot_word_at(word_at, at, news->id);
        if (!word_is_live(change->before)) {
            record_refusal(pool, news, claimed, -1);
            return -ESTALE;
        }
        change->after = marked(change->before, news);
        if (change->after == change->before) {
            enum keyshm_status from = word_status(change->before);
            if (claimed != NULL || is_late(news, change->before))
                record_refusal(pool, news, claimed, (int)from);
            return 0;
        }
        /* Before the change, so that who dies in between leaves a number without a record. */
        if (claimed == NULL) {
            ticket = events_claim(pool, class_of(change->before, change->after));
            claimed = &ticket;
        }
        if (change_word(word_at, change)) {
            record_change(pool, ticket, news, change);
            return 0;
        }
    }
    return -EBUSY;
}

int mark(const struct keyshm_pool *pool, keyshm_id id, enum keyshm_status status, int64_t duration_ms,
         struct mark_change *ret_change)
{
    struct mark_change change;
    if (id_slot(id) >= pool->settings.capacity)
        return -ESTALE;
    struct layout_slot *at = pool_slot(pool, id_slot(id));
    struct news news = make_news(pool, id, status, duration_ms);
    int r = join(pool, at, &news, &change);
    if (r < 0)
        return r;
    if (status == KEYSHM_AVAILABLE)
        ready_set(pool, id_slot(id));
    tagged_increment(&at->marked[status], id);
    *ret_change = change;
    return 0;
}

int mark_expired(const struct keyshm_pool *pool, uint32_t slot, uint64_t now_ms, keyshm_id *ret_id)
{
    /* acquire: pairs with the publication in membership.c, so that the id is at least as new. */
    uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_acquire);
    if (!word_is_cooling(word) || !word_is_available(word, now_ms))
        return -EAGAIN;
    struct news news = {
        .id = atomic_load_explicit(&pool_slot(pool, slot)->id, memory_order_relaxed),
        .status = KEYSHM_AVAILABLE,
        .duration_ms = -1,
        .now_ms = now_ms,
    };
    struct mark_change change = {.before = word, .after = marked(word, &news)};
    /* One try: if the word has changed, it was somebody else's news. */
    if (!atomic_compare_exchange_strong_explicit(&pool->words[slot], &change.before, change.after, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return -EAGAIN;
    record_change(pool, events_claim(pool, class_of(change.before, change.after)), &news, &change);
    ready_set(pool, slot);
    *ret_id = news.id;
    return 0;
}
