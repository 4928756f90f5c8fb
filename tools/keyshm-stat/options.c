/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "column_choice.h"
#include "conflicts.h"
#include "help.h"
#include "number.h"
#include "program.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS (INT64_C(24) * 60 * 60 * 1000)
#define ITERATIONS_MAX INT64_MAX

/* ---- what each option does ---- */

static enum exit_status show_events(struct command_line *line, const char *value)
{
    (void)value;
    line->request->subject = SUBJECT_EVENTS;
    return EXIT_FINE;
}

static enum exit_status follow(struct command_line *line, const char *value)
{
    line->request->follows = true;
    return show_events(line, value);
}

static enum exit_status show_workers(struct command_line *line, const char *value)
{
    (void)value;
    line->request->subject = SUBJECT_WORKERS;
    return EXIT_FINE;
}

static enum exit_status check(struct command_line *line, const char *value)
{
    (void)value;
    line->request->subject = SUBJECT_CHECK;
    return EXIT_FINE;
}

static enum exit_status show_all_users(struct command_line *line, const char *value)
{
    (void)value;
    line->request->all_users = true;
    return EXIT_FINE;
}

static enum exit_status write_json(struct command_line *line, const char *value)
{
    (void)value;
    line->request->format = FORMAT_JSON;
    return EXIT_FINE;
}

static enum exit_status write_raw(struct command_line *line, const char *value)
{
    (void)value;
    line->request->format = FORMAT_RAW;
    return EXIT_FINE;
}

static enum exit_status write_openmetrics(struct command_line *line, const char *value)
{
    (void)value;
    line->request->format = FORMAT_OPENMETRICS;
    return EXIT_FINE;
}

static enum exit_status take_output(struct command_line *line, const char *value)
{
    line->output = value;
    return EXIT_FINE;
}

static enum exit_status take_output_all(struct command_line *line, const char *value)
{
    (void)value;
    line->output_all = true;
    return EXIT_FINE;
}

static enum exit_status take_ids(struct command_line *line, const char *value)
{
    (void)value;
    line->with_ids = true;
    return EXIT_FINE;
}

static enum exit_status take_sort(struct command_line *line, const char *value)
{
    line->sort = value;
    return EXIT_FINE;
}

static bool take_one_status(struct request *request, const char *name, size_t length)
{
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++) {
        const char *known = keyshm_status_name((enum keyshm_status)status);
        if (strlen(known) == length && strncmp(known, name, length) == 0) {
            request->statuses |= 1u << status;
            return true;
        }
    }
    return false;
}

static enum exit_status take_status(struct command_line *line, const char *value)
{
    for (;; value++) {
        size_t length = strcspn(value, ",");
        if (!take_one_status(line->request, value, length))
            return refuse("--status: a status is available, rate_limited, quota_exceeded or invalid");
        value += length;
        if (*value == '\0')
            return EXIT_FINE;
    }
}

static enum exit_status take_key(struct command_line *line, const char *value)
{
    line->request->key_pattern = value;
    return EXIT_FINE;
}

static enum exit_status take_no_headings(struct command_line *line, const char *value)
{
    (void)value;
    line->request->has_headings = false;
    return EXIT_FINE;
}

static enum exit_status take_no_truncate(struct command_line *line, const char *value)
{
    (void)value;
    line->request->is_truncated = false;
    return EXIT_FINE;
}

static enum exit_status take_exact(struct command_line *line, const char *value)
{
    (void)value;
    line->request->is_exact = true;
    return EXIT_FINE;
}

