/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_OPTIONS_H
#define KEYSHM_STAT_OPTIONS_H

/* The command line. One list of options makes what getopt_long(3) is told, the help, and what is refused. */

#include <stdbool.h>
#include <stddef.h>

#include "request.h"

enum option_group {
    OPTION_SUBJECT,
    OPTION_FORMAT,
    OPTION_COLUMNS,
    OPTION_FILTER,
    OPTION_STYLE,
    OPTION_REPEAT,
    OPTION_OTHER,
};
#define OPTION_GROUP_COUNT 7

enum option_value {
    OPTION_WITHOUT_VALUE,
    OPTION_WITH_VALUE,
    OPTION_MAY_HAVE_VALUE,
};

/* What was given that is put together only when all of it is known. */
struct command_line {
    struct request *request;
    const char *output; /* of --output; NULL: not given */
    bool output_all;
    bool with_ids;
    const char *sort;
};

struct stat_option {
    char letter; /* '\0': none */
    const char *name;
    enum option_value value;
    const char *value_name; /* NULL: it takes none */
    const char *help;
    enum option_group group;
    /* What it does; NULL: it prints something instead, and ends the program. `value` is NULL when none was given. */
    enum exit_status (*apply)(struct command_line *line, const char *value);
    void (*print)(void);
};

extern const struct stat_option stat_options[];
extern const size_t stat_option_count;

/* False: the program ends with *ret_status, because of wrong usage, or because all that was asked for has been printed.
 */
bool options_parse(int argc, char **argv, struct request *ret_request, enum exit_status *ret_status);

#endif
