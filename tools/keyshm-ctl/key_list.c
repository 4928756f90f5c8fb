/* SPDX-License-Identifier: MIT */
#include "key_list.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "metadata_rules.h"
#include "name_rules.h"
#include "no_echo.h"
#include "program.h"

/* ---- one key ---- */

/* A key as it stands in a list, with the length that is left of it. */
struct word {
    const char *text;
    size_t length;
};

static bool is_quoted(const struct word *word, char quote)
{
    return word->length >= 2 && word->text[0] == quote && word->text[word->length - 1] == quote;
}

/* Take off a pair of quotes around it. */
static void unquote(struct word *word)
{
    if (is_quoted(word, '"') || is_quoted(word, '\''))
        *word = (struct word){word->text + 1, word->length - 2};
}

/* NAME=VALUE, as in a file of settings. A key in base64 may be in capitals and end with "=". */
static bool is_assignment(const struct word *word)
{
    static const char name[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t length = 0;
    while (length < word->length && memchr(name, word->text[length], sizeof(name) - 1) != NULL)
        length++;
    if (length == 0 || length == word->length || word->text[length] != '=')
        return false;
    while (length < word->length && word->text[length] == '=')
        length++;
    return length < word->length;
}

static bool is_export(const struct word *word)
{
    static const char export[] = "export ";
    return word->length >= strlen(export) && memcmp(word->text, export, strlen(export)) == 0;
}

/* What the library would take for a key, but a person did not mean as one; NULL: nothing. */
static const char *find_mistake(const struct word *word)
{
    if (is_export(word) || is_assignment(word))
        return "it is an assignment, and only the key may stand there; for variables use --env";
    if (memchr(word->text, '"', word->length) != NULL || memchr(word->text, '\'', word->length) != NULL)
        return "it has a quotation mark in it";
    if (word->length > 2 && memchr(word->text + 1, ' ', word->length - 2) != NULL)
        return "it has a space in it";
    return NULL;
}

/* Take one key. An empty one is none. Returns NULL, or what is wrong with it. */
static const char *take_word(struct batch *batch, struct word word)
{
    unquote(&word);
    if (word.length == 0)
        return NULL;
    /* First what the pool says: of a byte order mark, for one. */
    const char *refusal = batch_check(batch, word.text, word.length);
    if (refusal == NULL)
        refusal = find_mistake(&word);
    return refusal == NULL ? batch_take(batch, word.text, word.length) : refusal;
}

/* ---- standard input ---- */

/* As much of a line as shows that it is too long: a key, a pair of quotes, the CR of a DOS file, and one more byte. */
#define LINE_SIZE (KEYSHM_KEY_MAX + 4)

/* Not stdio: its buffers cannot be wiped. */
struct reader {
    struct batch *batch;
    uint64_t line_number;
    size_t line_length;
    char line[LINE_SIZE];
    char chunk[4096];
};

static bool is_comment(const struct reader *reader)
{
    return reader->line_length > 0 && reader->line[0] == '#';
}

static enum exit_status take_line(struct reader *reader)
{
    size_t length = reader->line_length;
    if (length > 0 && reader->line[length - 1] == '\r')
        length--;
    const char *refusal = is_comment(reader) ? NULL : take_word(reader->batch, (struct word){reader->line, length});
    if (refusal != NULL)
        return refuse("line %" PRIu64 ": %s; nothing was changed", reader->line_number, refusal);
    reader->line_length = 0;
    reader->line_number++;
    return EXIT_FINE;
}

static enum exit_status take_chunk(struct reader *reader, size_t count)
{
    enum exit_status status = EXIT_FINE;
    for (size_t i = 0; i < count && status == EXIT_FINE; i++) {
        bool line_ends = reader->chunk[i] == '\n', is_full = reader->line_length == LINE_SIZE;
        if (line_ends || (is_full && !is_comment(reader)))
            status = take_line(reader);
        else if (!is_full)
            reader->line[reader->line_length++] = reader->chunk[i];
    }
    return status;
}

static enum exit_status take_all(struct reader *reader)
{
    for (;;) {
        ssize_t count = read(STDIN_FILENO, reader->chunk, sizeof(reader->chunk));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return refuse("cannot read standard input: %s; nothing was changed", system_error(errno));
        if (count == 0)
            return reader->line_length > 0 ? take_line(reader) : EXIT_FINE;
        enum exit_status status = take_chunk(reader, (size_t)count);
        if (status != EXIT_FINE)
            return status;
    }
}

static enum exit_status take_from_input(struct batch *batch)
{
    struct reader reader;
    reader.batch = batch;
    reader.line_number = 1;
    reader.line_length = 0;
    bool is_terminal = no_echo_begin();
    if (is_terminal)
        complain("type or paste one key a line (they are not shown), then Ctrl-D at the beginning of a line");
    enum exit_status status = take_all(&reader);
    if (is_terminal)
        no_echo_end();
    explicit_bzero(&reader, sizeof(reader));
    if (status == EXIT_FINE && batch->count == 0 && !batch->may_be_empty)
        status = refuse("there are no keys on standard input; give one a line");
    return status;
}

/* ---- the environment ---- */

#define SUFFIX "_API_KEY"
#define NAME_SIZE (KEYSHM_PROVIDER_MAX + sizeof(SUFFIX))

/* Not toupper(3): it depends on the locale. */
static void make_name(const char *provider, char ret_name[NAME_SIZE])
{
    char *end = ret_name;
    for (; *provider != '\0'; provider++) {
        if (*provider >= 'a' && *provider <= 'z')
            *end++ = (char)(*provider - 'a' + 'A');
        else
            *end++ = (*provider >= 'A' && *provider <= 'Z') || (*provider >= '0' && *provider <= '9') ? *provider : '_';
    }
    memcpy(end, SUFFIX, sizeof(SUFFIX));
}

#define DIGITS "0123456789"

/* NAME=..., NAMES=..., or NAME_ and a number. */
static bool is_named(const char *variable, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(variable, name, length) != 0)
        return false;
    const char *rest = variable + length;
    if (rest[0] == 'S')
        rest++;
    else if (rest[0] == '_' && strspn(rest + 1, DIGITS) > 0)
        rest += 1 + strspn(rest + 1, DIGITS);
    return *rest == '=';
}

