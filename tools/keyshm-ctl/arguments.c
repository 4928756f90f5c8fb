/* SPDX-License-Identifier: MIT */
#include "arguments.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

#include "number.h"
#include "program.h"

/* ---- what the words mean ---- */

static int parse_unsigned(const char *text, unsigned max, unsigned *ret_value)
{
    uint64_t value;
    int r = number_parse(text, max, &value);
    if (r == 0 && value == 0)
        r = -ERANGE;
    if (r == 0)
        *ret_value = (unsigned)value;
    return r;
}

static int parse_capacity(const char *text, struct arguments *arguments)
{
    return parse_unsigned(text, KEYSHM_CAPACITY_MAX, &arguments->create.capacity);
}

static int parse_key_max(const char *text, struct arguments *arguments)
{
    return parse_unsigned(text, KEYSHM_KEY_MAX, &arguments->create.key_max);
}

static int parse_cooldown(const char *text, struct arguments *arguments)
{
    return number_parse_seconds(text, &arguments->create.default_cooldown_ms);
}

static int parse_retry_after(const char *text, struct arguments *arguments)
{
    return number_parse_seconds(text, &arguments->retry_after_ms);
}

static int parse_env(const char *text, struct arguments *arguments)
{
    (void)text;
    arguments->env = true;
    return 0;
}

static int parse_json(const char *text, struct arguments *arguments)
{
    (void)text;
    arguments->json = true;
    return 0;
}

/* Whether it can be a pool's name is for the library to say. */
static int parse_pool(const char *text, struct arguments *arguments)
{
    arguments->pool = text;
    return 0;
}

static int parse_id(const char *text, struct arguments *arguments)
{
    return number_parse(text, UINT64_MAX, &arguments->id);
}

static int parse_status(const char *text, struct arguments *arguments)
{
    return keyshm_status_from_name(text, &arguments->status);
}

#define SECONDS_RULE "seconds from 0 to 31622400 (366 days), with a decimal fraction if need be"
_Static_assert(KEYSHM_DURATION_MAX_MS == INT64_C(31622400) * 1000, "SECONDS_RULE");
_Static_assert(KEYSHM_CAPACITY_MAX == 1048576 && KEYSHM_KEY_MAX == 4096, "the rules of --capacity and --key-max");

const struct word options[OPTION_COUNT] = {
    [OPTION_CAPACITY] = {"--capacity", "N", "room for N keys (1024)", "a number from 1 to 1048576", parse_capacity},
    [OPTION_KEY_MAX] = {"--key-max", "N", "room for keys of up to N bytes (512)", "a number from 1 to 4096",
                        parse_key_max},
    [OPTION_COOLDOWN] = {"--cooldown", "SECONDS",
                         "how long a key marked rate_limited without a time is left alone (60);\n"
                         "0: until it is marked available",
                         SECONDS_RULE, parse_cooldown},
    [OPTION_ENV] = {"--env", NULL,
                    "not from standard input but from the environment: POOL_API_KEY, POOL_API_KEY_1, _2 ...\n"
                    "with the pool's name in upper case, and _ for what is neither letter nor digit",
                    NULL, parse_env},
    [OPTION_JSON] = {"--json", NULL, "print {\"schema\":1,\"provider\":POOL,\"id\":ID,\"key\":KEY}", NULL, parse_json},
    [OPTION_RETRY_AFTER] = {"--retry-after", "SECONDS",
                            "available again by itself after that time; with rate_limited and quota_exceeded",
                            SECONDS_RULE, parse_retry_after},
};
const struct word operand_pool = {"POOL", NULL, NULL, "a pool's name", parse_pool};
const struct word operand_id = {"ID", NULL, NULL, "a number, as keyshm-stat --ids shows it", parse_id};
const struct word operand_status = {"STATUS", NULL, "available, rate_limited, quota_exceeded or invalid",
                                    "available, rate_limited, quota_exceeded or invalid", parse_status};

/* ---- where they are ---- */

/* The command line, taken apart but not yet understood. */
struct words {
    const char *options[OPTION_COUNT]; /* the value, or "" for an option without one; NULL: not given */
    const char *operands[1 + OPERANDS_MAX];
    int operand_count; /* may be more than fit */
    bool help, version;
};

/* The short options. What getopt_long() returns for long ones is above every character. */
#define LETTERS "hV"
#define LONG_OPTION_BASE 256

