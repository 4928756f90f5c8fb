/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_COMMANDS_H
#define KEYSHM_CTL_COMMANDS_H

/* The table of commands: what each takes, prints and runs. */

#include <stdbool.h>

#include "failure.h"
#include "json_members.h"
#include "options.h"
#include "policy_settings.h"

#define OPERANDS_MAX 4

struct command {
    const char *name;
    const struct operand *operands[OPERANDS_MAX + 1]; /* the first is the pool; NULL ends them */
    int operands_needed;                              /* how many of them; the others are optional */
    uint64_t options;                                 /* OPTION_BITs */
    uint64_t options_needed;                          /* which of these are required */
    const struct operand *group_replaces;             /* the operand that is left out with --group; NULL: none */
    bool repeats_last;                                /* the last operand may be given several times */
    const struct policy_setting *settings;            /* of the last operand, for the help; NULL: none */
    bool takes_child;                                 /* another program's command line, after "--" */
    const char *help;
    const struct json_member *json_members; /* NULL: it prints no JSON */
    enum exit_status (*run)(const struct arguments *arguments);
};

/* A command without a name ends the table. */
extern const struct command commands[];

static inline bool command_takes(const struct command *command, int option)
{
    return (command->options & OPTION_BIT(option)) != 0;
}

#endif
