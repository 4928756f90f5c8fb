/* SPDX-License-Identifier: MIT */
#include "mark.h"

#include <errno.h>

#include "event_ring.h"
#include "pace.h"
#include "pool_clock.h"
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
    enum keyshm_reason reason;
    bool is_over;        /* it had ended when it was made: it changes nothing */
    int64_t duration_ms; /* negative: none */
    uint64_t deadline_ms;
    uint64_t stamp;   /* 0: none */
    uint64_t now_ms;  /* a time that the mark is not earlier than; 0: not read */
    uint64_t tick_us; /* of the clock; 0: not read yet */
};

/* The tick of the clock. It counts the call: *ret_is_burst, whether it is one of a burst. */
static inline uint64_t count_call(const struct keyshm_pool *pool, bool *ret_is_burst)
{
    uint64_t coarse_us = clock_coarse_us();
    *ret_is_burst = pace_is_burst(pool, coarse_us / 1000);
    return pool_us_of_coarse(pool, coarse_us);
}

/* A mark without a deadline reads a clock only for its event. */
static inline void read_tick(const struct keyshm_pool *pool, struct report *report)
{
    bool is_burst;
    if (report->tick_us == 0)
        report->tick_us = count_call(pool, &is_burst);
}

/* Marks with a deadline read the exact clock, or in a burst the coarse one. */
static struct report make_report(const struct keyshm_pool *pool, keyshm_id id, const struct mark_request *request)
{
    struct report report = {
        .id = id,
        .status = request->status,
        .reason = request->reason,
        .is_over = request->duration_ms == 0,
        .duration_ms = request->duration_ms,
        .deadline_ms = WORD_FOREVER,
        .stamp = request->stamp,
        .tick_us = request->tick_us,
    };
    if (request->status == KEYSHM_AVAILABLE || request->status == KEYSHM_INVALID)
        return report;
    bool is_burst;
    report.tick_us = count_call(pool, &is_burst);
    report.now_ms = report.tick_us / 1000;
    uint64_t end_ms = report.now_ms + pool_coarse_lag_ms(pool) + 1;
    if (!is_burst) {
        report.now_ms = pool_now_ms(pool);
        end_ms = report.now_ms + 1;
    }
    /* Counted from the end of the moment, so that a deadline is never early. */
    if (request->duration_ms >= 0)
        report.deadline_ms = word_deadline_after(end_ms, (uint64_t)request->duration_ms);
    return report;
}

/* Does an available mark answer a pick, after which something else was marked? */
static bool is_outdated(uint64_t word, const struct report *report)
{
    return report->status == KEYSHM_AVAILABLE && report->stamp != 0 && report->stamp != word_marks(word);
}

/* The word after the mark. */
static uint64_t marked(uint64_t word, const struct report *report)
{
    if (report->is_over || is_outdated(word, report))
        return word;
    if (report->status == KEYSHM_AVAILABLE)
        return word_release(word);
    return word_join(word, report->status, report->reason, report->deadline_ms, report->now_ms);
}

/* ---- its event (event_ring.h) ---- */

/* Inlined: a call would cost a tenth of a mark. */
#define ALWAYS_INLINE __attribute__((always_inline)) static inline

static enum event_class class_of(uint64_t before, uint64_t after)
{
    bool lasts = word_status(before) >= KEYSHM_QUOTA_EXCEEDED || word_status(after) >= KEYSHM_QUOTA_EXCEEDED ||
                 word_is_paused(before) != word_is_paused(after);
    return lasts ? EVENT_CLASS_LASTING : EVENT_CLASS_COOLDOWNS;
}

ALWAYS_INLINE void record(const struct keyshm_pool *pool, struct event_ticket ticket, const struct report *report,
                          enum keyshm_event_kind kind, enum keyshm_status to, int from)
{
    struct event_record record = {
        .kind = kind,
        .from = from,
        .to = (int)to,
        .reason = report->reason,
        .id = report->id,
        .time_us = report->tick_us,
        .process = workers_process_id(pool),
        .number = report->duration_ms < 0 ? -1 : report->duration_ms,
    };
    event_write(pool, ticket, &record);
}

