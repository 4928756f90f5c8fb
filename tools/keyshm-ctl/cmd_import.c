/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "batch.h"
#include "cmd.h"
#include "program.h"
#include "report.h"
#include "secret.h"
#include "state/document.h"
#include "state/file.h"
#include "state/restore.h"
#include "user.h"

static enum exit_status show_result(const struct restore *restore)
{
    const struct arguments *arguments = restore->arguments;
    if (arguments->json)
        return report(arguments->pool,
                      json_pack("{s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:I}", "is_dry_run",
                                (int)arguments->is_dry_run, "key_count", (json_int_t)restore->document.count, "added",
                                (json_int_t)restore->added, "found", (json_int_t)restore->found, "not_found",
                                (json_int_t)restore->not_found, "marked", (json_int_t)restore->marked, "paused",
                                (json_int_t)restore->paused, "groups_added", (json_int_t)restore->groups_added, "moved",
                                (json_int_t)restore->moved, "reordered", (json_int_t)restore->reordered, "models_added",
                                (json_int_t)restore->models_added, "policy_changed", (int)restore->policy_changed,
                                "limited", (json_int_t)restore->limited));
    printf("%s%zu added, %zu found, %zu not found; %zu marked, %zu paused",
           arguments->is_dry_run ? "nothing was changed; it would be: " : "", restore->added, restore->found,
           restore->not_found, restore->marked, restore->paused);
    if (restore->document.group_count > 0)
        printf("; groups: %zu added, %zu keys moved", restore->groups_added, restore->moved);
    if (json_array_size(restore->document.models) > 0)
        printf("; models: %zu added", restore->models_added);
    if (restore->reordered > 0)
        printf("; %zu keys with another priority or weight", restore->reordered);
    if (restore->limited > 0)
        printf("; %zu limited", restore->limited);
    puts(restore->policy_changed ? "; the policy changed" : "");
    if (restore->not_found > 0 && !restore->document.with_keys)
        complain("pool %s: to import keys that were not found, use keyshm-ctl add first, or export --with-keys",
                 arguments->pool);
    return EXIT_FINE;
}

/* Nobody can change those of a pool that is there. Those of the pool's own name may have another name here. */
static void compare_rules(const struct restore *restore)
{
    const struct document *document = &restore->document;
    const char *provider = restore->arguments->pool, *own = restore->snapshot->provider_rules;
    if (document->provider_rules == NULL || strcmp(document->provider_rules, own) == 0)
        return;
    if (strcmp(document->provider_rules, document->provider) != 0 || strcmp(own, provider) != 0)
        complain("pool %s: the exported pool has other rules (provider_rules), and they stay as they are here; to have "
                 "those, make it with: keyshm-ctl create --provider-rules NAME %s",
                 provider, provider);
}

static enum exit_status restore_state(struct restore *restore)
{
    struct keyshm_snapshot *snapshot;
    int r = keyshm_snapshot(restore->pool, &snapshot);
    if (r < 0)
        return fail(restore->arguments->pool, r, NULL);
    restore->snapshot = snapshot;
    enum exit_status status = restore_plan(restore);
    if (status == EXIT_FINE)
        status = restore_run(restore);
    if (status == EXIT_FINE)
        compare_rules(restore);
    if (status == EXIT_FINE)
        status = show_result(restore);
    keyshm_snapshot_free(snapshot);
    return status;
}

static enum exit_status restore_document(struct restore *restore, const struct input_file *file, json_t *json)
{
    enum exit_status status = document_begin(&restore->document, restore->arguments->pool, json);
    if (status == EXIT_FINE && restore->document.with_keys)
        status = input_file_check_private(file, restore->arguments->pool);
    if (status == EXIT_FINE)
        status = restore_state(restore);
    document_end(&restore->document);
    return status;
}

static enum exit_status restore_from_file(struct restore *restore)
{
    const char *provider = restore->arguments->pool;
    struct input_file file;
    json_t *json = NULL;
    enum exit_status status = input_file_open(&file, provider, restore->arguments->file);
    if (status != EXIT_FINE)
        return status;
    /* The members of the pool count as one more key. How many groups the pool has room for, nobody tells. */
    size_t size_max = ((size_t)restore->batch->capacity + KEYSHM_GROUPS_MAX + 1) * DOCUMENT_ENTRY_BYTES_MAX;
    status = input_file_read(&file, provider, size_max, &json);
    if (status == EXIT_FINE)
        status = restore_document(restore, &file, json);
    json_decref(json);
    input_file_close(&file);
    return status;
}

static enum exit_status import_into(const struct arguments *arguments, keyshm_pool *pool)
{
    struct batch batch;
    struct restore restore = {.arguments = arguments, .pool = pool, .batch = &batch};
    int r = batch_begin(&batch, pool);
    enum exit_status status = r < 0 ? fail(arguments->pool, r, NULL) : restore_from_file(&restore);
    batch_end(&batch);
    return status;
}

enum exit_status cmd_import(const struct arguments *arguments)
{
    static const struct failure failures[] = {
        {ENOENT, EXIT_NO_POOL, "there is no such pool",
         "make it, with the capacity, the key_max and the provider_rules of the file, with: keyshm-ctl create "
         "--capacity N --key-max N --provider-rules NAME",
         true},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    keyshm_pool *pool;
    secret_wipe_json();
    int r = arguments->is_dry_run ? keyshm_attach_readonly_user(&pool, user_of_pools(), arguments->pool)
                                  : keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, failures);
    enum exit_status status = import_into(arguments, pool);
    keyshm_close(pool);
    return status;
}
