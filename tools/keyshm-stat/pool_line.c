/* SPDX-License-Identifier: MIT */
#include "pool_line.h"

#include <stdio.h>

#include "column.h"
#include "text.h"

void pool_line_print(const struct reading *reading, const struct request *request)
{
    const struct keyshm_snapshot *snapshot = reading->snapshot;
    const struct row row = {.pool = reading, .item = reading};
    char age[TEXT_DURATION_SIZE], holder[TEXT_MUTEX_HOLDER_SIZE], owner[CELL_SIZE];
    text_duration(snapshot->age_ms, age);
    fputs(snapshot->provider, stdout);
    if (request->all_users) {
        owner_text(&row, owner);
        printf(" of %s", owner);
    }
    if (request->model != NULL)
        printf(" for %s", request->model);
    printf(": %u/%u keys", snapshot->count, snapshot->capacity);
    printf(", %u available", reading->parts.available);
    for (int status = KEYSHM_AVAILABLE + 1; status < KEYSHM_STATUS_COUNT; status++)
        printf(", %u %s", snapshot->status_count[status], keyshm_status_name((enum keyshm_status)status));
    if (reading->parts.paused > 0)
        printf(", %u paused", reading->parts.paused);
    printf(", age %s, recoveries %llu", age, (unsigned long long)snapshot->recoveries);
    if (text_mutex_holder(snapshot, holder))
        printf(", mutex held by %s", holder);
    putchar('\n');
}
