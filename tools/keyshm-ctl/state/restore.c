/* SPDX-License-Identifier: MIT */
#include "state/restore.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "lists.h"
#include "lookup.h"
#include "name_rules.h"
#include "program.h"
#include "progress.h"
#include "state/fingerprint.h"
#include "state/limits.h"

/* ---- keys that are in the file ---- */

static bool is_key(const char *text, void *user)
{
    const struct restore *restore = user;
    keyshm_id id;
    return keyshm_find(restore->pool, text, &id) == 0 || batch_has(restore->batch, text);
}

static enum exit_status plan_keys(struct restore *restore)
{
    const char *provider = restore->arguments->pool;
    for (size_t i = 0; i < restore->document.count; i++) {
        struct document_key *key = &restore->document.keys[i];
        const char *refusal = batch_take(restore->batch, key->key, key->key_length);
        if (refusal == NULL && restore->batch->count != i + 1)
            refusal = "it is in the file twice";
        if (refusal != NULL)
            return refuse("pool %s: in the file, keys[%zu].key: %s; nothing was changed", provider, i, refusal);
        if (keyshm_find(restore->pool, key->key, &key->id) < 0)
            key->id = 0;
    }
    if (name_reveals_any(restore->snapshot, is_key, restore))
        return refuse("pool %s: a key of the file is in the name of a group or a model of the pool, which everyone who "
                      "inspects it sees; nothing was changed",
                      provider);
    return EXIT_FINE;
}

/* ---- keys of which the file has only a fingerprint ---- */

static int compare_fingerprints(const void *a, const void *b)
{
    return strcmp((*(struct document_key *const *)a)->fingerprint, (*(struct document_key *const *)b)->fingerprint);
}

/* Pointers to the keys that have one, sorted. NULL: out of memory. */
static struct document_key **sort_by_fingerprint(const struct document *document, size_t *ret_count)
{
    struct document_key **sorted = calloc(document->count + 1, sizeof(struct document_key *));
    size_t count = 0;
    for (size_t i = 0; i < document->count && sorted != NULL; i++)
        if (document->keys[i].fingerprint != NULL)
            sorted[count++] = &document->keys[i];
    if (sorted != NULL)
        qsort(sorted, count, sizeof(struct document_key *), compare_fingerprints);
    *ret_count = count;
    return sorted;
}

static int make_fingerprint(const struct restore *restore, keyshm_id id, char ret_fingerprint[FINGERPRINT_SIZE])
{
    struct keyshm_pick secret;
    int r = keyshm_get(restore->pool, id, &secret);
    if (r == 0)
        r = fingerprint_make(restore->document.fingerprint_setting, secret.key, secret.key_length, ret_fingerprint);
    explicit_bzero(&secret, sizeof(secret));
    return r;
}

static int find_all(const struct restore *restore, struct document_key **sorted, size_t count)
{
    struct progress progress;
    int r = 0;
    progress_begin(&progress, "looked at", "keys", restore->snapshot->count);
    for (unsigned i = 0; i < restore->snapshot->count && count > 0 && r == 0; i++) {
        char fingerprint[FINGERPRINT_SIZE];
        struct document_key wanted = {.fingerprint = fingerprint}, *key = &wanted;
        keyshm_id id = list_key(restore->snapshot, i)->id;
        r = make_fingerprint(restore, id, fingerprint);
        struct document_key **found =
            r == 0 ? bsearch(&key, sorted, count, sizeof(struct document_key *), compare_fingerprints) : NULL;
        if (found != NULL)
            (*found)->id = id;
        if (r == -ENODATA || r == -ESTALE) /* too short to have one, or just removed */
            r = 0;
        progress_show(&progress, i + 1);
    }
    progress_end(&progress);
    return r;
}

static enum exit_status plan_fingerprints(const struct restore *restore)
{
    size_t count;
    struct document_key **sorted = sort_by_fingerprint(&restore->document, &count);
    int r = sorted != NULL ? find_all(restore, sorted, count) : -ENOMEM;
    free(sorted);
    if (r == -ENOTSUP)
        return refuse("pool %s: the libcrypt here cannot make fingerprints (sha256crypt); nothing was changed; export "
                      "with --with-keys",
                      restore->arguments->pool);
    return r < 0 ? fail(restore->arguments->pool, r, NULL) : EXIT_FINE;
}

/* ---- metadata ---- */

