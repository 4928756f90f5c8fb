/* SPDX-License-Identifier: MIT */
#include "mark.h"

#include <errno.h>

#include "policy.h"
#include "ready_bits.h"
#include "report.h"
#include "tagged.h"

static bool is_answer(const struct mark_request *request)
{
    return request->reason != KEYSHM_REASON_PEER && request->reason != KEYSHM_REASON_BUDGET &&
           request->reason != KEYSHM_REASON_OPERATOR;
}

/* Of what the mark may be one in a row: of rate limits those that do not say how long. */
static enum streak_step kind_of(const struct mark_request *request)
{
    if (!is_answer(request) || request->duration_ms != DURATION_BY_POLICY)
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
        .is_answer = is_answer(request),
        .kind = kind_of(request),
        .is_by_policy = request->duration_ms == DURATION_BY_POLICY,
    };
    if (request->status == KEYSHM_AVAILABLE)
        return report;
    bool is_burst;
    report.tick_us = report_count_call(pool, &is_burst);
    report.now_ms = report.tick_us / 1000;
    report.end_ms = report.now_ms + pool_coarse_lag_ms(pool) + 1;
    if (!is_burst) {
        report.now_ms = pool_now_ms(pool);
        report.end_ms = report.now_ms + 1;
    }
    return report;
}

/* Does an available mark answer a pick, after which something else was marked, or the key was moved to another group? */
static bool is_outdated(uint64_t word, const struct report *report)
{
    return report->status == KEYSHM_AVAILABLE && report->stamp != 0 && !report_is_news(report, word);
}

/* ---- what it says of a word ---- */

