/* SPDX-License-Identifier: MIT */
#include "ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pools.h"
#include "program.h"
#include "reading.h"
#include "timer.h"

void ring_begin(struct ring *ring)
{
    memset(ring, 0, sizeof(*ring));
}

static void free_watched(struct watched *watched)
{
    if (watched != NULL)
        model_end(&watched->model);
    free(watched);
}

void ring_end(struct ring *ring)
{
    for (size_t i = 0; i < ring->count; i++)
        free_watched(ring->pools[i]);
    free(ring->pools);
    ring_begin(ring);
}

struct watched *ring_shown(const struct ring *ring)
{
    return ring->count > 0 ? ring->pools[ring->shown] : NULL;
}

static bool is_of(const struct watched *watched, const struct pool_name *name)
{
    return watched->owner == name->owner && strcmp(watched->provider, name->provider) == 0;
}

/* Take the one of that name out of the ring, or make it. */
static struct watched *take_or_make(struct ring *ring, const struct pool_name *name)
{
    for (size_t i = 0; i < ring->count; i++) {
        struct watched *watched = ring->pools[i];
        if (watched != NULL && is_of(watched, name)) {
            ring->pools[i] = NULL;
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

/* The names, and in front of them the one that is shown if it is not among them. */
static int take_names(struct ring *ring, const struct pool_names *names)
{
    struct watched *shown = ring_shown(ring);
    struct ring updated = {.pools = calloc(names->count + 1, sizeof(struct watched *))};
    if (updated.pools == NULL)
        return -ENOMEM;
    if (shown != NULL && !has(names, shown)) {
        updated.pools[updated.count++] = shown;
        ring->pools[ring->shown] = NULL;
    }
    for (size_t i = 0; i < names->count; i++) {
        struct watched *watched = take_or_make(ring, &names->names[i]);
        if (watched == NULL)
            break;
        if (watched == shown)
            updated.shown = updated.count;
        updated.pools[updated.count++] = watched;
    }
    ring_end(ring);
    *ring = updated;
    return 0;
}

/* Look again which pools there are, if none were named. The one that is shown stays, even when it is gone. */
static enum exit_status update(struct ring *ring, const struct request *request)
{
    struct pool_names names;
    if (request->pools[0] != NULL && ring->count > 0)
        return EXIT_FINE;
    enum exit_status status = pools_find(request, &names);
    if (status == EXIT_FINE && take_names(ring, &names) < 0)
        status = refuse("out of memory");
    pools_free(&names);
    return status;
}

void ring_next(struct ring *ring)
{
    if (ring->count > 0)
        ring->shown = (ring->shown + 1) % ring->count;
}

void ring_previous(struct ring *ring)
{
    if (ring->count > 0)
        ring->shown = (ring->shown + ring->count - 1) % ring->count;
}

static int read_pool(struct watched *watched)
{
    struct pool_name name = {.owner = watched->owner, .provider = watched->provider};
    struct keyshm_snapshot *snapshot;
    int r = reading_take_snapshot(&name, &snapshot);
    if (r == -READING_REPLACED) /* at this very moment: what is there now is as good */
        r = reading_take_snapshot(&name, &snapshot);
    if (r == 0)
        r = model_take(&watched->model, snapshot, timer_now_ms());
    if (r < 0)
        model_miss(&watched->model, r, timer_unix_ms());
    return r;
}

enum exit_status ring_open(struct ring *ring, const struct request *request)
{
    bool were_named = request->pools[0] != NULL;
    enum exit_status worst = update(ring, request);
    for (size_t i = 0; i < ring->count; i++) {
        int r = read_pool(ring->pools[i]);
        enum exit_status status = r < 0 && were_named ? fail(ring->pools[i]->provider, r, reading_failures) : EXIT_FINE;
        worst = status > worst ? status : worst;
    }
    return worst;
}

void ring_read_all(struct ring *ring, const struct request *request)
{
    update(ring, request);
    for (size_t i = 0; i < ring->count; i++)
        read_pool(ring->pools[i]);
}

void ring_read_shown(struct ring *ring, const struct request *request)
{
    update(ring, request);
    if (ring->count > 0)
        read_pool(ring_shown(ring));
}
