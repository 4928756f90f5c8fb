/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_COMMAND_H
#define KEYSHM_CTL_COMMAND_H

/* The command line, as data: what a command takes, what each word means and who does it. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "failure.h"
#include "keyshm.h"

/* The words of a command line, understood. */
struct arguments {
    const char *pool;
    keyshm_id id;
    enum keyshm_status status;
    struct keyshm_options create;
    int64_t retry_after_ms;
    bool env;
    bool json;
};

/* One word and what it must be. */
struct word {
    const char *name;  /* "--capacity", or of an operand: "ID" */
    const char *value; /* of an option: what its value is called; NULL: it has none */
    const char *help;  /* NULL: nothing to add */
    const char *rule;  /* what the value must be; NULL: nothing to check here */
    int (*parse)(const char *text, struct arguments *arguments); /* -EINVAL, -ERANGE */
};

enum option_id {
    OPTION_CAPACITY,
    OPTION_KEY_MAX,
    OPTION_COOLDOWN,
    OPTION_ENV,
    OPTION_JSON,
    OPTION_RETRY_AFTER,
    OPTION_COUNT,
};
#define OPTION_BIT(option) (1u << (option))

#define OPERANDS_MAX 3

struct command {
    const char *name;
    const struct word *operands[OPERANDS_MAX + 1]; /* the first is the pool; NULL ends them */
    unsigned options;                              /* OPTION_BITs */
    const char *help;
    enum exit_status (*run)(const struct arguments *arguments);
};

extern const struct word options[OPTION_COUNT];
extern const struct word operand_pool, operand_id, operand_status;

/* A command without a name ends them. */
extern const struct command commands[];

/* What is longer than a few lines has its own file. */
enum exit_status command_add(const struct arguments *arguments);
enum exit_status command_next(const struct arguments *arguments);

void print_usage_line(FILE *to, const struct command *command);
void print_help(void);
void print_command_help(const struct command *command);

#endif
