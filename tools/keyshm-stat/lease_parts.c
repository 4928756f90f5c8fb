/* SPDX-License-Identifier: MIT */
#include "lease_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lists.h"

static void take_key(struct lease_part *part, keyshm_pool *pool)
{
    struct keyshm_key_snapshot key;
    if (keyshm_inspect(pool, part->held->id, 0, sizeof(key), &key) < 0)
        return;
    memcpy(part->masked_key, key.masked_key, sizeof(part->masked_key));
    part->group = key.group;
}

int leases_take(struct leases *leases, keyshm_pool *pool)
{
    int r = keyshm_leases(pool, &leases->list);
    if (r < 0)
        return r;
    leases->parts = calloc(leases->list->count + 1, sizeof(*leases->parts));
    if (leases->parts == NULL)
        return -ENOMEM;
    leases->count = leases->list->count;
    for (size_t i = 0; i < leases->count; i++) {
        leases->parts[i].held = list_lease(leases->list, i);
        take_key(&leases->parts[i], pool);
    }
    return 0;
}

void leases_free(struct leases *leases)
{
    free(leases->parts);
    keyshm_lease_list_free(leases->list);
}