/* Together with the metadata that the key already has and that is not replaced. */
static bool metadata_fits(const struct restore *restore, const struct document_key *key)
{
    const struct keyshm_key_snapshot *present = lookup_key(restore->snapshot, key->id);
    const char *name;
    json_t *value;
    size_t size = 0;
    json_object_foreach(key->metadata, name, value) size += strlen(name) + 1 + json_string_length(value) + 1;
    for (size_t i = 0; present != NULL && i < present->metadata_count; i++)
        if (json_object_get(key->metadata, list_note(present, i)->name) == NULL)
            size += strlen(list_note(present, i)->name) + 1 + strlen(list_note(present, i)->value) + 1;
    return size <= KEYSHM_METADATA_BYTES_MAX;
}

static bool metadata_tells(struct restore *restore, const struct document_key *key)
{
    const char *name;
    json_t *value;
    json_object_foreach(key->metadata, name,
                        value) if (metadata_reveals_any(name, is_key, restore) ||
                                   metadata_reveals_any(json_string_value(value), is_key, restore)) return true;
    return false;
}

/* ---- groups and models ---- */

static enum exit_status refuse_name(const struct restore *restore, const char *list, size_t i, const char *member)
{
    return refuse("pool %s: in the file, %s[%zu]%s has a key in it, and everyone who inspects the pool would see it; "
                  "nothing was changed",
                  restore->arguments->pool, list, i, member);
}

static enum exit_status plan_names(struct restore *restore)
{
    struct document *document = &restore->document;
    for (size_t i = 0; i < json_array_size(document->models); i++)
        if (metadata_reveals_any(json_string_value(json_array_get(document->models, i)), is_key, restore))
            return refuse_name(restore, "models", i, "");
    for (size_t i = 0; i < document->group_count; i++) {
        struct document_group *group = &document->groups[i];
        if (metadata_reveals_any(group->name, is_key, restore))
            return refuse_name(restore, "groups", i, ".name");
        if (keyshm_find_group(restore->pool, group->name, &group->id) < 0)
            group->id = 0;
    }
    return EXIT_FINE;
}

_Static_assert(KEYSHM_METADATA_BYTES_MAX == 160, "the message of plan_metadata()");

static enum exit_status plan_metadata(struct restore *restore)
{
    const char *provider = restore->arguments->pool;
    for (size_t i = 0; i < restore->document.count; i++) {
        const struct document_key *key = &restore->document.keys[i];
        if (metadata_tells(restore, key))
            return refuse(
                "pool %s: in the file, keys[%zu].metadata has a key in it, and everyone who inspects the pool would "
                "see it; nothing was changed",
                provider, i);
        if (key->id != 0 && !metadata_fits(restore, key))
            return refuse("pool %s: the notes of the key with id %" PRIu64 ", with those of keys[%zu] in the file, would "
                          "take more than 160 bytes; nothing was changed; delete some with: keyshm-ctl metadata",
                          provider, key->id, i);
    }
    return EXIT_FINE;
}

/* ---- limits ---- */

/* What these limits are of: `list` and `i`, or "" for the pool. */
static enum exit_status plan_limits_of(const struct restore *restore, bool is_group, const json_t *limits,
                                       const char *list, size_t i)
{
    struct limit_check check = {
        .provider = restore->arguments->pool, .pool = restore->pool, .snapshot = restore->snapshot};
    for (size_t j = 0; j < json_array_size(limits); j++) {
        const json_t *entry = json_array_get(limits, j);
        struct keyshm_limits taken = state_limits_take(entry);
        const char *wrong = limit_check_cap(&check, is_group, state_limits_model(entry) != NULL, taken.in_flight);
        if (wrong != NULL && *list == '\0')
            return refuse("pool %s: in the file, limits[%zu].in_flight: %s; nothing was changed", check.provider, j,
                          wrong);
        if (wrong != NULL)
            return refuse("pool %s: in the file, %s[%zu].limits[%zu].in_flight: %s; nothing was changed", check.provider,
                          list, i, j, wrong);
    }
    return EXIT_FINE;
}

static enum exit_status plan_limits(const struct restore *restore)
{
    const struct document *document = &restore->document;
    enum exit_status status = plan_limits_of(restore, false, document->limits, "", 0);
    for (size_t i = 0; i < document->group_count && status == EXIT_FINE; i++)
        status = plan_limits_of(restore, true, document->groups[i].subject.limits, "groups", i);
    for (size_t i = 0; i < document->count && status == EXIT_FINE; i++)
        status = plan_limits_of(restore, false, document->keys[i].subject.limits, "keys", i);
    return status;
}

enum exit_status restore_plan(struct restore *restore)
{
    enum exit_status status = restore->document.with_keys ? plan_keys(restore) : plan_fingerprints(restore);
    if (status == EXIT_FINE)
        status = plan_names(restore);
    if (status == EXIT_FINE)
        status = plan_metadata(restore);
    return status == EXIT_FINE ? plan_limits(restore) : status;
}
