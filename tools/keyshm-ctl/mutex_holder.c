/* SPDX-License-Identifier: MIT */
#include "mutex_holder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "process_state.h"
#include "text.h"

bool mutex_holder_is_stopped(const struct keyshm_snapshot *snapshot)
{
    return snapshot->mutex_holder_state == 'T' || snapshot->mutex_holder_state == 't';
}

/* A process may call itself anything. */
static void copy_printable(const char *name, char ret_name[sizeof(((struct keyshm_snapshot *)0)->mutex_holder_name)])
{
    size_t length = strnlen(name, sizeof(((struct keyshm_snapshot *)0)->mutex_holder_name) - 1);
    for (size_t i = 0; i < length; i++)
        ret_name[i] = name[i] >= ' ' && name[i] <= '~' ? name[i] : '?';
    ret_name[length] = '\0';
}

void mutex_holder_describe(const struct keyshm_snapshot *snapshot, char ret_text[MUTEX_HOLDER_TEXT_SIZE])
{
    char name[sizeof(snapshot->mutex_holder_name)], held[64] = "for a time that is not known";
    const char *state = process_state_name(snapshot->mutex_holder_state);
    copy_printable(snapshot->mutex_holder_name, name);
    if (snapshot->mutex_held_ms >= 0)
        snprintf(held, sizeof(held), "for %" PRId64 ".%03" PRId64 " seconds", snapshot->mutex_held_ms / 1000,
                 snapshot->mutex_held_ms % 1000);
    snprintf(ret_text, MUTEX_HOLDER_TEXT_SIZE, "pid %d (%s), %s, %s", (int)snapshot->mutex_holder_pid,
             name[0] != '\0' ? name : "?", state[0] != '\0' ? state : "in a state that is not known", held);
}

json_t *mutex_holder_to_json(const struct keyshm_snapshot *snapshot)
{
    char state[2] = {snapshot->mutex_holder_state, '\0'};
    json_t *name = text_to_json(snapshot->mutex_holder_name, sizeof(snapshot->mutex_holder_name));
    return json_pack("{s:I, s:o, s:s, s:I}", "mutex_holder_pid", (json_int_t)snapshot->mutex_holder_pid,
                     "mutex_holder_name", name, "mutex_holder_state", state, "mutex_held_ms",
                     (json_int_t)snapshot->mutex_held_ms);
}
