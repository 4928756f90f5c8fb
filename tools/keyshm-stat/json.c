/* SPDX-License-Identifier: MIT */

/* For programs. Only one key at a time becomes a tree of JSON: that of a whole pool of a million keys would take
 * gigabytes. The brackets around them are written here, everything in them by jansson. */

#include <errno.h>
#include <stdio.h>

#include "columns.h"
#include "view.h"

static void begin(void)
{
    fputs("{\"schema\":1,\"pools\":[", stdout);
}

static void end(void)
{
    puts("]}");
}

/* Takes over `object`. What stdio could not write is found at the end of the program. */
static int print(const char *before, json_t *object, int r, size_t flags)
{
    if (r == 0) {
        fputs(before, stdout);
        json_dumpf(object, stdout, JSON_COMPACT | flags);
    }
    json_decref(object);
    return r == 0 ? 0 : -ENOMEM;
}

static int print_pool_fields(const char *before, const struct keyshm_snapshot *snapshot)
{
    json_t *pool = json_object();
    int r = 0;
    for (size_t i = 0; i < pool_field_count; i++)
        r |= json_object_set_new(pool, pool_fields[i].json_name, pool_fields[i].to_json(snapshot));
    return print(before, pool, r, JSON_EMBED);
}

static int print_key(const char *before, const struct keyshm_key_snapshot *key)
{
    json_t *object = json_object();
    int r = 0;
    for (size_t i = 0; i < column_count; i++)
        r |= json_object_set_new(object, columns[i].json_name, columns[i].to_json(key));
    return print(before, object, r, 0);
}

static int show_json(const struct keyshm_snapshot *snapshot, bool is_first, bool with_ids)
{
    (void)with_ids; /* they are always in */
    int r = print_pool_fields(is_first ? "\n{" : ",\n{", snapshot);
    if (r < 0)
        return r;
    fputs(",\"keys\":[", stdout);
    for (unsigned i = 0; i < snapshot->count && r == 0; i++)
        r = print_key(i == 0 ? "\n" : ",\n", &snapshot->keys[i]);
    fputs("]}", stdout);
    return r;
}

const struct view json_view = {.for_people = false, .begin = begin, .show_pool = show_json, .end = end};
