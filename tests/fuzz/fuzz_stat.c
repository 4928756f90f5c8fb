/* SPDX-License-Identifier: MIT */

/*
 * What keyshm-stat makes of a damaged segment: whatever is in it, the JSON can be parsed, and the table has a line for
 * every key and nothing that a terminal would obey.
 */

#include <jansson.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "view.h"

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

static void check_table(const char *text, size_t size, const struct keyshm_snapshot *snapshot)
{
    need(strlen(text) == size);
    need(count_lines(text) == (snapshot->count > 0 ? snapshot->count + 2 : 1));
    for (; *text != '\0'; text++)
        need(*text == '\n' || ((unsigned char)*text >= ' ' && *text != 0x7f));
}

static void check_json(const char *text, size_t size, const struct keyshm_snapshot *snapshot)
{
    json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *pool = json_array_get(json_object_get(document, "pools"), 0);
    need(json_array_size(json_object_get(pool, "keys")) == snapshot->count);
    need(json_is_string(json_object_get(pool, "creator_name")));
    json_decref(document);
}

/* The views write to standard output, wherever that leads. */
static void show(const struct view *view, const struct keyshm_snapshot *snapshot, bool with_ids,
                 void (*check)(const char *text, size_t size, const struct keyshm_snapshot *snapshot))
{
    FILE *const standard_output = stdout;
    char *text;
    size_t size;
    stdout = open_memstream(&text, &size);
    need(stdout != NULL);
    view->begin();
    need(view->show_pool(snapshot, true, with_ids) == 0);
    view->end();
    need(fclose(stdout) == 0);
    stdout = standard_output;
    check(text, size, snapshot);
    free(text);
}

static void read_problem(const char *problem, void *user)
{
    int *count = user;
    need(strlen(problem) > 0);
    ++*count;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    struct keyshm_snapshot *snapshot;
    int told = 0;
    unsigned char *bytes = aligned_alloc(LAYOUT_LINE_BYTES, image_bytes());
    need(bytes != NULL && setlocale(LC_ALL, "C.UTF-8") != NULL);
    image_make(bytes, input, input_bytes);
    struct keyshm_pool pool = image_pool_in(bytes);
    int problems = keyshm_verify(&pool, read_problem, &told);
    need(problems > told ? told == 32 : problems == told || (problems < 0 && told == 0));
    if (keyshm_snapshot(&pool, &snapshot) == 0) {
        show(&table_view, snapshot, input_bytes % 2 == 0, check_table);
        show(&json_view, snapshot, true, check_json);
        keyshm_snapshot_free(snapshot);
    }
    free(bytes);
    return 0;
}
