/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "clocks.h"
#include "cmd.h"
#include "key_json.h"
#include "lists.h"
#include "lookup.h"
#include "name_rules.h"
#include "policy_settings.h"
#include "program.h"
#include "progress.h"
#include "report.h"
#include "secret.h"
#include "state/document.h"
#include "state/file.h"
#include "state/fingerprint.h"
#include "state/limits.h"
#include "user.h"

/* In a snapshot: the word of a key whatever the model, and that of a group; that for the model is the next. */
#define KEY_WORD 0
#define GROUP_WORD 2

/* What is being written, and where. */
struct export
{
    const struct arguments *arguments;
    keyshm_pool *pool;
    const struct keyshm_snapshot *snapshot;
    int64_t unix_ms;
    int64_t since_ms; /* that moment, by the monotonic clock */
    char setting[FINGERPRINT_SETTING_SIZE];
    struct secret_output output;
};

/* ---- the text ---- */

static void put(struct export *export, const char *text)
{
    secret_output_write(text, strlen(text), &export->output);
}

/* Takes over `object`; NULL means out of memory. */
static int put_json(struct export *export, json_t *object, size_t flags)
{
    int r = object != NULL ? json_dump_callback(object, secret_output_write, &export->output, JSON_COMPACT | flags) : -1;
    json_decref(object);
    if (r == 0)
        return 0;
    return export->output.error < 0 ? export->output.error : -ENOMEM;
}

/* Can the JSON have it? For the library, a name need not be UTF-8. */
static bool is_exported(const char *name)
{
    return name_is_allowed(name);
}

/* ---- what is known of a key or a group ---- */

/* Of a word that was read `late_ms` after the time of the export. A deadline is rounded up, and may then exceed what
 * import accepts. */
static json_int_t left_ms(const struct keyshm_word_snapshot *word, int64_t late_ms)
{
    if (word->cooldown_left_ms <= 0)
        return word->cooldown_left_ms;
    int64_t left = word->cooldown_left_ms + late_ms;
    return left < KEYSHM_DURATION_MAX_MS ? left : KEYSHM_DURATION_MAX_MS;
}

/* Failures in a row, as of the time of the export. null: there are none, or the key or group is gone. */
static json_t *streak_to_json(const struct export *export, keyshm_id id, unsigned model)
{
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    int64_t late_ms = clock_monotonic_ms() - export->since_ms;
    if (keyshm_get_streak(export->pool, id, model, &streak) < 0 || streak.failed_ago_ms < 0)
        return json_null();
    int64_t ago_ms = streak.failed_ago_ms > late_ms ? streak.failed_ago_ms - late_ms : 0;
    return json_pack("{s:I, s:I, s:I}", "rate_limits", (json_int_t)streak.rate_limits, "invalids",
                     (json_int_t)streak.invalids, "failed_ago_ms",
                     (json_int_t)(ago_ms < KEYSHM_DURATION_MAX_MS ? ago_ms : KEYSHM_DURATION_MAX_MS));
}

/* Takes over `streak`. */
static json_t *bench_to_json(const struct keyshm_word_snapshot *word, int64_t late_ms, json_t *streak)
{
    return json_pack("{s:s, s:I, s:s, s:o}", "status", keyshm_status_name(word->status), "cooldown_left_ms",
                     left_ms(word, late_ms), "reason", keyshm_reason_name(word->reason), "streak", streak);
}

/* Those of its benches and streaks that are for one model. `word` is the number of such a word in a snapshot. */
static json_t *models_to_json(const struct export *export, keyshm_id id, int word)
{
    json_t *models = json_object();
    int r = 0;
    for (unsigned model = 1; model <= export->snapshot->model_count; model++) {
        struct keyshm_key_snapshot state;
        const char *name = list_model(export->snapshot, model);
        if (!is_exported(name) || keyshm_inspect(export->pool, id, model, sizeof(state), &state) < 0)
            continue;
        json_t *streak = streak_to_json(export, id, model);
        if (state.words[word].status == KEYSHM_AVAILABLE && json_is_null(streak))
            continue;
        int64_t late_ms = clock_monotonic_ms() - export->since_ms;
        r |= json_object_set_new(models, name, bench_to_json(&state.words[word], late_ms, streak));
    }
    return whole_or_nothing(models, r == 0);
}

/* What is known of a key or a group. `first_word` is the number of its word whatever the model in a snapshot. */
static json_t *subject_to_json(const struct export *export, const struct keyshm_key_snapshot *state, int first_word)
{
    const struct keyshm_word_snapshot *whole = &state->words[first_word];
    return json_pack(
        "{s:s, s:I, s:s, s:b, s:o, s:o, s:o, s:o}", "status", keyshm_status_name(whole->status), "cooldown_left_ms",
        left_ms(whole, 0), "reason", keyshm_reason_name(whole->reason), "is_paused", state->is_paused, "streak",
        streak_to_json(export, state->id, 0), "models", models_to_json(export, state->id, first_word + 1), "limits",
        state_limits_json(export->pool, state->id, export->snapshot), "marked", by_status_json(state->marked));
}