static void make_long_options(struct option long_options[OPTION_COUNT + 3])
{
    for (int i = 0; i < OPTION_COUNT; i++)
        long_options[i] = (struct option){.name = options[i].name + strlen("--"),
                                          .has_arg = options[i].value != NULL ? required_argument : no_argument,
                                          .val = LONG_OPTION_BASE + i};
    long_options[OPTION_COUNT] = (struct option){.name = "help", .val = 'h'};
    long_options[OPTION_COUNT + 1] = (struct option){.name = "version", .val = 'V'};
    long_options[OPTION_COUNT + 2] = (struct option){.name = NULL};
}

static void keep_operand(struct words *words, const char *text)
{
    if (words->operand_count <= OPERANDS_MAX)
        words->operands[words->operand_count] = text;
    words->operand_count++;
}

static enum exit_status split(int argc, char **argv, struct words *words)
{
    struct option long_options[OPTION_COUNT + 3];
    int option;
    make_long_options(long_options);
    opterr = 0;
    /* '-': options may stand anywhere, also with POSIXLY_CORRECT in the environment. */
    while ((option = getopt_long(argc, argv, "-:" LETTERS, long_options, NULL)) != -1) {
        if (option == '?' || option == ':')
            return refuse_option(option, argv, LETTERS);
        else if (option == 1)
            keep_operand(words, optarg);
        else if (option == 'h')
            words->help = true;
        else if (option == 'V')
            words->version = true;
        else
            words->options[option - LONG_OPTION_BASE] = optarg != NULL ? optarg : "";
    }
    for (; optind < argc; optind++)
        keep_operand(words, argv[optind]);
    return EXIT_FINE;
}

static const struct command *find_command(const char *name)
{
    for (const struct command *command = commands; command->name != NULL; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

/* ---- what they are ---- */

static enum exit_status refuse_usage(const struct command *command)
{
    print_usage_line(stderr, command);
    return point_to_help();
}

static enum exit_status read_word(const struct command *command, const struct word *word, const char *text,
                                  struct arguments *arguments)
{
    if (word->parse(text, arguments) == 0)
        return EXIT_FINE;
    complain("%s: %s must be %s", command->name, word->name, word->rule);
    return refuse_usage(command);
}

static enum exit_status read_options(const struct command *command, const struct words *words,
                                     struct arguments *arguments)
{
    enum exit_status status = EXIT_FINE;
    for (int i = 0; i < OPTION_COUNT && status == EXIT_FINE; i++) {
        if (words->options[i] == NULL)
            continue;
        if ((command->options & OPTION_BIT(i)) == 0) {
            complain("%s: %s is not for this command", command->name, options[i].name);
            return refuse_usage(command);
        }
        status = read_word(command, &options[i], words->options[i], arguments);
    }
    return status;
}

static enum exit_status read_operands(const struct command *command, const struct words *words,
                                      struct arguments *arguments)
{
    enum exit_status status = EXIT_FINE;
    int i = 0;
    for (; command->operands[i] != NULL && status == EXIT_FINE; i++) {
        if (i + 1 >= words->operand_count) {
            complain("%s: %s is missing", command->name, command->operands[i]->name);
            return refuse_usage(command);
        }
        status = read_word(command, command->operands[i], words->operands[i + 1], arguments);
    }
    if (status == EXIT_FINE && i + 1 < words->operand_count) {
        complain("%s: too many arguments (a key is never taken from the command line)", command->name);
        return refuse_usage(command);
    }
    return status;
}

static enum exit_status understand(const struct command *command, const struct words *words, struct arguments *arguments)
{
    *arguments = (struct arguments){.create = KEYSHM_OPTIONS_INIT, .retry_after_ms = KEYSHM_NO_RETRY_AFTER};
    enum exit_status status = read_options(command, words, arguments);
    return status == EXIT_FINE ? read_operands(command, words, arguments) : status;
}

enum exit_status read_arguments(int argc, char **argv, const struct command **ret_command,
                                struct arguments *ret_arguments)
{
    struct words words = {.operand_count = 0};
    *ret_command = NULL;
    enum exit_status status = split(argc, argv, &words);
    if (status != EXIT_FINE)
        return status;

    const struct command *command = words.operand_count > 0 ? find_command(words.operands[0]) : NULL;
    if (words.version)
        print_version();
    else if (words.help && command != NULL)
        print_command_help(command);
    else if (words.help)
        print_help();
    if (words.version || words.help)
        return EXIT_FINE;
    if (command == NULL) {
        complain(words.operand_count > 0 ? "there is no such command" : "a command is missing");
        return point_to_help();
    }
    status = understand(command, &words, ret_arguments);
    if (status == EXIT_FINE)
        *ret_command = command;
    return status;
}
