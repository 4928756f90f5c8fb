/* SPDX-License-Identifier: MIT */
#include "event_columns.h"

#include <stdio.h>

#include "lists.h"
#include "text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct keyshm_event *event_of(const struct row *row)
{
    return row->item;
}

static int64_t when(const struct row *row)
{
    return event_of(row)->unix_us;
}

static int64_t ago(const struct row *row)
{
    return event_of(row)->ago_ms;
}

static int64_t id(const struct row *row)
{
    return (int64_t)event_of(row)->id;
}

static int64_t from(const struct row *row)
{
    return event_of(row)->from;
}

static int64_t to(const struct row *row)
{
    return event_of(row)->to;
}

static int64_t duration(const struct row *row)
{
    return event_of(row)->duration_ms;
}

static int64_t number(const struct row *row)
{
    return (int64_t)event_of(row)->number;
}

static int64_t reason(const struct row *row)
{
    return event_of(row)->reason;
}

static int64_t pid(const struct row *row)
{
    return event_of(row)->pid;
}

static int64_t dead_pid(const struct row *row)
{
    return event_of(row)->dead_pid;
}

static void kind_text(const struct row *row, char ret_text[CELL_SIZE])
{
    const char *name = keyshm_event_kind_name(event_of(row)->kind);
    snprintf(ret_text, CELL_SIZE, "%s", name != NULL ? name : "");
}

static bool is_of_group(const struct row *row)
{
    return event_of(row)->scope == KEYSHM_SCOPE_GROUP;
}

static void scope_text(const struct row *row, char ret_text[CELL_SIZE])
{
    const char *scope = is_of_group(row) ? "group" : "key";
    snprintf(ret_text, CELL_SIZE, "%s", event_of(row)->id != 0 ? scope : "");
}

static void group_text(const struct row *row, char ret_text[CELL_SIZE])
{
    const char *name = is_of_group(row) ? parts_group_name(&row->pool->parts, event_of(row)->id) : "";
    snprintf(ret_text, CELL_SIZE, "%s", name);
}

static void model_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", parts_model_name(&row->pool->parts, event_of(row)->model));
}

/* What the event is about: a group has a name in place of a masked key. */
static void subject_text(const struct row *row, char ret_text[CELL_SIZE])
{
    if (is_of_group(row))
        group_text(row, ret_text);
    else
        text_masked(event_of(row)->masked_key, ret_text);
}

static json_t *masked_key_json(const struct row *row)
{
    return text_to_json(event_of(row)->masked_key, sizeof(event_of(row)->masked_key));
}

/* From the table of workers: "" when the process is not, or no longer, in it. */
static void name_text(const struct row *row, char ret_text[CELL_SIZE])
{
    const struct keyshm_worker_list *list = row->pool->workers;
    ret_text[0] = '\0';
    for (size_t i = 0; i < list->count; i++)
        if (list_worker(list, i)->pid == event_of(row)->pid)
            snprintf(ret_text, CELL_SIZE, "%s", list_worker(list, i)->name);
}

static enum color to_color(const struct row *row)
{
    int status = event_of(row)->to;
    return status >= 0 ? color_of_status((enum keyshm_status)status) : NO_COLOR;
}

static int64_t missing(const struct row *row)
{
    return (int64_t)row->pool->events->missing;
}

static int64_t overwritten(const struct row *row)
{
    return (int64_t)row->pool->events->overwritten;
}

#define BY_DEFAULT (COLUMN_IN_TABLE | COLUMN_IN_JSON)

static const struct column columns[] = {
    {.name = "TIME",
     .json_name = "unix_us",
     .help = "when, by the wall clock",
     .values = "since 1970",
     .flags = BY_DEFAULT,
     .kind = &value_time,
     .number = when},
    {.name = "KIND",
     .json_name = "kind",
     .help = "what: added, removed, marked, refused (a stale mark), expired, paused, ...",
     .flags = BY_DEFAULT,
     .text = kind_text},
    POOL_COLUMN,
    OWNER_COLUMN,
    {.name = "KEY",
     .json_name = "masked_key",
     .help = "of the key; in the table, of a group its name",
     .values = "\"\": none, or removed",
     .flags = BY_DEFAULT,
     .text = subject_text,
     .to_json = masked_key_json},
    {.name = "SCOPE",
     .json_name = "scope",
     .help = "whether it is about a key or a group",
     .values = "key or group; \"\": neither",
     .flags = COLUMN_IN_JSON,
     .text = scope_text},
    {.name = "GROUP",
     .json_name = "group",
     .help = "the name of the group that it is about",
     .values = "\"\": none, or removed",
     .flags = COLUMN_IN_JSON | COLUMN_MAY_BE_CUT,
     .text = group_text},
    {.name = "MODEL",
     .json_name = "model",
     .help = "the model that it was marked for",
     .values = "\"\": any; in the table if there are models",
     .flags = COLUMN_IN_JSON | COLUMN_WITH_MODELS | COLUMN_MAY_BE_CUT,
     .text = model_text},
    {.name = "ID",
     .json_name = "id",
     .help = "of the key or the group",
     .values = "0: none",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_id,
     .number = id},
    {.name = "FROM",
     .json_name = "from",
     .help = "its status before",
     .values = "null: none, or not known",
     .flags = BY_DEFAULT,
     .kind = &value_status,
     .number = from},
    {.name = "TO",
     .json_name = "to",
     .help = "its status after; of a refused mark, the status that it asked for",
     .values = "null: none",
     .flags = BY_DEFAULT,
     .kind = &value_status,
     .number = to,
     .color = to_color},
    {.name = "FOR",
     .json_name = "duration_ms",
     .help = "the retry-after or reset-after of a mark",
     .values = "-1: none",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_duration,
     .number = duration},
    {.name = "PID",
     .json_name = "pid",
     .help = "the process that did it",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_pid,
     .number = pid},
    {.name = "NAME",
     .json_name = "name",
     .help = "what that process is called",
     .values = "\"\": not known any more",
     .flags = BY_DEFAULT | COLUMN_MAY_BE_CUT,
     .text = name_text},
    {.name = "DEAD",
     .json_name = "dead_pid",
     .help = "the process that was cleaned up after",
     .values = "0: none, or not known",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_pid,
     .number = dead_pid},
    {.name = "AGO",
     .json_name = "ago_ms",
     .help = "how long ago, by a clock that nobody can set",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_ago,
     .number = ago},
    {.name = "REASON",
     .json_name = "reason",
     .help = "why it was marked",
     .values = "none: not known",
     .flags = COLUMN_IN_JSON,
     .kind = &value_reason,
     .number = reason},
    {.name = "NUMBER",
     .json_name = "number",
     .help = "of the event: no other of the pool has it",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = number},
};

static const struct column pool_members[] = {
    POOL_MEMBER,
    OWNER_MEMBER,
    {.json_name = "missing",
     .help = "events whose record is torn: a process died or was stopped while it wrote it",
     .flags = COLUMN_IN_JSON,
     .kind = &value_count,
     .number = missing},
    {.json_name = "overwritten",
     .help = "older events, which are no longer kept",
     .flags = COLUMN_IN_JSON,
     .kind = &value_count,
     .number = overwritten},
};

static const struct listing pool = {NULL, pool_members, COUNT_OF(pool_members), NULL};

const struct listing event_listing = {"events", columns, COUNT_OF(columns), &pool};
