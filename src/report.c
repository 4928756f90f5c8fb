/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>

void report_record_refusal(const struct keyshm_pool *pool, struct report *report,
                           const struct event_ticket *ticket_or_null, int from)
{
    struct event_ticket ticket = ticket_or_null != NULL ? *ticket_or_null : event_claim(pool, EVENT_CLASS_COOLDOWNS);
    report_read_tick(pool, report);
    report_record(pool, ticket, report, KEYSHM_EVENT_REFUSED, report->status, from);
}

int report_find_group(const struct keyshm_pool *pool, keyshm_id id, struct report *report)
{
    for (int i = 0; i < REPORT_TRIES_MAX; i++) {
        uint32_t key_group = key_group_of_slot(pool, id_slot(id));
        if (!word_is_live(subject_word_of(pool, id))) /* then the group may be another key's */
            return -ESTALE;
        if (key_group == GROUP_NONE)
            return 0;
        uint32_t subject = pool_group_subject(pool, group_index(key_group));
        keyshm_id group = atomic_load_explicit(subject_id_at(pool, subject), memory_order_acquire);
        if (group_pack(group) != key_group) /* the key has left it, and another group has its place */
            continue;
        report_set_subject(pool, subject, true, group, report);
        return 0;
    }
    return -EBUSY;
}
