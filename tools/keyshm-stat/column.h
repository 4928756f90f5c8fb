/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_COLUMN_H
#define KEYSHM_STAT_COLUMN_H

/* What is shown, as data: the table, the JSON, --raw, --output, --sort, --help, OpenMetrics and the live view are all
 * made from columns. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "color.h"
#include "reading.h"
#include "value.h"

enum column_flags {
    COLUMN_IN_TABLE = 1 << 0, /* without --output, in the table and in --raw */
    COLUMN_IN_JSON = 1 << 1,  /* without --output, in the JSON */
    COLUMN_TO_THE_RIGHT = 1 << 2,
    COLUMN_MAY_BE_CUT = 1 << 3,     /* where the terminal is too narrow */
    COLUMN_WITH_ALL_USERS = 1 << 4, /* like COLUMN_IN_TABLE, but only with --all-users */
    COLUMN_WITH_SEVERAL = 1 << 5,   /* the same, only where lines of different pools can follow one another */
    /* Of the table for people, where they depend on the pool: */
    COLUMN_WITH_GROUPS = 1 << 6, /* it has groups */
    COLUMN_WITH_MODELS = 1 << 7, /* it has models */
    COLUMN_WITH_CAUSES =
        1 << 8, /* not only a key itself can bench it: there are groups or limits, or a model is asked for */
    COLUMN_WITHOUT_CAUSES = 1 << 9, /* the contrary */
    COLUMN_WITH_REQUESTS = 1 << 10, /* it limits requests */
    COLUMN_WITH_TOKENS = 1 << 11,   /* it limits tokens */
    COLUMN_WITH_PLACES = 1 << 12,   /* requests in flight have places: there are caps, or some are in flight */
};
#define COLUMN_OF_SOME_POOLS                                                                                       \
    (COLUMN_WITH_GROUPS | COLUMN_WITH_MODELS | COLUMN_WITH_CAUSES | COLUMN_WITHOUT_CAUSES | COLUMN_WITH_REQUESTS | \
     COLUMN_WITH_TOKENS | COLUMN_WITH_PLACES)

/* A line of a listing. */
struct row {
    const struct reading *pool; /* the item's */
    const void *item; /* a key's or a group's snapshot, a model_part, an event or a worker; of a pool, the reading */
    size_t order;     /* breaks ties when rows are sorted */
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
    int64_t scale;    /* the column's number is divided by this */
    bool is_infinite; /* -1 is written as +Inf; otherwise -1 means that there is no sample */
    int64_t (*of_status)(const struct row *row, enum keyshm_status status); /* a sample for each status; NULL: one */
};

/* One property of a row: a number of some kind, or a text. */
struct column {
    const char *name;      /* the heading, and the name for --output and --sort; NULL: only a member */
    const char *json_name; /* of the member */
    const char *help;
    const char *values; /* for --help: its values, or what some of them mean; may be NULL. Units are in the names */
    unsigned flags;
    const struct value_kind *kind;
    int64_t (*number)(const struct row *row);                      /* of a text, for its metric alone */
    void (*text)(const struct row *row, char ret_text[CELL_SIZE]); /* NULL: it is a number */
    json_t *(*to_json)(const struct row *row);                     /* NULL: the number or the text */
    enum color (*color)(const struct row *row);                    /* NULL: none */
    const struct metric *metric;                                   /* NULL: none */
};

/* A table of columns: those of keys, of groups, and so on. */
struct listing {
    const char *json_name; /* of the array of rows, in the object of their pool */
    const struct column *columns;
    size_t column_count;
    const struct listing *pool; /* the other members of that object; NULL: the rows are pools */
};

/* Those of COLUMN_OF_SOME_POOLS that the pool has. */
unsigned column_flags_of(const struct reading *reading);

/* Is it for a pool with these of the flags? */
bool column_is_for(const struct column *column, unsigned flags);

/* A value as text; may be "". */
void column_text(const struct column *column, const struct row *row, bool is_exact, char ret_text[CELL_SIZE]);

/* The same as a cell of a table: never "", so that each line of --raw has the same number of words. */
void column_cell(const struct column *column, const struct row *row, bool is_exact, char ret_text[CELL_SIZE]);

/* A member, as JSON. NULL: out of memory. */
json_t *column_json(const struct column *column, const struct row *row);

/* An object with a member for each of the columns. NULL: out of memory. */
json_t *columns_json(const struct column *const *columns, size_t count, const struct row *row);

/* Less than, equal to or greater than zero, as strcmp(3). */
int column_compare(const struct column *column, const struct row *a, const struct row *b);

/* A number for each status: "available=1,rate_limited=0,...". */
void by_status_text(const uint64_t counts[KEYSHM_STATUS_COUNT], char ret_text[CELL_SIZE]);

/* Every listing has these two columns. */
void provider_text(const struct row *row, char ret_text[CELL_SIZE]);
void owner_text(const struct row *row, char ret_text[CELL_SIZE]);

#define POOL_COLUMN                                                                                       \
    {                                                                                                     \
        .name = "POOL", .json_name = "provider", .help = "the pool that it is in", .text = provider_text, \
        .flags = COLUMN_WITH_SEVERAL | COLUMN_MAY_BE_CUT                                                  \
    }
#define OWNER_COLUMN                                                                                      \
    {                                                                                                     \
        .name = "OWNER", .json_name = "owner", .help = "the user who owns that pool", .text = owner_text, \
        .flags = COLUMN_WITH_ALL_USERS | COLUMN_MAY_BE_CUT                                                \
    }
/* The same of a pool itself. */
#define POOL_MEMBER                                                                         \
    {                                                                                       \
        .name = "POOL", .json_name = "provider", .help = "its name", .text = provider_text, \
        .flags = COLUMN_IN_TABLE | COLUMN_IN_JSON | COLUMN_MAY_BE_CUT                       \
    }
#define OWNER_MEMBER                                                                                         \
    {                                                                                                        \
        .name = "OWNER", .json_name = "owner", .help = "the user who owns it", .values = "with --all-users", \
        .text = owner_text, .flags = COLUMN_WITH_ALL_USERS | COLUMN_MAY_BE_CUT                               \
    }

#endif
