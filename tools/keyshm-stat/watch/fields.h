/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_FIELDS_H
#define KEYSHM_STAT_WATCH_FIELDS_H

/*
 * The columns of the live view, as data: the headings, the rows, the order and the help are made from this table. What a
 * key's snapshot says is a column of key_columns.c; described here is only what exists between two frames.
 */

#include <stdbool.h>
#include <stddef.h>

#include "key_columns.h"
#include "line.h"
#include "model.h"

struct key_row {
    struct row row;
    const struct keyshm_key_snapshot *key; /* the row's item */
    const struct model_key *known;
    const struct model *model;
};

enum field_kind {
    FIELD_COLUMN,
    FIELD_RATE,
    FIELD_BAR,
    FIELD_HISTORY,
};

struct field {
    enum field_kind kind;
    const struct column *column; /* of FIELD_COLUMN, else NULL */
    const char *heading;         /* of the other kinds */
    const char *help;
    double (*per_s)(const struct model_key *known); /* of FIELD_RATE */
    double (*fraction)(const struct key_row *row);  /* of FIELD_BAR: 0 to 1; less: there is no bar */
    bool is_seldom;                                 /* of FIELD_BAR: left out when no key has one */
    unsigned importance;                            /* the least important is left out first in a narrow line */
    unsigned width_least;                           /* columns of the screen; 0: left out when all its texts are empty */
    bool is_largest_first;                          /* how it is sorted, unless that is reversed */
    bool is_zero_last;                              /* whatever the order of the others */
};

enum { FIELD_COUNT = 21 };
extern const struct field fields[FIELD_COUNT];

const char *field_heading(const struct field *field);
const char *field_help(const struct field *field);

/* False for bars and sparklines, which are drawn. They cannot be sorted by. */
bool field_is_text(const struct field *field);
bool field_is_to_the_right(const struct field *field);
void field_text(const struct field *field, const struct key_row *row, char ret_text[CELL_SIZE]);

/* The columns of the screen that the row needs in it; of a sparkline, and of a bar that is always there, 0. */
unsigned field_needs_width(const struct field *field, const struct key_row *row);

/* Is it left out when no row needs it? */
bool field_is_seldom(const struct field *field);
enum style field_style(const struct field *field, const struct key_row *row);

/* As strcmp(3). */
int field_compare(const struct field *field, const struct key_row *a, const struct key_row *b);

#endif
