/* SPDX-License-Identifier: MIT */
#include "column_choice.h"

#include <stdio.h>

#include "listing.h"
#include "program.h"
#include "text.h"

/* A column that is named again stays where it is. */
static enum exit_status add(struct request *request, const struct column *column, bool is_named)
{
    size_t i = 0;
    while (i < request->column_count && request->columns[i] != column)
        i++;
    if (i == REQUEST_COLUMNS_MAX)
        return refuse("--output: too many columns");
    if (i == request->column_count)
        request->columns[request->column_count++] = column;
    if (is_named)
        request->default_columns &= ~(UINT64_C(1) << i);
    else
        request->default_columns |= UINT64_C(1) << i;
    return EXIT_FINE;
}

/* Depends on the options alone, not on the pools that there are, so that programs can rely on it. The table for people
 * then leaves out what its pools do not have (column_choice_narrow()). */
static unsigned flags_by_default(const struct request *request)
{
    bool is_json = request->format == FORMAT_JSON;
    /* Then POOL and OWNER are in the object of the pool. */
    bool is_nested = is_json && !request->follows && request->listing->pool != NULL;
    bool is_of_one_pool = request->pools[0] != NULL && request->pools[1] == NULL;
    bool has_table_a_pool = request->subject == SUBJECT_KEYS && request->format == FORMAT_TABLE;
    unsigned flags = is_json ? COLUMN_IN_JSON : COLUMN_IN_TABLE;
    if (request->format == FORMAT_TABLE)
        flags |= COLUMN_OF_SOME_POOLS;
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
            status = add(request, &request->listing->columns[i], false);
    return status;
}

static enum exit_status add_all(struct request *request)
{
    enum exit_status status = EXIT_FINE;
    for (size_t i = 0; i < request->listing->column_count && status == EXIT_FINE; i++)
        status = add(request, &request->listing->columns[i], true);
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
        status = column != NULL ? add(request, column, true) : no_such_column(request, "--output", name);
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

void column_choice_narrow(struct request *request, unsigned flags)
{
    size_t count = 0;
    for (size_t i = 0; i < request->column_count; i++) {
        bool is_default = (request->default_columns >> i & 1) != 0;
        if (!is_default || column_is_for(request->columns[i], flags))
            request->columns[count++] = request->columns[i];
    }
    request->column_count = count;
    request->default_columns = 0;
}
