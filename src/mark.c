/* SPDX-License-Identifier: MIT */
#include "mark.h"

#include <errno.h>

#include "clock.h"
#include "event_ring.h"
#include "pace.h"
#include "ready_bits.h"
#include "tagged.h"
#include "workers.h"

/* The bound behind -EBUSY in keyshm.h. A try fails only when another process changed the same word within the same few
 * nanoseconds, so this is never reached by chance. */
#define MARK_TRIES_MAX 10000

/* What a mark reports. */
struct report {
    keyshm_id id;
    enum keyshm_status status;
    int64_t duration_ms; /* negative: none */
    uint64_t deadline_ms;
    uint64_t now_ms;  /* a time that the mark is not earlier than; 0: not read */
    uint64_t tick_us; /* clock_coarse_us(); 0: not read yet */
};

static uint64_t deadline_of(enum keyshm_status status, int64_t duration_ms, uint64_t moment_end_ms)
{
    if (status == KEYSHM_INVALID || duration_ms < 0)
        return WORD_FOREVER;
    /* Counted from the end of the moment, so that a deadline is never early. */
    return word_deadline_after(moment_end_ms, (uint64_t)duration_ms);
}

/* Marks with a deadline read the exact clock, or in a burst the coarse one; marks without a deadline read a clock only to
 * stamp the event. */
static struct report make_report(const struct keyshm_pool *pool, keyshm_id id, enum keyshm_status status,
                                 int64_t duration_ms)
{
    struct report report = {.id = id, .status = status, .duration_ms = duration_ms, .deadline_ms = WORD_FOREVER};
    if (status == KEYSHM_AVAILABLE || status == KEYSHM_INVALID)
        return report;
    report.tick_us = clock_coarse_us();
    report.now_ms = report.tick_us / 1000;
    uint64_t end_ms = report.now_ms + CLOCK_COARSE_LAG_MS + 1;
    if (!pace_is_burst(pool, report.now_ms)) {
        report.now_ms = clock_now_ms();
        end_ms = report.now_ms + 1;
    }
    report.deadline_ms = deadline_of(status, duration_ms, end_ms);
    return report;
}

/* The word after the mark. A duration of 0 has ended already, so it changes nothing. */
static uint64_t marked(uint64_t word, const struct report *report)
{
    if (report->status == KEYSHM_AVAILABLE)
        return word_make(KEYSHM_AVAILABLE, word_generation(word), WORD_NO_DEADLINE);
    if (report->status != KEYSHM_INVALID && report->duration_ms == 0)
        return word;
    return word_join(word, report->status, report->deadline_ms, report->now_ms);
}

/* ---- its event (event_ring.h) ---- */

/* Inlined: a call would cost a tenth of a mark. */
#define ALWAYS_INLINE __attribute__((always_inline)) static inline

static enum event_class class_of(uint64_t before, uint64_t after)
{
    bool lasts = word_status(before) >= KEYSHM_QUOTA_EXCEEDED || word_status(after) >= KEYSHM_QUOTA_EXCEEDED;
    return lasts ? EVENT_CLASS_LASTING : EVENT_CLASS_COOLDOWNS;
}

ALWAYS_INLINE void record(const struct keyshm_pool *pool, struct event_ticket ticket, const struct report *report,
                          enum keyshm_event_kind kind, enum keyshm_status to, int from)
{
    struct event_record record = {
        .kind = kind,
        .from = from,
        .to = (int)to,
        .id = report->id,
        .time_us = report->tick_us != 0 ? report->tick_us : clock_coarse_us(),
        .process = workers_process_id(pool),
        .number = report->duration_ms < 0 ? -1 : report->duration_ms,
    };
    event_write(pool, ticket, &record);
}

ALWAYS_INLINE void record_change(const struct keyshm_pool *pool, struct event_ticket ticket, struct report *report,
                                 const struct mark_change *change)
{
    enum keyshm_status from = word_status(change->before), to = word_status(change->after);
    if (report->tick_us == 0)
        report->tick_us = clock_coarse_us();
    uint64_t now_ms = report->now_ms != 0 ? report->now_ms : report->tick_us / 1000;
    if (word_is_cooling(change->before) && word_is_available(change->before, now_ms)) {
        /* A pick would have found it available already. */
        if (to == KEYSHM_AVAILABLE) {
            record(pool, ticket, report, KEYSHM_EVENT_EXPIRED, to, (int)from);
            return;
        }
        from = KEYSHM_AVAILABLE;
    }
    record(pool, ticket, report, KEYSHM_EVENT_MARKED, to, (int)from);
}

