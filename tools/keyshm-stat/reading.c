/* SPDX-License-Identifier: MIT */
#include "reading.h"

#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "lists.h"
#include "program.h"

const struct failure reading_failures[] = {
    {READING_TRUNCATED, EXIT_DAMAGED, "the segment was truncated while it was read",
     "if no worker needs it, remove it with: keyshm-ctl destroy", true},
    {READING_OVERWRITTEN, EXIT_DAMAGED, "the segment was written over while it was read",
     "if no worker needs it, remove it with: keyshm-ctl destroy", true},
    {READING_REPLACED, EXIT_DAMAGED, "the pool was replaced while it was read: run it again", NULL, false},
    {READING_DESTROYED, EXIT_DAMAGED, "the pool was destroyed while it was read", NULL, false},
    {READING_NO_MODEL, EXIT_NO_POOL, "it has no model of this name", "see its models with: keyshm-stat --models", true},
    {READING_BAD_MODEL, EXIT_REFUSED,
     "--model: a model's name is 1 to 128 bytes, without control characters and without a space at either end", NULL,
     false},
    {0, EXIT_REFUSED, NULL, NULL, false},
};

struct run {
    const struct pool_name *name;
    int (*act)(keyshm_pool *pool, void *user);
    void *user;
    keyshm_pool *pool;
    int result;
};

static int look_for_another(const struct pool_name *name)
{
    keyshm_pool *another;
    int r = keyshm_attach_readonly_user(&another, name->owner, name->provider);
    if (r == 0)
        keyshm_close(another);
    return r == -ENOENT ? -READING_DESTROYED : -READING_REPLACED;
}

/* A copy is shown only if the name still stands for the pool that was copied. */
static int check_name(const struct run *run)
{
    int r = keyshm_is_replaced(run->pool);
    if (r > 0)
        return look_for_another(run->name);
    return r == -EBADMSG ? -READING_TRUNCATED : r;
}

static void act_on_pool(void *user)
{
    struct run *run = user;
    run->result = keyshm_attach_readonly_user(&run->pool, run->name->owner, run->name->provider);
    if (run->result < 0)
        return;
    run->result = run->act(run->pool, run->user);
    if (run->result == 0)
        run->result = check_name(run);
    else if (run->result == -EBADMSG)
        run->result = -READING_OVERWRITTEN;
}

int reading_run(const struct pool_name *name, int (*act)(keyshm_pool *pool, void *user), void *user)
{
    struct run run = {.name = name, .act = act, .user = user};
    int r = guard_run(act_on_pool, &run) ? run.result : -READING_TRUNCATED;
    keyshm_close(run.pool);
    return r;
}

/* ---- for a model ---- */

enum { INSPECT_TRIES_MAX = 100 };

static int find_model(keyshm_pool *pool, const char *name, unsigned *ret_model)
{
    int r = keyshm_find_model(pool, name, ret_model);
    if (r == -EINVAL)
        return -READING_BAD_MODEL;
    return r == -ENOENT ? -READING_NO_MODEL : r;
}

/* The state of a key or a group for the model. One that was removed meanwhile stays as it was copied. */
static void inspect(keyshm_pool *pool, unsigned model, struct keyshm_key_snapshot *state)
{
    struct keyshm_key_snapshot now;
    if (keyshm_inspect(pool, state->id, model, sizeof(now), &now) < 0)
        return;
    now.metadata = state->metadata;
    now.metadata_count = state->metadata_count;
    now.element_bytes = state->element_bytes;
    *state = now;
}

static void inspect_keys(keyshm_pool *pool, unsigned model, struct keyshm_snapshot *snapshot)
{
    memset(snapshot->status_count, 0, sizeof(snapshot->status_count));
    for (unsigned i = 0; i < snapshot->count; i++) {
        inspect(pool, model, list_key(snapshot, i));
        snapshot->status_count[list_key(snapshot, i)->status]++;
    }
}

/* Was it marked in between, or paused, or has a cooldown ended? */
static bool has_changed(const struct keyshm_key_snapshot *before, const struct keyshm_key_snapshot *after)
{
    return before->benched_by != after->benched_by || before->status != after->status ||
           memcmp(before->marked, after->marked, sizeof(before->marked)) != 0;
}

/* Returns whether one has changed since the last time. */
static bool inspect_groups(keyshm_pool *pool, unsigned model, struct keyshm_snapshot *snapshot)
{
    bool is_changed = false;
    for (unsigned i = 0; i < snapshot->group_count; i++) {
        struct keyshm_key_snapshot *state = &list_group(snapshot, i)->state, before = *state;
        inspect(pool, model, state);
        is_changed |= has_changed(&before, state);
    }
    return is_changed;
}

