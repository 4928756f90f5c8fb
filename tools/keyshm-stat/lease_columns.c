/* SPDX-License-Identifier: MIT */
#include "lease_columns.h"

#include <stdio.h>

#include "key_json.h"
#include "pool_columns.h"
#include "text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct lease_part *part_of(const struct row *row)
{
    return row->item;
}

static const struct keyshm_held *held_of(const struct row *row)
{
    return part_of(row)->held;
}

static int64_t pid(const struct row *row)
{
    return held_of(row)->pid;
}

static int64_t held_ms(const struct row *row)
{
    return held_of(row)->held_ms;
}

static int64_t tokens(const struct row *row)
{
    return (int64_t)held_of(row)->tokens;
}

static int64_t id(const struct row *row)
{
    return (int64_t)held_of(row)->id;
}

static void masked_key_text(const struct row *row, char ret_text[CELL_SIZE])
{
    text_masked(part_of(row)->masked_key, ret_text);
}

static json_t *masked_key_json(const struct row *row)
{
    return text_to_json(part_of(row)->masked_key, sizeof(part_of(row)->masked_key));
}

static void group_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", parts_group_name(&row->pool->parts, part_of(row)->group));
}

static void model_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", parts_model_name(&row->pool->parts, held_of(row)->model));
}

static void name_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%.*s", (int)sizeof(held_of(row)->name), held_of(row)->name);
}

#define BY_DEFAULT (COLUMN_IN_TABLE | COLUMN_IN_JSON)

static const struct column columns[] = {
    POOL_COLUMN,
    OWNER_COLUMN,
    {.name = "KEY",
     .json_name = "masked_key",
     .help = "its prefix and its end",
     .values = "\"\": it was removed",
     .flags = BY_DEFAULT,
     .text = masked_key_text,
     .to_json = masked_key_json},
    {.name = "GROUP",
     .json_name = "group",
     .help = "the group of the key",
     .values = "\"\": none; in the table of a pool with groups",
     .flags = COLUMN_IN_JSON | COLUMN_WITH_GROUPS | COLUMN_MAY_BE_CUT,
     .text = group_text},
    {.name = "MODEL",
     .json_name = "model",
     .help = "the model that it was asked for",
     .values = "\"\": none; in the table of a pool with models",
     .flags = COLUMN_IN_JSON | COLUMN_WITH_MODELS | COLUMN_MAY_BE_CUT,
     .text = model_text},
    {.name = "PID",
     .json_name = "pid",
     .help = "the process that has it, in its own PID namespace",
     .values = "0: it has left",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_pid,
     .number = pid},
    {.name = "NAME",
     .json_name = "name",
     .help = "what that process is called, as with --workers",
     .flags = BY_DEFAULT | COLUMN_MAY_BE_CUT,
     .text = name_text},
    {.name = "HELD",
     .json_name = "held_ms",
     .help = "for how long",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_duration,
     .number = held_ms},
    {.name = "TOKENS",
     .json_name = "tokens",
     .help = "how many tokens it holds",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = tokens},
    {.name = "ID",
     .json_name = "id",
     .help = "of the key; in the table with --ids",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_id,
     .number = id},
};

const struct listing lease_listing = {"leases", columns, COUNT_OF(columns), &pool_listing};
