/* SPDX-License-Identifier: MIT */
#include "command_line.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

/* ---- where the words are ---- */

struct given_option {
    int option;
    const char *value; /* "" for an option without one */
};

/* The command line, taken apart but not yet understood. */
struct words {
    const struct command *command; /* NULL: none, or none of that name */
    struct given_option *options;  /* in the order in which they were given */
    int option_count;
    const char *operands[1 + OPERANDS_MAX]; /* the first is the command's name */
    int operand_count;                      /* may be more than fit */
    char *const *child;                     /* what stands behind "--", when the command takes another's command line */
    bool help, version;
};

/* The short options. What getopt_long() returns for long ones is above every character. */
#define LETTERS "hV"
#define LONG_OPTION_BASE 256

/* Does another option of that name come before this one? Before the command is known, the first does. */
static bool has_namesake(const struct command *command, int option)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (i != option && strcmp(options[i].name, options[option].name) == 0 &&
            (command != NULL && command_takes(command, option) != command_takes(command, i) ? command_takes(command, i)
                                                                                            : i < option))
            return true;
    return false;
}

static void make_long_options(const struct command *command, struct option long_options[OPTION_COUNT + 3])
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (!has_namesake(command, i))
            *long_options++ = (struct option){.name = options[i].name + strlen("--"),
                                              .has_arg = options[i].value != NULL ? required_argument : no_argument,
                                              .val = LONG_OPTION_BASE + i};
    *long_options++ = (struct option){.name = "help", .val = 'h'};
    *long_options++ = (struct option){.name = "version", .val = 'V'};
    *long_options = (struct option){.name = NULL};
}

static const struct command *find_command(const char *name)
{
    for (const struct command *command = commands; command->name != NULL; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

static void keep_operand(struct words *words, const char *text)
{
    if (words->operand_count == 0)
        words->command = find_command(text);
    if (words->operand_count <= OPERANDS_MAX)
        words->operands[words->operand_count] = text;
    words->operand_count++;
}

/* '-': options may stand anywhere, also with POSIXLY_CORRECT in the environment. */
static int next_option(int argc, char **argv, const struct command *command)
{
    struct option long_options[OPTION_COUNT + 3];
    make_long_options(command, long_options);
    opterr = 0;
    return getopt_long(argc, argv, "-:" LETTERS, long_options, NULL);
}

static enum exit_status split(int argc, char **argv, struct words *words)
{
    int option;
    while ((option = next_option(argc, argv, words->command)) != -1) {
        const char *value = optarg != NULL ? optarg : "";
        if (option == '?' || option == ':')
            return refuse_option(option, argv, LETTERS);
        else if (option == 1)
            keep_operand(words, value);
        else if (option == 'h')
            words->help = true;
        else if (option == 'V')
            words->version = true;
        else
            words->options[words->option_count++] =
                (struct given_option){.option = option - LONG_OPTION_BASE, .value = value};
    }
    /* What is left stands behind "--". */
    if (words->command != NULL && words->command->takes_child)
        words->child = argv + optind;
    else
        for (; optind < argc; optind++)
            keep_operand(words, argv[optind]);
    return EXIT_FINE;
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

static enum exit_status refuse_missing(const struct command *command, const char *name)
{
    complain("%s: %s is missing", command->name, name);
    return refuse_usage(command);
}

static enum exit_status read_options(const struct command *command, const struct words *words,
                                     struct arguments *arguments)
{
    unsigned missing = command->options_needed;
    enum exit_status status = EXIT_FINE;
    for (int i = 0; i < words->option_count && status == EXIT_FINE; i++) {
        const struct given_option *given = &words->options[i];
        if (!command_takes(command, given->option)) {
            complain("%s: %s is not for this command", command->name, options[given->option].name);
            return refuse_usage(command);
        }
        missing &= ~OPTION_BIT(given->option);
        status = read_word(command, &options[given->option], given->value, arguments);
    }
    return status == EXIT_FINE && missing != 0 ? refuse_missing(command, options[__builtin_ctz(missing)].name) : status;
}

static enum exit_status read_operands(const struct command *command, const struct words *words,
                                      struct arguments *arguments)
{
    enum exit_status status = EXIT_FINE;
    int i = 0;
    for (; command->operands[i] != NULL && status == EXIT_FINE; i++) {
        if (i + 1 < words->operand_count)
            status = read_word(command, command->operands[i], words->operands[i + 1], arguments);
        else if (i < command->operands_needed)
            return refuse_missing(command, command->operands[i]->name);
    }
    if (status == EXIT_FINE && i + 1 < words->operand_count) {
        complain("%s: too many arguments (%s)", command->name,
                 command->takes_child ? "COMMAND stands behind --" : "a key is never taken from the command line");
        return refuse_usage(command);
    }
    return status;
}

static enum exit_status understand(const struct words *words, struct arguments *arguments)
{
    const struct command *command = words->command;
    *arguments =
        (struct arguments){.create = KEYSHM_OPTIONS_INIT, .retry_after_ms = KEYSHM_NO_RETRY_AFTER, .child = words->child};
    enum exit_status status = read_operands(command, words, arguments);
    if (status == EXIT_FINE)
        status = read_options(command, words, arguments);
    if (status == EXIT_FINE && command->takes_child && (words->child == NULL || words->child[0] == NULL))
        status = refuse_missing(command, "-- COMMAND");
    return status;
}

static enum exit_status read_words(const struct words *words, const struct command **ret_command,
                                   struct arguments *ret_arguments)
{
    if (words->version)
        print_version();
    else if (words->help && words->command != NULL)
        print_command_help(words->command);
    else if (words->help)
        print_help();
    if (words->version || words->help)
        return EXIT_FINE;
    if (words->command == NULL) {
        complain(words->operand_count > 0 ? "there is no such command" : "a command is missing");
        return point_to_help();
    }
    enum exit_status status = understand(words, ret_arguments);
    if (status == EXIT_FINE)
        *ret_command = words->command;
    return status;
}

enum exit_status read_arguments(int argc, char **argv, const struct command **ret_command,
                                struct arguments *ret_arguments)
{
    struct words words = {.options = calloc((size_t)argc + 1, sizeof(*words.options))};
    *ret_command = NULL;
    if (words.options == NULL)
        return refuse("%s", keyshm_strerror(ENOMEM));
    enum exit_status status = split(argc, argv, &words);
    if (status == EXIT_FINE)
        status = read_words(&words, ret_command, ret_arguments);
    free(words.options);
    return status;
}
