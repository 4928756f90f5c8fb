/* SPDX-License-Identifier: MIT */
#include "pool_line.h"

#include <stdio.h>

#include "column.h"
#include "duration.h"
#include "printable.h"
#include "process_state.h"

#define PROCESS_SIZE 96

bool pool_line_holder_text(const struct keyshm_snapshot *snapshot, char ret_text[HOLDER_TEXT_SIZE])
{
    char process[PROCESS_SIZE], held[DURATION_SIZE];
    char name[PRINTABLE_SIZE(sizeof(snapshot->mutex_holder_name))];
    const char *state = process_state_name(snapshot->mutex_holder_state);
    printable(snapshot->mutex_holder_name, name, sizeof(name));
    if (snapshot->mutex_holder_pid < 0)
        snprintf(process, sizeof(process), "a process in another PID namespace");
    else if (name[0] == '\0')
        snprintf(process, sizeof(process), "pid %d", snapshot->mutex_holder_pid);
    else
        snprintf(process, sizeof(process), "pid %d (%s)", snapshot->mutex_holder_pid, name);
    duration_text(snapshot->mutex_held_ms, held);
    bool is_timed = snapshot->mutex_held_ms >= 0;
    snprintf(ret_text, HOLDER_TEXT_SIZE, "%s%s%s%s%s", process, state[0] != '\0' ? ", " : "", state,
             is_timed ? ", for " : "", is_timed ? held : "");
    return snapshot->mutex_holder_pid != 0;
}

void pool_line_print(const struct reading *reading, bool has_owner)
{
    const struct keyshm_snapshot *snapshot = reading->snapshot;
    const struct row row = {.pool = reading, .item = reading};
    char age[DURATION_SIZE], holder[HOLDER_TEXT_SIZE], owner[CELL_SIZE];
    duration_text(snapshot->age_ms, age);
    fputs(snapshot->provider, stdout);
    if (has_owner) {
        owner_text(&row, owner);
        printf(" of %s", owner);
    }
    printf(": %u/%u keys", snapshot->count, snapshot->capacity);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        printf(", %u %s", snapshot->status_count[status], keyshm_status_name((enum keyshm_status)status));
    printf(", age %s, recoveries %llu", age, (unsigned long long)snapshot->recoveries);
    if (pool_line_holder_text(snapshot, holder))
        printf(", mutex held by %s", holder);
    putchar('\n');
}
