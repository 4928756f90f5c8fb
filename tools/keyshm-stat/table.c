/* SPDX-License-Identifier: MIT */
#include "table.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "column_choice.h"
#include "pool_line.h"

#define COLOR_SEQUENCE_SIZE sizeof("\033[3Nm")

static void begin(struct document *document)
{
    (void)document;
}

static int add_columns(struct libscols_table *table, const struct request *request)
{
    for (size_t i = 0; i < request->column_count; i++) {
        unsigned flags = request->columns[i]->flags;
        int table_flags = (flags & COLUMN_TO_THE_RIGHT ? SCOLS_FL_RIGHT : 0) |
                          (request->is_truncated && flags & COLUMN_MAY_BE_CUT ? SCOLS_FL_TRUNC : 0);
        if (scols_table_new_column(table, request->columns[i]->name, 0, table_flags) == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int set_color(struct libscols_line *line, size_t cell, enum color color)
{
    char sequence[COLOR_SEQUENCE_SIZE];
    if (color == NO_COLOR)
        return 0;
    snprintf(sequence, sizeof(sequence), "\033[3%dm", (int)color);
    return scols_cell_set_color(scols_line_get_cell(line, cell), sequence);
}

static int add_line(struct libscols_table *table, const struct request *request, const struct row *row)
{
    char text[CELL_SIZE];
    int r = 0;
    struct libscols_line *line = scols_table_new_line(table, NULL);
    if (line == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < request->column_count && r == 0; i++) {
        const struct column *column = request->columns[i];
        column_cell(column, row, request->is_exact, text);
        r = scols_line_set_data(line, i, text);
        if (r == 0 && column->color != NULL)
            r = set_color(line, i, column->color(row));
    }
    return r;
}

static void set_style(struct libscols_table *table, const struct request *request, bool has_headings)
{
    scols_table_enable_raw(table, request->format == FORMAT_RAW);
    scols_table_enable_noheadings(table, !has_headings);
    scols_table_enable_colors(table, request->format == FORMAT_TABLE && color_is_wanted(request->color));
    if (!request->is_truncated || !isatty(STDOUT_FILENO))
        scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
}

static int print_rows(const struct rows *rows, const struct request *request, bool has_headings)
{
    struct libscols_table *table = scols_new_table();
    int r = table != NULL ? add_columns(table, request) : -ENOMEM;
    for (size_t i = 0; i < rows->count && r == 0; i++)
        r = add_line(table, request, &rows->rows[i]);
    if (r == 0) {
        set_style(table, request, has_headings);
        r = rows->count > 0 ? scols_print_table(table) : 0;
    }
    scols_unref_table(table);
    return r;
}

/* Print them with the columns that are for pools with these flags. --raw has the same columns for all pools. */
static int print_rows_of(const struct rows *rows, const struct request *request, unsigned flags, bool has_headings)
{
    struct request narrowed = *request;
    if (request->format == FORMAT_TABLE)
        column_choice_narrow(&narrowed, flags);
    return print_rows(rows, &narrowed, has_headings);
}

/* The keys of one pool. With --raw the headings come only once, before the first pool that has rows. */
static int print_keys(struct document *document, const struct reading *reading)
{
    const struct request *request = document->request;
    bool is_raw = request->format == FORMAT_RAW;
    struct rows rows = {NULL, 0};
    int r = rows_add(&rows, request, reading);
    if (r == 0) {
        rows_sort(&rows, request);
        if (!is_raw) {
            if (document->shown > 0)
                putchar('\n');
            pool_line_print(reading, request);
        }
        r = print_rows_of(&rows, request, column_flags_of(reading),
                          request->has_headings && !(is_raw && document->shown > 0));
    }
    if (!is_raw || rows.count > 0)
        document->shown++;
    rows_free(&rows);
    return r;
}

static int add_pool(struct document *document, struct reading *reading)
{
    if (document->request->subject != SUBJECT_KEYS)
        return document_keep(document, reading);
    int r = print_keys(document, reading);
    reading_free(reading);
    return r;
}

/* Without any output, a person would not know that it worked. */
static void print_that_none(const struct document *document)
{
    if (document->request->format == FORMAT_TABLE && document->kept_count > 0)
        printf("no %s\n", document->request->listing->json_name);
}

/* The rows of all pools, in one table. */
static int end(struct document *document)
{
    struct rows rows = {NULL, 0};
    unsigned flags = 0;
    int r = rows_add_all(&rows, document->request, document->kept, document->kept_count);
    if (r == 0) {
        rows_sort(&rows, document->request);
        for (size_t i = 0; i < document->kept_count; i++)
            flags |= column_flags_of(document->kept[i]);
        r = print_rows_of(&rows, document->request, flags, document->request->has_headings);
    }
    if (r == 0 && rows.count == 0)
        print_that_none(document);
    rows_free(&rows);
    for (size_t i = 0; i < document->kept_count && r == 0; i++)
        if (document->request->subject == SUBJECT_EVENTS)
            reading_report_lost_events(document->kept[i]);
    return r;
}

/* ---- a table to which lines are added over time ---- */

static size_t characters(const char *text)
{
    size_t count = mbstowcs(NULL, text, 0);
    return count != (size_t)-1 ? count : strlen(text);
}

static void remember_widest(struct table_widths *widths, const struct rows *rows, const struct request *request)
{
    char text[CELL_SIZE];
    for (size_t i = 0; i < request->column_count; i++) {
        if (!widths->is_begun)
            stpncpy(widths->widest[i], request->columns[i]->name, CELL_SIZE - 1);
        for (size_t row = 0; row < rows->count; row++) {
            column_cell(request->columns[i], &rows->rows[row], request->is_exact, text);
            if (characters(text) > characters(widths->widest[i]))
                memcpy(widths->widest[i], text, sizeof(text));
        }
    }
}

/* A first line, not printed, that makes each column as wide as it was before. */
static int add_widest(struct libscols_table *table, const struct table_widths *widths, const struct request *request)
{
    struct libscols_line *line = scols_table_new_line(table, NULL);
    int r = line != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < request->column_count && r == 0; i++)
        r = scols_line_set_data(line, i, widths->widest[i]);
    return r;
}

static int print_without_first_line(struct libscols_table *table)
{
    char *text;
    int r = scols_print_table_to_string(table, &text);
    if (r < 0)
        return r;
    const char *end = strchr(text, '\n');
    if (end != NULL)
        printf("%s\n", end + 1);
    free(text);
    return 0;
}

static int print_more(const struct table_widths *widths, const struct rows *rows, const struct request *request)
{
    struct libscols_table *table = scols_new_table();
    int r = table != NULL ? add_columns(table, request) : -ENOMEM;
    if (r == 0)
        r = add_widest(table, widths, request);
    for (size_t i = 0; i < rows->count && r == 0; i++)
        r = add_line(table, request, &rows->rows[i]);
    if (r == 0) {
        set_style(table, request, false);
        r = print_without_first_line(table);
    }
    scols_unref_table(table);
    return r;
}

int table_go_on(struct table_widths *widths, const struct rows *rows, const struct request *request)
{
    if (rows->count == 0)
        return 0;
    int r = widths->is_begun ? print_more(widths, rows, request) : print_rows(rows, request, request->has_headings);
    remember_widest(widths, rows, request);
    widths->is_begun = true;
    return r;
}

const struct view table_view = {begin, add_pool, end};
