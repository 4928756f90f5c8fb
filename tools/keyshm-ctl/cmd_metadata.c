/* SPDX-License-Identifier: MIT */

/* The notes kept with a key: metadata, label. */

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cmd.h"
#include "key_json.h"
#include "lists.h"
#include "lookup.h"
#include "metadata_rules.h"
#include "program.h"
#include "report.h"
#include "text.h"
#include "user.h"

#define LABEL "label"

/* ---- print ---- */

/* The name is not repeated: it may be a key in the wrong place. */
static enum exit_status refuse_absent(const struct arguments *arguments)
{
    const char *what = strcmp(arguments->name, LABEL) == 0 ? "label" : "note with that name";
    return refuse("pool %s: the key with id %" PRIu64 " has no %s; see what it has with: keyshm-ctl metadata %s %" PRIu64,
                  arguments->pool, arguments->id, what, arguments->pool, arguments->id);
}

static enum exit_status print_metadata(const struct arguments *arguments, const struct keyshm_key_snapshot *key)
{
    if (arguments->name != NULL) {
        const char *value = lookup_metadata(key, arguments->name);
        if (value == NULL)
            return refuse_absent(arguments);
        puts(value);
        return EXIT_FINE;
    }
    for (size_t i = 0; i < key->metadata_count; i++)
        printf("%s=%s\n", list_note(key, i)->name, list_note(key, i)->value);
    return EXIT_FINE;
}

static enum exit_status report_all(const struct arguments *arguments, const struct keyshm_key_snapshot *key)
{
    return report(arguments->pool, json_pack("{s:I, s:o}", "id", (json_int_t)key->id, "metadata", metadata_json(key)));
}

static enum exit_status report_label(const struct arguments *arguments, const struct keyshm_key_snapshot *key)
{
    const char *label = lookup_metadata(key, LABEL);
    json_t *value = label != NULL ? text_to_json(label, KEYSHM_METADATA_VALUE_MAX + 1) : json_null();
    return report(arguments->pool, json_pack("{s:I, s:o}", "id", (json_int_t)key->id, LABEL, value));
}

typedef enum exit_status show_key_fn(const struct arguments *arguments, const struct keyshm_key_snapshot *key);

static enum exit_status show(const struct arguments *arguments, show_key_fn *show_key)
{
    struct keyshm_snapshot *snapshot;
    int r = lookup_pool(arguments->pool, &snapshot);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    const struct keyshm_key_snapshot *key = lookup_key(snapshot, arguments->id);
    enum exit_status status = key != NULL ? show_key(arguments, key) : fail(arguments->pool, -ESTALE, NULL);
    keyshm_snapshot_free(snapshot);
    return status;
}

/* ---- set, delete ---- */

/* Metadata is shown to everyone who can inspect the pool: a key in it would no longer be a secret. */
static enum exit_status refuse_keys(const struct arguments *arguments, keyshm_pool *pool)
{
    if (metadata_reveals_key(pool, arguments->name) ||
        (arguments->value != NULL && metadata_reveals_key(pool, arguments->value)))
        return refuse(
            "pool %s: the text has one of its keys in it, and everyone who inspects the pool would see it; nothing was "
            "changed; name the key by its id or its masked form",
            arguments->pool);
    return EXIT_FINE;
}

static enum exit_status change_in(const struct arguments *arguments, keyshm_pool *pool)
{
    static const struct failure failures[] = {
        {ENOSPC, EXIT_REFUSED, "the notes of a key may take 160 bytes, counting one more for each name and value",
         "shorten or delete some; see them with: keyshm-stat", true},
        {EINVAL, EXIT_REFUSED, "that is the id of a group, and notes are kept with keys",
         "see their ids with: keyshm-stat --ids", true},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    enum exit_status status = refuse_keys(arguments, pool);
    if (status != EXIT_FINE)
        return status;
    int r = keyshm_set_metadata(pool, arguments->id, arguments->name, arguments->is_deletion ? NULL : arguments->value);
    if (r == -ENOENT)
        return refuse_absent(arguments);
    return r < 0 ? fail(arguments->pool, r, failures) : EXIT_FINE;
}
_Static_assert(KEYSHM_METADATA_BYTES_MAX == 160, "the message of change_in()");

static enum exit_status change(const struct arguments *arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = change_in(arguments, pool);
    keyshm_close(pool);
    return status;
}

static enum exit_status change_or_show(const struct arguments *arguments, show_key_fn *show_key)
{
    if (!arguments->is_deletion && arguments->value == NULL)
        return show(arguments, show_key);
    enum exit_status status = change(arguments);
    return status == EXIT_FINE && arguments->json ? show(arguments, show_key) : status;
}

enum exit_status cmd_metadata(const struct arguments *arguments)
{
    if (arguments->is_deletion && (arguments->name == NULL || arguments->value != NULL)) {
        complain("metadata: --delete goes with a NAME and no VALUE");
        return point_to_help();
    }
    return change_or_show(arguments, arguments->json ? report_all : print_metadata);
}

enum exit_status cmd_label(const struct arguments *arguments)
{
    struct arguments label = *arguments;
    label.name = LABEL;
    if (arguments->is_deletion && arguments->value != NULL) {
        complain("label: --delete goes without a TEXT");
        return point_to_help();
    }
    return change_or_show(&label, arguments->json ? report_label : print_metadata);
}
