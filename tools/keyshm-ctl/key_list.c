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

#include "program.h"

/* ---- standard input ---- */

/* As much of a line as shows that it is too long: a key, the CR of a DOS file, and one more byte. */
#define LINE_SIZE (KEYSHM_KEY_MAX + 2)

/* Not stdio: its buffers cannot be wiped. */
struct reader {
    struct batch *batch;
    uint64_t line_number;
    size_t line_length;
    char line[LINE_SIZE];
    char chunk[4096];
};

static enum exit_status take_line(struct reader *reader)
{
    size_t length = reader->line_length;
    if (length > 0 && reader->line[length - 1] == '\r')
        length--;
    const char *refusal = length > 0 ? batch_take(reader->batch, reader->line, length) : NULL;
    if (refusal != NULL)
        return refuse("line %" PRIu64 ": %s; nothing was added", reader->line_number, refusal);
    reader->line_length = 0;
    reader->line_number++;
    return EXIT_FINE;
}

static enum exit_status take_chunk(struct reader *reader, size_t count)
{
    enum exit_status status = EXIT_FINE;
    for (size_t i = 0; i < count && status == EXIT_FINE; i++) {
        bool line_ends = reader->chunk[i] == '\n';
        if (!line_ends)
            reader->line[reader->line_length++] = reader->chunk[i];
        if (line_ends || reader->line_length == LINE_SIZE)
            status = take_line(reader);
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
            return refuse("cannot read standard input: %s; nothing was added", system_error(errno));
        if (count == 0)
            return reader->line_length > 0 ? take_line(reader) : EXIT_FINE;
        enum exit_status status = take_chunk(reader, (size_t)count);
        if (status != EXIT_FINE)
            return status;
    }
}

enum exit_status key_list_from_input(struct batch *batch)
{
    struct reader reader;
    reader.batch = batch;
    reader.line_number = 1;
    reader.line_length = 0;
    if (isatty(STDIN_FILENO))
        complain("type or paste one key a line, then Ctrl-D at the beginning of a line");
    enum exit_status status = take_all(&reader);
    explicit_bzero(&reader, sizeof(reader));
    if (status == EXIT_FINE && batch->count == 0)
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

/* NAME=..., or NAME_ and a number that does not begin with 0. */
static bool is_named(const char *variable, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(variable, name, length) != 0)
        return false;
    const char *rest = variable + length;
    if (rest[0] == '_' && rest[1] >= '1' && rest[1] <= '9')
        rest += 1 + strspn(rest + 1, "0123456789");
    return *rest == '=';
}

/* By number, the name without a number first: shorter names have smaller numbers. */
static int compare_names(const void *a, const void *b)
{
    const char *const *first = a, *const *second = b;
    size_t first_length = strcspn(*first, "="), second_length = strcspn(*second, "=");
    if (first_length != second_length)
        return first_length < second_length ? -1 : 1;
    return strncmp(*first, *second, first_length);
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

static enum exit_status take_variable(struct batch *batch, const char *variable)
{
    size_t name_length = strcspn(variable, "=");
    const char *key = variable + name_length + 1;
    /* Many tools set a variable to nothing where they mean not to set it. */
    const char *refusal = key[0] != '\0' ? batch_take(batch, key, strlen(key)) : NULL;
    return refusal != NULL ? refuse("%.*s: %s; nothing was added", (int)name_length, variable, refusal) : EXIT_FINE;
}

enum exit_status key_list_from_environment(struct batch *batch, const char *provider)
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
    if (status == EXIT_FINE && batch->count == 0)
        status = refuse("neither %s nor %s_1, %s_2 ... is set in the environment", name, name, name);
    return status;
}