ALWAYS_INLINE void record_change(const struct keyshm_pool *pool, struct event_ticket ticket, struct report *report,
                                 const struct mark_change *change)
{
    enum keyshm_status from = word_status(change->before), to = word_status(change->after);
    read_tick(pool, report);
    uint64_t now_ms = report->now_ms != 0 ? report->now_ms : report->tick_us / 1000;
    if (from != KEYSHM_AVAILABLE && !word_is_benched(change->before, now_ms)) {
        /* A pick would have found it available already. */
        if (to == KEYSHM_AVAILABLE) {
            record(pool, ticket, report, KEYSHM_EVENT_EXPIRED, to, (int)from);
            return;
        }
        from = KEYSHM_AVAILABLE;
    }
    record(pool, ticket, report, KEYSHM_EVENT_MARKED, to, (int)from);
}

/* Is a mark that left the state as it was a stale one, worth a record? One that repeats what is known is not. */
static bool is_stale(const struct report *report, uint64_t word)
{
    uint64_t wanted = word_make(report->status, report->reason, 0, report->deadline_ms) | (word & WORD_PAUSED);
    return report->status != KEYSHM_AVAILABLE && !report->is_over && !word_is_same_state(word, wanted);
}

/* The ticket is that of a change that other marks overtook; NULL: none was claimed. */
__attribute__((cold, noinline)) static void record_refusal(const struct keyshm_pool *pool, struct report *report,
                                                           const struct event_ticket *ticket_or_null, int from)
{
    struct event_ticket ticket = ticket_or_null != NULL ? *ticket_or_null : event_claim(pool, EVENT_CLASS_COOLDOWNS);
    read_tick(pool, report);
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

/* The mark left the state of the key as it was, or is without a key. */
static void record_no_change(const struct keyshm_pool *pool, struct report *report, const struct event_ticket *claimed,
                             uint64_t word)
{
    enum keyshm_status status = word_status(word);
    int from = word_is_live(word) ? (int)status : -1;
    if (from < 0 || claimed != NULL || is_stale(report, word))
        record_refusal(pool, report, claimed, from);
}

/* The word becomes the join of what is known and the report. -ESTALE, -EBUSY. */
static int join(const struct keyshm_pool *pool, struct layout_slot *at, struct report *report, struct mark_change *change)
{
    _Atomic uint64_t *word_at = &pool->words[id_slot(report->id)];
    struct event_ticket ticket, *claimed = NULL;
    for (int i = 0; i < MARK_TRIES_MAX; i++) {
        change->before = slot_word_at(word_at, at, report->id);
        if (!word_is_live(change->before)) {
            record_no_change(pool, report, claimed, change->before);
            return -ESTALE;
        }
        change->after = marked(change->before, report);
        bool is_event = !word_is_same_state(change->before, change->after);
        /* Before the change, so that a process killed in between leaves a number without a record. */
        if (is_event && claimed == NULL) {
            ticket = event_claim(pool, class_of(change->before, change->after));
            claimed = &ticket;
        }
        if (change->after != change->before && !change_word(word_at, change))
            continue;
        if (is_event)
            record_change(pool, ticket, report, change);
        else
            record_no_change(pool, report, claimed, change->before);
        return 0;
    }
    return -EBUSY;
}

int mark(const struct keyshm_pool *pool, keyshm_id id, const struct mark_request *request, struct mark_change *ret_change)
{
    struct mark_change change;
    if (id_slot(id) >= pool->settings.capacity)
        return -ESTALE;
    struct layout_slot *at = pool_slot(pool, id_slot(id));
    struct report report = make_report(pool, id, request);
    int r = join(pool, at, &report, &change);
    if (r < 0)
        return r;
    if (request->status == KEYSHM_AVAILABLE && word_is_available(change.after, 0))
        ready_announce(pool, id_slot(id));
    tagged_increment(&at->marked[request->status], id);
    *ret_change = change;
    return 0;
}

/* ---- all keys at once ---- */

static bool has_expired(uint64_t word, uint64_t now_ms)
{
    return word_is_cooling(word) && !word_is_benched(word, now_ms);
}

/* AVAILABLE, if the cooldown of the key in the slot has ended: then its id, otherwise -EAGAIN. */
static int mark_if_expired(const struct keyshm_pool *pool, uint32_t slot, uint64_t now_ms, uint64_t tick_us,
                           keyshm_id *ret_id)
{
    /* acquire: pairs with the publication in membership.c, so that the id is at least as new. */
    uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_acquire);
    struct report report = {.status = KEYSHM_AVAILABLE, .duration_ms = -1, .now_ms = now_ms, .tick_us = tick_us};
    for (int i = 0; i < MARK_TRIES_MAX && has_expired(word, now_ms); i++) {
        report.id = atomic_load_explicit(&pool_slot(pool, slot)->id, memory_order_relaxed);
        struct mark_change change = {.before = word, .after = word_release(word)};
        if (change_word(&pool->words[slot], &change)) {
            record_change(pool, event_claim(pool, class_of(change.before, change.after)), &report, &change);
            ready_set(pool, slot);
            *ret_id = report.id;
            return 0;
        }
        word = atomic_load_explicit(&pool->words[slot], memory_order_acquire);
    }
    return -EAGAIN;
}

