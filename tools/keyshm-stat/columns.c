/* SPDX-License-Identifier: MIT */
#include "columns.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "duration.h"
#include "masked.h"
#include "text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

_Static_assert(CELL_SIZE >= KEYSHM_MASKED_SIZE && CELL_SIZE >= DURATION_SIZE + sizeof(" ago"), "a cell holds it all");

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static void integer_text(uint64_t value, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%" PRIu64, value);
}

/* ---- a key, as text ---- */

static void slot_text(const struct keyshm_key_snapshot *key, char ret_text[CELL_SIZE])
{
    integer_text(key->slot, ret_text);
}

static void masked_key_text(const struct keyshm_key_snapshot *key, char ret_text[CELL_SIZE])
{
    masked_for_locale(key->masked_key, ret_text);
}

static void status_text(const struct keyshm_key_snapshot *key, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", keyshm_status_name(key->status));
}

static void cooldown_text(const struct keyshm_key_snapshot *key, char ret_text[CELL_SIZE])
{
    if (key->cooldown_left_ms == 0)
        snprintf(ret_text, CELL_SIZE, "-");
    else if (key->cooldown_left_ms < 0)
        snprintf(ret_text, CELL_SIZE, "until marked");
    else
        duration_text(key->cooldown_left_ms + 99, ret_text); /* upwards: never "0.0s" while it lasts */
}

static void picks_text(const struct keyshm_key_snapshot *key, char ret_text[CELL_SIZE])
{
    integer_text(key->picks, ret_text);
}

static void errors_text(const struct keyshm_key_snapshot *key, char ret_text[CELL_SIZE])
{
    integer_text(key->error_count, ret_text);
}

static void last_used_text(const struct keyshm_key_snapshot *key, char ret_text[CELL_SIZE])
{
    char ago[DURATION_SIZE];
    duration_text(key->last_used_ago_ms, ago);
    if (key->last_used_ago_ms < 0)
        snprintf(ret_text, CELL_SIZE, "never");
    else
        snprintf(ret_text, CELL_SIZE, "%s ago", ago);
}

static void id_text(const struct keyshm_key_snapshot *key, char ret_text[CELL_SIZE])
{
    integer_text(key->id, ret_text);
}

/* ---- a key, as JSON ---- */

static json_t *slot_json(const struct keyshm_key_snapshot *key)
{
    return integer(key->slot);
}

static json_t *masked_key_json(const struct keyshm_key_snapshot *key)
{
    return text_to_json(key->masked_key, sizeof(key->masked_key));
}

static json_t *status_json(const struct keyshm_key_snapshot *key)
{
    return json_string(keyshm_status_name(key->status));
}

static json_t *cooldown_json(const struct keyshm_key_snapshot *key)
{
    return json_integer(key->cooldown_left_ms);
}

static json_t *picks_json(const struct keyshm_key_snapshot *key)
{
    return integer(key->picks);
}

static json_t *errors_json(const struct keyshm_key_snapshot *key)
{
    return integer(key->error_count);
}

static json_t *last_used_json(const struct keyshm_key_snapshot *key)
{
    return json_integer(key->last_used_ago_ms);
}

static json_t *id_json(const struct keyshm_key_snapshot *key)
{
    return integer(key->id);
}

