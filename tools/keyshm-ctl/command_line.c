/* SPDX-License-Identifier: MIT */
#include "command_line.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "help.h"
#include "program.h"
#include "user.h"

/* ---- what is given ---- */

struct given_option {
    int option;
    const char *value; /* "" for an option without one */
};

/* The command line, split into options and operands but not yet checked. */
struct given {
    const struct command *command; /* NULL: not given, or unknown */
    struct given_option *options;  /* in the order in which they were given */
    int option_count;
    const char **operands; /* the first is the command's name */
    int operand_count;
    char *const *child; /* after "--", if the command takes another program's command line */
    const char *user;   /* NULL: not given */
    bool help, version;
};

/* The short options. What getopt_long() returns for long ones is above every character. */
#define LETTERS "hV"
#define USER_OPTION 1000 /* above all others */
#define LONG_OPTION_BASE 256

/* Does another option of the same name take precedence? The one that the command takes does; if that does not decide, the
 * first. */
static bool has_namesake(const struct command *command, int option)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (i != option && strcmp(ctl_options[i].name, ctl_options[option].name) == 0 &&
            (command != NULL && command_takes(command, option) != command_takes(command, i) ? command_takes(command, i)
                                                                                            : i < option))
            return true;
    return false;
}

static void make_long_options(const struct command *command, struct option long_options[OPTION_COUNT + 4])
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if (!has_namesake(command, i))
            *long_options++ = (struct option){.name = ctl_options[i].name + strlen("--"),
                                              .has_arg = ctl_options[i].value != NULL ? required_argument : no_argument,
                                              .val = LONG_OPTION_BASE + i};
    *long_options++ = (struct option){.name = "user", .has_arg = required_argument, .val = USER_OPTION};
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

static void keep_operand(struct given *given, const char *text)
{
    if (given->operand_count == 0 && strcmp(text, "help") == 0) {
        given->help = true; /* "help COMMAND" is "COMMAND --help" */
        return;
    }
    if (given->operand_count == 0)
        given->command = find_command(text);
    given->operands[given->operand_count++] = text;
}

/* '-' lets options stand anywhere, even with POSIXLY_CORRECT in the environment. */
static int next_option(int argc, char **argv, const struct command *command)
{
    struct option long_options[OPTION_COUNT + 4];
    make_long_options(command, long_options);
    opterr = 0;
    return getopt_long(argc, argv, "-:" LETTERS, long_options, NULL);
}

static enum exit_status split(int argc, char **argv, struct given *given)
{
    int option;
    while ((option = next_option(argc, argv, given->command)) != -1) {
        const char *value = optarg != NULL ? optarg : "";
        if (option == '?' || option == ':')
            return refuse_option(option, argv, LETTERS);
        else if (option == 1)
            keep_operand(given, value);
        else if (option == 'h')
            given->help = true;
        else if (option == 'V')
            given->version = true;
        else if (option == USER_OPTION)
            given->user = value;
        else
            given->options[given->option_count++] =
                (struct given_option){.option = option - LONG_OPTION_BASE, .value = value};
    }
    /* The rest is after "--". */
    if (given->command != NULL && given->command->takes_child)
        given->child = argv + optind;
    else
        for (; optind < argc; optind++)
            keep_operand(given, argv[optind]);
    return EXIT_FINE;
}

/* ---- what it means ---- */

static enum exit_status refuse_usage(const struct command *command)
{
    help_print_usage(stderr, command);
    return point_to_help();
}

/* `name` and `rule` are those of an option or of an operand. */
static enum exit_status read_value(const struct command *command, const char *name, const char *rule, parse_fn *parse,
                                   const char *text, struct arguments *arguments)
{
    if (parse(text, arguments) == 0)
        return EXIT_FINE;
    refuse_value(command->name, name, rule, text);
    return refuse_usage(command);
}

static enum exit_status refuse_missing(const struct command *command, const char *name)
{
    complain("%s: %s is missing", command->name, name);
    return refuse_usage(command);
}

static enum exit_status read_options(const struct command *command, const struct given *given,
                                     struct arguments *arguments)
{
    uint64_t missing = command->options_needed;
    enum exit_status status = EXIT_FINE;
    for (int i = 0; i < given->option_count && status == EXIT_FINE; i++) {
        const struct given_option *option = &given->options[i];
        const struct ctl_option *known = &ctl_options[option->option];
        if (!command_takes(command, option->option)) {
            complain("%s: %s is not for this command", command->name, known->name);
            return refuse_usage(command);
        }
        missing &= ~OPTION_BIT(option->option);
        status = read_value(command, known->name, known->rule, known->parse, option->value, arguments);
    }
    return status == EXIT_FINE && missing != 0 ? refuse_missing(command, ctl_options[__builtin_ctzll(missing)].name)
                                               : status;
}

