/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <string.h>

#include "number.h"
#include "program.h"
#include "text.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define INTERVAL_MIN_MS 100
#define INTERVAL_MAX_MS (INT64_C(24) * 60 * 60 * 1000)
#define ITERATIONS_MAX INT64_MAX

/* ---- what each option does ---- */

static enum exit_status show_events(struct given_options *given, const char *value)
{
    (void)value;
    given->request->subject = SUBJECT_EVENTS;
    return EXIT_FINE;
}

static enum exit_status follow(struct given_options *given, const char *value)
{
    given->request->follows = true;
    return show_events(given, value);
}

static enum exit_status show_workers(struct given_options *given, const char *value)
{
    (void)value;
    given->request->subject = SUBJECT_WORKERS;
    return EXIT_FINE;
}

static enum exit_status show_leases(struct given_options *given, const char *value)
{
    (void)value;
    given->request->subject = SUBJECT_LEASES;
    return EXIT_FINE;
}

static enum exit_status show_limits(struct given_options *given, const char *value)
{
    (void)value;
    given->request->subject = SUBJECT_LIMITS;
    return EXIT_FINE;
}

static enum exit_status show_groups(struct given_options *given, const char *value)
{
    (void)value;
    given->request->subject = SUBJECT_GROUPS;
    return EXIT_FINE;
}

static enum exit_status show_models(struct given_options *given, const char *value)
{
    (void)value;
    given->request->subject = SUBJECT_MODELS;
    return EXIT_FINE;
}

static enum exit_status show_pools(struct given_options *given, const char *value)
{
    (void)value;
    given->request->subject = SUBJECT_POOLS;
    return EXIT_FINE;
}

static enum exit_status check(struct given_options *given, const char *value)
{
    (void)value;
    given->request->subject = SUBJECT_CHECK;
    return EXIT_FINE;
}

static enum exit_status show_all_users(struct given_options *given, const char *value)
{
    (void)value;
    given->request->all_users = true;
    return EXIT_FINE;
}

static enum exit_status show_user(struct given_options *given, const char *value)
{
    given->user = value;
    return EXIT_FINE;
}

static enum exit_status take_model(struct given_options *given, const char *value)
{
    given->request->model = value;
    return EXIT_FINE;
}

static enum exit_status write_json(struct given_options *given, const char *value)
{
    (void)value;
    given->request->format = FORMAT_JSON;
    return EXIT_FINE;
}

static enum exit_status write_raw(struct given_options *given, const char *value)
{
    (void)value;
    given->request->format = FORMAT_RAW;
    return EXIT_FINE;
}

static enum exit_status write_openmetrics(struct given_options *given, const char *value)
{
    (void)value;
    given->request->format = FORMAT_OPENMETRICS;
    return EXIT_FINE;
}

static enum exit_status take_output(struct given_options *given, const char *value)
{
    given->output = value;
    return EXIT_FINE;
}

static enum exit_status take_output_all(struct given_options *given, const char *value)
{
    (void)value;
    given->output_all = true;
    return EXIT_FINE;
}

static enum exit_status take_ids(struct given_options *given, const char *value)
{
    (void)value;
    given->with_ids = true;
    return EXIT_FINE;
}

static enum exit_status take_sort(struct given_options *given, const char *value)
{
    given->sort = value;
    return EXIT_FINE;
}

static enum exit_status take_status(struct given_options *given, const char *value)
{
    char name[TEXT_ELEMENT_SIZE];
    enum keyshm_status status;
    while (text_next_element(&value, name)) {
        if (keyshm_status_from_name(name, &status) < 0)
            return refuse_value("", "--status", "available, rate_limited, quota_exceeded or invalid", name);
        given->request->statuses |= 1u << status;
    }
    return EXIT_FINE;
}

static enum exit_status take_key(struct given_options *given, const char *value)
{
    given->request->key_pattern = value;
    return EXIT_FINE;
}

static enum exit_status take_group(struct given_options *given, const char *value)
{
    given->request->group_pattern = value;
    return EXIT_FINE;
}

static enum exit_status take_no_headings(struct given_options *given, const char *value)
{
    (void)value;
    given->request->has_headings = false;
    return EXIT_FINE;
}

static enum exit_status take_no_truncate(struct given_options *given, const char *value)
{
    (void)value;
    given->request->is_truncated = false;
    return EXIT_FINE;
}

static enum exit_status take_exact(struct given_options *given, const char *value)
{
    (void)value;
    given->request->is_exact = true;
    return EXIT_FINE;
}

static enum exit_status take_color(struct given_options *given, const char *value)
{
    static const char *const names[] = {[COLOR_AUTO] = "auto", [COLOR_ALWAYS] = "always", [COLOR_NEVER] = "never"};
    for (size_t when = 0; when < COUNT_OF(names); when++) {
        if (value == NULL || strcmp(value, names[when]) == 0) {
            given->request->color = (enum color_when)when;
            return EXIT_FINE;
        }
    }
    return refuse_value("", "--color", "auto, always or never", value);
}

