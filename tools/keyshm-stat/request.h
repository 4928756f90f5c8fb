/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_REQUEST_H
#define KEYSHM_STAT_REQUEST_H

/* What the command line asked for. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "color.h"

struct column;
struct listing;

#define REQUEST_COLUMNS_MAX 64   /* a bit of a uint64_t for each */
#define REQUEST_INTERVAL_MS 1000 /* the default of --watch and --batch */

/* What the rows are. */
enum subject {
    SUBJECT_KEYS,
    SUBJECT_GROUPS,
    SUBJECT_MODELS,
    SUBJECT_EVENTS,
    SUBJECT_WORKERS,
    SUBJECT_LEASES,
    SUBJECT_LIMITS,
    SUBJECT_POOLS,
    SUBJECT_CHECK, /* the invariants: no listing */
};

enum format {
    FORMAT_TABLE, /* for people */
    FORMAT_JSON,
    FORMAT_RAW,
    FORMAT_OPENMETRICS,
};

struct request {
    char *const *pools; /* their names, then NULL; none: all there are */
    bool all_users;
    const char *user;  /* of --user; NULL: this one */
    const char *model; /* as a pick for this one finds the keys; NULL: whatever the model */
    enum subject subject;
    enum format format;

    /* What is shown, and in which order. */
    const struct listing *listing; /* the subject's columns; NULL for SUBJECT_CHECK */
    const struct column *columns[REQUEST_COLUMNS_MAX];
    size_t column_count;
    uint64_t default_columns;  /* bit i: columns[i] was not asked for by its name */
    const struct column *sort; /* NULL: as they come */
    bool is_descending;

    /* Which keys, groups, or events of these, are shown. */
    unsigned statuses;         /* 1 << status for each that is shown; 0: all are */
    const char *key_pattern;   /* fnmatch(3), on the masked key; NULL: all */
    const char *group_pattern; /* the same, on the name of the group */

    /* How. */
    enum color_when color;
    bool has_headings;
    bool is_truncated; /* to the width of the terminal, when there is one */
    bool is_exact;     /* plain numbers instead of "1m 03s" and "5.0s ago" */
    bool is_one_line;  /* of the JSON: no line breaks in a document */

    /* Repeatedly. */
    bool follows; /* --follow: events as they come */
    bool watches; /* --watch: in place, or one document after the other */
    bool batch;   /* --batch: frames of text */
    int64_t interval_ms;
    uint64_t iterations; /* 0: until a signal or q ends it */
};

#endif
