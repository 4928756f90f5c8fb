/* SPDX-License-Identifier: MIT */
#include "key_rows.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "lists.h"
#include "rows.h"

static bool matches(const char *text, const char *filter)
{
    if (strpbrk(filter, "*?[") != NULL)
        return fnmatch(filter, text, FNM_CASEFOLD) == 0;
    return strcasestr(text, filter) != NULL;
}

static bool is_wanted(const struct row *row, const char *filter)
{
    static const enum key_column searched[] = {KEY_COLUMN_KEY, KEY_COLUMN_LABEL, KEY_COLUMN_GROUP, KEY_COLUMN_STATUS};
    char text[CELL_SIZE];
    if (filter[0] == '\0')
        return true;
    for (size_t i = 0; i < sizeof(searched) / sizeof(searched[0]); i++) {
        column_text(&key_columns[searched[i]], row, false, text);
        if (matches(text, filter))
            return true;
    }
    return false;
}

struct comparison {
    const struct request *request;
    const struct key_order *order;
};

/* Equal ones are in the order of slots, also when reversed. */
static int compare(const void *a, const void *b, void *user)
{
    const struct key_row *one = a, *other = b;
    const struct comparison *comparison = user;
    const struct key_order *order = comparison->order;
    int result = order->field == NULL ? rows_compare(comparison->request, &one->row, &other->row)
                                      : field_compare(order->field, one, other);
    if (result != 0)
        return order->is_reversed ? -result : result;
    return one->key->slot < other->key->slot ? -1 : one->key->slot > other->key->slot;
}

int key_rows_select(struct key_rows *ret_rows, const struct model *model, const struct request *request,
                    const struct key_order *order, const char *filter)
{
    struct comparison comparison = {request, order};
    unsigned all = model->snapshot != NULL ? model->snapshot->count : 0, count = 0;
    struct key_row *rows = calloc(all > 0 ? all : 1, sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < all; i++) {
        const struct keyshm_key_snapshot *key = list_key(model->snapshot, i);
        const struct row row = {model->reading, key, key->slot};
        if (filter_wants_key(request, &model->reading->parts, key) && is_wanted(&row, filter))
            rows[count++] = (struct key_row){row, key, &model->keys[i], model};
    }
    qsort_r(rows, count, sizeof(*rows), compare, &comparison);
    ret_rows->rows = rows;
    ret_rows->count = count;
    return 0;
}

void key_rows_free(struct key_rows *rows)
{
    free(rows->rows);
    rows->rows = NULL;
    rows->count = 0;
}
