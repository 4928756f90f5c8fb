/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "batch.h"
#include "cmd.h"
#include "key_list.h"
#include "lookup.h"
#include "program.h"
#include "progress.h"
#include "report.h"
#include "text.h"

/* The result for each key of a batch, in their order. */
struct added {
    size_t count;
    size_t new_count;
    struct added_key {
        keyshm_id id;
        bool is_new;
    } keys[];
};

static int add_one(const struct batch *batch, struct added *added)
{
    struct added_key *key = &added->keys[added->count];
    int r = keyshm_add(batch->pool, batch->keys[added->count], &key->id);
    if (r < 0 && r != -EEXIST)
        return r;
    key->is_new = r == 0;
    added->new_count += key->is_new;
    added->count++;
    return 0;
}

/* Stops at the first failure; what was added by then stays. */
static int add_all(const struct batch *batch, struct added *added)
{
    struct progress progress;
    int r = 0;
    progress_begin(&progress, "added", "keys", batch->count);
    while (added->count < batch->count && r == 0) {
        r = add_one(batch, added);
        progress_show(&progress, added->count);
    }
    progress_end(&progress);
    return r;
}

/* The part of a key that may be shown; "-" if another process has removed the key since. */
static const char *masked_key_of(const struct keyshm_snapshot *snapshot, keyshm_id id)
{
    const struct keyshm_key_snapshot *key = lookup_key(snapshot, id);
    return key != NULL ? key->masked_key : "-";
}

static void print_added(const struct added *added, const struct keyshm_snapshot *snapshot)
{
    for (size_t i = 0; i < added->count; i++) {
        char masked[KEYSHM_MASKED_SIZE];
        text_masked(masked_key_of(snapshot, added->keys[i].id), masked);
        printf("%" PRIu64 " %s%s\n", added->keys[i].id, masked, added->keys[i].is_new ? "" : " present");
    }
    complain("pool %s: %zu added, %zu present before; it has %u/%u keys", snapshot->provider, added->new_count,
             added->count - added->new_count, snapshot->count, snapshot->capacity);
}

static enum exit_status report_added(const struct added *added, const struct keyshm_snapshot *snapshot)
{
    json_t *keys = json_array();
    int r = 0;
    for (size_t i = 0; i < added->count; i++)
        r |= json_array_append_new(keys, json_pack("{s:I, s:s, s:b}", "id", (json_int_t)added->keys[i].id, "masked_key",
                                                   masked_key_of(snapshot, added->keys[i].id), "present",
                                                   !added->keys[i].is_new));
    json_t *members = json_pack("{s:I, s:I, s:I, s:I, s:O}", "added", (json_int_t)added->new_count, "present",
                                (json_int_t)(added->count - added->new_count), "count", (json_int_t)snapshot->count,
                                "capacity", (json_int_t)snapshot->capacity, "keys", keys);
    json_decref(keys);
    if (r == 0)
        return report(snapshot->provider, members);
    json_decref(members);
    return fail(snapshot->provider, -ENOMEM, NULL);
}

static enum exit_status show_added(const struct arguments *arguments, const struct batch *batch,
                                   const struct added *added)
{
    struct keyshm_snapshot *snapshot;
    enum exit_status status = EXIT_FINE;
    int r = keyshm_snapshot(batch->pool, &snapshot);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->json)
        status = report_added(added, snapshot);
    else
        print_added(added, snapshot);
    keyshm_snapshot_free(snapshot);
    return status;
}

static enum exit_status add_and_show(const struct arguments *arguments, const struct batch *batch)
{
    struct added *added = calloc(1, sizeof(*added) + batch->count * sizeof(added->keys[0]));
    if (added == NULL)
        return fail(arguments->pool, -ENOMEM, NULL);
    int r = add_all(batch, added);
    enum exit_status status = show_added(arguments, batch, added);
    free(added);
    return r < 0 ? fail(arguments->pool, r, NULL) : status;
}

static enum exit_status take_and_add(const struct arguments *arguments, keyshm_pool *pool)
{
    struct batch batch;
    int r = batch_begin(&batch, pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status =
        arguments->from_environment ? key_list_from_environment(&batch, arguments->pool) : key_list_from_input(&batch);
    if (status == EXIT_FINE)
        status = add_and_show(arguments, &batch);
    batch_end(&batch);
    return status;
}

enum exit_status cmd_add(const struct arguments *arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = take_and_add(arguments, pool);
    keyshm_close(pool);
    return status;
}
