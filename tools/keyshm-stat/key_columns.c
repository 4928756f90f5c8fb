/* SPDX-License-Identifier: MIT */
#include "key_columns.h"

#include <stdio.h>
#include <string.h>

#include "key_json.h"
#include "lists.h"
#include "pool_columns.h"
#include "state.h"
#include "text.h"

#define LABEL "label" /* the name of the note that is shown as one */

/* The pool counts two bytes more for each note than its name and value have: room for a "=" and a ",". */
_Static_assert(CELL_SIZE > KEYSHM_METADATA_BYTES_MAX, "a cell holds all metadata");

static const struct keyshm_key_snapshot *key_of(const struct row *row)
{
    return state_of(row);
}

/* ---- numbers ---- */

static int64_t slot(const struct row *row)
{
    return key_of(row)->slot;
}

static int64_t priority(const struct row *row)
{
    return key_of(row)->priority;
}

static int64_t weight(const struct row *row)
{
    return key_of(row)->weight;
}

static int64_t picks(const struct row *row)
{
    return (int64_t)key_of(row)->picks;
}

static int64_t last_used(const struct row *row)
{
    return key_of(row)->last_used_ago_ms;
}

/* ---- texts ---- */

static void masked_key_text(const struct row *row, char ret_text[CELL_SIZE])
{
    text_masked(key_of(row)->masked_key, ret_text);
}

static void group_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", parts_group_name(&row->pool->parts, key_of(row)->group));
}

static void label_text(const struct row *row, char ret_text[CELL_SIZE])
{
    const struct keyshm_key_snapshot *key = key_of(row);
    ret_text[0] = '\0';
    for (size_t i = 0; i < key->metadata_count; i++)
        if (strcmp(list_note(key, i)->name, LABEL) == 0)
            snprintf(ret_text, CELL_SIZE, "%s", list_note(key, i)->value);
}

static void metadata_text(const struct row *row, char ret_text[CELL_SIZE])
{
    const struct keyshm_key_snapshot *key = key_of(row);
    size_t used = 0;
    ret_text[0] = '\0';
    for (size_t i = 0; i < key->metadata_count && used < CELL_SIZE; i++)
        used += (size_t)snprintf(ret_text + used, CELL_SIZE - used, "%s%s=%s", i > 0 ? "," : "", list_note(key, i)->name,
                                 list_note(key, i)->value);
}

/* ---- JSON that is neither a number nor the table's text ---- */

static json_t *masked_key_json(const struct row *row)
{
    return text_to_json(key_of(row)->masked_key, sizeof(key_of(row)->masked_key));
}

static json_t *notes_json(const struct row *row)
{
    return metadata_json(key_of(row));
}

/* ---- the columns ---- */

#define BY_DEFAULT (COLUMN_IN_TABLE | COLUMN_IN_JSON)

static const struct metric status_metric = {"keyshm_key_status", METRIC_GAUGE, NULL, 1, false, state_has_status};
static const struct metric cooldown_metric = {
    "keyshm_key_cooldown_left_seconds", METRIC_GAUGE, "seconds", 1000, true, NULL};
