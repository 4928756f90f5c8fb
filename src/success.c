/* SPDX-License-Identifier: MIT */
#include "success.h"

#include <errno.h>

#include "ready_bits.h"
#include "report.h"

/* Is it under way, or was it given back, because its process seemed to have ended? */
static bool is_probe_of(const struct keyshm_pool *pool, uint64_t word)
{
    return word_probe(word) == WORD_PROBE_TAKEN ||
           (word_probe(word) == WORD_PROBE_WANTED && !word_is_benched(word, pool_now_ms(pool)));
}

/* 1: a probe was ended; 0. -EBUSY. */
static int succeed(const struct keyshm_pool *pool, struct report *report)
{
    struct event_ticket ticket, *claimed = NULL;
    for (int i = 0; i < REPORT_TRIES_MAX; i++) {
        uint64_t raw;
        struct streak streak;
        struct report_change change = {.before = report_load_word(report, &raw)};
        bool is_news = word_is_live(change.before) && report_is_news(report, change.before);
        if (is_news && !streak_settle(report->word_at, pool_history(pool, report->model, report->subject), raw, &streak))
            continue;
        bool is_probe = is_news && is_probe_of(pool, change.before);
        if (!is_probe && claimed != NULL)
            report_record_no_change(pool, report, claimed, change.before);
        if (!is_probe && (!is_news || !streak_is_there(&streak)))
            return 0;
        change.after = streak_step(is_probe ? word_release(change.before) : change.before, streak_end_of(&streak));
        if (is_probe && claimed == NULL) {
            ticket = event_claim(pool, report_event_class(change.before, change.after));
            claimed = &ticket;
        }
        if (!report_change_word(report, raw, change.after))
            continue;
        report_finish_streak(pool, report, &change);
        if (!is_probe)
            return 0;
        enum keyshm_status from = word_status(change.before);
        report_read_tick(pool, report);
        report_record(pool, ticket, report, KEYSHM_EVENT_EXPIRED, KEYSHM_AVAILABLE, (int)from);
        ready_announce(pool, report->model, report->subject);
        return 1;
    }
    return -EBUSY;
}

/* Of a word of the slot: there is neither a probe, which an available one has not, nor a streak that could end. */
ALWAYS_INLINE bool is_quiet(const struct keyshm_pool *pool, unsigned model, uint32_t slot, uint64_t raw, uint64_t word)
{
    return word_status(word) == KEYSHM_AVAILABLE && streak_is_quiet(pool_history(pool, model, slot), raw);
}

/* As mostly, of a key that is in no group. The words are loaded before the key's own, by which it is there, as in
 * report_find_group() and report_load_word(). */
ALWAYS_INLINE bool has_nothing_to_end(const struct keyshm_pool *pool, keyshm_id id, unsigned model)
{
    uint32_t slot = id_slot(id);
    if (slot >= pool->settings.capacity || key_group_of_slot(pool, slot) != GROUP_NONE)
        return false;
    /* acquire: as in report_load_word(). */
    uint64_t of_model = model != 0 ? atomic_load_explicit(pool_word(pool, model, slot), memory_order_acquire) : 0;
    uint64_t word = slot_word_of(pool, id);
    return word_is_live(word) && is_quiet(pool, 0, slot, word, word) &&
           (model == 0 || is_quiet(pool, model, slot, of_model, availability_of_model(of_model)));
}

int success_report(const struct keyshm_pool *pool, keyshm_id id, unsigned model, uint64_t stamp)
{
    int count = 0;
    if (has_nothing_to_end(pool, id, model))
        return 0;
    for (unsigned i = 0; i < 4; i++) {
        struct report report = {.model = i % 2 != 0 ? model : 0, .stamp = stamp, .duration_ms = -1};
        enum keyshm_scope scope = i < 2 ? KEYSHM_SCOPE_KEY : KEYSHM_SCOPE_GROUP;
        if (i % 2 != 0 && model == 0)
            continue;
        int r = report_find_subject(pool, id, scope, &report);
        if (r == 0 && scope == KEYSHM_SCOPE_GROUP && !report.is_group) /* it is in none */
            break;
        r = r == 0 ? succeed(pool, &report) : r;
        if (r < 0)
            return r;
        count += r;
    }
    return word_is_live(slot_word_of(pool, id)) ? count > 0 : -ESTALE;
}
