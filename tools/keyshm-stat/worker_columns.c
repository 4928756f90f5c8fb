/* SPDX-License-Identifier: MIT */
#include "worker_columns.h"

#include <stdio.h>

#include "text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct keyshm_worker *worker_of(const struct row *row)
{
    return row->item;
}

static int64_t pid(const struct row *row)
{
    return worker_of(row)->pid;
}

static int64_t picks(const struct row *row)
{
    return (int64_t)worker_of(row)->picks;
}

static int64_t attached_ago(const struct row *row)
{
    return worker_of(row)->attached_ago_ms;
}

static void name_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", worker_of(row)->name);
}

static void state_text(const struct row *row, char ret_text[CELL_SIZE])
{
    const struct keyshm_worker *worker = worker_of(row);
    const char *name = text_process_state(worker->state);
    if (worker->is_alive < 0)
        name = "elsewhere";
    else if (worker->is_alive == 0)
        name = worker->has_closed ? "closed" : "dead";
    else if (name[0] == '\0')
        name = "alive";
    snprintf(ret_text, CELL_SIZE, "%s", name);
}

static enum color state_color(const struct row *row)
{
    const struct keyshm_worker *worker = worker_of(row);
    if (worker->is_alive <= 0)
        return worker->is_alive == 0 && !worker->has_closed ? COLOR_OF_FAILURE : NO_COLOR;
    return worker->state == 'T' || worker->state == 't' ? COLOR_OF_DELAY : COLOR_OF_HEALTH;
}

static int64_t capacity(const struct row *row)
{
    return row->pool->workers->capacity;
}

static int64_t unlisted(const struct row *row)
{
    return (int64_t)row->pool->workers->unlisted;
}

#define BY_DEFAULT (COLUMN_IN_TABLE | COLUMN_IN_JSON)

static const struct column columns[] = {
    POOL_COLUMN,
    OWNER_COLUMN,
    {.name = "PID",
     .json_name = "pid",
     .help = "its process id, in its own PID namespace",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_pid,
     .number = pid},
    {.name = "NAME",
     .json_name = "name",
     .help = "what it was called when it attached, or calls itself",
     .flags = BY_DEFAULT | COLUMN_MAY_BE_CUT,
     .text = name_text},
    {.name = "STATE",
     .json_name = "state",
     .help = "running, sleeping, stopped, ...; closed: it detached; dead; elsewhere: unknown",
     .flags = BY_DEFAULT,
     .text = state_text,
     .color = state_color},
    {.name = "PICKS",
     .json_name = "picks",
     .help = "how many keys it has picked",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = picks},
    {.name = "ATTACHED",
     .json_name = "attached_ago_ms",
     .help = "how long ago it attached",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_ago,
     .number = attached_ago},
};

static const struct column pool_members[] = {
    POOL_MEMBER,
    OWNER_MEMBER,
    {.json_name = "worker_capacity",
     .help = "how many workers can be listed",
     .flags = COLUMN_IN_JSON,
     .kind = &value_count,
     .number = capacity},
    {.json_name = "unlisted",
     .help = "how often a worker found no room to be listed: it works all the same",
     .flags = COLUMN_IN_JSON,
     .kind = &value_count,
     .number = unlisted},
};

static const struct listing pool = {NULL, pool_members, COUNT_OF(pool_members), NULL};

const struct listing worker_listing = {"workers", columns, COUNT_OF(columns), &pool};
