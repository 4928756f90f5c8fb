/* SPDX-License-Identifier: MIT */
#include "limit_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "program.h"
#include "shell_words.h"

#define LINE_SIZE 4096
#define WORDS_MAX 32 /* more than an ID and all options with their values */

struct reader {
    const char *name; /* of the file, in messages */
    FILE *file;
    struct limit_check *check;
    uint64_t line_number;
    char line[LINE_SIZE];
};

const char *limit_file_name(const char *path)
{
    return strcmp(path, "-") != 0 ? path : "standard input";
}

static enum exit_status refuse_line(const struct reader *reader, uint64_t line_number, const char *what)
{
    return refuse("%s:%" PRIu64 ": %s; nothing was changed", reader->name, line_number, what);
}

/* ---- the words of a line ---- */

static const char *refuse_word(struct limit_check *check, const char *name, const char *rule)
{
    snprintf(check->refusal, sizeof(check->refusal), "%s must be %s", name, rule);
    return check->refusal;
}

/* NULL: a line cannot have it. `length` is that of the word without "=VALUE". */
static const struct ctl_option *find_option(const char *word, size_t length)
{
    for (int i = 0; i < OPTION_COUNT; i++)
        if ((OPTIONS_OF_LIMITS & OPTION_BIT(i)) != 0 && strlen(ctl_options[i].name) == length &&
            strncmp(ctl_options[i].name, word, length) == 0)
            return &ctl_options[i];
    return NULL;
}

/* The option at words[*i], with its value; moves *i to its last word. */
static const char *take_option(struct limit_check *check, const char *const words[], int count, int *i,
                               struct arguments *arguments)
{
    const char *word = words[*i], *value = "";
    size_t length = strcspn(word, "=");
    const struct ctl_option *option = find_option(word, length);
    if (option == NULL || (option->value == NULL && word[length] == '='))
        return "it has an option that is none of a line of limits, or takes no value";
    if (word[length] == '=') {
        value = word + length + 1;
    } else if (option->value != NULL) {
        if (*i + 1 == count) {
            snprintf(check->refusal, sizeof(check->refusal), "%s needs a value", option->name);
            return check->refusal;
        }
        value = words[++*i];
    }
    return option->parse(value, arguments) < 0 ? refuse_word(check, option->name, option->rule) : NULL;
}

static const char *take_id(struct limit_check *check, const char *word, struct arguments *arguments)
{
    if (arguments->has_id)
        return "it has a second ID, or a value without its option";
    return operand_id_or_pool.parse(word, arguments) < 0
               ? refuse_word(check, operand_id_or_pool.name, operand_id_or_pool.rule)
               : NULL;
}

static const char *take_words(struct limit_check *check, const char *const words[], int count,
                              struct arguments *arguments)
{
    const char *wrong = NULL;
    for (int i = 0; i < count && wrong == NULL; i++)
        wrong =
            words[i][0] == '-' ? take_option(check, words, count, &i, arguments) : take_id(check, words[i], arguments);
    if (wrong == NULL && arguments->has_id && arguments->group != NULL)
        wrong = "ID and --group do not go together";
    if (wrong == NULL && !arguments->is_none && !limit_changes_are_given(&arguments->limits))
        wrong = "it has no limit; where there is to be none, it has --none";
    return wrong;
}

/* *ret_is_empty: there is nothing in it, or a comment. */
static const char *understand(struct reader *reader, bool *ret_is_empty, struct limit_line *ret_line)
{
    const char *words[WORDS_MAX];
    struct arguments arguments = {.pool = reader->check->provider};
    int count = shell_split(reader->line, words, WORDS_MAX);
    *ret_is_empty = count == 0;
    if (count == -EINVAL)
        return "a quotation mark is not closed";
    if (count < 0)
        return "it has too many words";
    if (count == 0)
        return NULL;
    const char *wrong = take_words(reader->check, words, count, &arguments);
    if (wrong == NULL)
        wrong = limit_find_subject(reader->check, &arguments, ret_line);
    return wrong == NULL ? limit_change(reader->check, &arguments, ret_line) : wrong;
}

