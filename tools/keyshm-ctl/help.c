/* SPDX-License-Identifier: MIT */
#include "help.h"

#include <stdarg.h>
#include <string.h>

#define INDENT "      "

/* ---- the synopsis ---- */

#define SYNOPSIS_WIDTH 110 /* of what comes after "keyshm-ctl " */
#define SYNOPSIS_INDENT "            "
#define WORD_SIZE 64

struct synopsis {
    FILE *to;
    size_t column;
};

__attribute__((format(printf, 2, 3))) static void print_word(struct synopsis *synopsis, const char *format, ...)
{
    char word[WORD_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(word, sizeof(word), format, arguments);
    va_end(arguments);
    if (synopsis->column + strlen(word) > SYNOPSIS_WIDTH) {
        fputs("\n" SYNOPSIS_INDENT, synopsis->to);
        synopsis->column = strlen(SYNOPSIS_INDENT);
    }
    synopsis->column += strlen(word) + 1;
    fprintf(synopsis->to, " %s", word);
}

/* Those that are optional are inside of each other: [NAME [VALUE]]. */
static void print_operands(struct synopsis *synopsis, const struct command *command)
{
    int count = 0;
    for (; command->operands[count] != NULL; count++)
        print_word(synopsis, "%s%s", count >= command->operands_needed ? "[" : "", command->operands[count]->name);
    for (; count > command->operands_needed; count--)
        fputc(']', synopsis->to);
    if (command->repeats_last)
        fputs("...", synopsis->to);
}

static void print_options(struct synopsis *synopsis, const struct command *command)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct ctl_option *option = &ctl_options[i];
        bool is_needed = (command->options_needed & OPTION_BIT(i)) != 0;
        if (command_takes(command, i))
            print_word(synopsis, "%s%s%s%s%s%s", is_needed ? "" : "[", option->name, option->value != NULL ? " " : "",
                       option->value != NULL ? option->value : "", is_needed ? "" : "]",
                       option->is_repeatable ? "..." : "");
    }
}

static void print_synopsis(FILE *to, const struct command *command)
{
    struct synopsis synopsis = {.to = to, .column = strlen(command->name)};
    fputs(command->name, to);
    print_operands(&synopsis, command);
    print_options(&synopsis, command);
    if (command->takes_child)
        print_word(&synopsis, "-- COMMAND [ARGUMENT]...");
    fputc('\n', to);
}

void help_print_usage(FILE *to, const struct command *command)
{
    fputs("Usage: keyshm-ctl ", to);
    print_synopsis(to, command);
}

/* ---- what it does ---- */

/* Indent every line of `text`. */
static void print_indented(const char *text, const char *first_word)
{
    fputs(INDENT, stdout);
    if (first_word != NULL)
        printf("%s: ", first_word);
    for (const char *next; (next = strchr(text, '\n')) != NULL; text = next + 1)
        printf("%.*s\n" INDENT, (int)(next - text), text);
    puts(text);
}

/* With its default. */
static void print_setting(const struct policy_setting *setting)
{
    static const struct keyshm_policy defaults = KEYSHM_POLICY_INIT;
    char text[POLICY_SETTING_SIZE];
    policy_setting_format(&defaults, setting, text);
    printf(INDENT "%s (%s)\n", text, setting->meaning);
}

static void print_command(const struct command *command)
{
    print_indented(command->help, NULL);
    for (int i = 0; command->operands[i] != NULL; i++)
        if (command->operands[i]->help != NULL)
            print_indented(command->operands[i]->help, command->operands[i]->name);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (command_takes(command, i))
            print_indented(ctl_options[i].help, ctl_options[i].name);
    for (int i = 0; i < POLICY_SETTINGS && command->settings != NULL; i++)
        print_setting(&command->settings[i]);
}

void help_print_command(const struct command *command)
{
    help_print_usage(stdout, command);
    print_command(command);
    if (command->json_members == NULL)
        return;
    puts("\nMembers of its JSON object:");
    for (const struct json_member *member = command->json_members; member->name != NULL; member++)
        printf("  %-22s  %s\n", member->name, member->help);
}

void help_print(void)
{
    puts("Usage: keyshm-ctl COMMAND [POOL] [ARGUMENT]...\n"
         "       keyshm-ctl help [COMMAND]\n"
         "Administer the pools of API keys of this user.\n"
         "Keys are read from standard input, the environment or a file, never from the command line.\n");
    for (const struct command *command = commands; command->name != NULL; command++) {
        fputs("  ", stdout);
        print_synopsis(stdout, command);
        print_command(command);
    }
    puts("\n"
         "      --user NAME  of the pools of that user; another user's are for root alone\n"
         "  -h, --help       show this help, or that of a COMMAND and the members of its JSON, and exit\n"
         "  -V, --version    show the version and exit\n"
         "\n"
         "A pool's name is 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with a dot. keyshm-stat shows the pools.\n"
         "\n"
         "Exit status: 0 success, 1 wrong usage or failure, 2 no such pool or no permission, 3 a pool of\n"
         "another layout or a damaged one, 4 no key is available. exec: that of COMMAND once it runs, or 128 plus\n"
         "the number of the signal that killed it; 126 if COMMAND cannot be run, 127 if it does not exist.");
}
