/* SPDX-License-Identifier: MIT */

/*
 * keyshm-stat's output for a damaged segment: whatever it contains, the JSON can be parsed, and the table has a line for
 * every key and no terminal control sequence.
 */

#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "column_choice.h"
#include "image.h"
#include "json.h"
#include "listing.h"
#include "table.h"

static void need(bool condition)
{
    if (!condition)
        abort();
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

/* The table has a line of headings, a line for each row, and the pool's line; and no terminal control sequence. */
static void check_table(const char *text, size_t size, size_t count)
{
    need(strlen(text) == size);
    need(count_lines(text) >= (count > 0 ? count + 1 : 0));
    for (; *text != '\0'; text++)
        need(*text == '\n' || ((unsigned char)*text >= ' ' && *text != 0x7f));
}

static void check_json(const char *text, size_t size, size_t count, const struct listing *listing)
{
    json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *pools = json_object_get(document, "pools");
    const json_t *rows = listing->pool == NULL ? pools : json_object_get(json_array_get(pools, 0), listing->json_name);
    need(json_array_size(rows) == count);
    json_decref(document);
}

static struct request make_request(enum subject subject, enum format format)
{
    struct request request = {
        .subject = subject,
        .format = format,
        .listing = listing_of(subject),
        .color = COLOR_NEVER,
        .has_headings = true,
    };
    struct given_options given = {.request = &request, .output_all = true};
    need(choose_columns(&given) == EXIT_FINE);
    return request;
}

/* The views write to standard output, which is redirected. Takes ownership of the reading. */
static void show(const struct view *view, const struct request *request, struct reading *reading, size_t count)
{
    FILE *const standard_output = stdout;
    struct document document = {.request = request};
    char *text;
    size_t size;
    stdout = open_memstream(&text, &size);
    need(stdout != NULL);
    view->begin(&document);
    need(view->add_pool(&document, reading) == 0);
    need(view->end(&document) == 0);
    need(fclose(stdout) == 0);
    stdout = standard_output;
    if (request->format == FORMAT_JSON)
        check_json(text, size, count, request->listing);
    else
        check_table(text, size, count);
    free(text);
    document_free(&document);
}

static size_t count_rows(const struct reading *reading, enum subject subject)
{
    switch (subject) {
    case SUBJECT_EVENTS:
        return reading->events->count;
    case SUBJECT_WORKERS:
        return reading->workers->count;
    case SUBJECT_KEYS:
        return reading->snapshot->count;
    case SUBJECT_GROUPS:
        return reading->snapshot->group_count;
    case SUBJECT_MODELS:
        return reading->snapshot->model_count;
    case SUBJECT_LEASES:
        return reading->leases.count;
    case SUBJECT_LIMITS:
        return reading->limits.count;
    default:
        return 1;
    }
}

static void read_and_show(struct keyshm_pool *pool, enum subject subject, enum format format)
{
    struct request request = make_request(subject, format);
    struct reading *reading = calloc(1, sizeof(*reading));
    need(reading != NULL);
    reading->name.provider = reading->provider;
    if (reading_copy(pool, &request, reading) < 0)
        reading_free(reading);
    else
        show(format == FORMAT_JSON ? &json_view : &table_view, &request, reading, count_rows(reading, subject));
}

static void read_problem(const char *problem, void *user)
{
    int *count = user;
    need(strlen(problem) > 0);
    ++*count;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    int told = 0;
    unsigned char *bytes = aligned_alloc(LAYOUT_LINE_BYTES, image_bytes());
    need(bytes != NULL && setlocale(LC_ALL, "C.UTF-8") != NULL);
    image_make(bytes, input, input_bytes);
    struct keyshm_pool pool = image_pool_in(bytes);
    int problems = keyshm_verify(&pool, read_problem, &told);
    need(problems > told ? told == 32 : problems == told || (problems < 0 && told == 0));
    for (int subject = SUBJECT_KEYS; subject <= SUBJECT_POOLS; subject++) {
        read_and_show(&pool, (enum subject)subject, FORMAT_TABLE);
        read_and_show(&pool, (enum subject)subject, FORMAT_JSON);
    }
    free(bytes);
    return 0;
}
