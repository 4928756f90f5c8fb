/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lists.h"

static int compare_ids(const void *a, const void *b)
{
    const struct group_part *group_a = a, *group_b = b;
    return (group_a->id > group_b->id) - (group_a->id < group_b->id);
}

static struct group_part *find_group(const struct parts *parts, keyshm_id id)
{
    const struct group_part wanted = {.id = id};
    if (id == 0 || parts->group_count == 0)
        return NULL;
    return bsearch(&wanted, parts->groups, parts->group_count, sizeof(wanted), compare_ids);
}

/* ---- with what is counted ---- */

static int take_groups(struct parts *parts, const struct keyshm_snapshot *snapshot)
{
    if (snapshot->group_count == 0)
        return 0;
    parts->groups = calloc(snapshot->group_count, sizeof(*parts->groups));
    if (parts->groups == NULL)
        return -ENOMEM;
    parts->group_count = snapshot->group_count;
    for (unsigned i = 0; i < parts->group_count; i++) {
        const struct keyshm_group_snapshot *group = list_group(snapshot, i);
        parts->groups[i] = (struct group_part){.id = group->id, .snapshot = group};
        memcpy(parts->groups[i].name, group->name, sizeof(group->name));
    }
    qsort(parts->groups, parts->group_count, sizeof(*parts->groups), compare_ids);
    return 0;
}

static void note_limits(struct parts *parts, const struct keyshm_key_snapshot *state)
{
    parts->has_requests |= state->requests_left >= 0;
    parts->has_tokens |= state->tokens_left >= 0;
    parts->has_places |= state->in_flight_cap > 0 || state->in_flight > 0;
}

static void count_keys(struct parts *parts, const struct keyshm_snapshot *snapshot)
{
    for (unsigned i = 0; i < snapshot->count; i++) {
        const struct keyshm_key_snapshot *key = list_key(snapshot, i);
        struct group_part *part = find_group(parts, key->group);
        parts->available += key->benched_by == 0;
        parts->paused += (key->benched_by & KEYSHM_BY_PAUSE) != 0;
        note_limits(parts, key);
        if (part == NULL)
            continue;
        part->available += key->benched_by == 0;
        part->picks += key->picks;
    }
    for (unsigned i = 0; i < snapshot->group_count; i++)
        note_limits(parts, &list_group(snapshot, i)->state);
}

static int take_models(struct parts *parts, keyshm_pool *pool, const struct keyshm_snapshot *snapshot)
{
    if (snapshot->model_count == 0)
        return 0;
    parts->models = calloc(snapshot->model_count, sizeof(*parts->models));
    if (parts->models == NULL)
        return -ENOMEM;
    parts->model_count = snapshot->model_count;
    for (unsigned i = 0; i < parts->model_count; i++) {
        int available = keyshm_available_count_for(pool, i + 1);
        parts->models[i] = (struct model_part){.number = i + 1, .available = available > 0 ? (unsigned)available : 0};
        memcpy(parts->models[i].name, list_model(snapshot, i + 1), sizeof(parts->models[i].name));
    }
    return 0;
}

int parts_take(struct parts *parts, keyshm_pool *pool, const struct keyshm_snapshot *snapshot)
{
    int r = take_groups(parts, snapshot);
    if (r < 0)
        return r;
    count_keys(parts, snapshot);
    return take_models(parts, pool, snapshot);
}

/* ---- names alone ---- */

/* Each once. */
static int take_groups_of_events(struct parts *parts, const struct keyshm_event_list *events)
{
    struct group_part *groups = calloc(events->count > 0 ? events->count : 1, sizeof(*groups));
    unsigned all = 0, count = 0;
    if (groups == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < events->count; i++)
        if (list_event(events, i)->scope == KEYSHM_SCOPE_GROUP)
            groups[all++].id = list_event(events, i)->id;
    qsort(groups, all, sizeof(*groups), compare_ids);
    for (unsigned i = 0; i < all; i++)
        if (count == 0 || groups[count - 1].id != groups[i].id)
            groups[count++].id = groups[i].id;
    parts->groups = groups;
    parts->group_count = count;
    return 0;
}

static int take_names_of_models(struct parts *parts, keyshm_pool *pool)
{
    struct model_part part = {.number = 1};
    while (keyshm_model_name(pool, part.number, part.name, sizeof(part.name)) >= 0) {
        struct model_part *more = reallocarray(parts->models, part.number, sizeof(*more));
        if (more == NULL)
            return -ENOMEM;
        parts->models = more;
        parts->models[parts->model_count++] = part;
        part = (struct model_part){.number = part.number + 1};
    }
    return 0;
}

int parts_take_names(struct parts *parts, keyshm_pool *pool, const struct keyshm_event_list *events)
{
    int r = take_groups_of_events(parts, events);
    for (unsigned i = 0; i < parts->group_count; i++)
        if (keyshm_group_name(pool, parts->groups[i].id, parts->groups[i].name, sizeof(parts->groups[i].name)) < 0)
            parts->groups[i].name[0] = '\0';
    return r < 0 ? r : take_names_of_models(parts, pool);
}

/* ---- both ---- */

void parts_free(struct parts *parts)
{
    free(parts->groups);
    free(parts->models);
    memset(parts, 0, sizeof(*parts));
}

const struct group_part *parts_group(const struct parts *parts, keyshm_id id)
{
    return find_group(parts, id);
}

const char *parts_group_name(const struct parts *parts, keyshm_id id)
{
    const struct group_part *part = find_group(parts, id);
    return part != NULL ? part->name : "";
}

const char *parts_model_name(const struct parts *parts, unsigned model)
{
    return model > 0 && model <= parts->model_count ? parts->models[model - 1].name : "";
}
