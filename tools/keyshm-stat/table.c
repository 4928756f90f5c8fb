/* SPDX-License-Identifier: MIT */

/* For people: a line and a table for each pool. */

#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>

#include "columns.h"
#include "duration.h"
#include "view.h"

static void show_nothing(void)
{
}

static void print_pool_line(const struct keyshm_snapshot *snapshot)
{
    char age[DURATION_SIZE];
    duration_text(snapshot->age_ms, age);
    printf("%s: %u/%u keys", snapshot->provider, snapshot->count, snapshot->capacity);
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        printf(", %u %s", snapshot->status_count[status], keyshm_status_name((enum keyshm_status)status));
    printf(", age %s, recoveries %llu", age, (unsigned long long)snapshot->recoveries);
    if (snapshot->mutex_holder_pid > 0)
        printf(", mutex held by pid %d", snapshot->mutex_holder_pid);
    else if (snapshot->mutex_holder_pid < 0)
        printf(", mutex held in another PID namespace");
    putchar('\n');
}

static bool is_shown(const struct column *column, bool with_ids)
{
    return column->heading != NULL && (with_ids || (column->flags & COLUMN_ON_REQUEST) == 0);
}

static int add_columns(struct libscols_table *table, bool with_ids)
{
    for (size_t i = 0; i < column_count; i++) {
        int flags = columns[i].flags & COLUMN_TO_THE_RIGHT ? SCOLS_FL_RIGHT : 0;
        if (is_shown(&columns[i], with_ids) && scols_table_new_column(table, columns[i].heading, 0, flags) == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int add_row(struct libscols_table *table, const struct keyshm_key_snapshot *key, bool with_ids)
{
    char text[CELL_SIZE];
    size_t cell = 0;
    int r = 0;
    struct libscols_line *row = scols_table_new_line(table, NULL);
    if (row == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < column_count && r == 0; i++) {
        if (!is_shown(&columns[i], with_ids))
            continue;
        columns[i].to_text(key, text);
        r = scols_line_set_data(row, cell++, text);
    }
    return r;
}

static int show_table(const struct keyshm_snapshot *snapshot, bool is_first, bool with_ids)
{
    struct libscols_table *table = scols_new_table();
    int r = table != NULL ? add_columns(table, with_ids) : -ENOMEM;
    for (unsigned i = 0; i < snapshot->count && r == 0; i++)
        r = add_row(table, &snapshot->keys[i], with_ids);
    if (r == 0) {
        if (!is_first)
            putchar('\n');
        print_pool_line(snapshot);
        r = snapshot->count > 0 ? scols_print_table(table) : 0;
    }
    scols_unref_table(table);
    return r;
}

const struct view table_view = {.for_people = true, .begin = show_nothing, .show_pool = show_table, .end = show_nothing};
