/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <stdio.h>

#include "key_json.h"

const struct keyshm_key_snapshot *state_of(const struct row *row)
{
    return row->item;
}

/* ---- numbers ---- */

int64_t state_id(const struct row *row)
{
    return (int64_t)state_of(row)->id;
}

int64_t state_status(const struct row *row)
{
    return state_of(row)->status;
}

int64_t state_cooldown_left(const struct row *row)
{
    return state_of(row)->cooldown_left_ms;
}

int64_t state_paused(const struct row *row)
{
    return state_of(row)->is_paused;
}

int64_t state_reason(const struct row *row)
{
    return state_of(row)->reason;
}

int64_t state_errors(const struct row *row)
{
    return (int64_t)state_of(row)->error_count;
}

int64_t state_has_status(const struct row *row, enum keyshm_status status)
{
    return state_of(row)->status == status;
}

int64_t state_marked(const struct row *row, enum keyshm_status status)
{
    return (int64_t)state_of(row)->marked[status];
}

int64_t state_marked_available(const struct row *row)
{
    return state_marked(row, KEYSHM_AVAILABLE);
}

int64_t state_marked_rate_limited(const struct row *row)
{
    return state_marked(row, KEYSHM_RATE_LIMITED);
}

int64_t state_marked_quota_exceeded(const struct row *row)
{
    return state_marked(row, KEYSHM_QUOTA_EXCEEDED);
}

int64_t state_marked_invalid(const struct row *row)
{
    return state_marked(row, KEYSHM_INVALID);
}

/* ---- what benches it ---- */

/* KEYSHM_BY_PAUSE does not say whose pause it is. */
#define BY_PAUSE_OF_GROUP (1u << 31)

static const struct {
    unsigned bit;
    const char *name;
} benches[] = {
    {KEYSHM_BY_KEY, "key"},     {KEYSHM_BY_KEY_MODEL, "key_model"},
    {KEYSHM_BY_GROUP, "group"}, {KEYSHM_BY_GROUP_MODEL, "group_model"},
    {KEYSHM_BY_PAUSE, "pause"}, {BY_PAUSE_OF_GROUP, "group_pause"},
};
#define BENCH_COUNT (sizeof(benches) / sizeof(benches[0]))

static unsigned benched_by(const struct row *row)
{
    const struct keyshm_key_snapshot *state = state_of(row);
    const struct group_part *group = parts_group(&row->pool->parts, state->group); /* a group is in none */
    bool is_group_paused = group != NULL && group->snapshot->state.is_paused;
    if ((state->benched_by & KEYSHM_BY_PAUSE) == 0 || !is_group_paused)
        return state->benched_by;
    return (state->is_paused ? state->benched_by : state->benched_by & ~KEYSHM_BY_PAUSE) | BY_PAUSE_OF_GROUP;
}

void state_benched_by_text(const struct row *row, char ret_text[CELL_SIZE])
{
    unsigned bits = benched_by(row);
    size_t used = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < BENCH_COUNT; i++)
        if ((bits & benches[i].bit) != 0)
            used += (size_t)snprintf(ret_text + used, CELL_SIZE - used, "%s%s", used > 0 ? "," : "", benches[i].name);
}

json_t *state_benched_by_json(const struct row *row)
{
    unsigned bits = benched_by(row);
    json_t *array = json_array();
    int r = 0;
    for (size_t i = 0; i < BENCH_COUNT; i++)
        if ((bits & benches[i].bit) != 0)
            r |= json_array_append_new(array, json_string(benches[i].name));
    return whole_or_nothing(array, r == 0);
}

/* ---- the rest ---- */

void state_paused_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", state_of(row)->is_paused ? "paused" : "");
}

json_t *state_paused_json(const struct row *row)
{
    return json_boolean(state_of(row)->is_paused);
}

void state_marked_text(const struct row *row, char ret_text[CELL_SIZE])
{
    by_status_text(state_of(row)->marked, ret_text);
}

json_t *state_marked_json(const struct row *row)
{
    return by_status_json(state_of(row)->marked);
}

enum color state_color(const struct row *row)
{
    return color_of_status(state_of(row)->status);
}