static enum exit_status take_color(struct command_line *line, const char *value)
{
    static const char *const names[] = {[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"};
    for (size_t when = 0; when < COUNT_OF(names); when++) {
        if (value == NULL || strcmp(value, names[when]) == 0) {
            line->request->color = (enum color_when)when;
            return EXIT_FINE;
        }
    }
    return refuse("--color: WHEN is auto, always or never");
}

static enum exit_status watch(struct command_line *line, const char *value)
{
    int64_t interval_ms = REQUEST_INTERVAL_MS;
    if (value != NULL &&
        (number_parse_seconds(value, &interval_ms) < 0 || interval_ms < INTERVAL_MIN_MS || interval_ms > INTERVAL_MAX_MS))
        return refuse("--watch: SECONDS is 0.1 to 86400");
    line->request->watches = true;
    line->request->interval_ms = interval_ms;
    return EXIT_FINE;
}

static enum exit_status batch(struct command_line *line, const char *value)
{
    (void)value;
    line->request->batch = true;
    return EXIT_FINE;
}

static enum exit_status take_iterations(struct command_line *line, const char *value)
{
    if (number_parse(value, ITERATIONS_MAX, &line->request->iterations) < 0 || line->request->iterations == 0)
        return refuse("--iterations: N is a whole number from 1");
    return EXIT_FINE;
}

/* ---- the options ---- */

const struct stat_option stat_options[] = {
    {'\0', "events", OPTION_WITHOUT_VALUE, NULL, "show what happened to the keys: who marked which, when, as what",
     OPTION_SUBJECT, show_events, NULL},
    {'\0', "follow", OPTION_WITHOUT_VALUE, NULL, "the same, and go on with what happens, a line each", OPTION_SUBJECT,
     follow, NULL},
    {'\0', "workers", OPTION_WITHOUT_VALUE, NULL, "show the processes that are attached, and those that died",
     OPTION_SUBJECT, show_workers, NULL},
    {'\0', "check", OPTION_WITHOUT_VALUE, NULL, "say what is broken in a pool, if anything is (exit status 4)",
     OPTION_SUBJECT, check, NULL},
    {'\0', "all-users", OPTION_WITHOUT_VALUE, NULL, "the pools of all users, with an OWNER column; only for root",
     OPTION_SUBJECT, show_all_users, NULL},

    {'j', "json", OPTION_WITHOUT_VALUE, NULL, "write JSON, for programs", OPTION_FORMAT, write_json, NULL},
    {'\0', "raw", OPTION_WITHOUT_VALUE, NULL, "write a line a row and a word a cell; odd characters are \\xNN",
     OPTION_FORMAT, write_raw, NULL},
    {'\0', "openmetrics", OPTION_WITHOUT_VALUE, NULL, "write OpenMetrics text, for Prometheus", OPTION_FORMAT,
     write_openmetrics, NULL},

    {'o', "output", OPTION_WITH_VALUE, "LIST", "show these columns, with commas between; +LIST: these too",
     OPTION_COLUMNS, take_output, NULL},
    {'\0', "output-all", OPTION_WITHOUT_VALUE, NULL, "show all columns", OPTION_COLUMNS, take_output_all, NULL},
    {'i', "ids", OPTION_WITHOUT_VALUE, NULL, "also show the id of each key, as keyshm-ctl takes it", OPTION_COLUMNS,
     take_ids, NULL},
    {'s', "sort", OPTION_WITH_VALUE, "[-]COLUMN", "sort by this column; with a minus the other way round", OPTION_COLUMNS,
     take_sort, NULL},

    {'\0', "status", OPTION_WITH_VALUE, "STATUS", "only keys of this status, or of several with commas between",
     OPTION_FILTER, take_status, NULL},
    {'\0', "key", OPTION_WITH_VALUE, "GLOB", "only keys whose masked form, as it is shown, is like this: '*wXyz'",
     OPTION_FILTER, take_key, NULL},

    {'\0', "noheadings", OPTION_WITHOUT_VALUE, NULL, "leave out the headings", OPTION_STYLE, take_no_headings, NULL},
    {'\0', "notruncate", OPTION_WITHOUT_VALUE, NULL, "cut nothing off, however narrow the terminal is", OPTION_STYLE,
     take_no_truncate, NULL},
    {'\0', "exact", OPTION_WITHOUT_VALUE, NULL, "plain numbers: milliseconds for \"1m 03s\", microseconds for a date",
     OPTION_STYLE, take_exact, NULL},
    {'\0', "bytes", OPTION_WITHOUT_VALUE, NULL, "the same as --exact", OPTION_STYLE, take_exact, NULL},
    {'\0', "color", OPTION_MAY_HAVE_VALUE, "WHEN", "auto (the default), always or never; NO_COLOR is minded",
     OPTION_STYLE, take_color, NULL},

    {'w', "watch", OPTION_MAY_HAVE_VALUE, "SECONDS", "show it live, read anew each second or at this interval",
     OPTION_REPEAT, watch, NULL},
    {'b', "batch", OPTION_WITHOUT_VALUE, NULL, "show it live as plain text, one frame after the other", OPTION_REPEAT,
     batch, NULL},
    {'n', "iterations", OPTION_WITH_VALUE, "N", "stop after so many times", OPTION_REPEAT, take_iterations, NULL},

    {'h', "help", OPTION_WITHOUT_VALUE, NULL, "show this and exit", OPTION_OTHER, NULL, print_help},
    {'V', "version", OPTION_WITHOUT_VALUE, NULL, "show the version and exit", OPTION_OTHER, NULL, print_version},
};
const size_t stat_option_count = COUNT_OF(stat_options);

_Static_assert(COUNT_OF(stat_options) <= 64, "a bit of a uint64_t for each");

/* ---- getopt_long(3) ---- */

#define NO_LETTER 256 /* and what has no letter is known by this and its place in the list */
#define LETTERS_SIZE (1 + 3 * COUNT_OF(stat_options) + 1)

static int code_of(size_t option)
{
    return stat_options[option].letter != '\0' ? stat_options[option].letter : NO_LETTER + (int)option;
}

static void fill_in(struct option *ret_options, char ret_letters[LETTERS_SIZE])
{
    static const int has_value[] = {[OPTION_WITHOUT_VALUE] = no_argument,
                                    [OPTION_WITH_VALUE] = required_argument,
                                    [OPTION_MAY_HAVE_VALUE] = optional_argument};
    char *letters = ret_letters;
    *letters++ = ':';
    for (size_t i = 0; i < stat_option_count; i++) {
        const struct stat_option *option = &stat_options[i];
        ret_options[i] = (struct option){option->name, has_value[option->value], NULL, code_of(i)};
        if (option->letter != '\0')
            *letters++ = option->letter;
        for (int colons = has_value[option->value]; option->letter != '\0' && colons > 0; colons--)
            *letters++ = ':';
    }
    *letters = '\0';
}

static const struct stat_option *find_option(int code)
{
    for (size_t i = 0; i < stat_option_count; i++)
        if (code_of(i) == code)
            return &stat_options[i];
    return NULL;
}

/* ---- all of it ---- */

static enum exit_status put_together(const struct command_line *line, uint64_t given)
{
    struct request *request = line->request;
    enum exit_status status = conflicts_refuse(given);
    if (status == EXIT_FINE && request->all_users && *request->pools != NULL)
        status = refuse("--all-users shows all pools there are: name none with it");
    if (status != EXIT_FINE)
        return status;
    request->listing = listing_of(request->subject);
    return request->listing != NULL ? choose_columns(line) : EXIT_FINE;
}

static bool parse(int argc, char **argv, struct command_line *line, enum exit_status *ret_status)
{
    struct option options[COUNT_OF(stat_options) + 1] = {{0}};
    char letters[LETTERS_SIZE];
    uint64_t given = 0;
    int code;
    fill_in(options, letters);
    opterr = 0;
    while ((code = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        const struct stat_option *option = find_option(code);
        if (option == NULL) {
            *ret_status = refuse_option(code, argv, letters);
            return false;
        }
        given |= UINT64_C(1) << (option - stat_options);
        *ret_status = EXIT_FINE;
        if (option->apply == NULL)
            option->print();
        else
            *ret_status = option->apply(line, optarg);
        if (*ret_status != EXIT_FINE)
            point_to_help();
        if (*ret_status != EXIT_FINE || option->apply == NULL)
            return false;
    }
    line->request->pools = argv + optind;
    *ret_status = put_together(line, given);
    if (*ret_status != EXIT_FINE)
        point_to_help();
    return *ret_status == EXIT_FINE;
}

bool options_parse(int argc, char **argv, struct request *ret_request, enum exit_status *ret_status)
{
    struct command_line line = {.request = ret_request};
    *ret_request = (struct request){.has_headings = true, .is_truncated = true, .interval_ms = REQUEST_INTERVAL_MS};
    return parse(argc, argv, &line, ret_status);
}
