/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "batch.h"
#include "cmd.h"
#include "key_list.h"
#include "report.h"
#include "user.h"

/* What there is to do, as keyshm_replace_keys() would report it. */
static int foresee(const struct batch *batch, struct keyshm_replaced *ret_replaced)
{
    struct keyshm_snapshot *snapshot;
    keyshm_id id;
    int r = keyshm_snapshot(batch->pool, &snapshot);
    if (r < 0)
        return r;
    for (size_t i = 0; i < batch->count; i++)
        ret_replaced->kept += keyshm_find(batch->pool, batch->keys[i], &id) == 0;
    ret_replaced->added = batch->count - ret_replaced->kept;
    ret_replaced->removed = snapshot->count > ret_replaced->kept ? snapshot->count - ret_replaced->kept : 0;
    keyshm_snapshot_free(snapshot);
    return 0;
}

static enum exit_status show(const struct arguments *arguments, const struct keyshm_replaced *replaced)
{
    if (arguments->json)
        return report(arguments->pool, json_pack("{s:b, s:I, s:I, s:I}", "is_dry_run", (int)arguments->is_dry_run, "kept",
                                                 (json_int_t)replaced->kept, "added", (json_int_t)replaced->added,
                                                 "removed", (json_int_t)replaced->removed));
    printf("%s%zu kept, %zu added, %zu removed\n", arguments->is_dry_run ? "nothing was changed; it would be: " : "",
           replaced->kept, replaced->added, replaced->removed);
    return EXIT_FINE;
}

static enum exit_status replace_by(const struct arguments *arguments, const struct batch *batch)
{
    struct keyshm_replaced replaced = KEYSHM_REPLACED_INIT;
    int r = arguments->is_dry_run
                ? foresee(batch, &replaced)
                : keyshm_replace_keys(batch->pool, (const char *const *)batch->keys, batch->count, &replaced);
    return r < 0 ? fail(arguments->pool, r, NULL) : show(arguments, &replaced);
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
    enum exit_status status = r < 0 ? fail(arguments->pool, r, NULL) : EXIT_FINE;
    batch.replaces = true;
    batch.may_be_empty = arguments->allows_empty;
    if (status == EXIT_FINE)
        status = key_list_take(&batch, arguments);
    if (status == EXIT_FINE)
        status = replace_by(arguments, &batch);
    batch_end(&batch);
    keyshm_close(pool);
    return status;
}
