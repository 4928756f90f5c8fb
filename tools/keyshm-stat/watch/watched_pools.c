/* SPDX-License-Identifier: MIT */
#include "watched_pools.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clocks.h"
#include "pools.h"
#include "program.h"
#include "reading.h"

void watched_pools_begin(struct watched_pools *pools)
{
    memset(pools, 0, sizeof(*pools));
}

static void free_watched(struct watched *watched)
{
    if (watched != NULL)
        model_end(&watched->model);
    free(watched);
}

void watched_pools_end(struct watched_pools *pools)
{
    for (size_t i = 0; i < pools->count; i++)
        free_watched(pools->pools[i]);
    free(pools->pools);
    watched_pools_begin(pools);
}

struct watched *watched_pools_shown(const struct watched_pools *pools)
{
    return pools->count > 0 ? pools->pools[pools->shown] : NULL;
}

static bool is_of(const struct watched *watched, const struct pool_name *name)
{
    return watched->owner == name->owner && strcmp(watched->provider, name->provider) == 0;
}

/* Take the pool of that name out of `pools`, or make a new one. */
static struct watched *take_or_make(struct watched_pools *pools, const struct pool_name *name)
{
    for (size_t i = 0; i < pools->count; i++) {
        struct watched *watched = pools->pools[i];
        if (watched != NULL && is_of(watched, name)) {
            pools->pools[i] = NULL;
            return watched;
        }
    }
    struct watched *watched = calloc(1, sizeof(*watched));
    if (watched == NULL)
        return NULL;
    watched->owner = name->owner;
    snprintf(watched->provider, sizeof(watched->provider), "%s", name->provider);
    model_begin(&watched->model);
    return watched;
}

static bool has(const struct pool_names *names, const struct watched *watched)
{
    for (size_t i = 0; i < names->count; i++)
        if (is_of(watched, &names->names[i]))
            return true;
    return false;
}

/* The pools of these names, after the one that is shown if it is not among them. */
static int take_names(struct watched_pools *pools, const struct pool_names *names)
{
    struct watched *shown = watched_pools_shown(pools);
    struct watched_pools updated = {.pools = NULL};
    updated.pools = calloc(names->count + 1, sizeof(struct watched *));
    if (updated.pools == NULL)
        return -ENOMEM;
    if (shown != NULL && !has(names, shown)) {
        updated.pools[updated.count++] = shown;
        pools->pools[pools->shown] = NULL;
    }
    for (size_t i = 0; i < names->count; i++) {
        struct watched *watched = take_or_make(pools, &names->names[i]);
        if (watched == NULL)
            break;
        if (watched == shown)
            updated.shown = updated.count;
        updated.pools[updated.count++] = watched;
    }
    watched_pools_end(pools);
    *pools = updated;
    return 0;
}

/* Look for pools again, if none were named. The one that is shown stays, even when it is gone. */
static enum exit_status update(struct watched_pools *pools, const struct request *request)
{
    struct pool_names names;
    if (request->pools[0] != NULL && pools->count > 0)
        return EXIT_FINE;
    enum exit_status status = pools_find(request, &names);
    if (status == EXIT_FINE && take_names(pools, &names) < 0)
        status = refuse("out of memory");
    pools_free(&names);
    return status;
}

void watched_pools_next(struct watched_pools *pools)
{
    if (pools->count > 0)
        pools->shown = (pools->shown + 1) % pools->count;
}

void watched_pools_previous(struct watched_pools *pools)
{
    if (pools->count > 0)
        pools->shown = (pools->shown + pools->count - 1) % pools->count;
}

static int read_pool(struct watched *watched, const struct request *request)
{
    struct pool_name name = {.owner = watched->owner, .provider = watched->provider};
    struct reading *reading;
    int r = reading_take(&name, request, &reading);
    if (r == -READING_REPLACED) /* at this moment: read the new one */
        r = reading_take(&name, request, &reading);
    if (r == 0)
        r = model_take(&watched->model, reading, clock_monotonic_ms());
    if (r < 0)
        model_miss(&watched->model, r, clock_wall_ms());
    return r;
}

enum exit_status watched_pools_open(struct watched_pools *pools, const struct request *request)
{
    bool were_named = request->pools[0] != NULL;
    enum exit_status worst = update(pools, request);
    for (size_t i = 0; i < pools->count; i++) {
        int r = read_pool(pools->pools[i], request);
        enum exit_status status = r < 0 && were_named ? fail(pools->pools[i]->provider, r, reading_failures) : EXIT_FINE;
        worst = status > worst ? status : worst;
    }
    return worst;
}

void watched_pools_read_all(struct watched_pools *pools, const struct request *request)
{
    update(pools, request);
    for (size_t i = 0; i < pools->count; i++)
        read_pool(pools->pools[i], request);
}

void watched_pools_read_shown(struct watched_pools *pools, const struct request *request)
{
    update(pools, request);
    if (pools->count > 0)
        read_pool(watched_pools_shown(pools), request);
}
