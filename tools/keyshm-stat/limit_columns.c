/* SPDX-License-Identifier: MIT */
#include "limit_columns.h"

#include <stdio.h>

#include "key_json.h"
#include "pool_columns.h"
#include "text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct limit_part *part_of(const struct row *row)
{
    return row->item;
}

static bool is_rate(const struct row *row)
{
    return part_of(row)->kind < LIMIT_IN_FLIGHT;
}

static int64_t number_of(uint64_t amount)
{
    return amount < INT64_MAX ? (int64_t)amount : INT64_MAX;
}

static int64_t id(const struct row *row)
{
    return (int64_t)part_of(row)->id;
}

static int64_t amount(const struct row *row)
{
    const struct limit_part *part = part_of(row);
    if (part->kind == LIMIT_NONE)
        return -1;
    return is_rate(row) ? number_of(part->rate.amount) : (int64_t)part->in_flight;
}

static int64_t per(const struct row *row)
{
    return is_rate(row) ? part_of(row)->rate.per_ms : -1;
}

static int64_t burst(const struct row *row)
{
    return is_rate(row) ? number_of(part_of(row)->rate.burst) : -1;
}

static const char *group_of(const struct row *row)
{
    return parts_group_name(&row->pool->parts, part_of(row)->id);
}

static bool is_of_group(const struct row *row)
{
    return parts_group(&row->pool->parts, part_of(row)->id) != NULL;
}

static const char *masked_key_of(const struct row *row)
{
    return part_of(row)->state != NULL ? part_of(row)->state->masked_key : "";
}

static void scope_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", part_of(row)->id == 0 ? "pool" : is_of_group(row) ? "group" : "key");
}

static void masked_key_text(const struct row *row, char ret_text[CELL_SIZE])
{
    text_masked(masked_key_of(row), ret_text);
}

static json_t *masked_key_json(const struct row *row)
{
    return text_to_json(masked_key_of(row), KEYSHM_MASKED_SIZE);
}

static void group_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", group_of(row));
}

static void model_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", parts_model_name(&row->pool->parts, part_of(row)->model));
}

static void kind_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", limit_kind_name(part_of(row)->kind));
}

static void charge_text(const struct row *row, char ret_text[CELL_SIZE])
{
    const char *when = part_of(row)->rate.charge == KEYSHM_CHARGE_AT_RELEASE ? "at_release" : "at_pick";
    snprintf(ret_text, CELL_SIZE, "%s", is_rate(row) ? when : "");
}

#define BY_DEFAULT (COLUMN_IN_TABLE | COLUMN_IN_JSON)

static const struct column columns[] = {
    POOL_COLUMN,
    OWNER_COLUMN,
    {.name = "SCOPE",
     .json_name = "scope",
     .help = "whose it is: pool stands for each key that has no others",
     .values = "pool, group or key",
     .flags = BY_DEFAULT,
     .text = scope_text},
    {.name = "KEY",
     .json_name = "masked_key",
     .help = "the key",
     .values = "\"\": it is not of a key",
     .flags = BY_DEFAULT,
     .text = masked_key_text,
     .to_json = masked_key_json},
    {.name = "GROUP",
     .json_name = "group",
     .help = "the group",
     .values = "\"\": it is not of a group; in the table of a pool with groups",
     .flags = COLUMN_IN_JSON | COLUMN_WITH_GROUPS | COLUMN_MAY_BE_CUT,
     .text = group_text},
    {.name = "MODEL",
     .json_name = "model",
     .help = "the model that it is for",
     .values = "\"\": whatever the model; in the table with models",
     .flags = COLUMN_IN_JSON | COLUMN_WITH_MODELS | COLUMN_MAY_BE_CUT,
     .text = model_text},
    {.name = "LIMIT",
     .json_name = "limit",
     .help = "what it limits",
     .values = "requests, tokens, requests_long, tokens_long, in_flight, none",
     .flags = BY_DEFAULT,
     .text = kind_text},
    {.name = "AMOUNT",
     .json_name = "amount",
     .help = "to how many",
     .values = "-1: without limits",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_amount,
     .number = amount},
    {.name = "PER",
     .json_name = "per_ms",
     .help = "in which time",
     .values = "-1: not a rate",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_duration,
     .number = per},
    {.name = "BURST",
     .json_name = "burst",
     .help = "how many at once",
     .values = "-1: not a rate",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_amount,
     .number = burst},
    {.name = "CHARGED",
     .json_name = "charge",
     .help = "when what is used counts",
     .values = "at_pick or at_release; \"\": not a rate",
     .flags = BY_DEFAULT,
     .text = charge_text},
    {.name = "ID",
     .json_name = "id",
     .help = "of the key or the group; in the table with --ids",
     .values = "0: neither",
     .flags = COLUMN_IN_JSON | COLUMN_TO_THE_RIGHT,
     .kind = &value_id,
     .number = id},
};

const struct listing limit_listing = {"limits", columns, COUNT_OF(columns), &pool_listing};
