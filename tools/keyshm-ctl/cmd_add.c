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
#include "user.h"

/* The result for each key of a batch, in their order. */
struct added {
    size_t elsewhere; /* known, but not in the group that was given */
    size_t count;
    size_t new_count;
    struct added_key {
        keyshm_id id;
        bool is_new;
    } keys[];
};

/* 0: it is new; -EEXIST. A new key gets no id in a dry run. */
static int try_one(const struct batch *batch, const char *key, keyshm_id group_or_0, bool is_dry_run, keyshm_id *ret_id)
{
    if (!is_dry_run)
        return keyshm_add_to_group(batch->pool, key, group_or_0, ret_id);
    return keyshm_find(batch->pool, key, ret_id) == 0 ? -EEXIST : 0;
}

static int add_one(const struct batch *batch, keyshm_id group_or_0, bool is_dry_run, struct added *added)
{
    struct added_key *key = &added->keys[added->count];
    int r = try_one(batch, batch->keys[added->count], group_or_0, is_dry_run, &key->id);
    if (r < 0 && r != -EEXIST)
        return r;
    key->is_new = r == 0;
    added->new_count += key->is_new;
    added->count++;
    return 0;
}

/* Stops at the first failure; what was added by then stays. */
static int add_all(const struct batch *batch, keyshm_id group_or_0, bool is_dry_run, struct added *added)
{
    struct progress progress;
    int r = 0;
    progress_begin(&progress, "added", "keys", batch->count);
    while (added->count < batch->count && r == 0) {
        r = add_one(batch, group_or_0, is_dry_run, added);
        progress_show(&progress, added->count);
    }
    progress_end(&progress);
    return r;
}

/* The part of a key that may be shown; "-" if it is not in the pool: in a dry run, or as another process has removed it. */
static const char *masked_key_of(const struct keyshm_snapshot *snapshot, keyshm_id id)
{
    const struct keyshm_key_snapshot *key = lookup_key(snapshot, id);
    return key != NULL ? key->masked_key : "-";
}

static void print_dry_run(const struct added *added)
{
    printf("nothing was changed; it would be: %zu added, %zu present before\n", added->new_count,
           added->count - added->new_count);
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

static enum exit_status report_added(const struct added *added, bool is_dry_run, const struct keyshm_snapshot *snapshot)
{
    json_t *keys = json_array();
    int r = 0;
    for (size_t i = 0; i < added->count; i++)
        r |= json_array_append_new(keys, json_pack("{s:I, s:s, s:b}", "id", (json_int_t)added->keys[i].id, "masked_key",
                                                   masked_key_of(snapshot, added->keys[i].id), "present",
                                                   !added->keys[i].is_new));
    json_t *members = json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:O}", "is_dry_run", (int)is_dry_run, "added",
                                (json_int_t)added->new_count, "present", (json_int_t)(added->count - added->new_count),
                                "elsewhere", (json_int_t)added->elsewhere, "count", (json_int_t)snapshot->count,
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
        status = report_added(added, arguments->is_dry_run, snapshot);
    else if (arguments->is_dry_run)
        print_dry_run(added);
    else
        print_added(added, snapshot);
    if (!arguments->json)
        key_list_tell_elsewhere(arguments, added->elsewhere);
    keyshm_snapshot_free(snapshot);
    return status;
}

static enum exit_status add_and_show(const struct arguments *arguments, const struct batch *batch, keyshm_id group_or_0)
{
    struct added *added = calloc(1, sizeof(*added) + batch->count * sizeof(added->keys[0]));
    if (added == NULL)
        return fail(arguments->pool, -ENOMEM, NULL);
    added->elsewhere = key_list_count_elsewhere(batch, arguments, group_or_0);
    int r = add_all(batch, group_or_0, arguments->is_dry_run, added);
    enum exit_status status = show_added(arguments, batch, added);
    free(added);
    return r < 0 ? fail(arguments->pool, r, NULL) : status;
}

static enum exit_status take_and_add(const struct arguments *arguments, keyshm_pool *pool)
{
    struct batch batch;
    keyshm_id group;
    int r = batch_begin(&batch, pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = key_list_take(&batch, arguments);
    if (status == EXIT_FINE)
        status = key_list_choose_group(&batch, arguments, &group);
    if (status == EXIT_FINE)
        status = add_and_show(arguments, &batch, group);
    batch_end(&batch);
    return status;
}

enum exit_status cmd_add(const struct arguments *arguments)
{
    keyshm_pool *pool;
    int r = arguments->is_dry_run ? keyshm_attach_readonly_user(&pool, user_of_pools(), arguments->pool)
                                  : keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = take_and_add(arguments, pool);
    keyshm_close(pool);
    return status;
}
