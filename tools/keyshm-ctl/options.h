/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_OPTIONS_H
#define KEYSHM_CTL_OPTIONS_H

/* The options and operands that commands take: names, rules, and how each is read. */

#include <stdbool.h>
#include <stdint.h>

#include "arguments.h"

/* Read a value into the arguments. -EINVAL, -ERANGE, -E2BIG. */
typedef int parse_fn(const char *text, struct arguments *arguments);

struct operand {
    const char *name; /* "ID" */
    const char *help; /* NULL: nothing to add */
    const char *rule; /* what the value must be */
    parse_fn *parse;
};

extern const struct operand operand_pool, operand_id, operand_ids, operand_id_or_group, operand_id_or_all, operand_status,
    operand_priority, operand_weight, operand_name, operand_value, operand_text, operand_file, operand_group,
    operand_model, operand_setting, operand_id_or_pool, operand_pid, operand_provider;

struct ctl_option {
    const char *name;  /* "--capacity" */
    const char *value; /* what the help calls its value; NULL: it takes none */
    const char *help;
    const char *rule; /* what the value must be; NULL: it takes none */
    parse_fn *parse;
    bool is_repeatable;
};

/* Two options may have the same name if no command takes both. */
enum option_id {
    OPTION_CAPACITY,
    OPTION_KEY_MAX,
    OPTION_COOLDOWN,
    OPTION_GROUPS_MAX,
    OPTION_MODELS_MAX,
    OPTION_IN_FLIGHT_MAX,
    OPTION_GROUP_IN_FLIGHT_MAX,
    OPTION_PROVIDER_RULES,
    OPTION_GROUP,      /* of keys */
    OPTION_GROUP_NAME, /* instead of an ID */
    OPTION_MODEL,
    OPTION_MODEL_KNOWN, /* it is not made */
    OPTION_SCOPE,
    OPTION_REQUESTS, /* from here on in the order of enum limit_setting_id */
    OPTION_REQUESTS_BURST,
    OPTION_TOKENS,
    OPTION_TOKENS_BURST,
    OPTION_TOKENS_CHARGE,
    OPTION_REQUESTS_LONG,
    OPTION_REQUESTS_LONG_BURST,
    OPTION_TOKENS_LONG,
    OPTION_TOKENS_LONG_BURST,
    OPTION_TOKENS_LONG_CHARGE,
    OPTION_IN_FLIGHT,
    OPTION_NONE,
    OPTION_LIST,
    OPTION_PUT_IN,
    OPTION_TAKE_OUT,
    OPTION_ENV,
    OPTION_ENV_NAME,
    OPTION_ON_STATUS,
    OPTION_WAIT,
    OPTION_ESTIMATE, /* of tokens */
    OPTION_OUTPUT,
    OPTION_WITH_KEYS,
    OPTION_DRY_RUN,
    OPTION_ALLOW_EMPTY,
    OPTION_DELETE,
    OPTION_YES,
    OPTION_JSON,
    OPTION_RETRY_AFTER,
    OPTION_UNTIL,
    OPTION_REASON,
    OPTION_STATUS,
    OPTION_STAMP,
    OPTION_PROVIDER,
    OPTION_TRANSPORT,
    OPTION_REPORT,
    OPTION_VERBOSE,
    OPTION_LAYOUT,
    OPTION_ALL,
    OPTION_URL,
    OPTION_METHOD,
    OPTION_HEADER,
    OPTION_PARALLEL,
    OPTION_COUNT,
};
#define OPTION_BIT(option) (UINT64_C(1) << (option))
_Static_assert(OPTION_COUNT <= 64, "OPTION_BIT()");
#define OPTION_OF_LIMIT(setting) (OPTION_REQUESTS + (setting))
_Static_assert(OPTION_OF_LIMIT(LIMIT_IN_FLIGHT) == OPTION_IN_FLIGHT, "the order");

/* What a line of a file of limits can have, too. */
#define OPTIONS_OF_LIMITS                                                                       \
    (OPTION_BIT(OPTION_GROUP_NAME) | OPTION_BIT(OPTION_MODEL_KNOWN) | OPTION_BIT(OPTION_NONE) | \
     ((OPTION_BIT(LIMIT_SETTINGS) - 1) << OPTION_REQUESTS))

extern const struct ctl_option ctl_options[OPTION_COUNT];

#endif
