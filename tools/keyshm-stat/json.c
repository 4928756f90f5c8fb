/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <errno.h>
#include <stdio.h>

#include "rows.h"

/* Only one row at a time becomes a tree of JSON: that of a pool of a million keys would take gigabytes. So the brackets
 * around the rows are written here, and what is inside by jansson. */

static const char *line_end(const struct request *request)
{
    return request->is_one_line ? "" : "\n";
}

static void begin(struct document *document)
{
    (void)document;
    fputs("{\"schema\":1,\"pools\":[", stdout);
}

static int print(const struct column *const *columns, size_t count, const struct row *row, size_t flags)
{
    json_t *object = columns_json(columns, count, row);
    if (object == NULL)
        return -ENOMEM;
    json_dumpf(object, stdout, JSON_COMPACT | flags);
    json_decref(object);
    return 0;
}

static int print_pool_members(const struct request *request, const struct reading *reading)
{
    const struct column *columns[REQUEST_COLUMNS_MAX];
    const struct row row = {.pool = reading, .item = reading};
    size_t count = 0;
    for (size_t i = 0; i < request->listing->pool->column_count; i++) {
        unsigned wanted = COLUMN_IN_JSON | (request->all_users ? COLUMN_WITH_ALL_USERS : 0u);
        if ((request->listing->pool->columns[i].flags & wanted) != 0)
            columns[count++] = &request->listing->pool->columns[i];
    }
    return print(columns, count, &row, JSON_EMBED);
}

static int print_rows(const struct request *request, const struct rows *rows)
{
    int r = 0;
    for (size_t i = 0; i < rows->count && r == 0; i++) {
        printf("%s%s", i > 0 ? "," : "", line_end(request));
        r = print(request->columns, request->column_count, &rows->rows[i], 0);
    }
    return r;
}

static int print_pool(const struct request *request, const struct reading *reading)
{
    struct rows rows = {NULL, 0};
    int r = rows_add(&rows, request, reading);
    if (r == 0) {
        rows_sort(&rows, request);
        r = print_pool_members(request, reading);
    }
    if (r == 0) {
        printf(",\"%s\":[", request->listing->json_name);
        r = print_rows(request, &rows);
        putchar(']');
    }
    rows_free(&rows);
    return r;
}

static int add_pool(struct document *document, struct reading *reading)
{
    if (document->request->listing->pool == NULL) /* it is a row: shown when all are there to be sorted */
        return document_keep(document, reading);
    printf("%s%s{", document->shown++ > 0 ? "," : "", line_end(document->request));
    int r = print_pool(document->request, reading);
    putchar('}');
    reading_free(reading);
    return r;
}

static int end(struct document *document)
{
    struct rows rows = {NULL, 0};
    int r = rows_add_all(&rows, document->request, document->kept, document->kept_count);
    if (r == 0) {
        rows_sort(&rows, document->request);
        r = print_rows(document->request, &rows);
    }
    rows_free(&rows);
    puts("]}");
    return r;
}

const struct view json_view = {begin, add_pool, end};
