/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_OPTIONS_H
#define KEYSHM_STAT_OPTIONS_H

/* The options, as data: the arguments of getopt_long(3), the help and the conflicts are made from one table. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
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

/* The request so far, and the options that can be acted on only when all others are known. */
struct given_options {
    struct request *request;
    const char *user;   /* of --user; NULL: not given */
    const char *output; /* of --output; NULL: not given */
    bool output_all;
    bool with_ids;
    const char *sort; /* of --sort; NULL: not given */
};

enum option_action {
    OPTION_SETS, /* calls apply() */
    OPTION_PRINTS_HELP,
    OPTION_PRINTS_VERSION,
};

struct stat_option {
    char letter; /* '\0': none */
    const char *name;
    enum option_value value;
    const char *value_name; /* NULL: it takes none */
    const char *help;
    enum option_group group;
    enum exit_status (*apply)(struct given_options *given, const char *value); /* `value` is NULL when there is none */
    enum option_action action;
};

#define OPTIONS_MAX 64 /* a bit of a uint64_t for each */

extern const struct stat_option stat_options[];
extern const size_t stat_option_count;

/* Refuse options that do not go together, or that have no effect alone. Bit i of `given_mask`: stat_options[i] was
 * given. */
enum exit_status options_refuse_conflicts(uint64_t given_mask);

#endif