/* Is it another failure, rather than one more answer of the same cause? */
static bool is_another(uint64_t word, const struct streak *streak, const struct report *report)
{
    if (report->kind == STREAK_STAYS)
        return false;
    return report_has_stamp(report) ? !streak_is_same_cause(streak, report->kind, word, report_marks_at_pick(report))
                                    : !word_is_benched_by_mark(word, report->now_ms);
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

/* For the duration of the report. */
ALWAYS_INLINE struct word_bench bench_given(const struct keyshm_pool *pool, const struct report *report,
                                            enum keyshm_status status)
{
    struct word_bench bench = {.status = status, .reason = report->reason, .deadline_ms = WORD_FOREVER};
    if (report->duration_ms < 0)
        return bench;
    /* Counted from the end of the moment, so that a deadline is never early. */
    bench.deadline_ms = word_deadline_after(report->end_ms, (uint64_t)report->duration_ms);
    /* What was final is tried by one request, whether there are probes or not. */
    bench.is_probe_wanted = policy_has_probes(pool) || (report->is_by_policy && status != KEYSHM_RATE_LIMITED);
    return bench;
}

/* What it says, as the `number`th in a row. */
static struct word_bench bench_of(const struct keyshm_pool *pool, struct report *report, unsigned number)
{
    enum keyshm_status status = report->is_by_policy ? apply_policy(pool, report, number) : report->status;
    return bench_given(pool, report, status);
}

/* Where there is a streak, or this may be one in a row. False: look at the word again, since it has changed. */
__attribute__((noinline)) static bool plan_in_row(const struct keyshm_pool *pool, uint64_t raw, struct report *report,
                                                  struct layout_history *history, struct report_change *change)
{
    struct streak streak;
    if (!streak_settle(report->word_at, history, raw, &streak))
        return false;
    if (report->status == KEYSHM_AVAILABLE) {
        change->after = streak_step(word_release(change->before), streak_end_of(&streak));
        return true;
    }
    if (streak_is_there(&streak) && streak_is_forgotten(pool, history, report->now_ms)) {
        /* It ends before this mark, by a change of its own. */
        (void)report_change_word(report, raw, streak_step(change->before, STREAK_ENDS));
        return false;
    }
    bool is_next = is_another(change->before, &streak, report);
    unsigned number = is_next;
    if (report->kind != STREAK_STAYS)
        number += report->kind == STREAK_INVALID ? streak.invalids : streak.rate_limits;
    if (is_next || (report->is_answer && streak_is_there(&streak)))
        streak_hear_failure(history, report->now_ms, 0);
    report->bench = bench_of(pool, report, number);
    report->bench.is_of_before = report_is_of_before(report, change->before);
    change->after =
        streak_step(word_join(change->before, report->bench, report->now_ms), is_next ? report->kind : STREAK_STAYS);
    return true;
}

/* The word after the mark. False: look at it again. */
ALWAYS_INLINE bool plan(const struct keyshm_pool *pool, uint64_t raw, struct report *report, struct report_change *change)
{
    struct layout_history *history = pool_history(pool, report->model, report->subject);
    change->after = change->before;
    if (report->is_over || is_outdated(change->before, report))
        return true;
    if (report->kind != STREAK_STAYS || !streak_is_quiet(history, raw))
        return plan_in_row(pool, raw, report, history, change);
    if (report->status == KEYSHM_AVAILABLE) {
        change->after = word_release(change->before);
        return true;
    }
    report->bench = report->is_by_policy ? bench_of(pool, report, 1) : bench_given(pool, report, report->status);
    report->bench.is_of_before = report_is_of_before(report, change->before);
    change->after = word_join(change->before, report->bench, report->now_ms);
    return true;
}

/* The word becomes the join of what is known and the report. -ESTALE, -EBUSY. */
ALWAYS_INLINE int join(const struct keyshm_pool *pool, struct report *report, struct report_change *change)
{
    struct event_ticket ticket, *claimed = NULL;
    for (int i = 0; i < REPORT_TRIES_MAX; i++) {
        uint64_t raw;
        change->before = report_load_word(report, &raw);
        if (!word_is_live(change->before)) {
            report_record_no_change(pool, report, claimed, change->before);
            return -ESTALE;
        }
        if (!plan(pool, raw, report, change))
            continue;
        bool is_event = !word_is_same_state(change->before, change->after);
        /* Before the change, so that a process killed in between leaves a number without a record. */
        if (is_event && claimed == NULL) {
            ticket = event_claim(pool, report_event_class(change->before, change->after));
            claimed = &ticket;
        }
        if (change->after != change->before && !report_change_word(report, raw, change->after))
            continue;
        report_finish_streak(pool, report, change);
        if (is_event)
            report_record_change(pool, ticket, report, change);
        else
            report_record_no_change(pool, report, claimed, change->before);
        return 0;
    }
    return -EBUSY;
}

/* Is it worth a look now, or earlier than whoever has cleared its bit thought: after a probe that failed, and was waited
 * for longer than the bench lasts? A group that was available already is not announced: all blocks would be swept. */
ALWAYS_INLINE bool is_to_announce(const struct report *report, const struct report_change *change)
{
    if (report->status == KEYSHM_AVAILABLE)
        return word_is_available(change->after, 0) && (!report->is_group || change->before != change->after);
    return word_probe(change->before) == WORD_PROBE_TAKEN &&
           word_deadline_ms(change->after) < word_deadline_ms(change->before);
}

/* One word, and what goes with it. */
ALWAYS_INLINE int mark_word(const struct keyshm_pool *pool, struct report *report, struct report_change *change)
{
    int r = join(pool, report, change);
    if (r == 0 && is_to_announce(report, change))
        ready_announce(pool, report->model, report->subject);
    return r;
}

/* The same, for what is not hot. */
__attribute__((noinline)) static int mark_another_word(const struct keyshm_pool *pool, struct report *report)
{
    struct report_change change;
    return mark_word(pool, report, &change);
}

/* The group through the key was removed, so the key has left it. */
static bool was_moved(const struct keyshm_pool *pool, keyshm_id id, const struct report *report)
{
    return report->is_group && !id_is_group(id) && word_is_live(subject_word_of(pool, id));
}

/* The group that the key is in now, or the key. */
__attribute__((cold, noinline)) static int mark_its_group(const struct keyshm_pool *pool, keyshm_id id,
                                                          struct report *report, struct report_change *change)
{
    int r = report_find_subject(pool, id, KEYSHM_SCOPE_GROUP, report);
    return r == 0 ? mark_word(pool, report, change) : r;
}

/* Has anything been marked for the model, and not been lifted, or is there a streak? */
static bool says_something(const struct keyshm_pool *pool, unsigned model, uint32_t subject)
{
    uint64_t word = atomic_load_explicit(pool_word(pool, model, subject), memory_order_relaxed);
    return word_status(availability_of_model(word)) != KEYSHM_AVAILABLE ||
           streak_length(pool, model, subject, word, 0) != 0;
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

int mark(const struct keyshm_pool *pool, keyshm_id id, const struct mark_request *request,
         struct report_change *ret_change)
{
    struct report_change change;
    struct report report = make_report(pool, request);
    int r = report_find_subject(pool, id, request->scope, &report);
    if (r == 0)
        r = mark_word(pool, &report, &change);
    for (int i = 0; i < REPORT_TRIES_MAX && r == -ESTALE && was_moved(pool, id, &report); i++)
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

/* ---- pauses ---- */

static uint64_t paused(uint64_t word, bool is_paused)
{
    return is_paused ? word | WORD_PAUSED : word & ~WORD_PAUSED;
}

int mark_paused(const struct keyshm_pool *pool, keyshm_id id, bool is_paused)
{
    struct report report = {.reason = KEYSHM_REASON_OPERATOR, .duration_ms = -1};
    struct event_ticket ticket, *claimed = NULL;
    int r = report_find_subject(pool, id, KEYSHM_SCOPE_KEY, &report);
    for (int i = 0; i < REPORT_TRIES_MAX && r == 0; i++) {
        uint64_t raw, word = report_load_word(&report, &raw);
        enum keyshm_status status = word_status(word);
        if (!word_is_live(word) || paused(word, is_paused) == word) {
            if (claimed != NULL) /* another process was faster */
                report_record_no_change(pool, &report, claimed, word);
            return word_is_live(word) ? 0 : -ESTALE;
        }
        if (claimed == NULL) {
            ticket = event_claim(pool, EVENT_CLASS_LASTING);
            claimed = &ticket;
        }
        if (!report_change_word(&report, raw, paused(word, is_paused)))
            continue;
        report_read_tick(pool, &report);
        report_record(pool, ticket, &report, is_paused ? KEYSHM_EVENT_PAUSED : KEYSHM_EVENT_RESUMED, status, (int)status);
        if (!is_paused)
            ready_announce(pool, 0, report.subject);
        return 1;
    }
    return r < 0 ? r : -EBUSY;
}
