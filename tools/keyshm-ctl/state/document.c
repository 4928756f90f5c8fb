/* SPDX-License-Identifier: MIT */
#include "state/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "metadata_rules.h"
#include "program.h"
#include "state/fingerprint.h"

#define YEAR_10000_MS INT64_C(253402300800000)
#define SLOT_MAX ((1 << 24) - 1)

/* A member, and what it must be. */
struct rule {
    const char *name;
    bool (*is_kept)(json_t *value);
    const char *text;
};

static bool is_within(const json_t *value, json_int_t min, json_int_t max)
{
    return json_is_integer(value) && json_integer_value(value) >= min && json_integer_value(value) <= max;
}

static bool is_text_within(const json_t *value, size_t min, size_t max)
{
    return json_is_string(value) && json_string_length(value) >= min && json_string_length(value) <= max;
}

/* ---- the document ---- */

static bool is_kind(json_t *value)
{
    return json_is_string(value) && strcmp(json_string_value(value), DOCUMENT_KIND) == 0;
}

static bool is_schema(json_t *value)
{
    return is_within(value, DOCUMENT_SCHEMA, DOCUMENT_SCHEMA);
}

static bool is_provider(json_t *value)
{
    return is_text_within(value, 1, KEYSHM_PROVIDER_MAX);
}

static bool is_time(json_t *value)
{
    return is_within(value, 0, YEAR_10000_MS);
}

static bool is_capacity(json_t *value)
{
    return is_within(value, 1, KEYSHM_CAPACITY_MAX);
}

static bool is_key_max(json_t *value)
{
    return is_within(value, 1, KEYSHM_KEY_MAX);
}

static bool is_cooldown(json_t *value)
{
    return is_within(value, 0, KEYSHM_DURATION_MAX_MS);
}

static bool is_cooldown_max(json_t *value)
{
    return is_within(value, 1, KEYSHM_DURATION_MAX_MS);
}

/* NULL: there is none. */
static bool is_policy(json_t *value)
{
    return value == NULL || json_is_object(value);
}

static bool is_boolean(json_t *value)
{
    return json_is_boolean(value);
}

static bool is_setting(json_t *value)
{
    return json_is_string(value) && fingerprint_setting_is_valid(json_string_value(value));
}

static bool is_array(json_t *value)
{
    return json_is_array(value) && json_array_size(value) <= KEYSHM_CAPACITY_MAX;
}

#define DURATION_RULE "from 0 to 31622400000, which is 366 days"
_Static_assert(KEYSHM_DURATION_MAX_MS == INT64_C(31622400000), "DURATION_RULE");
_Static_assert(KEYSHM_PROVIDER_MAX == 64 && KEYSHM_CAPACITY_MAX == 1048576 && KEYSHM_KEY_MAX == 4096, "the rules");
_Static_assert(DOCUMENT_SCHEMA == 1, "the rules");

/* `kind` first, so that a file of another kind is refused as such. */
static const struct rule rules[] = {
    {"kind", is_kind, "\"" DOCUMENT_KIND "\", as export writes it"},
    {"schema", is_schema, "1; export it with the keyshm-ctl that is to import it"},
    {"provider", is_provider, "a pool's name of 1 to 64 bytes"},
    {"exported_unix_ms", is_time, "milliseconds since 1970, up to the year 9999"},
    {"capacity", is_capacity, "a number from 1 to 1048576"},
    {"key_max", is_key_max, "a number from 1 to 4096"},
    {"default_cooldown_ms", is_cooldown, "milliseconds " DURATION_RULE},
    {"policy", is_policy, "an object"},
    {"with_keys", is_boolean, "true or false"},
    {"fingerprint_setting", is_setting, "as export writes it: $5$rounds=N$SALT"},
    {"keys", is_array, "an array of up to 1048576 keys"},
    {NULL, NULL, NULL},
};

/* As keyshm-ctl policy takes them. */
static const struct rule policy_rules[] = {
    {"cooldown_ms", is_cooldown, "milliseconds " DURATION_RULE},
    {"cooldown_max_ms", is_cooldown_max, "milliseconds from 1 to 31622400000, which is 366 days"},
    {NULL, NULL, NULL},
};

