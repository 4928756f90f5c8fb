/* SPDX-License-Identifier: MIT */
#include "log_subject.h"

#include <stdio.h>

#include "groups.h"
#include "key_group.h"
#include "log.h"
#include "slot.h"

void log_subject_name(const struct keyshm_pool *pool, keyshm_id id, char ret_text[LOG_SUBJECT_SIZE])
{
    char name[KEYSHM_NAME_MAX + 1] = "";
    _Static_assert(sizeof(name) >= KEYSHM_MASKED_SIZE, "either fits");
    if (id_is_group(id))
        (void)groups_name(pool, id, name, sizeof(name));
    else
        slot_masked_key(pool, id, name);
    snprintf(ret_text, LOG_SUBJECT_SIZE, "%s %s, id %llu", id_is_group(id) ? "group" : "key", name,
             (unsigned long long)id);
}

void log_subject(const struct keyshm_pool *pool, keyshm_id id, const char *what)
{
    char subject[LOG_SUBJECT_SIZE];
    if (!log_is_on(KEYSHM_LOG_INFO))
        return;
    log_subject_name(pool, id, subject);
    log_message(KEYSHM_LOG_INFO, "%s: %s: %s", pool->settings.provider, subject, what);
}
