/* SPDX-License-Identifier: MIT */
#include "column_choice.h"

#include <stdio.h>

#include "listing.h"
#include "program.h"
#include "text.h"

/* A column that is named again stays where it is. */
static enum exit_status add(struct request *request, const struct column *column)
{
    for (size_t i = 0; i < request->column_count; i++)
        if (request->columns[i] == column)
            return EXIT_FINE;
    if (request->column_count == REQUEST_COLUMNS_MAX)
        return refuse("--output: too many columns");
    request->columns[request->column_count++] = column;
    return EXIT_FINE;
}

/* Depends on the options alone, not on the pools that there are, so that programs can rely on it. */
static unsigned flags_by_default(const struct request *request)
{
    bool is_json = request->format == FORMAT_JSON;
    /* Then POOL and OWNER are in the object of the pool. */
    bool is_nested = is_json && !request->follows && request->listing->pool != NULL;
    bool is_of_one_pool = request->pools[0] != NULL && request->pools[1] == NULL;
    bool has_table_a_pool = request->subject == SUBJECT_KEYS && request->format == FORMAT_TABLE;
    unsigned flags = is_json ? COLUMN_IN_JSON : COLUMN_IN_TABLE;
    if (request->all_users && !is_nested)
        flags |= COLUMN_WITH_ALL_USERS;
    if (!is_nested && !has_table_a_pool && (is_json || !is_of_one_pool))
        flags |= COLUMN_WITH_SEVERAL;
    return flags;
}

static enum exit_status add_by_flags(struct request *request, unsigned flags)
{
    enum exit_status status = EXIT_FINE;
    for (size_t i = 0; i < request->listing->column_count && status == EXIT_FINE; i++)
        if ((request->listing->columns[i].flags & flags) != 0)
            status = add(request, &request->listing->columns[i]);
    return status;
}

static enum exit_status add_all(struct request *request)
{
    enum exit_status status = EXIT_FINE;
    for (size_t i = 0; i < request->listing->column_count && status == EXIT_FINE; i++)
        status = add(request, &request->listing->columns[i]);
    return status;
}

#define COLUMN_RULE_SIZE 512

static enum exit_status no_such_column(const struct request *request, const char *option, const char *name)
{
    char rule[COLUMN_RULE_SIZE];
    size_t used = (size_t)snprintf(rule, sizeof(rule), "a column of %s (", request->listing->json_name);
    for (size_t i = 0; i < request->listing->column_count && used < sizeof(rule); i++)
        used += (size_t)snprintf(rule + used, sizeof(rule) - used, "%s%s", i > 0 ? ", " : "",
                                 request->listing->columns[i].name);
    if (used < sizeof(rule))
        snprintf(rule + used, sizeof(rule) - used, ")");
    return refuse_value("", option, rule, name);
}

static enum exit_status add_listed(struct request *request, const char *list)
{
    char name[TEXT_ELEMENT_SIZE];
    enum exit_status status = EXIT_FINE;
    while (status == EXIT_FINE && text_next_element(&list, name)) {
        const struct column *column = listing_find(request->listing, name);
        status = column != NULL ? add(request, column) : no_such_column(request, "--output", name);
    }
    return status;
}

static enum exit_status choose_shown(const struct given_options *given)
{
    struct request *request = given->request;
    const char *list = given->output;
    bool is_added = list != NULL && *list == '+';
    enum exit_status status = EXIT_FINE;
    if (given->output_all)
        return add_all(request);
    if (list == NULL || is_added)
        status = add_by_flags(request, flags_by_default(request));
    if (status == EXIT_FINE && list != NULL)
        status = add_listed(request, is_added ? list + 1 : list);
    if (status == EXIT_FINE && given->with_ids)
        status = add_listed(request, "ID");
    return status;
}

static enum exit_status choose_sort(const struct given_options *given)
{
    const char *name = given->sort;
    if (name == NULL)
        return EXIT_FINE;
    given->request->is_descending = *name == '-';
    if (*name == '-')
        name++;
    given->request->sort = listing_find(given->request->listing, name);
    return given->request->sort != NULL ? EXIT_FINE : no_such_column(given->request, "--sort", name);
}

enum exit_status choose_columns(const struct given_options *given)
{
    enum exit_status status = choose_shown(given);
    return status == EXIT_FINE ? choose_sort(given) : status;
}