/* Is a mark that changed the word to nothing else a stale one, worth a record? One that repeats what is known is not. */
static bool is_stale(const struct report *report, uint64_t word)
{
    return report->status != KEYSHM_AVAILABLE && report->duration_ms != 0 &&
           word != word_make(report->status, word_generation(word), report->deadline_ms);
}

/* The ticket is that of a change that other marks overtook; NULL: none was claimed. */
__attribute__((cold, noinline)) static void record_refusal(const struct keyshm_pool *pool, const struct report *report,
                                                           const struct event_ticket *ticket_or_null, int from)
{
    struct event_ticket ticket = ticket_or_null != NULL ? *ticket_or_null : event_claim(pool, EVENT_CLASS_COOLDOWNS);
    record(pool, ticket, report, KEYSHM_EVENT_REFUSED, report->status, from);
}

/* ---- the mark ---- */

static bool change_word(_Atomic uint64_t *word_at, struct mark_change *change)
{
    /* acq_rel: pairs with the acquire loads of the word in slot_word_at(): a process that sees the new word also sees
     * what its author saw. */
    return atomic_compare_exchange_weak_explicit(word_at, &change->before, change->after, memory_order_acq_rel,
                                                 memory_order_relaxed);
}

/* The word becomes the join of what is known and the report. -ESTALE, -EBUSY. */
static int join(const struct keyshm_pool *pool, struct layout_slot *at, struct report *report, struct mark_change *change)
{
    _Atomic uint64_t *word_at = &pool->words[id_slot(report->id)];
    struct event_ticket ticket, *claimed = NULL;
    for (int i = 0; i < MARK_TRIES_MAX; i++) {
        change->before = slot_word_at(word_at, at, report->id);
        if (!word_is_live(change->before)) {
            record_refusal(pool, report, claimed, -1);
            return -ESTALE;
        }
        change->after = marked(change->before, report);
        if (change->after == change->before) {
            enum keyshm_status from = word_status(change->before);
            if (claimed != NULL || is_stale(report, change->before))
                record_refusal(pool, report, claimed, (int)from);
            return 0;
        }
        /* Before the change, so that a process killed in between leaves a number without a record. */
        if (claimed == NULL) {
            ticket = event_claim(pool, class_of(change->before, change->after));
            claimed = &ticket;
        }
        if (change_word(word_at, change)) {
            record_change(pool, ticket, report, change);
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
    struct report report = make_report(pool, id, status, duration_ms);
    int r = join(pool, at, &report, &change);
    if (r < 0)
        return r;
    if (status == KEYSHM_AVAILABLE)
        ready_set(pool, id_slot(id));
    tagged_increment(&at->marked[status], id);
    *ret_change = change;
    return 0;
}

/* AVAILABLE, if the cooldown of the key in the slot has ended: then its id, otherwise -EAGAIN. */
static int mark_if_expired(const struct keyshm_pool *pool, uint32_t slot, uint64_t now_ms, keyshm_id *ret_id)
{
    /* acquire: pairs with the publication in membership.c, so that the id is at least as new. */
    uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_acquire);
    if (!word_is_cooling(word) || !word_is_available(word, now_ms))
        return -EAGAIN;
    struct report report = {
        .id = atomic_load_explicit(&pool_slot(pool, slot)->id, memory_order_relaxed),
        .status = KEYSHM_AVAILABLE,
        .duration_ms = -1,
        .now_ms = now_ms,
    };
    struct mark_change change = {.before = word, .after = marked(word, &report)};
    /* One try: if the word has changed, it was another mark's. */
    if (!atomic_compare_exchange_strong_explicit(&pool->words[slot], &change.before, change.after, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return -EAGAIN;
    record_change(pool, event_claim(pool, class_of(change.before, change.after)), &report, &change);
    ready_set(pool, slot);
    *ret_id = report.id;
    return 0;
}

int mark_all_expired(const struct keyshm_pool *pool, void (*on_marked)(const struct keyshm_pool *pool, keyshm_id id))
{
    uint64_t now_ms = clock_now_ms();
    uint32_t used = pool_slots_used(pool);
    int count = 0;
    for (uint32_t slot = 0; slot < used; slot++) {
        keyshm_id id;
        if (mark_if_expired(pool, slot, now_ms, &id) < 0)
            continue;
        on_marked(pool, id);
        count++;
    }
    return count;
}
