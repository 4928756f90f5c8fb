/* SPDX-License-Identifier: MIT */
#include "state.h"

#include <stdio.h>

#include "benched_by.h"
#include "key_json.h"

const struct keyshm_key_snapshot *state_of(const struct row *row)
{
    return row->item;
}

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

int64_t state_probing(const struct row *row)
{
    return state_of(row)->is_probing;
}

int64_t state_streak(const struct row *row)
{
    return state_of(row)->streak;
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

int64_t state_in_flight(const struct row *row)
{
    return state_of(row)->in_flight;
}

int64_t state_in_flight_cap(const struct row *row)
{
    return state_of(row)->in_flight_cap;
}

int64_t state_requests_left(const struct row *row)
{
    return state_of(row)->requests_left;
}

int64_t state_requests_burst(const struct row *row)
{
    return state_of(row)->requests_burst;
}

int64_t state_tokens_left(const struct row *row)
{
    return state_of(row)->tokens_left;
}

int64_t state_tokens_burst(const struct row *row)
{
    return state_of(row)->tokens_burst;
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

static unsigned bits_of(const struct row *row)
{
    const struct group_part *group = parts_group(&row->pool->parts, state_of(row)->group); /* a group is in none */
    return benched_by(state_of(row), group != NULL && group->snapshot->state.is_paused);
}

void state_benched_by_text(const struct row *row, char ret_text[CELL_SIZE])
{
    _Static_assert(CELL_SIZE >= BENCHED_BY_TEXT_SIZE, "a cell");
    benched_by_text(bits_of(row), ret_text);
}

json_t *state_benched_by_json(const struct row *row)
{
    return benched_by_json(bits_of(row));
}

void state_probing_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", state_of(row)->is_probing ? "probe" : "");
}

json_t *state_probing_json(const struct row *row)
{
    return json_boolean(state_of(row)->is_probing);
}

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
