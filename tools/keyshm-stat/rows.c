/* SPDX-License-Identifier: MIT */
#include "rows.h"

#include <errno.h>
#include <stdlib.h>

#include "filter.h"
#include "lists.h"

static int make_room(struct rows *rows, size_t count)
{
    struct row *more = reallocarray(rows->rows, rows->count + count + 1, sizeof(*more));
    if (more == NULL)
        return -ENOMEM;
    rows->rows = more;
    return 0;
}

static void add(struct rows *rows, const struct reading *reading, const void *item)
{
    rows->rows[rows->count] = (struct row){.pool = reading, .item = item, .order = rows->count};
    rows->count++;
}

static void add_keys(struct rows *rows, const struct request *request, const struct reading *reading)
{
    for (unsigned i = 0; i < reading->snapshot->count; i++)
        if (filter_wants_key(request, &reading->parts, list_key(reading->snapshot, i)))
            add(rows, reading, list_key(reading->snapshot, i));
}

/* As they were made. */
static void add_groups(struct rows *rows, const struct request *request, const struct reading *reading)
{
    for (unsigned i = 0; i < reading->snapshot->group_count; i++)
        if (filter_wants_group(request, list_group(reading->snapshot, i)))
            add(rows, reading, &list_group(reading->snapshot, i)->state);
}

static void add_models(struct rows *rows, const struct reading *reading)
{
    for (unsigned i = 0; i < reading->parts.model_count; i++)
        add(rows, reading, &reading->parts.models[i]);
}

static void add_events(struct rows *rows, const struct request *request, const struct reading *reading)
{
    for (size_t i = 0; i < reading->events->count; i++)
        if (filter_wants_event(request, &reading->parts, list_event(reading->events, i)))
            add(rows, reading, list_event(reading->events, i));
}

static void add_workers(struct rows *rows, const struct reading *reading)
{
    for (size_t i = 0; i < reading->workers->count; i++)
        add(rows, reading, list_worker(reading->workers, i));
}

static void add_leases(struct rows *rows, const struct request *request, const struct reading *reading)
{
    for (size_t i = 0; i < reading->leases.count; i++)
        if (filter_wants_lease(request, &reading->parts, &reading->leases.parts[i]))
            add(rows, reading, &reading->leases.parts[i]);
}

static void add_limits(struct rows *rows, const struct request *request, const struct reading *reading)
{
    for (size_t i = 0; i < reading->limits.count; i++)
        if (filter_wants_limit(request, &reading->parts, &reading->limits.parts[i]))
            add(rows, reading, &reading->limits.parts[i]);
}

/* At most. */
static size_t count_rows(const struct request *request, const struct reading *reading)
{
    switch (request->subject) {
    case SUBJECT_KEYS:
        return reading->snapshot->count;
    case SUBJECT_GROUPS:
        return reading->snapshot->group_count;
    case SUBJECT_MODELS:
        return reading->parts.model_count;
    case SUBJECT_EVENTS:
        return reading->events->count;
    case SUBJECT_WORKERS:
        return reading->workers->count;
    case SUBJECT_LEASES:
        return reading->leases.count;
    case SUBJECT_LIMITS:
        return reading->limits.count;
    case SUBJECT_POOLS:
    case SUBJECT_CHECK:
        break;
    }
    return 1;
}

int rows_add(struct rows *rows, const struct request *request, const struct reading *reading)
{
    int r = make_room(rows, count_rows(request, reading));
    if (r < 0)
        return r;
    switch (request->subject) {
    case SUBJECT_KEYS:
        add_keys(rows, request, reading);
        break;
    case SUBJECT_GROUPS:
        add_groups(rows, request, reading);
        break;
    case SUBJECT_MODELS:
        add_models(rows, reading);
        break;
    case SUBJECT_EVENTS:
        add_events(rows, request, reading);
        break;
    case SUBJECT_WORKERS:
        add_workers(rows, reading);
        break;
    case SUBJECT_LEASES:
        add_leases(rows, request, reading);
        break;
    case SUBJECT_LIMITS:
        add_limits(rows, request, reading);
        break;
    case SUBJECT_POOLS:
    case SUBJECT_CHECK:
        add(rows, reading, reading);
        break;
    }
    return 0;
}

int rows_add_all(struct rows *rows, const struct request *request, struct reading *const *readings, size_t count)
{
    int r = 0;
    for (size_t i = 0; i < count && r == 0; i++)
        r = rows_add(rows, request, readings[i]);
    return r;
}

/* ---- in order ---- */

static int compare_order(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

/* 0: it is there, as far as can be seen. */
static int absence(const struct keyshm_worker *worker)
{
    return worker->is_alive != 0 ? 0 : 1 + worker->has_closed;
}

/* Without --sort: the oldest event, and the oldest lease, first; of the workers, the dead after the living, and last those that
 * have closed. */
static int compare_by_default(const struct request *request, const struct row *a, const struct row *b)
{
    if (request->subject == SUBJECT_EVENTS) {
        const struct keyshm_event *event_a = a->item, *event_b = b->item;
        return (event_a->unix_us > event_b->unix_us) - (event_a->unix_us < event_b->unix_us);
    }
    if (request->subject == SUBJECT_LEASES) {
        const struct lease_part *lease_a = a->item, *lease_b = b->item;
        return (lease_a->held->held_ms < lease_b->held->held_ms) - (lease_a->held->held_ms > lease_b->held->held_ms);
    }
    if (request->subject == SUBJECT_WORKERS) {
        const struct keyshm_worker *worker_a = a->item, *worker_b = b->item;
        return absence(worker_a) - absence(worker_b);
    }
    return 0;
}

int rows_compare(const struct request *request, const struct row *a, const struct row *b)
{
    int compared = request->sort != NULL ? column_compare(request->sort, a, b) : compare_by_default(request, a, b);
    if (request->is_descending)
        compared = -compared;
    return compared != 0 ? compared : compare_order(a->order, b->order);
}

static int compare_any(const void *a, const void *b, void *user)
{
    return rows_compare(user, a, b);
}

void rows_sort(struct rows *rows, const struct request *request)
{
    struct request sorting = *request;
    /* The events of one pool are in order already, also those of the same microsecond. */
    bool is_sorted = rows->count == 0 || (request->sort == NULL && request->subject == SUBJECT_EVENTS &&
                                          rows->rows[0].pool == rows->rows[rows->count - 1].pool);
    if (!is_sorted)
        qsort_r(rows->rows, rows->count, sizeof(rows->rows[0]), compare_any, &sorting);
}

void rows_free(struct rows *rows)
{
    free(rows->rows);
}