/* A key is shown with what is known of its group, so while no group changes: all keys of one show the same of it. */
static void inspect_all(keyshm_pool *pool, unsigned model, struct keyshm_snapshot *snapshot)
{
    inspect_groups(pool, model, snapshot);
    for (int i = 0; i < INSPECT_TRIES_MAX; i++) {
        inspect_keys(pool, model, snapshot);
        if (!inspect_groups(pool, model, snapshot))
            break;
    }
}

/* ---- what is copied ---- */

struct taking {
    const struct request *request;
    struct reading *reading;
};

static int take_snapshot(keyshm_pool *pool, const struct request *request, struct reading *reading)
{
    unsigned model = 0;
    int r = request->model != NULL ? find_model(pool, request->model, &model) : 0;
    if (r == 0)
        r = keyshm_snapshot(pool, &reading->snapshot);
    if (r < 0)
        return r;
    reading->is_of_model = model != 0;
    if (reading->is_of_model)
        inspect_all(pool, model, reading->snapshot);
    return parts_take(&reading->parts, pool, reading->snapshot);
}

/* With the processes that made them, for their names. */
static int take_events(keyshm_pool *pool, struct reading *reading)
{
    int r = keyshm_events(pool, NULL, &reading->events);
    if (r == 0)
        r = parts_take_names(&reading->parts, pool, reading->events);
    return r < 0 ? r : keyshm_workers(pool, &reading->workers);
}

static int take_leases(keyshm_pool *pool, const struct request *request, struct reading *reading)
{
    int r = take_snapshot(pool, request, reading);
    return r < 0 ? r : leases_take(&reading->leases, pool);
}

static int take_limits(keyshm_pool *pool, const struct request *request, struct reading *reading)
{
    int r = take_snapshot(pool, request, reading);
    return r < 0 ? r : limits_take(&reading->limits, pool, reading->snapshot);
}

int reading_copy(keyshm_pool *pool, const struct request *request, struct reading *reading)
{
    switch (request->subject) {
    case SUBJECT_EVENTS:
        return take_events(pool, reading);
    case SUBJECT_WORKERS:
        return keyshm_workers(pool, &reading->workers);
    case SUBJECT_LEASES:
        return take_leases(pool, request, reading);
    case SUBJECT_LIMITS:
        return take_limits(pool, request, reading);
    case SUBJECT_KEYS:
    case SUBJECT_GROUPS:
    case SUBJECT_MODELS:
    case SUBJECT_POOLS:
    case SUBJECT_CHECK:
        break;
    }
    return take_snapshot(pool, request, reading);
}

static int take(keyshm_pool *pool, void *user)
{
    const struct taking *taking = user;
    return reading_copy(pool, taking->request, taking->reading);
}

int reading_take(const struct pool_name *name, const struct request *request, struct reading **ret_reading)
{
    struct taking taking = {request, calloc(1, sizeof(*taking.reading))};
    struct reading *reading = taking.reading;
    if (reading == NULL)
        return -ENOMEM;
    int r = reading_run(name, take, &taking);
    if (r == 0) {
        stpncpy(reading->provider, name->provider, KEYSHM_PROVIDER_MAX);
        reading->name = (struct pool_name){name->owner, reading->provider};
        *ret_reading = reading;
    } else {
        reading_free(reading);
    }
    return r;
}

void reading_free(struct reading *reading)
{
    if (reading == NULL)
        return;
    leases_free(&reading->leases);
    limits_free(&reading->limits);
    parts_free(&reading->parts);
    keyshm_snapshot_free(reading->snapshot);
    keyshm_event_list_free(reading->events);
    keyshm_worker_list_free(reading->workers);
    free(reading);
}

void reading_report_lost_events(const struct reading *reading)
{
    const struct keyshm_event_list *list = reading->events;
    if (list->missing > 0)
        complain("pool %s: %llu events are missing: a process died or was stopped while it wrote them", reading->provider,
                 (unsigned long long)list->missing);
    if (list->overwritten > 0)
        complain("pool %s: %llu older events are no longer kept", reading->provider,
                 (unsigned long long)list->overwritten);
}

static int take_snapshot_alone(keyshm_pool *pool, void *user)
{
    return keyshm_snapshot(pool, user);
}

int reading_take_snapshot(const struct pool_name *name, struct keyshm_snapshot **ret_snapshot)
{
    struct keyshm_snapshot *snapshot = NULL;
    int r = reading_run(name, take_snapshot_alone, &snapshot);
    if (r == 0)
        *ret_snapshot = snapshot;
    else
        keyshm_snapshot_free(snapshot);
    return r;
}
