/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_FIELDS_H
#define KEYSHM_STAT_WATCH_FIELDS_H

/* What a row says of its key, as data: the headings, the rows, the sorting and the help are all made from this list. */

#include <stdbool.h>
#include <stddef.h>

#include "column.h"
#include "line.h"
#include "model.h"

#define FIELD_TEXT_SIZE 128

struct key_row {
    struct row row;
    const struct keyshm_key_snapshot *key;
    const struct model_key *known;
    const struct model *model;
};

enum field_kind {
    FIELD_TEXT,
    FIELD_NUMBER, /* to the right */
    FIELD_STATUS, /* text in the colour of the status */
    FIELD_BAR,
    FIELD_HISTORY,
};

struct field {
    const char *heading;
    const char *help;
    enum field_kind kind;
    unsigned importance;  /* the least important is the first to go when the line is too short */
    unsigned width_least; /* columns */
    void (*to_text)(const struct key_row *row, char ret_text[FIELD_TEXT_SIZE]);
    int (*compare)(const struct key_row *a, const struct key_row *b); /* NULL: cannot be sorted by */
    bool is_largest_first;                                            /* how it compares */
};

enum { FIELD_COUNT = 12 };
extern const struct field fields[FIELD_COUNT];

/* The value of the key's metadata "label"; "" when it has none. */
const char *field_label(const struct keyshm_key_snapshot *key);

#endif