/* An object whose members could not all be made is none. */
static json_t *whole_or_nothing(json_t *object, bool whole)
{
    if (whole)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *marked_json(const struct keyshm_key_snapshot *key)
{
    json_t *marked = json_object();
    int r = 0;
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        r |= json_object_set_new(marked, keyshm_status_name((enum keyshm_status)status), integer(key->marked[status]));
    return whole_or_nothing(marked, r == 0);
}

static json_t *metadata_json(const struct keyshm_key_snapshot *key)
{
    json_t *metadata = json_object();
    int r = 0;
    for (size_t i = 0; i < key->metadata_count; i++)
        r |= json_object_set_new(metadata, key->metadata[i].name,
                                 text_to_json(key->metadata[i].value, sizeof(key->metadata[i].value)));
    return whole_or_nothing(metadata, r == 0);
}

const struct column columns[] = {
    {"SLOT", "slot", "its place in the pool", NULL, COLUMN_TO_THE_RIGHT, slot_text, slot_json},
    {"KEY", "masked_key", "its prefix and its end; only an ellipsis for a short key", NULL, 0, masked_key_text,
     masked_key_json},
    {"STATUS", "status", "available, rate_limited, quota_exceeded or invalid, as a pick would find it", NULL, 0,
     status_text, status_json},
    {"COOLDOWN", "cooldown_left_ms", "how long until it is available by itself", "0: it is; -1: only when marked so",
     COLUMN_TO_THE_RIGHT, cooldown_text, cooldown_json},
    {"PICKS", "picks", "how often it was picked", NULL, COLUMN_TO_THE_RIGHT, picks_text, picks_json},
    {"ERRORS", "error_count", "how often it was marked invalid", NULL, COLUMN_TO_THE_RIGHT, errors_text, errors_json},
    {"LAST USED", "last_used_ago_ms", "how long ago it was last picked", "-1: never", COLUMN_TO_THE_RIGHT, last_used_text,
     last_used_json},
    {"ID", "id", "what keyshm-ctl calls it; in the table with --ids", NULL, COLUMN_TO_THE_RIGHT | COLUMN_ON_REQUEST,
     id_text, id_json},
    {NULL, "marked", "how often it was marked with each status", "an object", 0, NULL, marked_json},
    {NULL, "metadata", "the notes kept with it", "an object of strings", 0, NULL, metadata_json},
};
const size_t column_count = COUNT_OF(columns);

/* ---- a pool, as JSON ---- */

static json_t *provider_json(const struct keyshm_snapshot *snapshot)
{
    return text_to_json(snapshot->provider, sizeof(snapshot->provider));
}

static json_t *capacity_json(const struct keyshm_snapshot *snapshot)
{
    return integer(snapshot->capacity);
}

static json_t *count_json(const struct keyshm_snapshot *snapshot)
{
    return integer(snapshot->count);
}

static json_t *status_count_json(const struct keyshm_snapshot *snapshot)
{
    json_t *counts = json_object();
    int r = 0;
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        r |= json_object_set_new(counts, keyshm_status_name((enum keyshm_status)status),
                                 integer(snapshot->status_count[status]));
    return whole_or_nothing(counts, r == 0);
}

static json_t *key_max_json(const struct keyshm_snapshot *snapshot)
{
    return integer(snapshot->key_max);
}

static json_t *default_cooldown_json(const struct keyshm_snapshot *snapshot)
{
    return json_integer(snapshot->default_cooldown_ms);
}

static json_t *created_json(const struct keyshm_snapshot *snapshot)
{
    return json_integer(snapshot->created_unix_ms);
}

static json_t *age_json(const struct keyshm_snapshot *snapshot)
{
    return json_integer(snapshot->age_ms);
}

static json_t *creator_uid_json(const struct keyshm_snapshot *snapshot)
{
    return integer(snapshot->creator_uid);
}

static json_t *creator_pid_json(const struct keyshm_snapshot *snapshot)
{
    return json_integer(snapshot->creator_pid);
}

static json_t *creator_name_json(const struct keyshm_snapshot *snapshot)
{
    return text_to_json(snapshot->creator_name, sizeof(snapshot->creator_name));
}

static json_t *recoveries_json(const struct keyshm_snapshot *snapshot)
{
    return integer(snapshot->recoveries);
}

static json_t *mutex_holder_json(const struct keyshm_snapshot *snapshot)
{
    return json_integer(snapshot->mutex_holder_pid);
}

const struct pool_field pool_fields[] = {
    {"provider", "its name", NULL, provider_json},
    {"capacity", "how many keys it can hold", NULL, capacity_json},
    {"count", "how many it holds", NULL, count_json},
    {"status_count", "how many of them have each status", "an object", status_count_json},
    {"key_max", "the longest key it can hold", "bytes", key_max_json},
    {"default_cooldown_ms", "of a key marked rate_limited without a time", "0: until it is marked available",
     default_cooldown_json},
    {"created_unix_ms", "when it was created, by the wall clock", "since 1970", created_json},
    {"age_ms", "how long ago that was, by a clock that is never set", NULL, age_json},
    {"creator_uid", "the user who created it", NULL, creator_uid_json},
    {"creator_pid", "the process that created it", NULL, creator_pid_json},
    {"creator_name", "what that process was called", NULL, creator_name_json},
    {"recoveries", "how often a process died while it changed the pool, and was cleaned up after", NULL, recoveries_json},
    {"mutex_holder_pid", "the process that is adding or removing a key now", "0: none; -1: one in another PID namespace",
     mutex_holder_json},
};
const size_t pool_field_count = COUNT_OF(pool_fields);