/* ---- one of its keys ---- */

static bool is_slot(json_t *value)
{
    return is_within(value, 0, SLOT_MAX);
}

static bool is_masked_key(json_t *value)
{
    return is_text_within(value, 1, KEYSHM_MASKED_SIZE - 1);
}

static bool is_status(json_t *value)
{
    enum keyshm_status status;
    return json_is_string(value) && keyshm_status_from_name(json_string_value(value), &status) == 0;
}

static bool is_reason(json_t *value)
{
    enum keyshm_reason reason;
    return json_is_string(value) && keyshm_reason_from_name(json_string_value(value), &reason) == 0;
}

static bool is_cooldown_left(json_t *value)
{
    return is_within(value, -1, KEYSHM_DURATION_MAX_MS);
}

static bool is_marked(json_t *value)
{
    bool is_kept = json_is_object(value);
    for (int status = 0; status < KEYSHM_STATUS_COUNT && is_kept; status++)
        is_kept = is_within(json_object_get(value, keyshm_status_name((enum keyshm_status)status)), 0, INT64_MAX);
    return is_kept;
}

static bool is_metadata(json_t *metadata)
{
    const char *name;
    json_t *value;
    size_t size = 0;
    if (!json_is_object(metadata))
        return false;
    json_object_foreach((json_t *)metadata, name, value)
    {
        if (!metadata_name_is_allowed(name) || !json_is_string(value) ||
            !metadata_value_is_allowed(json_string_value(value)))
            return false;
        size += strlen(name) + 1 + json_string_length(value) + 1;
    }
    return size <= KEYSHM_METADATA_BYTES_MAX;
}

static bool is_fingerprint(json_t *value)
{
    return json_is_null(value) || (json_is_string(value) && fingerprint_is_valid(json_string_value(value)));
}

/* NULL: there is none. Whether the pool accepts it is checked later. */
static bool is_key(json_t *value)
{
    return value == NULL || is_text_within(value, 1, KEYSHM_KEY_MAX);
}

_Static_assert(KEYSHM_METADATA_BYTES_MAX == 160, "the rule of metadata");

static const struct rule key_rules[] = {
    {"slot", is_slot, "a number from 0 to 16777215"},
    {"masked_key", is_masked_key, "a masked key of 1 to 23 bytes"},
    {"status", is_status, "available, rate_limited, quota_exceeded or invalid"},
    {"reason", is_reason, "the name of a reason, such as rate_limit, or none"},
    {"is_paused", is_boolean, "true or false"},
    {"cooldown_left_ms", is_cooldown_left, "-1, or milliseconds " DURATION_RULE},
    {"marked", is_marked, "an object with a number for each status"},
    {"metadata", is_metadata,
     "an object: names of " METADATA_NAME_RULE ", values of " METADATA_VALUE_RULE ", at most 160 bytes in all"},
    {"fingerprint", is_fingerprint, "null, or 43 of A-Z a-z 0-9 . /"},
    {"key", is_key, "a string of 1 to 4096 bytes"},
    {NULL, NULL, NULL},
};

/* The first rule that is broken, or NULL. */
static const struct rule *find_broken(const struct rule *rule, const json_t *object)
{
    for (; rule->name != NULL; rule++)
        if (!rule->is_kept(json_object_get(object, rule->name)))
            return rule;
    return NULL;
}

static bool goes_with_status(const struct document_key *key)
{
    if (key->status == KEYSHM_AVAILABLE)
        return key->cooldown_left_ms == 0;
    return key->status == KEYSHM_INVALID ? key->cooldown_left_ms == -1 : key->cooldown_left_ms != 0;
}

static struct document_key take_key_apart(const json_t *object)
{
    struct document_key key = {.key = json_string_value(json_object_get(object, "key"))};
    key.key_length = json_string_length(json_object_get(object, "key"));
    key.fingerprint = json_string_value(json_object_get(object, "fingerprint"));
    keyshm_status_from_name(json_string_value(json_object_get(object, "status")), &key.status);
    keyshm_reason_from_name(json_string_value(json_object_get(object, "reason")), &key.reason);
    key.is_paused = json_is_true(json_object_get(object, "is_paused"));
    key.cooldown_left_ms = json_integer_value(json_object_get(object, "cooldown_left_ms"));
    key.metadata = json_object_get(object, "metadata");
    return key;
}

