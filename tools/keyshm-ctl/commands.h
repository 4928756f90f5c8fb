/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_COMMANDS_H
#define KEYSHM_CTL_COMMANDS_H

/* The command line, as data: what a command takes, what each word means, what its JSON holds and who does it. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "exit_rules.h"
#include "failure.h"
#include "keyshm.h"

/* The words of a command line, understood. */
struct arguments {
    const char *pool;
    keyshm_id id;
    enum keyshm_status status;
    struct keyshm_options create;
    int64_t retry_after_ms;
    int64_t wait_ms;
    const char *name;     /* of metadata; NULL: not given */
    const char *value;    /* of metadata, or of a label; NULL: not given */
    const char *variable; /* of the environment */
    const char *file;     /* NULL: standard input or output */
    struct exit_rules on_status;
    char *const *child; /* the words of another program's command line, ending with NULL; NULL: none given */
    bool env;
    bool is_deletion;
    bool has_consent;
    bool json;
    bool with_keys;
    bool is_rehearsal;
};

/* One word and what it must be. */
struct word {
    const char *name;  /* "--capacity", or of an operand: "ID" */
    const char *value; /* of an option: what its value is called; NULL: it has none */
    const char *help;  /* NULL: nothing to add */
    const char *rule;  /* what the value must be; NULL: nothing to check here */
    int (*parse)(const char *text, struct arguments *arguments); /* -EINVAL, -ERANGE, -E2BIG */
    bool is_repeatable;
};

/* Two options may have one name, if no command takes both. */
enum option_id {
    OPTION_CAPACITY,
    OPTION_KEY_MAX,
    OPTION_COOLDOWN,
    OPTION_ENV,
    OPTION_ENV_NAME,
    OPTION_ON_STATUS,
    OPTION_WAIT,
    OPTION_OUTPUT,
    OPTION_WITH_KEYS,
    OPTION_DRY_RUN,
    OPTION_DELETE,
    OPTION_YES,
    OPTION_JSON,
    OPTION_RETRY_AFTER,
    OPTION_COUNT,
};
#define OPTION_BIT(option) (1u << (option))

#define OPERANDS_MAX 4

/* A member of the JSON object that a command prints. One without a name ends a list. */
struct member {
    const char *name;
    const char *help;
};

struct command {
    const char *name;
    const struct word *operands[OPERANDS_MAX + 1]; /* the first is the pool; NULL ends them */
    int operands_needed;                           /* those behind may be left out, the last first */
    unsigned options;                              /* OPTION_BITs */
    unsigned options_needed;                       /* which of these may not be left out */
    bool takes_child;                              /* another program's command line, behind "--" */
    const char *help;
    const struct member *members; /* NULL: it prints no JSON */
    enum exit_status (*run)(const struct arguments *arguments);
};

extern const struct word options[OPTION_COUNT];
extern const struct word operand_pool, operand_id, operand_status, operand_name, operand_value, operand_text,
    operand_file;

/* A command without a name ends them. */
extern const struct command commands[];

/* Is it one that this command takes? */
static inline bool command_takes(const struct command *command, int option)
{
    return (command->options & OPTION_BIT(option)) != 0;
}

/* What they do. Each returns the exit status. */
enum exit_status command_create(const struct arguments *arguments);
enum exit_status command_destroy(const struct arguments *arguments);
enum exit_status command_add(const struct arguments *arguments);
enum exit_status command_remove(const struct arguments *arguments);
enum exit_status command_next(const struct arguments *arguments);
enum exit_status command_exec(const struct arguments *arguments);
enum exit_status command_mark(const struct arguments *arguments);
enum exit_status command_reset(const struct arguments *arguments);
enum exit_status command_metadata(const struct arguments *arguments);
enum exit_status command_label(const struct arguments *arguments);
enum exit_status command_export(const struct arguments *arguments);
enum exit_status command_import(const struct arguments *arguments);
enum exit_status command_verify(const struct arguments *arguments);
enum exit_status command_repair(const struct arguments *arguments);
enum exit_status command_holder(const struct arguments *arguments);
enum exit_status command_break_lock(const struct arguments *arguments);

void print_usage_line(FILE *to, const struct command *command);
void print_help(void);
void print_command_help(const struct command *command);

#endif