/* ---- the pool ---- */

static json_t *models_of_pool(const struct export *export)
{
    json_t *names = json_array();
    int r = 0;
    for (unsigned model = 1; model <= export->snapshot->model_count; model++)
        if (is_exported(list_model(export->snapshot, model)))
            r |= json_array_append_new(names, json_string(list_model(export->snapshot, model)));
        else
            complain("pool %s: the name of model %u is not UTF-8, which JSON must be; it is left out, and what is known "
                     "for it",
                     export->arguments->pool, model);
    return whole_or_nothing(names, r == 0);
}

static json_t *group_to_json(const struct export *export, const struct keyshm_group_snapshot *group)
{
    json_t *object = json_pack("{s:s}", "name", group->name);
    json_t *subject = subject_to_json(export, &group->state, GROUP_WORD);
    int r = json_object_update(object, subject);
    json_decref(subject);
    return whole_or_nothing(object, r == 0);
}

static json_t *groups_of_pool(const struct export *export)
{
    json_t *groups = json_array();
    int r = 0;
    for (unsigned i = 0; i < export->snapshot->group_count; i++) {
        const struct keyshm_group_snapshot *group = list_group(export->snapshot, i);
        if (is_exported(group->name))
            r |= json_array_append_new(groups, group_to_json(export, group));
        else
            complain("pool %s: the name of the group with id %" PRIu64 " is not UTF-8, which JSON must be; it is left "
                     "out, and what is known of it",
                     export->arguments->pool, group->id);
    }
    return whole_or_nothing(groups, r == 0);
}

static json_t *pool_to_json(const struct export *export)
{
    const struct keyshm_snapshot *snapshot = export->snapshot;
    return json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:o, s:o, s:b, s:s, s:o, s:o}", "schema", DOCUMENT_SCHEMA,
                     "provider", snapshot->provider, "kind", DOCUMENT_KIND, "exported_unix_ms",
                     (json_int_t) export->unix_ms, "capacity", (json_int_t)snapshot->capacity, "key_max",
                     (json_int_t)snapshot->key_max, "default_cooldown_ms", (json_int_t)snapshot->policy.cooldown_ms,
                     "provider_rules", snapshot->provider_rules, "policy", policy_settings_json(&snapshot->policy),
                     "limits", state_limits_json(export->pool, 0, snapshot), "with_keys",
                     (int)export->arguments->with_keys, "fingerprint_setting", export->setting, "models",
                     models_of_pool(export), "groups", groups_of_pool(export));
}

/* ---- a key ---- */

/* NULL: it is in none, or in one that is not exported. */
static const char *group_name(const struct export *export, keyshm_id id)
{
    const struct keyshm_group_snapshot *group = lookup_group(export->snapshot, id);
    return group != NULL && is_exported(group->name) ? group->name : NULL;
}

static json_t *key_to_json(const struct export *export, const struct keyshm_key_snapshot *key,
                           const char *fingerprint_or_null)
{
    json_t *object = json_pack("{s:I, s:s}", "slot", (json_int_t)key->slot, "masked_key", key->masked_key);
    json_t *subject = subject_to_json(export, key, KEY_WORD);
    json_t *rest = json_pack("{s:s?, s:I, s:I, s:o, s:s?}", "group", group_name(export, key->group), "priority",
                             (json_int_t)key->priority, "weight", (json_int_t)key->weight, "metadata", metadata_json(key),
                             "fingerprint", fingerprint_or_null);
    bool is_whole = json_object_update(object, subject) == 0 && json_object_update(object, rest) == 0;
    json_decref(subject);
    json_decref(rest);
    return whole_or_nothing(object, is_whole);
}

/* -EILSEQ: the key cannot be a JSON string. */
static int put_key(struct export *export, const struct keyshm_key_snapshot *key, const struct keyshm_pick *secret)
{
    char fingerprint[FINGERPRINT_SIZE];
    /* It takes most of a millisecond, and says nothing that the key itself does not. */
    int r = export->arguments->with_keys
                ? -ENODATA
                : fingerprint_make(export->setting, secret->key, secret->key_length, fingerprint);
    if (r < 0 && r != -ENODATA)
        return r;
    json_t *object = key_to_json(export, key, r == 0 ? fingerprint : NULL);
    if (object != NULL && export->arguments->with_keys &&
        json_object_set_new(object, "key", json_stringn(secret->key, secret->key_length)) < 0) {
        json_decref(object);
        return -EILSEQ;
    }
    return put_json(export, object, 0);
}