/* ---- the lines ---- */

/* The next line, without its end. False: there is none, or *ret_wrong says what is wrong with it. */
static bool read_line(struct reader *reader, const char **ret_wrong)
{
    size_t length = 0;
    int c;
    *ret_wrong = NULL;
    reader->line_number++;
    while ((c = getc(reader->file)) != EOF && c != '\n') {
        if (c == '\0')
            *ret_wrong = "it has a NUL byte in it";
        else if (length == LINE_SIZE - 1)
            *ret_wrong = "it is longer than 4095 bytes";
        if (*ret_wrong != NULL)
            return false;
        reader->line[length++] = (char)c;
    }
    if (length > 0 && reader->line[length - 1] == '\r')
        length--;
    reader->line[length] = '\0';
    return c != EOF || length > 0;
}
_Static_assert(LINE_SIZE == 4096, "the message of read_line()");

static enum exit_status read_lines(struct reader *reader, struct limit_list *list)
{
    const char *wrong;
    while (read_line(reader, &wrong)) {
        struct limit_line line;
        bool is_empty;
        wrong = understand(reader, &is_empty, &line);
        if (wrong != NULL)
            break;
        line.line_number = reader->line_number;
        if (!is_empty && limit_list_append(list, &line) < 0)
            return refuse("%s", keyshm_strerror(ENOMEM));
    }
    if (wrong != NULL)
        return refuse_line(reader, reader->line_number, wrong);
    return ferror(reader->file) ? refuse("cannot read %s: %s; nothing was changed", reader->name, system_error(errno))
                                : EXIT_FINE;
}

/* ---- lines that are about the same ---- */

static int compare(const void *a, const void *b)
{
    const struct limit_line *first = *(const struct limit_line *const *)a, *second = *(const struct limit_line *const *)b;
    if (first->id != second->id)
        return first->id < second->id ? -1 : 1;
    if (first->model != second->model)
        return first->model < second->model ? -1 : 1;
    return first->line_number < second->line_number ? -1 : 1;
}

static enum exit_status refuse_twins(const struct reader *reader, const struct limit_list *list)
{
    enum exit_status status = EXIT_FINE;
    const struct limit_line **sorted = calloc(list->count + 1, sizeof(struct limit_line *));
    if (sorted == NULL)
        return refuse("%s", keyshm_strerror(ENOMEM));
    for (size_t i = 0; i < list->count; i++)
        sorted[i] = &list->lines[i];
    qsort(sorted, list->count, sizeof(struct limit_line *), compare);
    for (size_t i = 1; i < list->count && status == EXIT_FINE; i++)
        if (sorted[i - 1]->id == sorted[i]->id && sorted[i - 1]->model == sorted[i]->model)
            status = refuse("%s:%" PRIu64 ": line %" PRIu64 " has the same subject and model; nothing was changed",
                            reader->name, sorted[i]->line_number, sorted[i - 1]->line_number);
    free(sorted);
    return status;
}

enum exit_status limit_file_read(const char *path, struct limit_check *check, struct limit_list *list)
{
    struct reader reader = {.name = limit_file_name(path), .check = check};
    bool is_stdin = strcmp(path, "-") == 0;
    reader.file = is_stdin ? stdin : fopen(path, "re");
    if (reader.file == NULL)
        return refuse("cannot open the file given with --file: %s; nothing was changed", system_error(errno));
    if (is_stdin && isatty(STDIN_FILENO))
        complain("type the limits, a line for each, then Ctrl-D at the beginning of a line");
    enum exit_status status = read_lines(&reader, list);
    if (status == EXIT_FINE)
        status = refuse_twins(&reader, list);
    if (!is_stdin)
        fclose(reader.file);
    return status;
}