static enum exit_status watch(struct given_options *given, const char *value)
{
    int64_t interval_ms = REQUEST_INTERVAL_MS;
    if (value != NULL &&
        (number_parse_seconds(value, &interval_ms) < 0 || interval_ms < INTERVAL_MIN_MS || interval_ms > INTERVAL_MAX_MS))
        return refuse_value("", "--watch", "seconds from 0.1 to 86400", value);
    given->request->watches = true;
    given->request->interval_ms = interval_ms;
    return EXIT_FINE;
}

static enum exit_status batch(struct given_options *given, const char *value)
{
    (void)value;
    given->request->batch = true;
    return EXIT_FINE;
}

static enum exit_status take_iterations(struct given_options *given, const char *value)
{
    if (number_parse(value, ITERATIONS_MAX, &given->request->iterations) < 0 || given->request->iterations == 0)
        return refuse_value("", "--iterations", "a whole number from 1", value);
    return EXIT_FINE;
}

/* ---- the options ---- */

const struct stat_option stat_options[] = {
    {'\0', "groups", OPTION_WITHOUT_VALUE, NULL, "show the groups: their states, and how many keys are in each",
     OPTION_SUBJECT, show_groups, OPTION_SETS},
    {'\0', "models", OPTION_WITHOUT_VALUE, NULL, "show the models: how many keys can be picked for each", OPTION_SUBJECT,
     show_models, OPTION_SETS},
    {'\0', "events", OPTION_WITHOUT_VALUE, NULL,
     "show what happened to the keys: which process marked which key, when, as what", OPTION_SUBJECT, show_events,
     OPTION_SETS},
    {'\0', "follow", OPTION_WITHOUT_VALUE, NULL, "the same, then each new event as it happens, one per line",
     OPTION_SUBJECT, follow, OPTION_SETS},
    {'\0', "workers", OPTION_WITHOUT_VALUE, NULL, "show the processes that are attached, and those that were",
     OPTION_SUBJECT, show_workers, OPTION_SETS},
    {'\0', "leases", OPTION_WITHOUT_VALUE, NULL, "show requests in flight that have a place: whose, since when",
     OPTION_SUBJECT, show_leases, OPTION_SETS},
    {'\0', "limits", OPTION_WITHOUT_VALUE, NULL, "show the limits in force: a line for each rate and cap", OPTION_SUBJECT,
     show_limits, OPTION_SETS},
    {'\0', "pools", OPTION_WITHOUT_VALUE, NULL, "show a line for each pool", OPTION_SUBJECT, show_pools, OPTION_SETS},
    {'\0', "check", OPTION_WITHOUT_VALUE, NULL, "report what is broken in a pool, if anything is (exit status 4)",
     OPTION_SUBJECT, check, OPTION_SETS},
    {'\0', "model", OPTION_WITH_VALUE, "NAME", "keys, groups and pools as a pick for this model finds them",
     OPTION_SUBJECT, take_model, OPTION_SETS},
    {'\0', "all-users", OPTION_WITHOUT_VALUE, NULL, "the pools of all users, with an OWNER column; only for root",
     OPTION_SUBJECT, show_all_users, OPTION_SETS},

    {'\0', "user", OPTION_WITH_VALUE, "NAME", "the pools of that user; another user's are for root alone", OPTION_SUBJECT,
     show_user, OPTION_SETS},

    {'j', "json", OPTION_WITHOUT_VALUE, NULL, "write JSON, for programs", OPTION_FORMAT, write_json, OPTION_SETS},
    {'\0', "raw", OPTION_WITHOUT_VALUE, NULL, "write one line per row and one word per cell; odd characters are \\xNN",
     OPTION_FORMAT, write_raw, OPTION_SETS},
    {'\0', "openmetrics", OPTION_WITHOUT_VALUE, NULL, "write OpenMetrics text, for Prometheus", OPTION_FORMAT,
     write_openmetrics, OPTION_SETS},

    {'o', "output", OPTION_WITH_VALUE, "LIST", "show these columns, separated by commas; +LIST: add these",
     OPTION_COLUMNS, take_output, OPTION_SETS},
    {'\0', "output-all", OPTION_WITHOUT_VALUE, NULL, "show all columns", OPTION_COLUMNS, take_output_all, OPTION_SETS},
    {'i', "ids", OPTION_WITHOUT_VALUE, NULL, "also show the id of each key, as keyshm-ctl takes it", OPTION_COLUMNS,
     take_ids, OPTION_SETS},
    {'s', "sort", OPTION_WITH_VALUE, "[-]COLUMN", "sort by this column; with a minus in reverse order", OPTION_COLUMNS,
     take_sort, OPTION_SETS},

    {'\0', "status", OPTION_WITH_VALUE, "STATUS", "only keys of this status, or of these, separated by commas",
     OPTION_FILTER, take_status, OPTION_SETS},
    {'\0', "key", OPTION_WITH_VALUE, "GLOB", "only keys whose masked form matches this: '*wXyz'", OPTION_FILTER, take_key,
     OPTION_SETS},
    {'\0', "group", OPTION_WITH_VALUE, "GLOB", "only keys of a group whose name matches this, and such groups",
     OPTION_FILTER, take_group, OPTION_SETS},

    {'\0', "noheadings", OPTION_WITHOUT_VALUE, NULL, "leave out the headings", OPTION_STYLE, take_no_headings,
     OPTION_SETS},
    {'\0', "notruncate", OPTION_WITHOUT_VALUE, NULL, "do not truncate columns to fit the terminal", OPTION_STYLE,
     take_no_truncate, OPTION_SETS},
    {'\0', "exact", OPTION_WITHOUT_VALUE, NULL, "plain numbers: milliseconds for \"1m 03s\", microseconds for a date",
     OPTION_STYLE, take_exact, OPTION_SETS},
    {'\0', "bytes", OPTION_WITHOUT_VALUE, NULL, "the same as --exact", OPTION_STYLE, take_exact, OPTION_SETS},
    {'\0', "color", OPTION_MAY_HAVE_VALUE, "WHEN", "auto (the default), always or never; NO_COLOR is respected",
     OPTION_STYLE, take_color, OPTION_SETS},

    {'w', "watch", OPTION_MAY_HAVE_VALUE, "SECONDS", "show it live, updated every second or at this interval",
     OPTION_REPEAT, watch, OPTION_SETS},
    {'b', "batch", OPTION_WITHOUT_VALUE, NULL, "show it live as plain text, one frame after the other", OPTION_REPEAT,
     batch, OPTION_SETS},
    {'n', "iterations", OPTION_WITH_VALUE, "N", "stop after N times", OPTION_REPEAT, take_iterations, OPTION_SETS},

    {'h', "help", OPTION_WITHOUT_VALUE, NULL, "show this and exit", OPTION_OTHER, NULL, OPTION_PRINTS_HELP},
    {'V', "version", OPTION_WITHOUT_VALUE, NULL, "show the version and exit", OPTION_OTHER, NULL, OPTION_PRINTS_VERSION},
};
const size_t stat_option_count = COUNT_OF(stat_options);

