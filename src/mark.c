/* SPDX-License-Identifier: MIT */
#include "mark.h"

#include <errno.h>

#include "event_ring.h"
#include "pace.h"
#include "policy.h"
#include "pool_clock.h"
#include "ready_bits.h"
#include "streak.h"
#include "subject.h"
#include "tagged.h"
#include "workers.h"

/* The bound behind -EBUSY in keyshm.h. A try fails only when another process changed the same word within the same few
 * nanoseconds, so this is never reached by chance. */
#define MARK_TRIES_MAX 10000

/* What a mark reports. */
struct report {
    keyshm_id id; /* of the subject */
    uint32_t subject;
    unsigned model;
    bool is_group;
    const _Atomic uint64_t *id_at, *whole_at; /* of the subject: its id, and its word of model 0 */
    _Atomic uint64_t *word_at;
    enum keyshm_status status;
    enum keyshm_reason reason;
    bool is_over;        /* it had ended when it was made: it changes nothing */
    int64_t duration_ms; /* negative: none. DURATION_BY_POLICY becomes what that says for the word */
    uint64_t stamp;      /* 0: none */
    uint64_t now_ms;     /* a time that the mark is not earlier than; 0: not read */
    uint64_t end_ms;     /* the end of the moment in which it is made: durations count from there */
    uint64_t tick_us;    /* of the clock; 0: not read yet */
    enum streak_step kind; /* of what it may be one in a row; STREAK_STAYS: of nothing */
    bool is_by_policy;     /* its duration is */
    struct word_bench bench; /* what it says of the word that was last looked at, unless it is that it is available */
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

/* Of what the mark may be one in a row: only a provider's answers are, and of rate limits those that do not say how long. */
static enum streak_step kind_of(const struct mark_request *request)
{
    bool is_answer = request->reason != KEYSHM_REASON_PEER && request->reason != KEYSHM_REASON_BUDGET &&
                     request->reason != KEYSHM_REASON_OPERATOR;
    if (!is_answer || request->duration_ms != DURATION_BY_POLICY)
        return STREAK_STAYS;
    return request->status == KEYSHM_INVALID        ? STREAK_INVALID
           : request->status == KEYSHM_RATE_LIMITED ? STREAK_RATE_LIMIT
                                                    : STREAK_STAYS;
}

/* A mark that the key is not available reads the exact clock, or in a burst the coarse one. */
static struct report make_report(const struct keyshm_pool *pool, const struct mark_request *request)
{
    struct report report = {
        .model = request->model,
        .status = request->status,
        .reason = request->reason,
        .is_over = request->duration_ms == 0,
        .duration_ms = request->duration_ms,
        .stamp = request->stamp,
        .kind = kind_of(request),
        .is_by_policy = request->duration_ms == DURATION_BY_POLICY,
    };
    if (request->status == KEYSHM_AVAILABLE)
        return report;
    bool is_burst;
    report.tick_us = count_call(pool, &is_burst);
    report.now_ms = report.tick_us / 1000;
    report.end_ms = report.now_ms + pool_coarse_lag_ms(pool) + 1;
    if (!is_burst) {
        report.now_ms = pool_now_ms(pool);
        report.end_ms = report.now_ms + 1;
    }
    return report;
}

/* Of the word, the count of marks when the key was picked, by the stamp; of the group for which the stamp was made. */
static uint64_t marks_at_pick(const struct report *report)
{
    unsigned shift = (report->model != 0 ? STAMP_MODEL_SHIFT : 0) + (report->is_group ? STAMP_GROUP_SHIFT : 0);
    uint64_t marks = report->stamp >> shift & WORD_MARKS_MASK;
    return report->is_group ? stamp_of_group(marks, group_pack(report->id)) : marks;
}

/* Does an available mark answer a pick, after which something else was marked, or the key was moved to another group? */
static bool is_outdated(uint64_t word, const struct report *report)
{
    return report->status == KEYSHM_AVAILABLE && report->stamp != 0 && marks_at_pick(report) != word_marks(word);
}

/* ---- what it says of a word ---- */

/* Is it another failure, rather than one more answer of the same cause? */
static bool is_another(uint64_t word, const struct streak *streak, const struct report *report)
{
    if (report->kind == STREAK_STAYS)
        return false;
    return report->stamp != 0 ? !streak_is_same_cause(streak, report->kind, word, marks_at_pick(report))
                              : !word_is_benched_by_mark(word, report->now_ms);
}

static enum streak_step end_of(const struct streak *streak)
{
    return streak_is_there(streak) ? STREAK_ENDS : STREAK_STAYS;
}

/* Sets its duration, if that is by the policy: as the `number`th in a row. An invalid mark that is not final yet makes the
 * key rate limited. */
static enum keyshm_status apply_policy(const struct keyshm_pool *pool, struct report *report, unsigned number)
{
    number = number != 0 ? number : 1;
    enum keyshm_status status = report->status;
    if (report->kind == STREAK_INVALID && number < policy_invalid_after(pool)) {
        report->duration_ms = policy_cooldown_ms(pool, 1);
        status = KEYSHM_RATE_LIMITED;
    } else if (status == KEYSHM_INVALID) {
        report->duration_ms = policy_invalid_retry_ms(pool);
    } else if (status == KEYSHM_QUOTA_EXCEEDED) {
        report->duration_ms = policy_quota_retry_ms(pool);
    } else {
        report->duration_ms = policy_cooldown_ms(pool, number);
    }
    return status;
}

/* What it says, as the `number`th in a row. */
static struct word_bench bench_of(const struct keyshm_pool *pool, struct report *report, unsigned number)
{
    struct word_bench bench = {.status = report->status, .reason = report->reason, .deadline_ms = WORD_FOREVER};
    bool is_final = report->is_by_policy && report->kind != STREAK_RATE_LIMIT;
    if (report->is_by_policy)
        bench.status = apply_policy(pool, report, number);
    if (report->duration_ms < 0)
        return bench;
    /* Counted from the end of the moment, so that a deadline is never early. */
    bench.deadline_ms = word_deadline_after(report->end_ms, (uint64_t)report->duration_ms);
    bench.is_probe_wanted = policy_has_probes(pool) || (is_final && bench.status != KEYSHM_RATE_LIMITED);
    return bench;
}

/* ---- its event (event_ring.h) ---- */

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
        .scope = report->is_group ? KEYSHM_SCOPE_GROUP : KEYSHM_SCOPE_KEY,
        .model = report->model,
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
    const struct word_bench *bench = &report->bench;
    uint64_t wanted = word_make(bench->status, bench->reason, 0, bench->deadline_ms) | (word & WORD_PAUSED);
    wanted = word_with_probe(wanted, bench->is_probe_wanted ? WORD_PROBE_WANTED : WORD_PROBE_NONE);
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

/*
 * The word of the report's subject and model, and as it is in memory. A free one when the subject is not, or no longer,
 * in the pool.
 *
 * The word of a model is loaded before the check that its subject is there: where another has its number since, the
 * word has changed, too, so that a change of this one fails (subject.h).
 */
ALWAYS_INLINE uint64_t load_word(const struct report *report, uint64_t *ret_raw)
{
    if (report->model == 0)
        return *ret_raw = slot_word_at(report->whole_at, report->id_at, report->id);
    *ret_raw = atomic_load_explicit(report->word_at, memory_order_acquire);
    bool is_there = word_is_live(slot_word_at(report->whole_at, report->id_at, report->id));
    return is_there ? availability_of_model(*ret_raw) : word_make_free(0);
}

/* From what it is in memory. */
ALWAYS_INLINE bool change_word(const struct report *report, uint64_t raw, uint64_t after)
{
    /* release: pairs with the acquire loads of the word in slot_word_at(): a process that sees the new word also sees what
     * its author saw. seq_cst: a group has no bit of its own to set afterwards, so that this and what makes the blocks due
     * have one order with the accesses of looks and sweeps (ready_bits.c). */
    return atomic_compare_exchange_weak_explicit(report->word_at, &raw, after, memory_order_seq_cst,
                                                 memory_order_relaxed);
}

/* The word after a mark that the key is not available. */
static uint64_t benched(const struct keyshm_pool *pool, uint64_t word, const struct streak *streak,
                        struct layout_history *history, struct report *report)
{
    bool is_next = is_another(word, streak, report);
    unsigned number = (report->kind == STREAK_INVALID ? streak->invalids : streak->rate_limits) + is_next;
    if (is_next || streak_is_there(streak))
        streak_hear_failure(history, report->now_ms);
    report->bench = bench_of(pool, report, number);
    return streak_step(word_join(word, report->bench, report->now_ms), is_next ? report->kind : STREAK_STAYS);
}

/* The word after the mark. False: look at it again, since it has changed. */
static bool plan(const struct keyshm_pool *pool, uint64_t raw, struct report *report, struct mark_change *change)
{
    struct layout_history *history = pool_history(pool, report->model, report->subject);
    struct streak streak;
    change->after = change->before;
    if (report->is_over || is_outdated(change->before, report))
        return true;
    if (!streak_settle(report->word_at, history, raw, &streak))
        return false;
    if (report->status == KEYSHM_AVAILABLE) {
        change->after = streak_step(word_release(change->before), end_of(&streak));
        return true;
    }
    if (streak_is_there(&streak) && streak_is_forgotten(pool, history, report->now_ms)) {
        /* It ends before this mark, by a change of its own. */
        (void)change_word(report, raw, streak_step(change->before, STREAK_ENDS));
        return false;
    }
    change->after = benched(pool, change->before, &streak, history, report);
    return true;
}

/* The word was changed so: the counts follow, by this or by any later mark. */
static inline void finish_streak(const struct keyshm_pool *pool, const struct report *report,
                                 const struct mark_change *change)
{
    struct streak streak;
    if (((change->after ^ change->before) & WORD_STREAK_MASK) != 0)
        (void)streak_settle(report->word_at, pool_history(pool, report->model, report->subject), change->after, &streak);
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
ALWAYS_INLINE int join(const struct keyshm_pool *pool, struct report *report, struct mark_change *change)
{
    struct event_ticket ticket, *claimed = NULL;
    for (int i = 0; i < MARK_TRIES_MAX; i++) {
        uint64_t raw;
        change->before = load_word(report, &raw);
        if (!word_is_live(change->before)) {
            record_no_change(pool, report, claimed, change->before);
            return -ESTALE;
        }
        if (!plan(pool, raw, report, change))
            continue;
        bool is_event = !word_is_same_state(change->before, change->after);
        /* Before the change, so that a process killed in between leaves a number without a record. */
        if (is_event && claimed == NULL) {
            ticket = event_claim(pool, class_of(change->before, change->after));
            claimed = &ticket;
        }
        if (change->after != change->before && !change_word(report, raw, change->after))
            continue;
        finish_streak(pool, report, change);
        if (is_event)
            record_change(pool, ticket, report, change);
        else
            record_no_change(pool, report, claimed, change->before);
        return 0;
    }
    return -EBUSY;
}

/* The report is about the word of this subject. */
ALWAYS_INLINE void set_subject(const struct keyshm_pool *pool, uint32_t subject, bool is_group, keyshm_id id,
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
__attribute__((noinline)) static int find_group(const struct keyshm_pool *pool, keyshm_id id, struct report *report)
{
    for (int i = 0; i < MARK_TRIES_MAX; i++) {
        uint32_t key_group = key_group_of_slot(pool, id_slot(id));
        if (!word_is_live(subject_word_of(pool, id))) /* then the group may be another key's */
            return -ESTALE;
        if (key_group == GROUP_NONE)
            return 0;
        uint32_t subject = pool_group_subject(pool, group_index(key_group));
        keyshm_id group = atomic_load_explicit(subject_id_at(pool, subject), memory_order_acquire);
        if (group_pack(group) != key_group) /* the key has left it, and another group has its place */
            continue;
        set_subject(pool, subject, true, group, report);
        return 0;
    }
    return -EBUSY;
}

/* The subject of the mark. -ESTALE, -EBUSY. */
ALWAYS_INLINE int find_subject(const struct keyshm_pool *pool, keyshm_id id, enum keyshm_scope scope,
                               struct report *report)
{
    uint32_t subject = subject_of(pool, id);
    bool is_group = id_is_group(id);
    if (subject == SUBJECT_NONE)
        return -ESTALE;
    set_subject(pool, subject, is_group, id, report);
    return scope == KEYSHM_SCOPE_GROUP && !is_group ? find_group(pool, id, report) : 0;
}

/* One word, and what goes with it. A group that was available already is not announced: all blocks would be swept. */
ALWAYS_INLINE int mark_word(const struct keyshm_pool *pool, struct report *report, struct mark_change *change)
{
    int r = join(pool, report, change);
    if (r == 0 && report->status == KEYSHM_AVAILABLE && word_is_available(change->after, 0) &&
        (!report->is_group || change->before != change->after))
        ready_announce(pool, report->model, report->subject);
    return r;
}

/* The same, for what is not hot. */
__attribute__((noinline)) static int mark_another_word(const struct keyshm_pool *pool, struct report *report)
{
    struct mark_change change;
    return mark_word(pool, report, &change);
}

/* The group through the key was removed, so the key has left it. */
static bool was_moved(const struct keyshm_pool *pool, keyshm_id id, const struct report *report)
{
    return report->is_group && !id_is_group(id) && word_is_live(subject_word_of(pool, id));
}

/* The group that the key is in now, or the key. */
__attribute__((cold, noinline)) static int mark_its_group(const struct keyshm_pool *pool, keyshm_id id,
                                                          struct report *report, struct mark_change *change)
{
    int r = find_subject(pool, id, KEYSHM_SCOPE_GROUP, report);
    return r == 0 ? mark_word(pool, report, change) : r;
}

/* Has anything been marked for the model, and not been lifted, or is there a streak? */
static bool says_something(const struct keyshm_pool *pool, unsigned model, uint32_t subject)
{
    uint64_t word = atomic_load_explicit(pool_word(pool, model, subject), memory_order_relaxed);
    return word_is_live(word) &&
           (word_status(word) != KEYSHM_AVAILABLE || streak_length(pool, model, subject, word, 0) != 0);
}

/* Available whatever the model: so the words of all models are, one after another. With a stamp they are left: it knows
 * nothing of those for which the key was not picked. */
__attribute__((noinline)) static int mark_models_available(const struct keyshm_pool *pool, const struct report *whole)
{
    int error = 0;
    for (unsigned model = 1; whole->stamp == 0 && model <= pool_models_used(pool); model++) {
        struct report report = *whole;
        report.model = model;
        report.word_at = pool_word(pool, model, report.subject);
        int r = says_something(pool, model, whole->subject) ? mark_another_word(pool, &report) : 0;
        error = r < 0 && r != -ESTALE ? r : error; /* what is removed meanwhile has no benches */
    }
    return error;
}

int mark(const struct keyshm_pool *pool, keyshm_id id, const struct mark_request *request, struct mark_change *ret_change)
{
    struct mark_change change;
    struct report report = make_report(pool, request);
    int r = find_subject(pool, id, request->scope, &report);
    if (r == 0)
        r = mark_word(pool, &report, &change);
    for (int i = 0; i < MARK_TRIES_MAX && r == -ESTALE && was_moved(pool, id, &report); i++)
        r = mark_its_group(pool, id, &report, &change);
    if (r == 0 && request->status == KEYSHM_AVAILABLE && request->model == 0 && pool_models_used(pool) > 0)
        r = mark_models_available(pool, &report);
    if (r < 0)
        return r;
    tagged_increment(&subject_marked_at(pool, report.subject)[request->status], report.id);
    change.id = report.id;
    *ret_change = change;
    return 0;
}

/* ---- success ---- */

/* 1: a probe was ended; 0. -EBUSY. */
static int succeed(const struct keyshm_pool *pool, struct report *report)
{
    struct event_ticket ticket, *claimed = NULL;
    for (int i = 0; i < MARK_TRIES_MAX; i++) {
        uint64_t raw;
        struct streak streak;
        struct mark_change change = {.before = load_word(report, &raw)};
        bool is_news = word_is_live(change.before) && marks_at_pick(report) == word_marks(change.before);
        if (is_news && !streak_settle(report->word_at, pool_history(pool, report->model, report->subject), raw, &streak))
            continue;
        bool is_probe = is_news && word_probe(change.before) == WORD_PROBE_TAKEN;
        if (!is_probe && claimed != NULL)
            record_no_change(pool, report, claimed, change.before);
        if (!is_probe && (!is_news || !streak_is_there(&streak)))
            return 0;
        change.after = streak_step(is_probe ? word_release(change.before) : change.before, end_of(&streak));
        if (is_probe && claimed == NULL) {
            ticket = event_claim(pool, class_of(change.before, change.after));
            claimed = &ticket;
        }
        if (!change_word(report, raw, change.after))
            continue;
        finish_streak(pool, report, &change);
        if (!is_probe)
            return 0;
        enum keyshm_status from = word_status(change.before);
        read_tick(pool, report);
        record(pool, ticket, report, KEYSHM_EVENT_EXPIRED, KEYSHM_AVAILABLE, (int)from);
        ready_announce(pool, report->model, report->subject);
        return 1;
    }
    return -EBUSY;
}

int mark_success(const struct keyshm_pool *pool, keyshm_id id, unsigned model, uint64_t stamp)
{
    int count = 0;
    for (unsigned i = 0; i < 4; i++) {
        struct report report = {.model = i % 2 != 0 ? model : 0, .stamp = stamp, .duration_ms = -1};
        enum keyshm_scope scope = i < 2 ? KEYSHM_SCOPE_KEY : KEYSHM_SCOPE_GROUP;
        if (i % 2 != 0 && model == 0)
            continue;
        int r = find_subject(pool, id, scope, &report);
        if (r == 0 && scope == KEYSHM_SCOPE_GROUP && !report.is_group) /* it is in none */
            break;
        r = r == 0 ? succeed(pool, &report) : r;
        if (r < 0)
            return r;
        count += r;
    }
    return word_is_live(slot_word_of(pool, id)) ? count > 0 : -ESTALE;
}

/* ---- all at once ---- */

/* What is lifted: the benches of these statuses, or of no status those that have ended. */
struct visit {
    const struct keyshm_pool *pool;
    unsigned status_mask;
    uint64_t now_ms;
    uint64_t tick_us;
    bool *has_group; /* of each model: has it a group that was lifted? */
};

static bool is_to_lift(const struct visit *visit, uint64_t word)
{
    if (visit->status_mask == 0)
        return word_is_cooling(word) && !word_is_benched(word, visit->now_ms) && word_probe(word) == WORD_PROBE_NONE;
    return word_is_live(word) && word_is_benched(word, visit->now_ms) &&
           (visit->status_mask >> word_status(word) & 1) != 0;
}

/* The word was lifted. The end of a cooldown is no mark. */
static void finish_lift(const struct visit *visit, struct event_ticket ticket, struct report *report,
                        const struct mark_change *change)
{
    finish_streak(visit->pool, report, change);
    record_change(visit->pool, ticket, report, change);
    if (report->is_group)
        visit->has_group[report->model] = true;
    else if (word_is_available(change->after, 0))
        ready_announce(visit->pool, report->model, report->subject);
    if (visit->status_mask != 0)
        tagged_increment(&subject_marked_at(visit->pool, report->subject)[KEYSHM_AVAILABLE], report->id);
}

/* A mark ends the streak, the end of a cooldown does not. False: look at the word again, since it has changed. */
static bool plan_lift(const struct visit *visit, const struct report *report, uint64_t raw, struct mark_change *change)
{
    struct streak streak = {.rate_limits = 0};
    bool is_mark = visit->status_mask != 0;
    if (is_mark && !streak_settle(report->word_at, pool_history(visit->pool, report->model, report->subject), raw, &streak))
        return false;
    change->after = streak_step(word_release(change->before), end_of(&streak));
    return true;
}

/* 1: the word was lifted; 0: it is not to be, also when other marks came between. -EBUSY. */
static int lift(const struct visit *visit, struct report *report)
{
    const struct keyshm_pool *pool = visit->pool;
    struct event_ticket ticket, *claimed = NULL;
    for (int i = 0; i < MARK_TRIES_MAX; i++) {
        uint64_t raw;
        struct mark_change change = {.before = load_word(report, &raw)};
        if (!is_to_lift(visit, change.before)) {
            if (claimed != NULL)
                record_no_change(pool, report, claimed, change.before);
            return 0;
        }
        if (!plan_lift(visit, report, raw, &change))
            continue;
        if (claimed == NULL) {
            ticket = event_claim(pool, class_of(change.before, change.after));
            claimed = &ticket;
        }
        if (change_word(report, raw, change.after)) {
            finish_lift(visit, ticket, report, &change);
            return 1;
        }
    }
    return -EBUSY;
}

/* 1: one of its words was lifted. -EBUSY. */
static int visit_subject(const struct visit *visit, uint32_t subject, mark_fn *on_marked)
{
    const struct keyshm_pool *pool = visit->pool;
    keyshm_id id = atomic_load_explicit(subject_id_at(pool, subject), memory_order_acquire);
    int count = 0, error = 0;
    for (unsigned model = 0; model <= pool_models_used(pool); model++) {
        struct report report = {.model = model,
                                .status = KEYSHM_AVAILABLE,
                                .duration_ms = -1,
                                .now_ms = visit->now_ms,
                                .tick_us = visit->tick_us};
        set_subject(pool, subject, subject_is_group(pool, subject), id, &report);
        int r = lift(visit, &report);
        count += r > 0;
        error = r < 0 ? r : error;
    }
    if (count > 0)
        on_marked(pool, id);
    return error < 0 ? error : count > 0;
}

/* Returns of how many keys and groups. -EBUSY. */
static int visit_all(const struct keyshm_pool *pool, unsigned status_mask, mark_fn *on_marked)
{
    bool is_burst;
    uint32_t slots = pool_slots_used(pool), groups = pool_groups_used(pool);
    int count = 0, error = 0;
    bool has_group[1 + KEYSHM_MODELS_MAX] = {false};
    struct visit visit = {.pool = pool, .status_mask = status_mask, .now_ms = pool_now_ms(pool), .has_group = has_group};
    visit.tick_us = count_call(pool, &is_burst);
    for (uint32_t i = 0; i < slots + groups; i++) {
        int r = visit_subject(&visit, i < slots ? i : pool_group_subject(pool, i - slots), on_marked);
        count += r > 0;
        error = r < 0 ? r : error;
    }
    for (unsigned model = 0; model <= pool_models_used(pool); model++)
        if (has_group[model])
            ready_announce(pool, model, pool_group_subject(pool, 0));
    return error < 0 ? error : count;
}

int mark_all_expired(const struct keyshm_pool *pool, mark_fn *on_marked)
{
    return visit_all(pool, 0, on_marked);
}

int mark_all_available(const struct keyshm_pool *pool, unsigned status_mask, mark_fn *on_marked)
{
    return visit_all(pool, status_mask, on_marked);
}

/* ---- pauses ---- */

static uint64_t paused(uint64_t word, bool is_paused)
{
    return is_paused ? word | WORD_PAUSED : word & ~WORD_PAUSED;
}

int mark_paused(const struct keyshm_pool *pool, keyshm_id id, bool is_paused)
{
    struct report report = {.reason = KEYSHM_REASON_OPERATOR, .duration_ms = -1};
    struct event_ticket ticket, *claimed = NULL;
    int r = find_subject(pool, id, KEYSHM_SCOPE_KEY, &report);
    for (int i = 0; i < MARK_TRIES_MAX && r == 0; i++) {
        uint64_t raw, word = load_word(&report, &raw);
        enum keyshm_status status = word_status(word);
        if (!word_is_live(word) || paused(word, is_paused) == word) {
            if (claimed != NULL) /* another process was faster */
                record_no_change(pool, &report, claimed, word);
            return word_is_live(word) ? 0 : -ESTALE;
        }
        if (claimed == NULL) {
            ticket = event_claim(pool, EVENT_CLASS_LASTING);
            claimed = &ticket;
        }
        if (!change_word(&report, raw, paused(word, is_paused)))
            continue;
        read_tick(pool, &report);
        record(pool, ticket, &report, is_paused ? KEYSHM_EVENT_PAUSED : KEYSHM_EVENT_RESUMED, status, (int)status);
        if (!is_paused)
            ready_announce(pool, 0, report.subject);
        return 1;
    }
    return r < 0 ? r : -EBUSY;
}
