/* SPDX-License-Identifier: MIT */
#include "listing.h"

#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

const struct listing *listing_of(enum subject subject)
{
    switch (subject) {
    case SUBJECT_KEYS:
        return &key_listing;
    case SUBJECT_EVENTS:
        return &event_listing;
    case SUBJECT_WORKERS:
        return &worker_listing;
    case SUBJECT_CHECK:
        break;
    }
    return NULL;
}

static int fold(char character)
{
    return character == ' ' || character == '_' ? '-' : toupper((unsigned char)character);
}

static bool is_called(const struct column *column, const char *name, size_t length)
{
    if (strlen(column->name) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if (fold(column->name[i]) != fold(name[i]))
            return false;
    return true;
}

const struct column *listing_find(const struct listing *listing, const char *name, size_t length)
{
    for (size_t i = 0; i < listing->column_count; i++)
        if (is_called(&listing->columns[i], name, length))
            return &listing->columns[i];
    return NULL;
}

void column_text(const struct column *column, const struct row *row, bool is_exact, char ret_text[CELL_SIZE])
{
    if (column->text != NULL)
        column->text(row, ret_text);
    else
        column->kind->to_text(column->number(row), is_exact, ret_text);
    if (ret_text[0] == '\0')
        snprintf(ret_text, CELL_SIZE, "-"); /* or --raw would have a word less */
}

json_t *column_json(const struct column *column, const struct row *row)
{
    char text[CELL_SIZE];
    if (column->to_json != NULL)
        return column->to_json(row);
    if (column->text == NULL && column->kind->to_json != NULL)
        return column->kind->to_json(column->number(row));
    if (column->text == NULL)
        return json_integer(column->number(row));
    column->text(row, text);
    return text_to_json(text, sizeof(text));
}

json_t *columns_json(const struct column *const *columns, size_t count, const struct row *row)
{
    json_t *object = json_object();
    int r = 0;
    for (size_t i = 0; i < count; i++)
        r |= json_object_set_new(object, columns[i]->json_name, column_json(columns[i], row));
    if (r == 0)
        return object;
    json_decref(object);
    return NULL;
}

int column_compare(const struct column *column, const struct row *a, const struct row *b)
{
    char text_a[CELL_SIZE], text_b[CELL_SIZE];
    if (column->text == NULL) {
        uint64_t number_a = (uint64_t)column->number(a), number_b = (uint64_t)column->number(b);
        return (number_a > number_b) - (number_a < number_b);
    }
    column->text(a, text_a);
    column->text(b, text_b);
    return strcmp(text_a, text_b);
}

void provider_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", row->pool->name.provider);
}

/* The same user's, most often, as the last time. */
static void find_user_name(uid_t user, char ret_name[CELL_SIZE])
{
    static uid_t last_user = (uid_t)-1;
    static char last_name[CELL_SIZE];
    if (user != last_user) {
        const struct passwd *found = getpwuid(user);
        last_user = user;
        if (found != NULL)
            snprintf(last_name, sizeof(last_name), "%s", found->pw_name);
        else
            snprintf(last_name, sizeof(last_name), "%u", (unsigned)user);
    }
    memcpy(ret_name, last_name, sizeof(last_name));
}

void owner_text(const struct row *row, char ret_text[CELL_SIZE])
{
    find_user_name(row->pool->name.owner, ret_text);
}
