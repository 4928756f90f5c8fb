/* SPDX-License-Identifier: MIT */
#include "command_line.h"

#include <getopt.h>
#include <stddef.h>

#include "column_choice.h"
#include "help.h"
#include "listing.h"
#include "options.h"
#include "program.h"

/* ---- getopt_long(3) ---- */

#define NO_LETTER 256 /* the code of an option without a letter is this and its place in the table */
#define LETTERS_SIZE (1 + 3 * OPTIONS_MAX + 1)

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

static enum exit_status put_together(const struct given_options *given, uint64_t given_mask)
{
    struct request *request = given->request;
    enum exit_status status = options_refuse_conflicts(given_mask);
    if (status == EXIT_FINE && request->all_users && *request->pools != NULL)
        status = refuse("--all-users shows all pools: do not name any");
    if (status != EXIT_FINE)
        return status;
    request->user = given->user;
    request->listing = listing_of(request->subject);
    return request->listing != NULL ? choose_columns(given) : EXIT_FINE;
}

/* False: the program ends with *ret_status. */
static bool act_on(const struct stat_option *option, struct given_options *given, enum exit_status *ret_status)
{
    *ret_status = EXIT_FINE;
    switch (option->action) {
    case OPTION_SETS:
        *ret_status = option->apply(given, optarg);
        if (*ret_status != EXIT_FINE)
            point_to_help();
        return *ret_status == EXIT_FINE;
    case OPTION_PRINTS_HELP:
        print_help();
        break;
    case OPTION_PRINTS_VERSION:
        print_version();
        break;
    }
    return false;
}

static bool parse(int argc, char **argv, struct given_options *given, enum exit_status *ret_status)
{
    struct option options[OPTIONS_MAX + 1] = {{0}};
    char letters[LETTERS_SIZE];
    uint64_t given_mask = 0;
    int code;
    fill_in(options, letters);
    opterr = 0;
    while ((code = getopt_long(argc, argv, letters, options, NULL)) != -1) {
        const struct stat_option *option = find_option(code);
        if (option == NULL) {
            *ret_status = refuse_option(code, argv, letters);
            return false;
        }
        given_mask |= UINT64_C(1) << (option - stat_options);
        if (!act_on(option, given, ret_status))
            return false;
    }
    given->request->pools = argv + optind;
    *ret_status = put_together(given, given_mask);
    if (*ret_status != EXIT_FINE)
        point_to_help();
    return *ret_status == EXIT_FINE;
}

bool command_line_parse(int argc, char **argv, struct request *ret_request, enum exit_status *ret_status)
{
    struct given_options given = {.request = ret_request};
    *ret_request = (struct request){.has_headings = true, .is_truncated = true, .interval_ms = REQUEST_INTERVAL_MS};
    return parse(argc, argv, &given, ret_status);
}