static bool has_group(const struct command *command, const struct given *given)
{
    for (int i = 0; i < given->option_count; i++)
        if (command->group_replaces != NULL && given->options[i].option == OPTION_GROUP_NAME)
            return true;
    return false;
}

static enum exit_status read_operands(const struct command *command, const struct given *given,
                                      struct arguments *arguments)
{
    enum exit_status status = EXIT_FINE;
    const struct operand *left_out = has_group(command, given) ? command->group_replaces : NULL;
    int next = 1, most = 0;
    while (command->operands[most] != NULL)
        most++;
    if (left_out != NULL && given->operand_count > most) {
        complain("%s: %s and --group do not go together", command->name, left_out->name);
        return refuse_usage(command);
    }
    for (int i = 0; command->operands[i] != NULL && status == EXIT_FINE; i++) {
        const struct operand *operand = command->operands[i];
        if (operand == left_out)
            continue;
        if (next < given->operand_count)
            status =
                read_value(command, operand->name, operand->rule, operand->parse, given->operands[next++], arguments);
        else if (i < command->operands_needed)
            return refuse_missing(command, operand->name);
        if (command->repeats_last && command->operands[i + 1] == NULL && next < given->operand_count)
            i--;
    }
    if (status == EXIT_FINE && next < given->operand_count) {
        complain("%s: too many arguments (%s)", command->name,
                 command->takes_child ? "COMMAND comes after --" : "a key is never taken from the command line");
        return refuse_usage(command);
    }
    return status;
}

/* Of two options with the same name, one that was given before the command was known may be the wrong one. */
static int choose_namesake(const struct command *command, int given)
{
    bool has_value = ctl_options[given].value != NULL;
    for (int option = 0; option < OPTION_COUNT && !command_takes(command, given); option++)
        if (command_takes(command, option) && strcmp(ctl_options[option].name, ctl_options[given].name) == 0 &&
            (ctl_options[option].value != NULL) == has_value)
            return option;
    return given;
}

static enum exit_status understand(const struct given *given, struct arguments *arguments)
{
    const struct command *command = given->command;
    for (int i = 0; i < given->option_count; i++)
        given->options[i].option = choose_namesake(command, given->options[i].option);
    *arguments = (struct arguments){.create = KEYSHM_OPTIONS_INIT,
                                    .retry_after_ms = KEYSHM_NO_RETRY_AFTER,
                                    .until_unix_ms = NOT_GIVEN,
                                    .child = given->child};
    enum exit_status status = read_operands(command, given, arguments);
    if (status == EXIT_FINE)
        status = read_options(command, given, arguments);
    if (status == EXIT_FINE && command->takes_child && (given->child == NULL || given->child[0] == NULL))
        status = refuse_missing(command, "-- COMMAND");
    return status;
}

/* The word is named unless it may be a key. */
static enum exit_status refuse_unknown(const char *word)
{
    if (program_may_show(word))
        complain("there is no such command: %s%s", word,
                 strcmp(word, "list") == 0 ? "; keyshm-stat --pools lists the pools" : "");
    else
        complain("there is no such command");
    return point_to_help();
}

static enum exit_status follow(const struct given *given, const struct command **ret_command,
                               struct arguments *ret_arguments)
{
    bool is_unknown = given->command == NULL && given->operand_count > 0;
    if (is_unknown && !given->version)
        return refuse_unknown(given->operands[0]);
    if (given->version)
        print_version();
    else if (given->help && given->command != NULL)
        help_print_command(given->command);
    else if (given->help)
        help_print();
    if (given->version || given->help)
        return EXIT_FINE;
    if (given->command == NULL) {
        complain("a command is missing");
        return point_to_help();
    }
    enum exit_status status = understand(given, ret_arguments);
    if (status == EXIT_FINE && given->user != NULL)
        status = user_choose(given->user);
    if (status == EXIT_FINE)
        *ret_command = given->command;
    return status;
}

enum exit_status command_line_read(int argc, char **argv, const struct command **ret_command,
                                   struct arguments *ret_arguments)
{
    size_t most = (size_t)argc + 1;
    struct given given = {.options = calloc(most, sizeof(*given.options)),
                          .operands = calloc(most, sizeof(*given.operands))};
    *ret_command = NULL;
    bool has_memory = given.options != NULL && given.operands != NULL;
    enum exit_status status = has_memory ? split(argc, argv, &given) : refuse("%s", keyshm_strerror(ENOMEM));
    if (has_memory && status == EXIT_FINE)
        status = follow(&given, ret_command, ret_arguments);
    free(given.operands);
    free(given.options);
    return status;
}
