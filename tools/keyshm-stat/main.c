/* SPDX-License-Identifier: MIT */

/* keyshm-stat: shows the state of pools. It maps them read-only and takes no lock. */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "columns.h"
#include "program.h"
#include "reading.h"
#include "view.h"

#define LETTERS "hijV"

struct request {
    const struct view *view;
    bool with_ids;
    unsigned shown; /* pools so far */
};

static void print_usage(void)
{
    puts("Usage: keyshm-stat [OPTION]... [POOL]...\n"
         "Show the state of the named pools of API keys, or of every pool of this user.\n"
         "This never delays a worker: it maps a pool read-only and takes no lock.\n"
         "\n"
         "  -i, --ids      also show the id of each key, as keyshm-ctl takes it\n"
         "  -j, --json     write JSON, for programs\n"
         "  -h, --help     show this and exit\n"
         "  -V, --version  show the version and exit\n");
}

static void print_columns(void)
{
    puts("A key's columns in the table, and the members of its object in the JSON (_ms: milliseconds):\n");
    for (size_t i = 0; i < column_count; i++) {
        const struct column *column = &columns[i];
        printf("  %-10s %-19s  %s%s%s%s\n", column->heading != NULL ? column->heading : "-", column->json_name,
               column->help, column->values != NULL ? " (" : "", column->values != NULL ? column->values : "",
               column->values != NULL ? ")" : "");
    }
}

static void print_pool_help(void)
{
    puts("\nThe JSON is {\"schema\":1,\"pools\":[POOL...]}. The members of a pool's object:\n");
    for (size_t i = 0; i < pool_field_count; i++) {
        const struct pool_field *field = &pool_fields[i];
        printf("  %-19s  %s%s%s%s\n", field->json_name, field->help, field->values != NULL ? " (" : "",
               field->values != NULL ? field->values : "", field->values != NULL ? ")" : "");
    }
    printf("  %-19s  %s\n", "keys", "its keys, in the order of their slots");
}

static void print_help(void)
{
    print_usage();
    print_columns();
    print_pool_help();
    puts("\nExit status: 0 fine, 1 wrong usage or another failure, 2 no such pool or no permission, 3 a pool of another\n"
         "layout, a damaged one, or one that was truncated, written over, replaced or destroyed while it was read. When\n"
         "several pools are named, all that can be are shown, and the status is the highest of theirs.");
}

static int show(struct request *request, const char *provider)
{
    struct keyshm_snapshot *snapshot;
    int r = reading_take(provider, &snapshot);
    if (r < 0)
        return r;
    r = request->view->show_pool(snapshot, request->shown == 0, request->with_ids);
    request->shown++;
    keyshm_snapshot_free(snapshot);
    return r;
}

static enum exit_status worse_of(enum exit_status a, enum exit_status b)
{
    return a > b ? a : b;
}

static enum exit_status show_named(struct request *request, char *const *providers)
{
    enum exit_status status = EXIT_FINE;
    for (; *providers != NULL; providers++) {
        int r = show(request, *providers);
        if (r < 0)
            status = worse_of(status, fail(*providers, r, reading_failures));
    }
    return status;
}

static enum exit_status show_listed(struct request *request, const struct keyshm_pool_list *list)
{
    enum exit_status status = EXIT_FINE;
    for (size_t i = 0; i < list->count; i++) {
        int r = show(request, list->providers[i]);
        /* One that was removed since it was listed is nothing to complain about. */
        if (r < 0 && r != -ENOENT && r != -READING_DESTROYED)
            status = worse_of(status, fail(list->providers[i], r, reading_failures));
    }
    if (list->count == 0 && request->view->for_people)
        complain("this user has no pools; make one with: keyshm-ctl create POOL");
    return status;
}

static enum exit_status show_all(struct request *request)
{
    struct keyshm_pool_list *list;
    int r = keyshm_list_pools(geteuid(), &list);
    if (r < 0)
        return refuse("cannot list the pools of this user: %s", keyshm_strerror(r));
    enum exit_status status = show_listed(request, list);
    keyshm_pool_list_free(list);
    return status;
}

static enum exit_status run(struct request *request, char *const *providers)
{
    request->view->begin();
    enum exit_status status = *providers != NULL ? show_named(request, providers) : show_all(request);
    request->view->end();
    return status;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'},
        {"ids", no_argument, NULL, 'i'},
        {"json", no_argument, NULL, 'j'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    struct request request = {.view = &table_view};
    int option;

    program_begin();
    opterr = 0;
    while ((option = getopt_long(argc, argv, LETTERS, options, NULL)) != -1) {
        switch (option) {
        case 'h':
            print_help();
            return program_end(EXIT_FINE);
        case 'i':
            request.with_ids = true;
            break;
        case 'j':
            request.view = &json_view;
            break;
        case 'V':
            print_version();
            return program_end(EXIT_FINE);
        default:
            return refuse_option(option, argv, LETTERS);
        }
    }
    return program_end(run(&request, argv + optind));
}