/* The significant digits of the number at the end of its name. A name without a number has none, as 0 has. */
static struct word number_of(const char *variable)
{
    struct word number = {variable, strcspn(variable, "=")};
    size_t begin = number.length;
    while (begin > 0 && variable[begin - 1] >= '0' && variable[begin - 1] <= '9')
        begin--;
    begin += strspn(variable + begin, "0");
    return (struct word){variable + begin, number.length > begin ? number.length - begin : 0};
}

/* By number, those without a number first. */
static int compare_names(const void *a, const void *b)
{
    const char *const *first = a, *const *second = b;
    struct word first_number = number_of(*first), second_number = number_of(*second);
    if (first_number.length != second_number.length)
        return first_number.length < second_number.length ? -1 : 1;
    int order = strncmp(first_number.text, second_number.text, first_number.length);
    return order != 0 ? order : strcmp(*first, *second);
}

/* The variables of that name, sorted. -ENOMEM. Free the list. */
static int find_variables(const char *name, const char ***ret_variables, size_t *ret_count)
{
    size_t all = 0, count = 0;
    while (environ != NULL && environ[all] != NULL)
        all++;
    const char **variables = calloc(all + 1, sizeof(*variables));
    if (variables == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < all; i++)
        if (is_named(environ[i], name))
            variables[count++] = environ[i];
    qsort(variables, count, sizeof(*variables), compare_names);
    *ret_variables = variables;
    *ret_count = count;
    return 0;
}

/* A pair of quotes around the whole value, rather than around its first and its last key. */
static void unquote_value(struct word *value)
{
    struct word inner = *value;
    unquote(&inner);
    if (inner.length < value->length && memchr(inner.text, value->text[0], inner.length) == NULL)
        *value = inner;
}