_Static_assert(COUNT_OF(stat_options) <= OPTIONS_MAX, "a bit of a uint64_t for each");

/* ---- which do not go together ---- */

/* The first of a row does not go together with any of the others. */
static const char *const conflicts[][20] = {
    {"user", "all-users", NULL},
    {"json", "raw", "openmetrics", NULL},
    {"raw", "openmetrics", NULL},
    {"groups", "models", "events", "follow", "workers", "leases", "limits", "pools", "check", "key", "openmetrics",
     "watch", "batch", NULL},
    {"models", "events", "follow", "workers", "leases", "limits", "pools", "check", "model", "ids", "status", "key",
     "group", "openmetrics", "watch", "batch", NULL},
    {"workers", "events", "follow", "leases", "limits", "check", "model", "ids", "status", "key", "group", NULL},
    {"leases", "events", "follow", "limits", "check", "model", "status", NULL},
    {"limits", "events", "follow", "check", "model", "status", NULL},
    {"pools", "events", "follow", "workers", "leases", "limits", "check", "ids", "status", "key", "group", "openmetrics",
     "watch", "batch", NULL},
    {"check", "events", "follow", "model", "json", "raw", "openmetrics", "output", "output-all", "ids", "sort", "status",
     "key", "group", NULL},
    {"events", "model", "ids", NULL},
    {"follow", "model", "ids", "sort", NULL},
    {"openmetrics", "model", "events", "follow", "workers", "leases", "limits", "output", "output-all", "ids", "sort",
     NULL},
    {"output-all", "output", NULL},
    {"watch", "events", "follow", "workers", "leases", "limits", "check", NULL},
    {"batch", "events", "follow", "workers", "leases", "limits", "check", "json", "raw", "openmetrics", NULL},
};

static bool is_given(uint64_t given_mask, const char *name)
{
    for (size_t i = 0; i < stat_option_count; i++)
        if (strcmp(stat_options[i].name, name) == 0)
            return (given_mask & UINT64_C(1) << i) != 0;
    return false;
}

enum exit_status options_refuse_conflicts(uint64_t given_mask)
{
    for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++) {
        const char *const *names = conflicts[i];
        for (size_t other = 1; is_given(given_mask, names[0]) && names[other] != NULL; other++)
            if (is_given(given_mask, names[other]))
                return refuse("--%s and --%s do not go together", names[0], names[other]);
    }
    bool is_live = is_given(given_mask, "batch") ||
                   (is_given(given_mask, "watch") && !is_given(given_mask, "json") && !is_given(given_mask, "raw"));
    if (is_live && (is_given(given_mask, "output") || is_given(given_mask, "output-all")))
        return refuse("--output is for tables: the live view has the columns for which the screen has room");
    if (is_given(given_mask, "iterations") && !is_given(given_mask, "watch") && !is_given(given_mask, "batch"))
        return refuse("--iterations is for --watch and --batch");
    return EXIT_FINE;
}
