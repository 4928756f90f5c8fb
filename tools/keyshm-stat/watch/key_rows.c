/* SPDX-License-Identifier: MIT */
#include "key_rows.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "masked.h"
#include "rows.h"

static bool matches(const char *text, const char *filter)
{
    if (strpbrk(filter, "*?[") != NULL)
        return fnmatch(filter, text, FNM_CASEFOLD) == 0;
    return strcasestr(text, filter) != NULL;
}

static bool is_wanted(const struct keyshm_key_snapshot *key, const char *filter)
{
    char masked[KEYSHM_MASKED_SIZE];
    if (filter[0] == '\0')
        return true;
    masked_for_locale(key->masked_key, masked);
    return matches(masked, filter) || matches(field_label(key), filter) ||
           matches(keyshm_status_name(key->status), filter);
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
                                      : order->field->compare(one, other);
    if (result != 0)
        return order->is_reversed ? -result : result;
    return one->key->slot < other->key->slot ? -1 : one->key->slot > other->key->slot;
}

int key_rows_select(struct key_rows *ret_rows, const struct model *model, const struct request *request,
                    const struct key_order *order, const char *filter)
{
    static const struct reading pool = {.name = {.provider = ""}}; /* the same for all rows, so it makes no difference */
    struct comparison comparison = {request, order};
    unsigned all = model->snapshot != NULL ? model->snapshot->count : 0, count = 0;
    struct key_row *rows = calloc(all > 0 ? all : 1, sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < all; i++) {
        const struct keyshm_key_snapshot *key = &model->snapshot->keys[i];
        if (filter_wants_key(request, key) && is_wanted(key, filter))
            rows[count++] = (struct key_row){{&pool, key, key->slot}, key, &model->keys[i], model};
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
