/* SPDX-License-Identifier: MIT */
#include "group_columns.h"

#include <stdio.h>

#include "pool_columns.h"
#include "state.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct group_part *part_of(const struct row *row)
{
    return parts_group(&row->pool->parts, state_of(row)->id);
}

static int64_t keys(const struct row *row)
{
    return part_of(row)->snapshot->keys;
}

static int64_t available(const struct row *row)
{
    return part_of(row)->available;
}

static int64_t picks(const struct row *row)
{
    return (int64_t)part_of(row)->picks;
}

static void name_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", part_of(row)->name);
}

#define BY_DEFAULT (COLUMN_IN_TABLE | COLUMN_IN_JSON)

static const struct metric keys_metric = {"keyshm_group_keys", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric available_metric = {"keyshm_group_available_keys", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric status_metric = {"keyshm_group_status", METRIC_GAUGE, NULL, 1, false, state_has_status};
static const struct metric cooldown_metric = {
    "keyshm_group_cooldown_left_seconds", METRIC_GAUGE, "seconds", 1000, true, NULL};
static const struct metric probing_metric = {"keyshm_group_probing", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric streak_metric = {"keyshm_group_streak", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric paused_metric = {"keyshm_group_paused", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric in_flight_metric = {"keyshm_group_in_flight", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric in_flight_cap_metric = {"keyshm_group_in_flight_cap", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric requests_left_metric = {"keyshm_group_requests_left", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric requests_burst_metric = {"keyshm_group_requests_burst", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric tokens_left_metric = {"keyshm_group_tokens_left", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric tokens_burst_metric = {"keyshm_group_tokens_burst", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric marked_metric = {"keyshm_group_marks", METRIC_COUNTER, NULL, 1, false, state_marked};

static const struct column columns[] = {
    POOL_COLUMN,
    OWNER_COLUMN,
    {.name = "GROUP",
     .json_name = "name",
     .help = "its name",
     .flags = BY_DEFAULT | COLUMN_MAY_BE_CUT,
     .text = name_text},
    {.name = "KEYS",
     .json_name = "key_count",
     .help = "how many keys are in it",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = keys,
     .metric = &keys_metric},
    {.name = "AVAILABLE",
     .json_name = "available_count",
     .help = "how many of them can be picked",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = available,
     .metric = &available_metric},
    {.name = "STATUS",
     .json_name = "status",
     .help = "its own",
     .values = "available, rate_limited, quota_exceeded or invalid",
     .flags = BY_DEFAULT,
     .kind = &value_status,
     .number = state_status,
     .color = state_color,
     .metric = &status_metric},
    {.name = "COOLDOWN",
     .json_name = "cooldown_left_ms",
     .help = "how long until it is available by itself",
     .values = "0: it is; -1: only when marked so",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_left,
     .number = state_cooldown_left,
     .metric = &cooldown_metric},
    {.name = "BENCHED BY",
     .json_name = "benched_by",
     .help = "what keeps all its keys from being picked",
     .values = "an array",
     .flags = BY_DEFAULT,
     .text = state_benched_by_text,
     .to_json = state_benched_by_json},
    {.name = "REASON",
     .json_name = "reason",
     .help = "why it has its status",
     .values = "none: not known",
     .flags = BY_DEFAULT,
     .kind = &value_reason,
     .number = state_reason},
    {.name = "PROBE",
     .json_name = "is_probing",
     .help = "whether one request has it, and others wait for its success",
     .values = "true or false",
     .flags = COLUMN_IN_JSON,
     .number = state_probing,
     .text = state_probing_text,
     .to_json = state_probing_json,
     .metric = &probing_metric},
    {.name = "STREAK",
     .json_name = "streak",
     .help = "how many failures in a row it had",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = state_streak,
     .metric = &streak_metric},
    {.name = "PAUSED",
     .json_name = "is_paused",
     .help = "whether an operator took it out, and all its keys",
     .values = "true or false",
     .flags = COLUMN_IN_JSON,
     .number = state_paused,
     .text = state_paused_text,
     .to_json = state_paused_json,
     .metric = &paused_metric},
    {STATE_IN_FLIGHT, .metric = &in_flight_metric},
    {STATE_IN_FLIGHT_CAP, .metric = &in_flight_cap_metric},
    {STATE_REQUESTS_LEFT, .metric = &requests_left_metric},
    {STATE_REQUESTS_BURST, .metric = &requests_burst_metric},
    {STATE_TOKENS_LEFT, .metric = &tokens_left_metric},
    {STATE_TOKENS_BURST, .metric = &tokens_burst_metric},
    {.name = "PICKS",
     .json_name = "picks",
     .help = "how often its keys were picked",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = picks},
    {.name = "ID",
     .json_name = "id",
     .help = "what keyshm-ctl calls it; in the table with --ids",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_id,
     .number = state_id},
    {.name = "MARKED",
     .json_name = "marked",
     .help = "how often it was marked with each status",
     .values = "an object",
     .flags = COLUMN_IN_JSON | COLUMN_MAY_BE_CUT,
     .text = state_marked_text,
     .to_json = state_marked_json,
     .metric = &marked_metric},
    {.name = "LIMITED",
     .json_name = "marked_rate_limited",
     .help = "how often it was marked rate_limited",
     .flags = COLUMN_IN_TABLE | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = state_marked_rate_limited},
    {.name = "QUOTA",
     .json_name = "marked_quota_exceeded",
     .help = "how often it was marked quota_exceeded",
     .flags = COLUMN_IN_TABLE | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = state_marked_quota_exceeded},
    {.name = "INVALID",
     .json_name = "marked_invalid",
     .help = "how often it was marked invalid",
     .flags = COLUMN_IN_TABLE | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = state_marked_invalid},
};

const struct listing group_listing = {"groups", columns, COUNT_OF(columns), &pool_listing};
