/* SPDX-License-Identifier: MIT */

/* The rules by which the answers of providers are read: providers. */

#include <errno.h>
#include <jansson.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "program.h"
#include "provider_rules.h"
#include "verdict.h"

/* ---- when a rule fits, in short ---- */

#define VALUES_SHOWN 3 /* of each list */
#define WHEN_SIZE 512  /* what does not fit is cut off */

struct text {
    char bytes[WHEN_SIZE];
    size_t length;
};

static void append(struct text *text, const char *more)
{
    size_t left = sizeof(text->bytes) - text->length, length = strnlen(more, left - 1);
    memcpy(text->bytes + text->length, more, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

static void append_value(struct text *text, json_t *value)
{
    char number[32];
    if (json_is_integer(value)) {
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        append(text, number);
    } else {
        append(text, json_is_string(value) ? json_string_value(value) : json_is_true(value) ? "yes" : "no");
    }
}

/* "a|b", of a list or of a value alone. */
static void append_values(struct text *text, json_t *values)
{
    if (!json_is_array(values)) {
        append_value(text, values);
        return;
    }
    for (size_t i = 0; i < json_array_size(values) && i < VALUES_SHOWN; i++) {
        append(text, i > 0 ? "|" : "");
        append_value(text, json_array_get(values, i));
    }
    append(text, json_array_size(values) > VALUES_SHOWN ? "|..." : "");
}

/* "status 429, header x-error a|b" */
static void append_conditions(struct text *text, json_t *conditions)
{
    const char *name, *inner, *between = "";
    json_t *value, *values;
    json_object_foreach(conditions, name, value)
    {
        if (!json_is_object(value)) {
            append(text, between);
            append(text, name);
            append(text, " ");
            append_values(text, value);
            between = ", ";
            continue;
        }
        json_object_foreach(value, inner, values)
        {
            append(text, between);
            append(text, name);
            append(text, " ");
            append(text, inner);
            append(text, " ");
            append_values(text, values);
            between = ", ";
        }
    }
}

static void describe_when(json_t *rule, struct text *ret_text)
{
    json_t *unless = json_object_get(rule, "unless");
    *ret_text = (struct text){.length = 0};
    append_conditions(ret_text, json_object_get(rule, "when"));
    if (unless != NULL) {
        append(ret_text, ret_text->length > 0 ? "; unless " : "unless ");
        append_conditions(ret_text, unless);
    }
}

/* ---- the table ---- */

enum { COLUMN_RULE, COLUMN_MEANS, COLUMN_SCOPE, COLUMN_WHEN, COLUMN_ORIGIN, COLUMN_COUNT };

static int add_columns(struct libscols_table *table)
{
    static const char *const names[COLUMN_COUNT] = {"RULE", "MEANS", "SCOPE", "WHEN", "ORIGIN"};
    for (int i = 0; i < COLUMN_COUNT; i++)
        if (scols_table_new_column(table, names[i], 0, i == COLUMN_WHEN ? SCOLS_FL_TRUNC : 0) == NULL)
            return -ENOMEM;
    return 0;
}

/* libsmartcols escapes what a terminal would obey: files of rules may have been written by anybody. */
static int set_cell(struct libscols_line *line, size_t column, const char *text)
{
    return scols_line_set_data(line, column, text != NULL ? text : "");
}

static int add_rule(struct libscols_table *table, const char *provider, json_t *rule)
{
    struct text name = {.length = 0}, when;
    struct libscols_line *line = scols_table_new_line(table, NULL);
    if (line == NULL)
        return -ENOMEM;
    append(&name, provider);
    append(&name, "/");
    append(&name, json_string_value(json_object_get(rule, "rule")));
    describe_when(rule, &when);
    int r = set_cell(line, COLUMN_RULE, name.bytes);
    if (r == 0)
        r = set_cell(line, COLUMN_MEANS, json_string_value(json_object_get(rule, "means")));
    if (r == 0)
        r = set_cell(line, COLUMN_SCOPE, json_string_value(json_object_get(rule, "scope")));
    if (r == 0)
        r = set_cell(line, COLUMN_WHEN, when.bytes);
    return r == 0 ? set_cell(line, COLUMN_ORIGIN, json_string_value(json_object_get(rule, "origin"))) : r;
}

static int add_rules(struct libscols_table *table, json_t *providers)
{
    int r = 0;
    for (size_t i = 0; i < json_array_size(providers); i++) {
        json_t *provider = json_array_get(providers, i), *rules = json_object_get(provider, "rules");
        const char *name = json_string_value(json_object_get(provider, "provider"));
        for (size_t j = 0; j < json_array_size(rules) && r == 0; j++)
            r = add_rule(table, name, json_array_get(rules, j));
    }
    return r;
}

static int print_table(json_t *providers)
{
    struct libscols_table *table = scols_new_table();
    int r = table != NULL ? add_columns(table) : -ENOMEM;
    if (r == 0)
        r = add_rules(table, providers);
    if (r == 0 && !isatty(STDOUT_FILENO))
        scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
    if (r == 0)
        r = scols_print_table(table);
    scols_unref_table(table);
    return r;
}

/* ---- providers ---- */

static int print_json(json_t *providers)
{
    json_t *object = json_pack("{s:i, s:O}", "schema", 1, "providers", providers);
    if (object == NULL)
        return -ENOMEM;
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(object);
    return 0;
}

enum exit_status cmd_providers(const struct arguments *arguments)
{
    json_t *providers = NULL;
    enum exit_status status = provider_rules_load();
    if (status == EXIT_FINE)
        status = provider_rules_describe(arguments->rules_of, &providers);
    if (status != EXIT_FINE)
        return status;
    int r = arguments->json ? print_json(providers) : print_table(providers);
    json_decref(providers);
    return r < 0 ? refuse("the rules cannot be shown: %s", keyshm_strerror(r)) : EXIT_FINE;
}
