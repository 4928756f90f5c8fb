/* SPDX-License-Identifier: MIT */

/*
 * What keyshm costs, beside its alternatives. Printed as tables, and as JSON for charts.
 *
 *   bench [--quick] [--pin] [--json FILE] [--instructions FILE]
 */

#include <getopt.h>

#include "report.h"
#include "scratch.h"
#include "work.h"

static const struct pace full_pace = {.rounds = 41, .alone_ns = 20000000, .together_ns = 60000000};
static const struct pace quick_pace = {.rounds = 11, .alone_ns = 8000000, .together_ns = 30000000};

_Noreturn static void wrong_usage(void)
{
    fprintf(stderr, "Usage: bench [--quick] [--pin] [--json FILE] [--instructions FILE]\n");
    exit(1);
}

struct arguments {
    struct pace pace;
    const char *json_path;         /* NULL: none is to be written */
    const char *instructions_path; /* NULL: none were counted */
};

static void parse_arguments(int argc, char **argv, struct arguments *ret_arguments)
{
    static const struct option options[] = {
        {"quick", no_argument, NULL, 'q'},
        {"pin", no_argument, NULL, 'p'},
        {"json", required_argument, NULL, 'j'},
        {"instructions", required_argument, NULL, 'i'},
        {0},
    };
    struct arguments arguments = {.pace = full_pace};
    bool pinned = false;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'q')
            arguments.pace = quick_pace;
        else if (option == 'p')
            pinned = true;
        else if (option == 'j')
            arguments.json_path = optarg;
        else if (option == 'i')
            arguments.instructions_path = optarg;
        else
            wrong_usage();
    }
    if (optind != argc)
        wrong_usage();
    arguments.pace.pinned = pinned;
    *ret_arguments = arguments;
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    struct report report;
    parse_arguments(argc, argv, &arguments);
    scratch_begin();
    expect_end_in_time();

    report_begin(&report, &arguments.pace, arguments.instructions_path);
    work_open();
    measure_all(work_measurements, work_measurements_count, &arguments.pace);
    report_end(&report);
    report_text(&report);
    if (arguments.json_path != NULL && !report_json(&report, arguments.json_path)) {
        fprintf(stderr, "bench: %s: %s\n", arguments.json_path, strerror(errno));
        return 1;
    }
    work_close();
    return 0;
}
