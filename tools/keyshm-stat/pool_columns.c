/* SPDX-License-Identifier: MIT */
#include "pool_columns.h"

#include <stdio.h>

#include "key_json.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct keyshm_snapshot *snapshot_of(const struct row *row)
{
    return row->pool->snapshot;
}

static int64_t capacity(const struct row *row)
{
    return snapshot_of(row)->capacity;
}

static int64_t count(const struct row *row)
{
    return snapshot_of(row)->count;
}

static int64_t status_count(const struct row *row, enum keyshm_status status)
{
    return snapshot_of(row)->status_count[status];
}

static int64_t available(const struct row *row)
{
    return row->pool->parts.available;
}

static int64_t rate_limited(const struct row *row)
{
    return status_count(row, KEYSHM_RATE_LIMITED);
}

static int64_t quota_exceeded(const struct row *row)
{
    return status_count(row, KEYSHM_QUOTA_EXCEEDED);
}

static int64_t invalid(const struct row *row)
{
    return status_count(row, KEYSHM_INVALID);
}

static int64_t paused_count(const struct row *row)
{
    return row->pool->parts.paused;
}

static int64_t group_count(const struct row *row)
{
    return snapshot_of(row)->group_count;
}

static int64_t model_count(const struct row *row)
{
    return snapshot_of(row)->model_count;
}

static int64_t cooldown_max(const struct row *row)
{
    return snapshot_of(row)->policy.cooldown_max_ms;
}

static int64_t waiting(const struct row *row)
{
    return snapshot_of(row)->waiting;
}

static int64_t key_max(const struct row *row)
{
    return snapshot_of(row)->key_max;
}

static int64_t default_cooldown(const struct row *row)
{
    return snapshot_of(row)->policy.cooldown_ms;
}

static int64_t created(const struct row *row)
{
    return snapshot_of(row)->created_unix_ms;
}

static int64_t age(const struct row *row)
{
    return snapshot_of(row)->age_ms;
}

static int64_t creator_uid(const struct row *row)
{
    return snapshot_of(row)->creator_uid;
}

static int64_t creator_pid(const struct row *row)
{
    return snapshot_of(row)->creator_pid;
}

static int64_t recoveries(const struct row *row)
{
    return (int64_t)snapshot_of(row)->recoveries;
}

static int64_t holder_pid(const struct row *row)
{
    return snapshot_of(row)->mutex_holder_pid;
}

static int64_t held(const struct row *row)
{
    return snapshot_of(row)->mutex_held_ms;
}

/* ---- texts ---- */

static void copy_status_counts(const struct row *row, uint64_t ret_counts[KEYSHM_STATUS_COUNT])
{
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        ret_counts[status] = snapshot_of(row)->status_count[status];
}

static void status_count_text(const struct row *row, char ret_text[CELL_SIZE])
{
    uint64_t counts[KEYSHM_STATUS_COUNT];
    copy_status_counts(row, counts);
    by_status_text(counts, ret_text);
}

static void rules_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", snapshot_of(row)->provider_rules);
}

static void creator_name_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", snapshot_of(row)->creator_name);
}

static void holder_name_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", snapshot_of(row)->mutex_holder_name);
}

static void holder_state_text(const struct row *row, char ret_text[CELL_SIZE])
{
    ret_text[0] = snapshot_of(row)->mutex_holder_state;
    ret_text[1] = '\0';
}

/* ---- objects ---- */

static json_t *status_count_json(const struct row *row)
{
    uint64_t counts[KEYSHM_STATUS_COUNT];
    copy_status_counts(row, counts);
    return by_status_json(counts);
}

/* ---- the columns ---- */

