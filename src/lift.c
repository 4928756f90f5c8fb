/* SPDX-License-Identifier: MIT */
#include "lift.h"

#include <errno.h>

#include "ready_bits.h"
#include "report.h"
#include "tagged.h"

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
    return word_is_live(word) && (word_is_benched(word, visit->now_ms) || word_probe(word) != WORD_PROBE_NONE) &&
           (visit->status_mask >> word_status(word) & 1) != 0;
}

/* The word was lifted. The end of a cooldown is no mark. */
static void finish_lift(const struct visit *visit, struct event_ticket ticket, struct report *report,
                        const struct report_change *change)
{
    report_finish_streak(visit->pool, report, change);
    report_record_change(visit->pool, ticket, report, change);
    if (report->is_group)
        visit->has_group[report->model] = true;
    else if (word_is_available(change->after, 0))
        ready_announce(visit->pool, report->model, report->subject);
    if (visit->status_mask != 0)
        tagged_increment(&subject_marked_at(visit->pool, report->subject)[KEYSHM_AVAILABLE], report->id);
}

/* A mark ends the streak, the end of a cooldown does not. False: look at the word again, since it has changed. */
static bool plan_lift(const struct visit *visit, const struct report *report, uint64_t raw, struct report_change *change)
{
    struct streak streak = {.rate_limits = 0};
    bool is_mark = visit->status_mask != 0;
    if (is_mark &&
        !streak_settle(report->word_at, pool_history(visit->pool, report->model, report->subject), raw, &streak))
        return false;
    change->after = streak_step(word_release(change->before), streak_end_of(&streak));
    return true;
}

/* 1: the word was lifted; 0: it is not to be, also when other marks came between. -EBUSY. */
static int lift(const struct visit *visit, struct report *report)
{
    const struct keyshm_pool *pool = visit->pool;
    struct event_ticket ticket, *claimed = NULL;
    for (int i = 0; i < REPORT_TRIES_MAX; i++) {
        uint64_t raw;
        struct report_change change = {.before = report_load_word(report, &raw)};
        if (!is_to_lift(visit, change.before)) {
            if (claimed != NULL)
                report_record_no_change(pool, report, claimed, change.before);
            return 0;
        }
        if (!plan_lift(visit, report, raw, &change))
            continue;
        if (claimed == NULL) {
            ticket = event_claim(pool, report_event_class(change.before, change.after));
            claimed = &ticket;
        }
        if (report_change_word(report, raw, change.after)) {
            finish_lift(visit, ticket, report, &change);
            return 1;
        }
    }
    return -EBUSY;
}

/* 1: one of its words was lifted. -EBUSY. */
static int visit_subject(const struct visit *visit, uint32_t subject, lift_fn *on_lifted)
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
        report_set_subject(pool, subject, subject_is_group(pool, subject), id, &report);
        int r = lift(visit, &report);
        count += r > 0;
        error = r < 0 ? r : error;
    }
    if (count > 0)
        on_lifted(pool, id);
    return error < 0 ? error : count > 0;
}

/* Returns of how many keys and groups. -EBUSY. */
static int visit_all(const struct keyshm_pool *pool, unsigned status_mask, lift_fn *on_lifted)
{
    bool is_burst;
    uint32_t slots = pool_slots_used(pool), groups = pool_groups_used(pool);
    int count = 0, error = 0;
    bool has_group[1 + KEYSHM_MODELS_MAX] = {false};
    struct visit visit = {.pool = pool, .status_mask = status_mask, .now_ms = pool_now_ms(pool), .has_group = has_group};
    visit.tick_us = report_count_call(pool, &is_burst);
    for (uint32_t i = 0; i < slots + groups; i++) {
        int r = visit_subject(&visit, i < slots ? i : pool_group_subject(pool, i - slots), on_lifted);
        count += r > 0;
        error = r < 0 ? r : error;
    }
    for (unsigned model = 0; model <= pool_models_used(pool); model++)
        if (has_group[model])
            ready_announce(pool, model, pool_group_subject(pool, 0));
    return error < 0 ? error : count;
}

int lift_expired(const struct keyshm_pool *pool, lift_fn *on_lifted)
{
    return visit_all(pool, 0, on_lifted);
}

int lift_benches(const struct keyshm_pool *pool, unsigned status_mask, lift_fn *on_lifted)
{
    return visit_all(pool, status_mask, on_lifted);
}
