/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_REPORT_H
#define KEYSHM_REPORT_H

/* What is reported of a key or a group, by a mark or by what lifts one: of which word, how that is loaded and changed,
 * and the event that goes with it. */

#include "availability.h"
#include "event_ring.h"
#include "pace.h"
#include "pool_clock.h"
#include "streak.h"
#include "subject.h"
#include "workers.h"

/* The bound behind -EBUSY in keyshm.h. A try fails only when another process changed the same word within the same few
 * nanoseconds, so this is never reached by chance. */
#define REPORT_TRIES_MAX 10000

struct report {
    keyshm_id id; /* of the subject */
    uint32_t subject;
    unsigned model;
    bool is_group;
    const _Atomic uint64_t *id_at, *whole_at; /* of the subject: its id, and its word of model 0 */
    _Atomic uint64_t *word_at;
    enum keyshm_status status;
    enum keyshm_reason reason;
    bool is_over;            /* it had ended when it was made: it changes nothing */
    int64_t duration_ms;     /* negative: none. DURATION_BY_POLICY becomes what that says for the word */
    uint64_t stamp;          /* 0: none */
    uint64_t now_ms;         /* a time that the mark is not earlier than; 0: not read */
    uint64_t end_ms;         /* the end of the moment in which it is made: durations count from there */
    uint64_t tick_us;        /* of the clock; 0: not read yet */
    bool is_answer;          /* of a provider; the rest is in no streak */
    enum streak_step kind;   /* of what it may be one in a row; STREAK_STAYS: of nothing */
    bool is_by_policy;       /* its duration is */
    struct word_bench bench; /* what it says of the word that was last looked at, unless it is that it is available */
};

/* The word before and after a mark, for the log: of an available mark whatever the model, that of model 0. */
struct report_change {
    keyshm_id id; /* of the key or group that was marked */
    uint64_t before;
    uint64_t after;
};

/* The tick of the clock. It counts the call: *ret_is_burst, whether it is one of a burst. */
static inline uint64_t report_count_call(const struct keyshm_pool *pool, bool *ret_is_burst)
{
    uint64_t coarse_us = clock_coarse_us();
    *ret_is_burst = pace_is_burst(pool, coarse_us / 1000);
    return pool_us_of_coarse(pool, coarse_us);
}

/* A mark without a deadline reads a clock only for its event. */
static inline void report_read_tick(const struct keyshm_pool *pool, struct report *report)
{
    bool is_burst;
    if (report->tick_us == 0)
        report->tick_us = report_count_call(pool, &is_burst);
}

/* Does the stamp know the word? */
static inline bool report_has_stamp(const struct report *report)
{
    uint64_t needed = (report->model != 0 ? STAMP_HAS_MODEL : 0) | (report->is_group ? STAMP_HAS_GROUP : 0);
    return report->stamp != 0 && (report->stamp & needed) == needed;
}

/* Of the word, the count of marks when the key was picked, by the stamp; of the group for which the stamp was made. */
static inline uint64_t report_marks_at_pick(const struct report *report)
{
    unsigned shift = (report->model != 0 ? STAMP_MODEL_SHIFT : 0) + (report->is_group ? STAMP_GROUP_SHIFT : 0);
    uint64_t marks = report->stamp >> shift & WORD_MARKS_MASK;
    return report->is_group ? stamp_of_group(marks, group_pack(report->id)) : marks;
}

/* Was nothing marked on the word since the pick? False where that is not known. */
static inline bool report_is_news(const struct report *report, uint64_t word)
{
    return report_has_stamp(report) && report_marks_at_pick(report) == word_marks(word);
}

/* Is it known that something was? */
static inline bool report_is_of_before(const struct report *report, uint64_t word)
{
    return report_has_stamp(report) && report_marks_at_pick(report) != word_marks(word);
}

/* ---- its event (event_ring.h) ---- */

static inline enum event_class report_event_class(uint64_t before, uint64_t after)
{
    bool lasts = word_status(before) >= KEYSHM_QUOTA_EXCEEDED || word_status(after) >= KEYSHM_QUOTA_EXCEEDED ||
                 word_is_paused(before) != word_is_paused(after);
    return lasts ? EVENT_CLASS_LASTING : EVENT_CLASS_COOLDOWNS;
}

ALWAYS_INLINE void report_record(const struct keyshm_pool *pool, struct event_ticket ticket, const struct report *report,
                                 enum keyshm_event_kind kind, enum keyshm_status to, int from)
{
    struct event_record record = {
        .kind = kind,
        .from = from,
        .to = (int)to,
        .reason = report->reason,
        .scope = report->is_group ? KEYSHM_SCOPE_GROUP : KEYSHM_SCOPE_KEY,
        .model = report->model,
        .id = report->id,
        .time_us = report->tick_us,
        .process = workers_process_id(pool),
        .number = report->duration_ms < 0 ? -1 : report->duration_ms,
    };
    event_write(pool, ticket, &record);
}

