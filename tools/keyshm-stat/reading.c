/* SPDX-License-Identifier: MIT */
#include "reading.h"

#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "program.h"

const struct failure reading_failures[] = {
    {READING_TRUNCATED, EXIT_DAMAGED, "the segment was truncated while it was read",
     "if no worker needs it, remove it with: keyshm-ctl destroy", true},
    {READING_OVERWRITTEN, EXIT_DAMAGED, "the segment was written over while it was read",
     "if no worker needs it, remove it with: keyshm-ctl destroy", true},
    {READING_REPLACED, EXIT_DAMAGED, "the pool was replaced while it was read: run it again", NULL, false},
    {READING_DESTROYED, EXIT_DAMAGED, "the pool was destroyed while it was read", NULL, false},
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

static int take_snapshot(keyshm_pool *pool, void *user)
{
    struct reading *reading = user;
    return keyshm_snapshot(pool, &reading->snapshot);
}

static int take_workers(keyshm_pool *pool, void *user)
{
    struct reading *reading = user;
    return keyshm_workers(pool, &reading->workers);
}

static int take_events(keyshm_pool *pool, void *user)
{
    struct reading *reading = user;
    int r = keyshm_events(pool, NULL, &reading->events);
    return r < 0 ? r : take_workers(pool, user); /* for the names of the processes that made the events */
}

int reading_take(const struct pool_name *name, enum subject subject, struct reading **ret_reading)
{
    static int (*const take[])(keyshm_pool * pool, void *user) = {[SUBJECT_KEYS] = take_snapshot,
                                                                  [SUBJECT_EVENTS] = take_events,
                                                                  [SUBJECT_WORKERS] = take_workers,
                                                                  [SUBJECT_POOLS] = take_snapshot};
    struct reading *reading = calloc(1, sizeof(*reading));
    if (reading == NULL)
        return -ENOMEM;
    int r = reading_run(name, take[subject], reading);
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

int reading_take_snapshot(const struct pool_name *name, struct keyshm_snapshot **ret_snapshot)
{
    struct reading reading = {.snapshot = NULL};
    int r = reading_run(name, take_snapshot, &reading);
    if (r == 0)
        *ret_snapshot = reading.snapshot;
    else
        keyshm_snapshot_free(reading.snapshot);
    return r;
}
