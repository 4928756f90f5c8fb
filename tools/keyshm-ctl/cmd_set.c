/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "batch.h"
#include "cmd.h"
#include "key_list.h"
#include "lists.h"
#include "report.h"
#include "user.h"

/* The keys of the batch replace all of the pool, or with --group those of one. */
struct replacement {
    const struct arguments *arguments;
    const struct batch *batch;
    keyshm_id group;  /* 0: all keys, or a group that is not there yet */
    size_t elsewhere; /* known, but not in the group that was given */
};

static size_t count_replaced(const struct replacement *replacement, const struct keyshm_snapshot *snapshot)
{
    size_t count = 0;
    if (replacement->arguments->group == NULL)
        return snapshot->count;
    for (unsigned i = 0; i < snapshot->count; i++)
        count += replacement->group != 0 && list_key(snapshot, i)->group == replacement->group;
    return count;
}

/* What there is to do, as keyshm_replace_group_keys() would report it. -ENOSPC. */
static int foresee(const struct replacement *replacement, struct keyshm_replaced *ret_replaced)
{
    const struct batch *batch = replacement->batch;
    struct keyshm_snapshot *snapshot;
    keyshm_id id;
    int r = keyshm_snapshot(batch->pool, &snapshot);
    if (r < 0)
        return r;
    for (size_t i = 0; i < batch->count; i++)
        ret_replaced->kept += keyshm_find(batch->pool, batch->keys[i], &id) == 0;
    size_t replaced = count_replaced(replacement, snapshot), stay = ret_replaced->kept - replacement->elsewhere;
    ret_replaced->added = batch->count - ret_replaced->kept;
    ret_replaced->removed = replaced > stay ? replaced - stay : 0;
    r = snapshot->count + ret_replaced->added > snapshot->capacity + ret_replaced->removed ? -ENOSPC : 0;
    keyshm_snapshot_free(snapshot);
    return r;
}

static enum exit_status show(const struct replacement *replacement, const struct keyshm_replaced *replaced)
{
    const struct arguments *arguments = replacement->arguments;
    if (arguments->json)
        return report(arguments->pool,
                      json_pack("{s:b, s:I, s:I, s:I, s:I}", "is_dry_run", (int)arguments->is_dry_run, "kept",
                                (json_int_t)replaced->kept, "added", (json_int_t)replaced->added, "removed",
                                (json_int_t)replaced->removed, "elsewhere", (json_int_t)replacement->elsewhere));
    printf("%s%zu kept, %zu added, %zu removed\n", arguments->is_dry_run ? "nothing was changed; it would be: " : "",
           replaced->kept, replaced->added, replaced->removed);
    key_list_tell_elsewhere(arguments, replacement->elsewhere);
    return EXIT_FINE;
}

static enum exit_status replace(const struct arguments *arguments, const struct batch *batch, keyshm_id group)
{
    struct replacement replacement = {.arguments = arguments,
                                      .batch = batch,
                                      .group = group,
                                      .elsewhere = key_list_count_elsewhere(batch, arguments, group)};
    struct keyshm_replaced replaced = KEYSHM_REPLACED_INIT;
    int r = arguments->is_dry_run ? foresee(&replacement, &replaced)
                                  : keyshm_replace_group_keys(batch->pool, group, (const char *const *)batch->keys,
                                                              batch->count, &replaced);
    if (r < 0 && batch->makes_group && !arguments->is_dry_run)
        keyshm_remove_group(batch->pool, group);
    return r < 0 ? fail(arguments->pool, r, NULL) : show(&replacement, &replaced);
}

static enum exit_status take_and_replace(const struct arguments *arguments, struct batch *batch)
{
    keyshm_id group;
    batch->replaces = true;
    batch->may_be_empty = arguments->allows_empty;
    enum exit_status status = key_list_take(batch, arguments);
    if (status == EXIT_FINE)
        status = key_list_choose_group(batch, arguments, &group);
    return status == EXIT_FINE ? replace(arguments, batch, group) : status;
}

enum exit_status cmd_set(const struct arguments *arguments)
{
    struct batch batch;
    keyshm_pool *pool;
    int r = arguments->is_dry_run ? keyshm_attach_readonly_user(&pool, user_of_pools(), arguments->pool)
                                  : keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    r = batch_begin(&batch, pool);
    enum exit_status status = r < 0 ? fail(arguments->pool, r, NULL) : take_and_replace(arguments, &batch);
    batch_end(&batch);
    keyshm_close(pool);
    return status;
}