ALWAYS_INLINE void report_record_change(const struct keyshm_pool *pool, struct event_ticket ticket, struct report *report,
                                        const struct report_change *change)
{
    enum keyshm_status from = word_status(change->before), to = word_status(change->after);
    report_read_tick(pool, report);
    uint64_t now_ms = report->now_ms != 0 ? report->now_ms : report->tick_us / 1000;
    if (from != KEYSHM_AVAILABLE && !word_is_benched(change->before, now_ms)) {
        /* A pick would have found it available already. */
        if (to == KEYSHM_AVAILABLE) {
            report_record(pool, ticket, report, KEYSHM_EVENT_EXPIRED, to, (int)from);
            return;
        }
        from = KEYSHM_AVAILABLE;
    }
    report_record(pool, ticket, report, KEYSHM_EVENT_MARKED, to, (int)from);
}

/* Is a mark that left the state as it was a stale one, worth a record? One that repeats what is known is not. */
static inline bool report_is_stale(const struct report *report, uint64_t word)
{
    const struct word_bench *bench = &report->bench;
    uint64_t wanted = word_make(bench->status, bench->reason, 0, bench->deadline_ms) | (word & WORD_PAUSED);
    wanted = word_with_probe(wanted, bench->is_probe_wanted ? WORD_PROBE_WANTED : WORD_PROBE_NONE);
    return report->status != KEYSHM_AVAILABLE && !report->is_over && !word_is_same_state(word, wanted);
}

/* The ticket is that of a change that others overtook; NULL: none was claimed. */
__attribute__((cold)) void report_record_refusal(const struct keyshm_pool *pool, struct report *report,
                                                 const struct event_ticket *ticket_or_null, int from);

/* The word was left as it was, or there is none. */
static inline void report_record_no_change(const struct keyshm_pool *pool, struct report *report,
                                           const struct event_ticket *claimed, uint64_t word)
{
    enum keyshm_status status = word_status(word);
    int from = word_is_live(word) ? (int)status : -1;
    if (from < 0 || claimed != NULL || report_is_stale(report, word))
        report_record_refusal(pool, report, claimed, from);
}

/* ---- its word ---- */

/*
 * The word of the report's subject and model, and as it is in memory. A free one when the subject is not, or no longer,
 * in the pool.
 *
 * The word of a model is loaded before the check that its subject is there: where another has its number since, the
 * word has changed, too, so that a change of this one fails (subject.h).
 */
ALWAYS_INLINE uint64_t report_load_word(const struct report *report, uint64_t *ret_raw)
{
    if (report->model == 0)
        return *ret_raw = slot_word_at(report->whole_at, report->id_at, report->id);
    *ret_raw = atomic_load_explicit(report->word_at, memory_order_acquire);
    bool is_there = word_is_live(slot_word_at(report->whole_at, report->id_at, report->id));
    return is_there ? availability_of_model(*ret_raw) : word_make_free(0);
}

/* From what it is in memory. */
ALWAYS_INLINE bool report_change_word(const struct report *report, uint64_t raw, uint64_t after)
{
    /* release: pairs with the acquire loads of the word in slot_word_at(): a process that sees the new word also sees what
     * its author saw. seq_cst: a group has no bit of its own to set afterwards, so that this and what makes the blocks due
     * have one order with the accesses of looks and sweeps (ready_bits.c). */
    return atomic_compare_exchange_weak_explicit(report->word_at, &raw, after, memory_order_seq_cst,
                                                 memory_order_relaxed);
}

/* The word was changed so: the counts follow, by this or by any later mark. */
static inline void report_finish_streak(const struct keyshm_pool *pool, const struct report *report,
                                        const struct report_change *change)
{
    struct streak streak;
    if (((change->after ^ change->before) & WORD_STREAK_MASK) != 0)
        (void)streak_settle(report->word_at, pool_history(pool, report->model, report->subject), change->after, &streak);
}

/* The report is about the word of this subject. */
ALWAYS_INLINE void report_set_subject(const struct keyshm_pool *pool, uint32_t subject, bool is_group, keyshm_id id,
                                      struct report *report)
{
    report->id = id;
    report->subject = subject;
    report->is_group = is_group;
    report->id_at = is_group ? &subject_group(pool, subject)->id : &pool_slot(pool, subject)->id;
    report->whole_at = &pool->words[subject];
    report->word_at = pool_word(pool, report->model, subject);
}

/* The group that the key is in, or the key itself. -ESTALE, -EBUSY. */
int report_find_group(const struct keyshm_pool *pool, keyshm_id id, struct report *report);

/* The subject of the mark. -ESTALE, -EBUSY. */
ALWAYS_INLINE int report_find_subject(const struct keyshm_pool *pool, keyshm_id id, enum keyshm_scope scope,
                                      struct report *report)
{
    uint32_t subject = subject_of(pool, id);
    bool is_group = id_is_group(id);
    if (subject == SUBJECT_NONE)
        return -ESTALE;
    report_set_subject(pool, subject, is_group, id, report);
    return scope == KEYSHM_SCOPE_GROUP && !is_group ? report_find_group(pool, id, report) : 0;
}

#endif
