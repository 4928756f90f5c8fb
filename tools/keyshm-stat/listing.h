/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_LISTING_H
#define KEYSHM_STAT_LISTING_H

/* What is shown, as data. Keys, events and workers are each a listing: the table, the JSON, --raw, --output, --sort,
 * --help and OpenMetrics are all made from its columns. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "reading.h"
#include "status_color.h"
#include "value.h"

enum column_flags {
    COLUMN_IN_TABLE = 1 << 0, /* without --output, in the table and in --raw */
    COLUMN_IN_JSON = 1 << 1,  /* without --output, in the JSON */
    COLUMN_TO_THE_RIGHT = 1 << 2,
    COLUMN_MAY_BE_CUT = 1 << 3,     /* where the terminal is too narrow */
    COLUMN_WITH_ALL_USERS = 1 << 4, /* as if it were COLUMN_IN_TABLE, with --all-users */
    COLUMN_WITH_SEVERAL = 1 << 5,   /* the same, where lines of several pools can follow one another */
};

/* A line of a listing. */
struct row {
    const struct reading *pool; /* that it is about */
    const void *item;           /* a key's snapshot, an event, a worker; for a column of a pool, the reading */
    size_t order;               /* in which it stays with others that are no different */
};

enum metric_type {
    METRIC_GAUGE,
    METRIC_COUNTER,
};

/* A column as OpenMetrics has it. */
struct metric {
    const char *name; /* of the family; it ends with the unit, if there is one */
    enum metric_type type;
    const char *unit; /* NULL: it has none */
    int64_t scale;    /* how many of the column's unit make one of it */
    bool is_infinite; /* -1 is for ever; else it is no number, and there is no sample */
    int64_t (*of_status)(const struct row *row, enum keyshm_status status); /* a sample for each status; NULL: one */
};

/* One thing that is known of a row: a number of some kind, or a text. */
struct column {
    const char *name;      /* its heading, and what --output and --sort call it; NULL for what is known of a pool */
    const char *json_name; /* the member's */
    const char *help;
    const char *values; /* what the JSON's value is, or some of them mean; NULL: nothing to add. Units are in the names */
    unsigned flags;
    const struct value_kind *kind;
    int64_t (*number)(const struct row *row);
    void (*text)(const struct row *row, char ret_text[CELL_SIZE]); /* NULL: it is a number */
    json_t *(*to_json)(const struct row *row);                     /* NULL: the number or the text */
    enum color (*color)(const struct row *row);                    /* NULL: none */
    const struct metric *metric;                                   /* NULL: none */
};

struct listing {
    const char *json_name; /* of the array of rows, in the object of their pool */
    const struct column *columns;
    size_t column_count;
    const struct column *pool_columns; /* the other members of that object */
    size_t pool_column_count;
};

extern const struct listing key_listing;
extern const struct listing event_listing;
extern const struct listing worker_listing;

const struct listing *listing_of(enum subject subject);

/* By its name: in any case, and with - or _ for a space. NULL: there is none. */
const struct column *listing_find(const struct listing *listing, const char *name, size_t length);

/* A cell, as text; "-" when it is empty. */
void column_text(const struct column *column, const struct row *row, bool is_exact, char ret_text[CELL_SIZE]);

/* A member, as JSON. NULL: out of memory. */
json_t *column_json(const struct column *column, const struct row *row);

/* An object with a member for each of the columns. NULL: out of memory. */
json_t *columns_json(const struct column *const *columns, size_t count, const struct row *row);

/* Less than, equal to or greater than zero, as strcmp(3). */
int column_compare(const struct column *column, const struct row *a, const struct row *b);

/* Every table of columns has these two. */
void provider_text(const struct row *row, char ret_text[CELL_SIZE]);
void owner_text(const struct row *row, char ret_text[CELL_SIZE]);

#define POOL_COLUMN                                                                                       \
    {                                                                                                     \
        .name = "POOL", .json_name = "provider", .help = "the pool that it is in", .text = provider_text, \
        .flags = COLUMN_WITH_SEVERAL | COLUMN_MAY_BE_CUT                                                  \
    }
#define OWNER_COLUMN                                                                                      \
    {                                                                                                     \
        .name = "OWNER", .json_name = "owner", .help = "the user whose pool that is", .text = owner_text, \
        .flags = COLUMN_WITH_ALL_USERS | COLUMN_MAY_BE_CUT                                                \
    }
/* Of the object of a pool. */
#define POOL_MEMBER                                                                                 \
    {                                                                                               \
        .json_name = "provider", .help = "its name", .text = provider_text, .flags = COLUMN_IN_JSON \
    }
#define OWNER_MEMBER                                                                                            \
    {                                                                                                           \
        .json_name = "owner", .help = "the user whose it is", .values = "with --all-users", .text = owner_text, \
        .flags = COLUMN_WITH_ALL_USERS                                                                          \
    }

#endif