/* `id`: of the key that was being written; 0: none was. */
static enum exit_status fail_at(const struct export *export, keyshm_id id, int error)
{
    const char *provider = export->arguments->pool;
    if (export->output.error < 0)
        return EXIT_REFUSED; /* write_to() reports it */
    if (error == -EILSEQ)
        return refuse("pool %s: the key with id %" PRIu64
                      " is not UTF-8, which JSON must be; nothing was written; export "
                      "it without --with-keys, or remove that key",
                      provider, id);
    if (error == -ENOTSUP)
        return refuse("pool %s: the libcrypt here cannot make fingerprints (sha256crypt); nothing was written", provider);
    return fail(provider, error, NULL);
}

static enum exit_status put_keys(struct export *export)
{
    struct keyshm_pick secret;
    struct progress progress;
    const char *before = "\n";
    enum exit_status status = EXIT_FINE;
    progress_begin(&progress, "exported", "keys", export->snapshot->count);
    for (unsigned i = 0; i < export->snapshot->count && status == EXIT_FINE; i++) {
        const struct keyshm_key_snapshot *key = list_key(export->snapshot, i);
        int r = keyshm_get(export->pool, key->id, &secret);
        if (r == -ESTALE)
            continue; /* removed since */
        if (r == 0) {
            put(export, before);
            before = ",\n";
            r = put_key(export, key, &secret);
        }
        if (r < 0)
            status = fail_at(export, key->id, r);
        progress_show(&progress, i + 1);
    }
    progress_end(&progress);
    explicit_bzero(&secret, sizeof(secret));
    return status;
}

static enum exit_status put_all(struct export *export)
{
    put(export, "{");
    int r = put_json(export, pool_to_json(export), JSON_EMBED);
    if (r < 0)
        return fail_at(export, 0, r);
    put(export, ",\"keys\":[");
    enum exit_status status = put_keys(export);
    put(export, "]}\n");
    return status;
}

/* ---- where it goes ---- */

static enum exit_status write_to(struct export *export, int fd, const char *what)
{
    secret_output_begin(&export->output, fd);
    enum exit_status status = put_all(export);
    int r = secret_output_end(&export->output);
    return r < 0 ? refuse("pool %s: cannot write %s: %s", export->arguments->pool, what, system_error(-r)) : status;
}

static enum exit_status refuse_file(const struct export *export, int error)
{
    const char *provider = export->arguments->pool;
    if (error == -EEXIST)
        return refuse("pool %s: a file with the name given with --output exists already; nothing was written; move "
                      "it away, or choose another name",
                      provider);
    if (error == -EOPNOTSUPP)
        return refuse("pool %s: the file system of that directory cannot make a file that appears whole or not at all "
                      "(O_TMPFILE); nothing was written; choose a directory on another one, such as /tmp",
                      provider);
    return refuse("pool %s: cannot make the file given with --output: %s; nothing was written", provider,
                  system_error(-error));
}

static enum exit_status write_to_file(struct export *export)
{
    struct output_file file;
    int r = output_file_begin(&file, export->arguments->file);
    if (r < 0)
        return refuse_file(export, r);
    enum exit_status status = write_to(export, file.fd, "the file given with --output, which was not made");
    if (status == EXIT_FINE) {
        r = output_file_finish(&file);
        if (r < 0)
            status = refuse_file(export, r);
    }
    output_file_end(&file);
    return status;
}

static enum exit_status export_pool(const struct arguments *arguments, keyshm_pool *pool)
{
    struct keyshm_snapshot *snapshot;
    struct export export = {.arguments = arguments, .pool = pool};
    int r = keyshm_snapshot(pool, &snapshot);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    /* Taken after the cooldowns were read: import then keeps a key benched for too long rather than too short. */
    export.unix_ms = clock_wall_ms();
    export.since_ms = clock_monotonic_ms();
    export.snapshot = snapshot;
    r = fingerprint_new_setting(snapshot->count, export.setting);
    enum exit_status status;
    if (r < 0)
        status = fail(arguments->pool, r, NULL);
    else if (arguments->file != NULL)
        status = write_to_file(&export);
    else
        status = write_to(&export, STDOUT_FILENO, "the output");
    keyshm_snapshot_free(snapshot);
    return status;
}

enum exit_status cmd_export(const struct arguments *arguments)
{
    keyshm_pool *pool;
    if (arguments->with_keys && arguments->file == NULL) {
        complain("export: --with-keys needs --output FILE: keys never go to standard output");
        return point_to_help();
    }
    secret_wipe_json();
    int r = keyshm_attach_readonly_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = export_pool(arguments, pool);
    keyshm_close(pool);
    return status;
}
