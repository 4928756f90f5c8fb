/* SPDX-License-Identifier: MIT */
#include "column.h"

#include <stdio.h>
#include <string.h>

#include "key_json.h"
#include "text.h"
#include "user.h"

unsigned column_flags_of(const struct reading *reading)
{
    const struct parts *parts = &reading->parts;
    unsigned limits = (parts->has_requests ? COLUMN_WITH_REQUESTS : 0u) | (parts->has_tokens ? COLUMN_WITH_TOKENS : 0u) |
                      (parts->has_places ? COLUMN_WITH_PLACES : 0u);
    bool has_causes = parts->group_count > 0 || limits != 0 || reading->is_of_model;
    return limits | (parts->group_count > 0 ? COLUMN_WITH_GROUPS : 0u) |
           (parts->model_count > 0 ? COLUMN_WITH_MODELS : 0u) | (has_causes ? COLUMN_WITH_CAUSES : COLUMN_WITHOUT_CAUSES);
}

bool column_is_for(const struct column *column, unsigned flags)
{
    unsigned wanted = column->flags & COLUMN_OF_SOME_POOLS;
    return wanted == 0 || (wanted & flags) != 0;
}

void column_text(const struct column *column, const struct row *row, bool is_exact, char ret_text[CELL_SIZE])
{
    if (column->text != NULL)
        column->text(row, ret_text);
    else
        column->kind->to_text(column->number(row), is_exact, ret_text);
}

void column_cell(const struct column *column, const struct row *row, bool is_exact, char ret_text[CELL_SIZE])
{
    column_text(column, row, is_exact, ret_text);
    if (ret_text[0] == '\0')
        snprintf(ret_text, CELL_SIZE, "-");
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
    return whole_or_nothing(object, r == 0);
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

void by_status_text(const uint64_t counts[KEYSHM_STATUS_COUNT], char ret_text[CELL_SIZE])
{
    size_t used = 0;
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        used += (size_t)snprintf(ret_text + used, CELL_SIZE - used, "%s%s=%llu", status > 0 ? "," : "",
                                 keyshm_status_name((enum keyshm_status)status), (unsigned long long)counts[status]);
}

void provider_text(const struct row *row, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%s", row->pool->name.provider);
}

/* Most often it is the same user as last time. */
static void find_user_name(uid_t user, char ret_name[CELL_SIZE])
{
    static uid_t last_user = (uid_t)-1;
    static char last_name[USER_NAME_SIZE];
    if (user != last_user)
        user_name(user, last_name);
    last_user = user;
    memcpy(ret_name, last_name, sizeof(last_name));
}

void owner_text(const struct row *row, char ret_text[CELL_SIZE])
{
    find_user_name(row->pool->name.owner, ret_text);
}