static const struct metric probing_metric = {"keyshm_key_probing", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric streak_metric = {"keyshm_key_streak", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric priority_metric = {"keyshm_key_priority", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric weight_metric = {"keyshm_key_weight", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric paused_metric = {"keyshm_key_paused", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric in_flight_metric = {"keyshm_key_in_flight", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric in_flight_cap_metric = {"keyshm_key_in_flight_cap", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric requests_left_metric = {"keyshm_key_requests_left", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric requests_burst_metric = {"keyshm_key_requests_burst", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric tokens_left_metric = {"keyshm_key_tokens_left", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric tokens_burst_metric = {"keyshm_key_tokens_burst", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric picks_metric = {"keyshm_key_picks", METRIC_COUNTER, NULL, 1, false, NULL};
static const struct metric errors_metric = {"keyshm_key_errors", METRIC_COUNTER, NULL, 1, false, NULL};
static const struct metric last_used_metric = {
    "keyshm_key_last_used_ago_seconds", METRIC_GAUGE, "seconds", 1000, false, NULL};
static const struct metric marked_metric = {"keyshm_key_marks", METRIC_COUNTER, NULL, 1, false, state_marked};

const struct column key_columns[KEY_COLUMN_COUNT] = {
    [KEY_COLUMN_POOL] = POOL_COLUMN,
    [KEY_COLUMN_OWNER] = OWNER_COLUMN,
    [KEY_COLUMN_SLOT] = {.name = "SLOT",
                         .json_name = "slot",
                         .help = "its place in the pool",
                         .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
                         .kind = &value_count,
                         .number = slot},
    [KEY_COLUMN_KEY] = {.name = "KEY",
                        .json_name = "masked_key",
                        .help = "its prefix and its end; only an ellipsis for a short key",
                        .flags = BY_DEFAULT,
                        .text = masked_key_text,
                        .to_json = masked_key_json},
    [KEY_COLUMN_GROUP] = {.name = "GROUP",
                          .json_name = "group",
                          .help = "its group",
                          .values = "\"\": none; in the table of a pool with groups",
                          .flags = COLUMN_IN_JSON | COLUMN_WITH_GROUPS | COLUMN_MAY_BE_CUT,
                          .text = group_text},
    [KEY_COLUMN_STATUS] = {.name = "STATUS",
                           .json_name = "status",
                           .help = "as a pick would find it",
                           .values = "available, rate_limited, quota_exceeded or invalid",
                           .flags = BY_DEFAULT,
                           .kind = &value_status,
                           .number = state_status,
                           .color = state_color,
                           .metric = &status_metric},
    [KEY_COLUMN_COOLDOWN] = {.name = "COOLDOWN",
                             .json_name = "cooldown_left_ms",
                             .help = "how long until it is available by itself",
                             .values = "0: it is; -1: only when marked so",
                             .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
                             .kind = &value_left,
                             .number = state_cooldown_left,
                             .metric = &cooldown_metric},
    [KEY_COLUMN_PAUSED] = {.name = "PAUSED",
                           .json_name = "is_paused",
                           .help = "whether an operator took it out: then it is not picked",
                           .values = "true or false",
                           .flags = BY_DEFAULT | COLUMN_WITHOUT_CAUSES,
                           .number = state_paused,
                           .text = state_paused_text,
                           .to_json = state_paused_json,
                           .metric = &paused_metric},
    [KEY_COLUMN_BENCHED_BY] = {.name = "BENCHED BY",
                               .json_name = "benched_by",
                               .help = "what keeps it from being picked",
                               .values = "an array; in the table with groups or limits",
                               .flags = COLUMN_IN_JSON | COLUMN_WITH_CAUSES,
                               .text = state_benched_by_text,
                               .to_json = state_benched_by_json},
    [KEY_COLUMN_REASON] = {.name = "REASON",
                           .json_name = "reason",
                           .help = "why it has its status",
                           .values = "none: not known",
                           .flags = COLUMN_IN_JSON,
                           .kind = &value_reason,
                           .number = state_reason},
    [KEY_COLUMN_PROBE] = {.name = "PROBE",
                          .json_name = "is_probing",
                          .help = "whether one request has it, and others wait for its success",
                          .values = "true or false",
                          .flags = COLUMN_IN_JSON,
                          .number = state_probing,
                          .text = state_probing_text,
                          .to_json = state_probing_json,
                          .metric = &probing_metric},
    [KEY_COLUMN_STREAK] = {.name = "STREAK",
                           .json_name = "streak",
                           .help = "how many failures in a row it had",
                           .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
                           .kind = &value_count,
                           .number = state_streak,
                           .metric = &streak_metric},
    [KEY_COLUMN_PRIORITY] = {.name = "PRIORITY",
                             .json_name = "priority",
                             .help = "it is picked only while no key of a lower one is available",
                             .values = "0 to 3",
                             .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
                             .kind = &value_count,
                             .number = priority,
                             .metric = &priority_metric},
    [KEY_COLUMN_WEIGHT] = {.name = "WEIGHT",
                           .json_name = "weight",
                           .help = "its share of the turns, among the keys of its priority",
                           .values = "1 to 15",
                           .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
                           .kind = &value_count,
                           .number = weight,
                           .metric = &weight_metric},
    [KEY_COLUMN_IN_FLIGHT] = {STATE_IN_FLIGHT, .metric = &in_flight_metric},
    [KEY_COLUMN_IN_FLIGHT_CAP] = {STATE_IN_FLIGHT_CAP, .metric = &in_flight_cap_metric},
    [KEY_COLUMN_REQUESTS_LEFT] = {STATE_REQUESTS_LEFT, .metric = &requests_left_metric},
    [KEY_COLUMN_REQUESTS_BURST] = {STATE_REQUESTS_BURST, .metric = &requests_burst_metric},
    [KEY_COLUMN_TOKENS_LEFT] = {STATE_TOKENS_LEFT, .metric = &tokens_left_metric},
    [KEY_COLUMN_TOKENS_BURST] = {STATE_TOKENS_BURST, .metric = &tokens_burst_metric},
    [KEY_COLUMN_PICKS] = {.name = "PICKS",
                          .json_name = "picks",
                          .help = "how often it was picked",
                          .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
                          .kind = &value_count,
                          .number = picks,
                          .metric = &picks_metric},
    [KEY_COLUMN_ERRORS] = {.name = "ERRORS",
                           .json_name = "error_count",
                           .help = "how often it was marked invalid",
                           .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
                           .kind = &value_count,
                           .number = state_errors,
                           .metric = &errors_metric},
    [KEY_COLUMN_LAST_USED] = {.name = "LAST USED",
                              .json_name = "last_used_ago_ms",
                              .help = "how long ago it was last picked",
                              .values = "-1: never",
                              .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
                              .kind = &value_ago,
                              .number = last_used,
                              .metric = &last_used_metric},
    [KEY_COLUMN_ID] = {.name = "ID",
                       .json_name = "id",
                       .help = "what keyshm-ctl calls it; in the table with --ids",
                       .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
                       .kind = &value_id,
                       .number = state_id},
    [KEY_COLUMN_MARKED] = {.name = "MARKED",
                           .json_name = "marked",
                           .help = "how often it was marked with each status",
                           .values = "an object",
                           .flags = COLUMN_IN_JSON | COLUMN_MAY_BE_CUT,
                           .text = state_marked_text,
                           .to_json = state_marked_json,
                           .metric = &marked_metric},
    [KEY_COLUMN_METADATA] = {.name = "METADATA",
                             .json_name = "metadata",
                             .help = "the notes kept with it",
                             .values = "an object of strings",
                             .flags = COLUMN_IN_JSON | COLUMN_MAY_BE_CUT,
                             .text = metadata_text,
                             .to_json = notes_json},
    [KEY_COLUMN_LABEL] = {.name = "LABEL",
                          .json_name = "label",
                          .help = "its note named label",
                          .values = "\"\": none",
                          .flags = COLUMN_MAY_BE_CUT,
                          .text = label_text},
    [KEY_COLUMN_AVAILABLE] = {.name = "AVAILABLE",
                              .json_name = "marked_available",
                              .help = "how often it was marked available",
                              .flags = COLUMN_TO_THE_RIGHT,
                              .kind = &value_count,
                              .number = state_marked_available},
    [KEY_COLUMN_LIMITED] = {.name = "LIMITED",
                            .json_name = "marked_rate_limited",
                            .help = "how often it was marked rate_limited",
                            .flags = COLUMN_TO_THE_RIGHT,
                            .kind = &value_count,
                            .number = state_marked_rate_limited},
    [KEY_COLUMN_QUOTA] = {.name = "QUOTA",
                          .json_name = "marked_quota_exceeded",
                          .help = "how often it was marked quota_exceeded",
                          .flags = COLUMN_TO_THE_RIGHT,
                          .kind = &value_count,
                          .number = state_marked_quota_exceeded},
    [KEY_COLUMN_INVALID] = {.name = "INVALID",
                            .json_name = "marked_invalid",
                            .help = "how often it was marked invalid",
                            .flags = COLUMN_TO_THE_RIGHT,
                            .kind = &value_count,
                            .number = state_marked_invalid},
};

const struct listing key_listing = {"keys", key_columns, KEY_COLUMN_COUNT, &pool_listing};