/* Many tools set a variable to nothing where they mean not to set it, so no key is no mistake. */
static enum exit_status take_variable(struct batch *batch, const char *variable)
{
    size_t name_length = strcspn(variable, "=");
    struct word value = {variable + name_length + 1, strlen(variable + name_length + 1)};
    const char *refusal = NULL;
    unquote_value(&value);
    for (const char *end = value.text + value.length; refusal == NULL && value.text <= end;) {
        const char *comma = memchr(value.text, ',', (size_t)(end - value.text));
        value.length = (size_t)((comma != NULL ? comma : end) - value.text);
        refusal = take_word(batch, value);
        value.text += value.length + 1;
    }
    return refusal != NULL ? refuse("%.*s: %s; nothing was changed", (int)name_length, variable, refusal) : EXIT_FINE;
}

static enum exit_status take_from_environment(struct batch *batch, const char *provider)
{
    char name[NAME_SIZE];
    const char **variables;
    size_t count;
    enum exit_status status = EXIT_FINE;
    make_name(provider, name);
    if (find_variables(name, &variables, &count) < 0)
        return refuse("%s", keyshm_strerror(ENOMEM));
    for (size_t i = 0; i < count && status == EXIT_FINE; i++)
        status = take_variable(batch, variables[i]);
    free(variables);
    if (status == EXIT_FINE && batch->count == 0 && !batch->may_be_empty)
        status = refuse("neither %s nor %sS, %s_1, %s_2 ... is set in the environment", name, name, name, name);
    return status;
}

static bool is_key(const char *text, void *batch)
{
    return batch_has(batch, text);
}

/* Is one of the keys in the name of a group or a model? */
static enum exit_status check_names(struct batch *batch, const char *provider)
{
    struct keyshm_snapshot *snapshot;
    int r = keyshm_snapshot(batch->pool, &snapshot);
    if (r < 0)
        return fail(provider, r, NULL);
    bool is_revealed = name_reveals_any(snapshot, is_key, batch);
    keyshm_snapshot_free(snapshot);
    if (is_revealed)
        return refuse("pool %s: one of these keys is in the name of a group or a model, which everyone who inspects the "
                      "pool sees; nothing was changed",
                      provider);
    return EXIT_FINE;
}

enum exit_status key_list_take(struct batch *batch, const struct arguments *arguments)
{
    enum exit_status status =
        arguments->from_environment ? take_from_environment(batch, arguments->pool) : take_from_input(batch);
    return status == EXIT_FINE ? check_names(batch, arguments->pool) : status;
}

/* ---- the group ---- */

enum exit_status key_list_choose_group(struct batch *batch, const struct arguments *arguments, keyshm_id *ret_group)
{
    *ret_group = 0;
    if (arguments->group == NULL)
        return EXIT_FINE;
    if (metadata_reveals_any(arguments->group, is_key, batch))
        return refuse(
            "pool %s: the name of the group has one of these keys in it, and everyone who inspects the pool would "
            "see it; nothing was changed",
            arguments->pool);
    batch->makes_group = keyshm_find_group(batch->pool, arguments->group, ret_group) < 0;
    if (!arguments->is_dry_run)
        return name_make_group(arguments->pool, batch->pool, arguments->group, ret_group);
    if (batch->makes_group)
        *ret_group = 0;
    return batch->makes_group ? name_check_group(arguments->pool, batch->pool, arguments->group) : EXIT_FINE;
}

size_t key_list_count_elsewhere(const struct batch *batch, const struct arguments *arguments, keyshm_id group)
{
    struct keyshm_key_snapshot key;
    keyshm_id id;
    size_t count = 0;
    for (size_t i = 0; arguments->group != NULL && i < batch->count; i++)
        count += keyshm_find(batch->pool, batch->keys[i], &id) == 0 &&
                 keyshm_inspect(batch->pool, id, 0, sizeof(key), &key) == 0 && (group == 0 || key.group != group);
    return count;
}

void key_list_tell_elsewhere(const struct arguments *arguments, size_t count)
{
    if (count > 0)
        complain(
            "pool %s: %zu of these keys stay where they were, in another group or in none; put them in this one with: "
            "keyshm-ctl group %s NAME --put-in ID",
            arguments->pool, count, arguments->pool);
}