static const struct metric capacity_metric = {"keyshm_pool_capacity", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric keys_metric = {"keyshm_pool_keys", METRIC_GAUGE, NULL, 1, false, status_count};
static const struct metric available_metric = {"keyshm_pool_available_keys", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric paused_metric = {"keyshm_pool_paused_keys", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric waiting_metric = {"keyshm_pool_waiting_threads", METRIC_GAUGE, NULL, 1, false, NULL};
static const struct metric age_metric = {"keyshm_pool_age_seconds", METRIC_GAUGE, "seconds", 1000, false, NULL};
static const struct metric recoveries_metric = {"keyshm_pool_recoveries", METRIC_COUNTER, NULL, 1, false, NULL};
static const struct metric held_metric = {"keyshm_pool_mutex_held_seconds", METRIC_GAUGE, "seconds", 1000, false, NULL};

#define BY_DEFAULT (COLUMN_IN_TABLE | COLUMN_IN_JSON)

static const struct column columns[] = {
    POOL_MEMBER,
    OWNER_MEMBER,
    {.name = "KEYS",
     .json_name = "count",
     .help = "how many keys it holds",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = count},
    {.name = "CAPACITY",
     .json_name = "capacity",
     .help = "how many keys it can hold",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = capacity,
     .metric = &capacity_metric},
    {.name = "STATUSES",
     .json_name = "status_count",
     .help = "how many of its keys have each status",
     .values = "an object",
     .flags = COLUMN_IN_JSON | COLUMN_MAY_BE_CUT,
     .text = status_count_text,
     .to_json = status_count_json,
     .metric = &keys_metric},
    {.name = "AVAILABLE",
     .json_name = "available_count",
     .help = "how many of its keys can be picked",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = available,
     .metric = &available_metric},
    {.name = "LIMITED",
     .json_name = "rate_limited_count",
     .help = "how many of its keys are rate_limited",
     .flags = COLUMN_IN_TABLE | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = rate_limited},
    {.name = "QUOTA",
     .json_name = "quota_exceeded_count",
     .help = "how many of its keys are quota_exceeded",
     .flags = COLUMN_IN_TABLE | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = quota_exceeded},
    {.name = "INVALID",
     .json_name = "invalid_count",
     .help = "how many of its keys are invalid",
     .flags = COLUMN_IN_TABLE | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = invalid},
    {.name = "PAUSED",
     .json_name = "paused_count",
     .help = "how many of its keys are paused, or are in a group that is",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = paused_count,
     .metric = &paused_metric},
    {.name = "WAITING",
     .json_name = "waiting",
     .help = "how many threads wait for one of its keys",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = waiting,
     .metric = &waiting_metric},
    {.name = "GROUPS",
     .json_name = "group_count",
     .help = "how many groups it has",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = group_count},
    {.name = "MODELS",
     .json_name = "model_count",
     .help = "how many models it has",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = model_count},
    {.name = "KEY MAX",
     .json_name = "key_max",
     .help = "the longest key it can hold",
     .values = "bytes",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = key_max},
    {.name = "COOLDOWN",
     .json_name = "default_cooldown_ms",
     .help = "of a key marked rate_limited without a time",
     .values = "0: until it is marked available",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_duration,
     .number = default_cooldown},
    {.name = "COOLDOWN MAX",
     .json_name = "cooldown_max_ms",
     .help = "the longest that a key stays rate_limited",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_duration,
     .number = cooldown_max},
    {.name = "RULES",
     .json_name = "provider_rules",
     .help = "the name of the rules by which it is judged what its provider answers",
     .flags = COLUMN_IN_JSON | COLUMN_MAY_BE_CUT,
     .text = rules_text},
    {.name = "CREATED",
     .json_name = "created_unix_ms",
     .help = "when it was created, by the wall clock",
     .values = "since 1970",
     .flags = COLUMN_IN_JSON,
     .kind = &value_time_ms,
     .number = created},
    {.name = "AGE",
     .json_name = "age_ms",
     .help = "how long ago it was created, by a clock that nobody can set",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_duration,
     .number = age,
     .metric = &age_metric},
    {.name = "CREATOR UID",
     .json_name = "creator_uid",
     .help = "the user who created it",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = creator_uid},
    {.name = "CREATOR PID",
     .json_name = "creator_pid",
     .help = "the process that created it",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_pid,
     .number = creator_pid},
    {.name = "CREATOR",
     .json_name = "creator_name",
     .help = "what that process was called",
     .flags = COLUMN_IN_JSON | COLUMN_MAY_BE_CUT,
     .text = creator_name_text},
    {.name = "RECOVERIES",
     .json_name = "recoveries",
     .help = "how often a process died while it changed the pool, and was cleaned up after",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = recoveries,
     .metric = &recoveries_metric},
    {.name = "HOLDER PID",
     .json_name = "mutex_holder_pid",
     .help = "the process that adds or removes a key",
     .values = "0: none; -1: in another namespace",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_pid,
     .number = holder_pid},
    {.name = "HOLDER",
     .json_name = "mutex_holder_name",
     .help = "what that process is called",
     .values = "\"\": not known",
     .flags = COLUMN_IN_JSON | COLUMN_MAY_BE_CUT,
     .text = holder_name_text},
    {.name = "HOLDER STATE",
     .json_name = "mutex_holder_state",
     .help = "its state, a letter as in /proc/PID/stat: T is stopped",
     .values = "\"\": not known",
     .flags = COLUMN_IN_JSON,
     .text = holder_state_text},
    {.name = "HELD",
     .json_name = "mutex_held_ms",
     .help = "how long that process has held the mutex",
     .values = "-1: nobody holds it, or not known",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_duration,
     .number = held,
     .metric = &held_metric},
};

const struct listing pool_listing = {"pools", columns, COUNT_OF(columns), NULL};
