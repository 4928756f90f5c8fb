/* SPDX-License-Identifier: MIT */
#include "fields.h"

#include <stdio.h>

#include "value.h"

static double picks_per_s(const struct model_key *known)
{
    return known->picks_per_s;
}

static double marks_per_s(const struct model_key *known)
{
    return known->marks_per_s;
}

static double cooldown_fraction(const struct key_row *row)
{
    if (row->key->cooldown_left_ms == 0)
        return -1;
    return model_cooldown_fraction(row->model, (unsigned)(row->key - row->model->snapshot->keys));
}

static double fraction_of(int64_t left, int64_t burst)
{
    return burst > 0 ? (double)left / (double)burst : -1;
}

static double requests_fraction(const struct key_row *row)
{
    return fraction_of(row->key->requests_left, row->key->requests_burst);
}

static double tokens_fraction(const struct key_row *row)
{
    return fraction_of(row->key->tokens_left, row->key->tokens_burst);
}

#define COLUMN(name) .kind = FIELD_COLUMN, .column = &key_columns[KEY_COLUMN_##name]

/* All columns that the table has by default are here, each for the pools that it is for there, and some that are shown
 * when a key has one. tests/cli/watch_frames.py compares the two. */
const struct field fields[FIELD_COUNT] = {
    {COLUMN(SLOT), .importance = 1, .width_least = 4},
    {COLUMN(KEY), .importance = 21, .width_least = 8},
    {COLUMN(LABEL), .importance = 11},
    {COLUMN(GROUP), .importance = 18},
    {COLUMN(STATUS), .importance = 20, .width_least = 9, .is_largest_first = true},
    {.kind = FIELD_BAR,
     .heading = "LEFT",
     .help = "what is left of the cooldown, of the longest that was seen",
     .fraction = cooldown_fraction,
     .importance = 8,
     .width_least = 8},
    {COLUMN(COOLDOWN), .importance = 16, .width_least = 8, .is_zero_last = true},
    {COLUMN(PAUSED), .importance = 17, .is_largest_first = true},
    {COLUMN(BENCHED_BY), .importance = 19},
    {COLUMN(REASON), .importance = 5, .is_largest_first = true},
    {COLUMN(IN_FLIGHT), .importance = 12, .is_largest_first = true},
    {.kind = FIELD_BAR,
     .heading = "REQUESTS",
     .help = "what is left of the requests that are admitted at once",
     .fraction = requests_fraction,
     .is_seldom = true,
     .importance = 10,
     .width_least = 8},
    {COLUMN(REQUESTS_LEFT), .importance = 14},
    {.kind = FIELD_BAR,
     .heading = "TOKENS",
     .help = "the same of tokens",
     .fraction = tokens_fraction,
     .is_seldom = true,
     .importance = 9,
     .width_least = 8},
    {COLUMN(TOKENS_LEFT), .importance = 13},
    {.kind = FIELD_RATE,
     .heading = "PICKS/S",
     .help = "picks per second, since the frame before",
     .per_s = picks_per_s,
     .importance = 15,
     .width_least = 7,
     .is_largest_first = true},
    {.kind = FIELD_RATE,
     .heading = "MARKS/S",
     .help = "marks rate_limited, quota_exceeded and invalid per second",
     .per_s = marks_per_s,
     .importance = 7,
     .width_least = 7,
     .is_largest_first = true},
    {COLUMN(PICKS), .importance = 4, .width_least = 6, .is_largest_first = true},
    {COLUMN(ERRORS), .importance = 3, .width_least = 6, .is_largest_first = true},
    {COLUMN(LAST_USED), .importance = 2, .width_least = 9},
    {.kind = FIELD_HISTORY,
     .heading = "LAST MINUTE",
     .help = "picks per second; all rows have the same scale",
     .importance = 6,
     .width_least = 12},
};

const char *field_heading(const struct field *field)
{
    return field->kind == FIELD_COLUMN ? field->column->name : field->heading;
}

const char *field_help(const struct field *field)
{
    return field->kind == FIELD_COLUMN ? field->column->help : field->help;
}

bool field_is_text(const struct field *field)
{
    return field->kind == FIELD_COLUMN || field->kind == FIELD_RATE;
}

bool field_is_to_the_right(const struct field *field)
{
    return field->kind == FIELD_RATE ||
           (field->kind == FIELD_COLUMN && (field->column->flags & COLUMN_TO_THE_RIGHT) != 0);
}

void field_text(const struct field *field, const struct key_row *row, char ret_text[CELL_SIZE])
{
    if (field->kind == FIELD_COLUMN && !column_is_for(field->column, column_flags_of(row->row.pool)))
        ret_text[0] = '\0';
    else if (field->kind == FIELD_COLUMN)
        column_text(field->column, &row->row, false, ret_text);
    else if (field->kind == FIELD_RATE && row->model->has_rates)
        rate_text(field->per_s(row->known), ret_text);
    else
        snprintf(ret_text, CELL_SIZE, "-");
}

unsigned field_needs_width(const struct field *field, const struct key_row *row)
{
    char text[CELL_SIZE];
    if (field->kind == FIELD_BAR && field->is_seldom)
        return field->fraction(row) >= 0 ? field->width_least : 0;
    if (!field_is_text(field))
        return 0;
    field_text(field, row, text);
    return line_text_width(text);
}

bool field_is_seldom(const struct field *field)
{
    return field_is_text(field) ? field->width_least == 0 : field->is_seldom;
}

enum style field_style(const struct field *field, const struct key_row *row)
{
    if (field->kind == FIELD_BAR)
        return STYLE_BAR + (enum style)color_of_status(row->key->status);
    if (field->kind == FIELD_HISTORY)
        return STYLE_GRAPH;
    if (field->kind == FIELD_COLUMN && field->column->color != NULL)
        return line_style(field->column->color(&row->row));
    return STYLE_PLAIN;
}

static int compare_rates(double a, double b)
{
    return (a > b) - (a < b);
}

int field_compare(const struct field *field, const struct key_row *a, const struct key_row *b)
{
    int compared = field->kind == FIELD_RATE ? compare_rates(field->per_s(a->known), field->per_s(b->known))
                                             : column_compare(field->column, &a->row, &b->row);
    if (field->is_zero_last) {
        int64_t number_a = field->column->number(&a->row), number_b = field->column->number(&b->row);
        if (number_a == 0 || number_b == 0)
            return (number_a == 0) - (number_b == 0);
    }
    return field->is_largest_first ? -compared : compared;
}