int mark_all_expired(const struct keyshm_pool *pool, mark_fn *on_marked)
{
    bool is_burst;
    uint64_t now_ms = pool_now_ms(pool), tick_us = count_call(pool, &is_burst);
    uint32_t used = pool_slots_used(pool);
    int count = 0;
    for (uint32_t slot = 0; slot < used; slot++) {
        keyshm_id id;
        if (mark_if_expired(pool, slot, now_ms, tick_us, &id) < 0)
            continue;
        on_marked(pool, id);
        count++;
    }
    return count;
}

/* 1: it was benched with such a status, and is available now; 0: it was not. -EBUSY. */
static int mark_if_benched(const struct keyshm_pool *pool, uint32_t slot, unsigned status_mask, uint64_t tick_us,
                           keyshm_id *ret_id)
{
    const struct mark_request available = {.status = KEYSHM_AVAILABLE, .duration_ms = -1, .tick_us = tick_us};
    struct mark_change change;
    /* acquire: as above. */
    uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_acquire);
    if (!word_is_live(word) || !word_is_benched(word, pool_now_ms(pool)) || (status_mask >> word_status(word) & 1) == 0)
        return 0;
    *ret_id = atomic_load_explicit(&pool_slot(pool, slot)->id, memory_order_relaxed);
    int r = mark(pool, *ret_id, &available, &change);
    return r < 0 ? (r == -ESTALE ? 0 : r) : 1;
}

int mark_all_available(const struct keyshm_pool *pool, unsigned status_mask, mark_fn *on_marked)
{
    bool is_burst;
    uint64_t tick_us = count_call(pool, &is_burst);
    uint32_t used = pool_slots_used(pool);
    int count = 0, error = 0;
    for (uint32_t slot = 0; slot < used; slot++) {
        keyshm_id id;
        int r = mark_if_benched(pool, slot, status_mask, tick_us, &id);
        if (r > 0)
            on_marked(pool, id);
        count += r > 0;
        error = r < 0 ? r : error;
    }
    return error < 0 ? error : count;
}

/* ---- pauses ---- */

static uint64_t paused(uint64_t word, bool is_paused)
{
    return is_paused ? word | WORD_PAUSED : word & ~WORD_PAUSED;
}

int mark_paused(const struct keyshm_pool *pool, keyshm_id id, bool is_paused)
{
    struct report report = {.id = id, .reason = KEYSHM_REASON_OPERATOR, .duration_ms = -1};
    uint32_t slot = id_slot(id);
    if (slot >= pool->settings.capacity)
        return -ESTALE;
    struct event_ticket ticket, *claimed = NULL;
    for (int i = 0; i < MARK_TRIES_MAX; i++) {
        struct mark_change change = {.before = slot_word_at(&pool->words[slot], pool_slot(pool, slot), id)};
        if (!word_is_live(change.before))
            return -ESTALE;
        change.after = paused(change.before, is_paused);
        enum keyshm_status status = word_status(change.before);
        if (change.after == change.before)
            return 0;
        if (claimed == NULL) {
            ticket = event_claim(pool, EVENT_CLASS_LASTING);
            claimed = &ticket;
        }
        if (!change_word(&pool->words[slot], &change))
            continue;
        read_tick(pool, &report);
        record(pool, ticket, &report, is_paused ? KEYSHM_EVENT_PAUSED : KEYSHM_EVENT_RESUMED, status, (int)status);
        if (!is_paused)
            ready_announce(pool, slot);
        return 1;
    }
    return -EBUSY;
}
