/* SPDX-License-Identifier: MIT */
#include "openmetrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "listing.h"
#include "rows.h"

#define LABELS_MAX 5

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

/* Whose families these are, and the columns that identify one of them. */
struct kind {
    enum subject subject;
    const char *name;
    struct {
        const char *name, *column;
    } labels[LABELS_MAX];
};

static const struct kind kinds[] = {
    {SUBJECT_POOLS, "pool", {{NULL, NULL}}},
    {SUBJECT_KEYS, "key", {{"slot", "SLOT"}, {"id", "ID"}, {"key", "KEY"}, {"label", "LABEL"}, {"group", "GROUP"}}},
    {SUBJECT_GROUPS, "group", {{"group", "GROUP"}}},
    {SUBJECT_MODELS, "model", {{"model", "MODEL"}}},
};

/* What is printed of a kind. */
struct families {
    const struct document *document;
    const struct kind *kind;
    const struct listing *listing;
    const struct column *labels[LABELS_MAX];
    struct rows rows;
};

static int print_labels(const struct families *families, const struct row *row)
{
    int r = 0;
    for (size_t i = 0; i < LABELS_MAX && families->kind->labels[i].name != NULL && r == 0; i++)
        r = print_label(families->kind->labels[i].name, families->labels[i], row);
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

static int print_sample(const struct families *families, const struct metric *metric, const struct row *row,
                        int64_t number, const char *status)
{
    char text[CELL_SIZE];
    printf("%s%s{pool=\"", metric->name, metric->type == METRIC_COUNTER ? "_total" : "");
    provider_text(row, text);
    print_escaped(text);
    putchar('"');
    if (families->document->request->all_users) {
        owner_text(row, text);
        fputs(",owner=\"", stdout);
        print_escaped(text);
        putchar('"');
    }
    int r = print_labels(families, row);
    if (status != NULL)
        printf(",status=\"%s\"", status);
    putchar('}');
    print_number(metric, number);
    return r;
}

static int print_samples(const struct families *families, const struct column *column, const struct row *row)
{
    const struct metric *metric = column->metric;
    int r = 0;
    if (metric->of_status == NULL) {
        int64_t number = column->number(row);
        bool is_none = metric->type == METRIC_GAUGE && number < 0 && !metric->is_infinite;
        return is_none ? 0 : print_sample(families, metric, row, number, NULL);
    }
    for (int i = 0; i < KEYSHM_STATUS_COUNT && r == 0; i++) {
        enum keyshm_status status = (enum keyshm_status)i;
        r = print_sample(families, metric, row, metric->of_status(row, status), keyshm_status_name(status));
    }
    return r;
}

/* ---- families ---- */

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

static int print_families(const struct families *families)
{
    int r = 0;
    for (size_t i = 0; i < families->listing->column_count; i++) {
        const struct column *column = &families->listing->columns[i];
        if (column->metric == NULL)
            continue;
        print_head(column, families->kind->name);
        for (size_t row = 0; row < families->rows.count && r == 0; row++)
            r = print_samples(families, column, &families->rows.rows[row]);
    }
    return r;
}

static int print_kind(const struct document *document, const struct kind *kind)
{
    struct families families = {.document = document, .kind = kind, .listing = listing_of(kind->subject)};
    struct request request = *document->request;
    request.subject = kind->subject;
    if (kind->subject != SUBJECT_KEYS)
        request.statuses = 0; /* --status is about keys */
    for (size_t i = 0; i < LABELS_MAX && kind->labels[i].name != NULL; i++)
        families.labels[i] = listing_find(families.listing, kind->labels[i].column);
    int r = rows_add_all(&families.rows, &request, document->kept, document->kept_count);
    if (r == 0)
        r = print_families(&families);
    rows_free(&families.rows);
    return r;
}

static int end(struct document *document)
{
    int r = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && r == 0; i++)
        r = print_kind(document, &kinds[i]);
    if (r == 0)
        puts("# EOF"); /* so that truncated output can be told from complete output */
    return r;
}

const struct view openmetrics_view = {begin, add_pool, end};
