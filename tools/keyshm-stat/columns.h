/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_COLUMNS_H
#define KEYSHM_STAT_COLUMNS_H

/* What is shown, as data: the table, the JSON and the help are all made from these two lists. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "keyshm.h"

#define CELL_SIZE 64

enum column_flags {
    COLUMN_TO_THE_RIGHT = 1 << 0,
    COLUMN_ON_REQUEST = 1 << 1, /* in the table only with --ids */
};

/* One thing that is known of a key. */
struct column {
    const char *heading;   /* of the table; NULL: only in the JSON */
    const char *json_name; /* the member's */
    const char *help;
    const char *values; /* what the JSON's value is, or some of them mean; NULL: nothing to add. Units are in the names */
    unsigned flags;
    void (*to_text)(const struct keyshm_key_snapshot *key, char ret_text[CELL_SIZE]);
    json_t *(*to_json)(const struct keyshm_key_snapshot *key); /* NULL: out of memory */
};

/* One thing that is known of a pool. The table's line for a pool says it in its own way. */
struct pool_field {
    const char *json_name;
    const char *help;
    const char *values;
    json_t *(*to_json)(const struct keyshm_snapshot *snapshot);
};

extern const struct column columns[];
extern const size_t column_count;
extern const struct pool_field pool_fields[];
extern const size_t pool_field_count;

#endif