static enum exit_status refuse_key(const char *provider, size_t i, const char *name, const char *text)
{
    return refuse("pool %s: in the file, keys[%zu]%s%s; nothing was changed", provider, i, name, text);
}

static enum exit_status take_key(struct document *document, const char *provider, const json_t *object)
{
    size_t i = document->count;
    if (!json_is_object(object))
        return refuse_key(provider, i, "", " must be an object");
    const struct rule *broken = find_broken(key_rules, object);
    if (broken != NULL)
        return refuse("pool %s: in the file, keys[%zu].%s must be %s; nothing was changed", provider, i, broken->name,
                      broken->text);
    struct document_key key = take_key_apart(object);
    if (!goes_with_status(&key))
        return refuse_key(provider, i, ".cooldown_left_ms", " does not go with its status");
    if ((key.key != NULL) != document->with_keys)
        return refuse_key(provider, i, ".key",
                          document->with_keys ? " is missing, though with_keys is true"
                                              : " is there, though with_keys is false");
    document->keys[document->count++] = key;
    return EXIT_FINE;
}

/* ---- keys that are the same ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum exit_status refuse_twins(const struct document *document, const char *provider)
{
    const char **fingerprints = calloc(document->count + 1, sizeof(*fingerprints));
    size_t count = 0;
    enum exit_status status = EXIT_FINE;
    if (fingerprints == NULL)
        return fail(provider, -ENOMEM, NULL);
    for (size_t i = 0; i < document->count; i++)
        if (document->keys[i].fingerprint != NULL)
            fingerprints[count++] = document->keys[i].fingerprint;
    qsort(fingerprints, count, sizeof(*fingerprints), compare);
    for (size_t i = 1; i < count && status == EXIT_FINE; i++)
        if (strcmp(fingerprints[i - 1], fingerprints[i]) == 0)
            status = refuse("pool %s: in the file, two keys have the same fingerprint; nothing was changed", provider);
    free(fingerprints);
    return status;
}

/* ---- all of it ---- */

static enum exit_status take_policy(struct document_policy *policy, const char *provider, const json_t *object)
{
    if (object == NULL)
        return EXIT_FINE;
    const struct rule *broken = find_broken(policy_rules, object);
    if (broken != NULL)
        return refuse("pool %s: in the file, policy.%s must be %s; nothing was changed", provider, broken->name,
                      broken->text);
    policy->is_given = true;
    policy->cooldown_ms = json_integer_value(json_object_get(object, "cooldown_ms"));
    policy->cooldown_max_ms = json_integer_value(json_object_get(object, "cooldown_max_ms"));
    return EXIT_FINE;
}

enum exit_status document_begin(struct document *document, const char *provider, json_t *json)
{
    *document = (struct document){.keys = NULL};
    if (!json_is_object(json))
        return refuse("pool %s: this is not what export writes: it must be a JSON object; nothing was changed", provider);
    const struct rule *broken = find_broken(rules, json);
    if (broken != NULL)
        return refuse("pool %s: in the file, %s must be %s; nothing was changed", provider, broken->name, broken->text);
    const json_t *keys = json_object_get(json, "keys");
    document->exported_unix_ms = json_integer_value(json_object_get(json, "exported_unix_ms"));
    document->fingerprint_setting = json_string_value(json_object_get(json, "fingerprint_setting"));
    document->with_keys = json_is_true(json_object_get(json, "with_keys"));
    document->keys = calloc(json_array_size(keys) + 1, sizeof(*document->keys));
    if (document->keys == NULL)
        return fail(provider, -ENOMEM, NULL);
    enum exit_status status = take_policy(&document->policy, provider, json_object_get(json, "policy"));
    for (size_t i = 0; i < json_array_size(keys) && status == EXIT_FINE; i++)
        status = take_key(document, provider, json_array_get(keys, i));
    return status == EXIT_FINE ? refuse_twins(document, provider) : status;
}

void document_end(struct document *document)
{
    free(document->keys);
    document->keys = NULL;
}
