/* SPDX-License-Identifier: MIT */
#include "model_columns.h"

#include <stdio.h>

#include "pool_columns.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct model_part *part_of(const struct row *row)
{
    return row->item;
}

static int64_t number(const struct row *row)
{
    return part_of(row)->number;
}

static int64_t available(const struct row *row)
{
    return part_of(row)->available;
}

static void name_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", part_of(row)->name);
}

#define BY_DEFAULT (COLUMN_IN_TABLE | COLUMN_IN_JSON)

static const struct metric available_metric = {"keyshm_model_available_keys", METRIC_GAUGE, NULL, 1, false, NULL};

static const struct column columns[] = {
    POOL_COLUMN,
    OWNER_COLUMN,
    {.name = "MODEL",
     .json_name = "name",
     .help = "its name",
     .flags = BY_DEFAULT | COLUMN_MAY_BE_CUT,
     .text = name_text},
    {.name = "NUMBER",
     .json_name = "number",
     .help = "what the library calls it",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = number},
    {.name = "AVAILABLE",
     .json_name = "available_count",
     .help = "how many keys can be picked for it",
     .flags = BY_DEFAULT | COLUMN_TO_THE_RIGHT,
     .kind = &value_count,
     .number = available,
     .metric = &available_metric},
};

const struct listing model_listing = {"models", columns, COUNT_OF(columns), &pool_listing};
