/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "batch.h"
#include "command.h"
#include "input.h"
#include "masked.h"
#include "program.h"

/* What became of the keys of a batch, in their order. */
struct added {
    size_t count;
    size_t new_count;
    struct added_key {
        keyshm_id id;
        bool is_new;
    } keys[];
};

/* Stops at the first that cannot be added, for a reason outside of the batch; what was added by then stays. */
static int add_all(const struct batch *batch, struct added *added)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct added_key *key = &added->keys[i];
        int r = keyshm_add(batch->pool, batch->keys[i], &key->id);
        if (r < 0 && r != -EEXIST)
            return r;
        key->is_new = r == 0;
        added->new_count += key->is_new;
        added->count++;
    }
    return 0;
}

static int compare_slots(const void *id, const void *key)
{
    uint64_t wanted = *(const keyshm_id *)id & 0xffffff; /* the slot, says keyshm.h */
    uint64_t slot = ((const struct keyshm_key_snapshot *)key)->slot;
    return wanted < slot ? -1 : wanted > slot;
}

static void print_added(const struct added *added, const struct keyshm_snapshot *snapshot)
{
    for (size_t i = 0; i < added->count; i++) {
        char masked[KEYSHM_MASKED_SIZE];
        keyshm_id id = added->keys[i].id;
        const struct keyshm_key_snapshot *key =
            bsearch(&id, snapshot->keys, snapshot->count, sizeof(*key), compare_slots);
        /* Somebody may have removed it since. */
        masked_for_locale(key != NULL && key->id == id ? key->masked_key : "-", masked);
        printf("%" PRIu64 " %s%s\n", id, masked, added->keys[i].is_new ? "" : " present");
    }
    complain("pool %s: %zu added, %zu present before; it has %u/%u keys", snapshot->provider, added->new_count,
             added->count - added->new_count, snapshot->count, snapshot->capacity);
}

static enum exit_status add_and_print(const char *provider, const struct batch *batch)
{
    struct keyshm_snapshot *snapshot;
    struct added *added = calloc(1, sizeof(*added) + batch->count * sizeof(added->keys[0]));
    if (added == NULL)
        return fail(provider, -ENOMEM, NULL);
    int add_error = add_all(batch, added);
    int r = keyshm_snapshot(batch->pool, &snapshot);
    if (r == 0) {
        print_added(added, snapshot);
        keyshm_snapshot_free(snapshot);
    }
    free(added);
    if (add_error < 0)
        return fail(provider, add_error, NULL);
    return r < 0 ? fail(provider, r, NULL) : EXIT_FINE;
}

static enum exit_status take_and_add(const struct arguments *arguments, keyshm_pool *pool)
{
    struct batch batch;
    int r = batch_begin(&batch, pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = arguments->env ? take_from_environment(&batch, arguments->pool) : take_from_input(&batch);
    if (status == EXIT_FINE)
        status = add_and_print(arguments->pool, &batch);
    batch_end(&batch);
    return status;
}

enum exit_status command_add(const struct arguments *arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = take_and_add(arguments, pool);
    keyshm_close(pool);
    return status;
}
