/* SPDX-License-Identifier: MIT */
#include "reading.h"

#include <stddef.h>

#include "guard.h"

const struct failure reading_failures[] = {
    {READING_TRUNCATED, EXIT_DAMAGED, "the segment was truncated while it was read",
     "if no worker needs it, remove it with: keyshm-ctl destroy", true},
    {READING_OVERWRITTEN, EXIT_DAMAGED, "the segment was written over while it was read",
     "if no worker needs it, remove it with: keyshm-ctl destroy", true},
    {READING_REPLACED, EXIT_DAMAGED, "the pool was replaced while it was read: run it again", NULL, false},
    {READING_DESTROYED, EXIT_DAMAGED, "the pool was destroyed while it was read", NULL, false},
    {0, EXIT_REFUSED, NULL, NULL, false},
};

struct reading {
    const char *provider;
    keyshm_pool *pool;
    struct keyshm_snapshot *snapshot;
    int result;
};

static int look_for_another(const char *provider)
{
    keyshm_pool *another;
    int r = keyshm_attach_readonly(&another, provider);
    if (r == 0)
        keyshm_close(another);
    return r == -ENOENT ? -READING_DESTROYED : -READING_REPLACED;
}

/* What was copied is worth showing only if it is still what the name stands for. */
static int check_name(const struct reading *reading)
{
    int r = keyshm_is_replaced(reading->pool);
    if (r > 0)
        return look_for_another(reading->provider);
    return r == -EBADMSG ? -READING_TRUNCATED : r;
}

static void read_pool(void *user)
{
    struct reading *reading = user;
    reading->result = keyshm_attach_readonly(&reading->pool, reading->provider);
    if (reading->result < 0)
        return;
    reading->result = keyshm_snapshot(reading->pool, &reading->snapshot);
    if (reading->result == 0)
        reading->result = check_name(reading);
    else if (reading->result == -EBADMSG)
        reading->result = -READING_OVERWRITTEN;
}

int reading_take(const char *provider, struct keyshm_snapshot **ret_snapshot)
{
    struct reading reading = {.provider = provider};
    int r = guard_run(read_pool, &reading) ? reading.result : -READING_TRUNCATED;
    keyshm_close(reading.pool);
    if (r == 0)
        *ret_snapshot = reading.snapshot;
    else
        keyshm_snapshot_free(reading.snapshot);
    return r;
}
