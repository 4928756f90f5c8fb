/* SPDX-License-Identifier: MIT */
#include "openmetrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "key_columns.h"
#include "pool_columns.h"
#include "rows.h"

/* One family after the other, each with its samples of all pools. Only gauges and counters: node_exporter's textfile
 * collector refuses the other types. */

static void begin(struct document *document)
{
    (void)document;
}

static int add_pool(struct document *document, struct reading *reading)
{
    return document_keep(document, reading);
}

/* ---- a sample ---- */

static void print_escaped(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            fputs("\\n", stdout);
        else if (*text == '"' || *text == '\\')
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

/* As in the JSON: UTF-8, whatever the locale. */
static int print_label(const char *name, const struct column *column, const struct row *row)
{
    json_t *value = column_json(column, row);
    if (value == NULL)
        return -ENOMEM;
    printf(",%s=\"", name);
    if (json_is_string(value))
        print_escaped(json_string_value(value));
    else
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    putchar('"');
    json_decref(value);
    return 0;
}

/* They identify a key. */
static int print_key_labels(const struct row *row)
{
    static const struct {
        const char *name;
        enum key_column column;
    } labels[] = {{"slot", KEY_COLUMN_SLOT}, {"id", KEY_COLUMN_ID}, {"key", KEY_COLUMN_KEY}, {"label", KEY_COLUMN_LABEL}};
    int r = 0;
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]) && r == 0; i++)
        r = print_label(labels[i].name, &key_columns[labels[i].column], row);
    return r;
}

static void print_number(const struct metric *metric, int64_t number)
{
    if (metric->scale == 1)
        printf(" %" PRIu64 "\n", (uint64_t)number);
    else if (number < 0)
        puts(" +Inf");
    else /* not as floating point, whose decimal point depends on the locale */
        printf(" %" PRId64 ".%03" PRId64 "\n", number / metric->scale, number % metric->scale);
}

static int print_sample(const struct document *document, const struct metric *metric, const struct row *row,
                        int64_t number, const char *status)
{
    int r = 0;
    char text[CELL_SIZE];
    printf("%s%s{pool=\"", metric->name, metric->type == METRIC_COUNTER ? "_total" : "");
    provider_text(row, text);
    print_escaped(text);
    putchar('"');
    if (document->request->all_users) {
        owner_text(row, text);
        fputs(",owner=\"", stdout);
        print_escaped(text);
        putchar('"');
    }
    if (row->item != row->pool)
        r = print_key_labels(row);
    if (status != NULL)
        printf(",status=\"%s\"", status);
    putchar('}');
    print_number(metric, number);
    return r;
}

static int print_samples(const struct document *document, const struct column *column, const struct row *row)
{
    const struct metric *metric = column->metric;
    int r = 0;
    if (metric->of_status == NULL) {
        int64_t number = column->number(row);
        bool is_none = metric->scale != 1 && number < 0 && !metric->is_infinite;
        return is_none ? 0 : print_sample(document, metric, row, number, NULL);
    }
    for (int i = 0; i < KEYSHM_STATUS_COUNT && r == 0; i++) {
        enum keyshm_status status = (enum keyshm_status)i;
        r = print_sample(document, metric, row, metric->of_status(row, status), keyshm_status_name(status));
    }
    return r;
}

/* ---- a family ---- */

static void print_head(const struct column *column, const char *of_what)
{
    const struct metric *metric = column->metric;
    printf("# TYPE %s %s\n", metric->name, metric->type == METRIC_COUNTER ? "counter" : "gauge");
    if (metric->unit != NULL)
        printf("# UNIT %s %s\n", metric->name, metric->unit);
    printf("# HELP %s Of a %s: ", metric->name, of_what);
    print_escaped(column->help);
    putchar('\n');
}

static int print_families(const struct document *document, const struct listing *listing, const struct rows *rows,
                          const char *of_what)
{
    int r = 0;
    for (size_t i = 0; i < listing->column_count; i++) {
        const struct column *column = &listing->columns[i];
        if (column->metric == NULL)
            continue;
        print_head(column, of_what);
        for (size_t row = 0; row < rows->count && r == 0; row++)
            r = print_samples(document, column, &rows->rows[row]);
    }
    return r;
}

static int end(struct document *document)
{
    struct rows pools = {NULL, 0}, keys = {NULL, 0};
    struct request of_pools = *document->request;
    of_pools.subject = SUBJECT_POOLS;
    int r = rows_add_all(&pools, &of_pools, document->kept, document->kept_count);
    if (r == 0)
        r = rows_add_all(&keys, document->request, document->kept, document->kept_count);
    if (r == 0)
        r = print_families(document, &pool_listing, &pools, "pool");
    if (r == 0)
        r = print_families(document, &key_listing, &keys, "key");
    if (r == 0)
        puts("# EOF"); /* so that truncated output can be told from complete output */
    rows_free(&pools);
    rows_free(&keys);
    return r;
}

const struct view openmetrics_view = {begin, add_pool, end};
