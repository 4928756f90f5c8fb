/* SPDX-License-Identifier: MIT */
#include "state/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "metadata_rules.h"
#include "name_rules.h"
#include "program.h"
#include "state/fingerprint.h"
#include "state/limits.h"

#define YEAR_10000_MS INT64_C(253402300800000)
#define SLOT_MAX ((1 << 24) - 1)

/* ---- the document ---- */

static bool is_kind(json_t *value)
{
    return json_is_string(value) && strcmp(json_string_value(value), DOCUMENT_KIND) == 0;
}

static bool is_schema(json_t *value)
{
    return rule_is_within(value, DOCUMENT_SCHEMA, DOCUMENT_SCHEMA);
}

static bool is_provider(json_t *value)
{
    return rule_is_text_within(value, 1, KEYSHM_PROVIDER_MAX);
}

static bool is_time(json_t *value)
{
    return rule_is_within(value, 0, YEAR_10000_MS);
}

static bool is_capacity(json_t *value)
{
    return rule_is_within(value, 1, KEYSHM_CAPACITY_MAX);
}

static bool is_key_max(json_t *value)
{
    return rule_is_within(value, 1, KEYSHM_KEY_MAX);
}

static bool is_cooldown(json_t *value)
{
    return rule_is_within(value, 0, KEYSHM_DURATION_MAX_MS);
}

/* NULL: it is not said, as in files of earlier versions. */
static bool is_provider_rules(json_t *value)
{
    return value == NULL || (json_is_string(value) && name_is_of_pool(json_string_value(value)));
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

/* NULL: there are none, as in files of earlier versions. */
static bool is_groups(json_t *value)
{
    return value == NULL || (json_is_array(value) && json_array_size(value) <= KEYSHM_GROUPS_MAX);
}

static bool is_name(json_t *value)
{
    return json_is_string(value) && name_is_allowed(json_string_value(value));
}

static bool is_models(json_t *value)
{
    bool is_kept = value == NULL || (json_is_array(value) && json_array_size(value) <= KEYSHM_MODELS_MAX);
    for (size_t i = 0; is_kept && i < json_array_size(value); i++)
        is_kept = is_name(json_array_get(value, i));
    return is_kept;
}

_Static_assert(KEYSHM_PROVIDER_MAX == 64 && KEYSHM_CAPACITY_MAX == 1048576 && KEYSHM_KEY_MAX == 4096, "the rules");
_Static_assert(KEYSHM_GROUPS_MAX == 1024, "the rule of groups");
_Static_assert(KEYSHM_MODELS_MAX == 1024, "the rule of models");
_Static_assert(DOCUMENT_SCHEMA == 1, "the rules");

/* `kind` first, so that a file of another kind is refused as such. */
static const struct rule rules[] = {
    {"kind", is_kind, "\"" DOCUMENT_KIND "\", as export writes it"},
    {"schema", is_schema, "1; export it with the keyshm-ctl that is to import it"},
    {"provider", is_provider, "a pool's name of 1 to 64 bytes"},
    {"exported_unix_ms", is_time, "milliseconds since 1970, up to the year 9999"},
    {"capacity", is_capacity, "a number from 1 to 1048576"},
    {"key_max", is_key_max, "a number from 1 to 4096"},
    {"default_cooldown_ms", is_cooldown, "milliseconds " SUBJECT_DURATION_RULE},
    {"provider_rules", is_provider_rules, "a name of " NAME_OF_POOL_RULE},
    {"policy", is_policy, "an object"},
    {"limits", state_limits_are_sound, STATE_LIMITS_RULE},
    {"with_keys", is_boolean, "true or false"},
    {"fingerprint_setting", is_setting, "as export writes it: $5$rounds=N$SALT"},
    {"groups", is_groups, "an array of up to 1024 groups"},
    {"models", is_models, "an array of up to 1024 names of " NAME_RULE},
    {"keys", is_array, "an array of up to 1048576 keys"},
    {NULL, NULL, NULL},
};

/* ---- one of its groups ---- */

static const struct rule group_rules[] = {
    {"name", is_name, "a name of " NAME_RULE},
    {NULL, NULL, NULL},
};

/* ---- one of its keys ---- */

static bool is_slot(json_t *value)
{
    return rule_is_within(value, 0, SLOT_MAX);
}

static bool is_masked_key(json_t *value)
{
    return rule_is_text_within(value, 1, KEYSHM_MASKED_SIZE - 1);
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
    return value == NULL || rule_is_text_within(value, 1, KEYSHM_KEY_MAX);
}

_Static_assert(KEYSHM_METADATA_BYTES_MAX == 160, "the rule of metadata");

/* NULL: there is none. */
static bool is_group(json_t *value)
{
    return value == NULL || json_is_null(value) || json_is_string(value);
}

/* NULL: it is not said, as in files of earlier versions. */
static bool is_priority(json_t *value)
{
    return value == NULL || rule_is_within(value, 0, KEYSHM_PRIORITY_MAX);
}

static bool is_weight(json_t *value)
{
    return value == NULL || rule_is_within(value, 1, KEYSHM_WEIGHT_MAX);
}

_Static_assert(KEYSHM_PRIORITY_MAX == 3 && KEYSHM_WEIGHT_MAX == 15, "the rules of priority and weight");

static const struct rule key_rules[] = {
    {"slot", is_slot, "a number from 0 to 16777215"},
    {"masked_key", is_masked_key, "a masked key of 1 to 23 bytes"},
    {"group", is_group, "null, or the name of one of the groups"},
    {"priority", is_priority, "a number from 0 to 3"},
    {"weight", is_weight, "a number from 1 to 15"},
    {"metadata", is_metadata,
     "an object: names of " METADATA_NAME_RULE ", values of " METADATA_VALUE_RULE ", at most 160 bytes in all"},
    {"fingerprint", is_fingerprint, "null, or 43 of A-Z a-z 0-9 . /"},
    {"key", is_key, "a string of 1 to 4096 bytes"},
    {NULL, NULL, NULL},
};

/* ---- taking them apart ---- */

/* An entry of "keys" or "groups". */
struct entry {
    const char *provider;
    const char *list;
    size_t i;
    const json_t *object;
};

static enum exit_status refuse_entry(const struct entry *entry, const char *name, const char *text)
{
    return refuse("pool %s: in the file, %s[%zu]%s%s; nothing was changed", entry->provider, entry->list, entry->i, name,
                  text);
}

static enum exit_status check_rules(const struct entry *entry, const struct rule *rules_of_entry)
{
    const struct rule *broken = rule_find_broken(rules_of_entry, entry->object);
    return broken != NULL ? refuse("pool %s: in the file, %s[%zu].%s must be %s; nothing was changed", entry->provider,
                                   entry->list, entry->i, broken->name, broken->text)
                          : EXIT_FINE;
}

static bool has_unknown_model(const struct document *document, const struct subject *subject)
{
    const char *name;
    json_t *bench;
    json_object_foreach(subject->models, name, bench)
    {
        if (json_object_get(document->model_numbers, name) == NULL)
            return true;
    }
    return false;
}

static enum exit_status take_subject(const struct document *document, const struct entry *entry,
                                     const struct rule *rules_of_entry, struct subject *ret_subject)
{
    if (!json_is_object(entry->object))
        return refuse_entry(entry, "", " must be an object");
    enum exit_status status = check_rules(entry, rules_of_entry);
    if (status == EXIT_FINE)
        status = check_rules(entry, subject_rules);
    if (status != EXIT_FINE)
        return status;
    *ret_subject = subject_take(entry->object);
    if (!subject_bench_is_sound(&ret_subject->whole))
        return refuse_entry(entry, ".cooldown_left_ms", " does not go with its status");
    if (has_unknown_model(document, ret_subject))
        return refuse_entry(entry, ".models", " has a model that is not one of the models");
    if (state_limits_have_unknown_model(ret_subject->limits, document->model_numbers))
        return refuse_entry(entry, ".limits", " has a model that is not one of the models");
    return EXIT_FINE;
}

/* -ENOMEM. */
static int set_number(json_t *numbers, const char *name, size_t number)
{
    return json_object_set_new(numbers, name, json_integer((json_int_t)number)) < 0 ? -ENOMEM : 0;
}

static enum exit_status take_model(struct document *document, const char *provider, size_t i)
{
    const char *name = json_string_value(json_array_get(document->models, i));
    if (json_object_get(document->model_numbers, name) != NULL)
        return refuse("pool %s: in the file, models[%zu] is there twice; nothing was changed", provider, i);
    return set_number(document->model_numbers, name, 0) < 0 ? fail(provider, -ENOMEM, NULL) : EXIT_FINE;
}

static enum exit_status take_group(struct document *document, const char *provider, const json_t *object)
{
    struct entry entry = {provider, "groups", document->group_count, object};
    struct document_group group = {.name = json_string_value(json_object_get(object, "name"))};
    enum exit_status status = take_subject(document, &entry, group_rules, &group.subject);
    if (status != EXIT_FINE)
        return status;
    if (json_object_get(document->group_numbers, group.name) != NULL)
        return refuse_entry(&entry, ".name", " is that of another group, too");
    if (set_number(document->group_numbers, group.name, document->group_count) < 0)
        return fail(provider, -ENOMEM, NULL);
    document->groups[document->group_count++] = group;
    return EXIT_FINE;
}

/* -1: it is not there. */
static int take_small_number(const json_t *object, const char *name)
{
    const json_t *number = json_object_get(object, name);
    return number != NULL ? (int)json_integer_value(number) : -1;
}

static struct document_key take_key_apart(const json_t *object)
{
    struct document_key key = {.key = json_string_value(json_object_get(object, "key"))};
    key.key_length = json_string_length(json_object_get(object, "key"));
    key.fingerprint = json_string_value(json_object_get(object, "fingerprint"));
    key.priority = take_small_number(object, "priority");
    key.weight = take_small_number(object, "weight");
    key.metadata = json_object_get(object, "metadata");
    return key;
}

static enum exit_status take_key(struct document *document, const char *provider, const json_t *object)
{
    struct entry entry = {provider, "keys", document->count, object};
    struct document_key key = take_key_apart(object);
    enum exit_status status = take_subject(document, &entry, key_rules, &key.subject);
    if (status != EXIT_FINE)
        return status;
    const char *group = json_string_value(json_object_get(object, "group"));
    const json_t *number = group != NULL ? json_object_get(document->group_numbers, group) : NULL;
    if (group != NULL && number == NULL)
        return refuse_entry(&entry, ".group", " is not one of the groups");
    if (group != NULL)
        key.group = &document->groups[json_integer_value(number)];
    if ((key.key != NULL) != document->with_keys)
        return refuse_entry(&entry, ".key",
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

static enum exit_status take_policy(struct policy_changes *policy, const char *provider, const json_t *object)
{
    if (object == NULL)
        return EXIT_FINE;
    char rule[POLICY_RULE_SIZE];
    const struct policy_setting *broken = policy_changes_from_json(object, policy);
    if (broken != NULL) {
        policy_setting_json_rule(broken, rule);
        return refuse("pool %s: in the file, policy.%s must be %s; nothing was changed", provider, broken->json_name,
                      rule);
    }
    return EXIT_FINE;
}

static enum exit_status take_limits(struct document *document, const char *provider, json_t *limits)
{
    document->limits = limits;
    return state_limits_have_unknown_model(limits, document->model_numbers)
               ? refuse("pool %s: in the file, limits has a model that is not one of the models; nothing was changed",
                        provider)
               : EXIT_FINE;
}

/* Memory for as many keys and groups as there are. */
static int make_room(struct document *document, const json_t *json)
{
    document->keys = calloc(json_array_size(json_object_get(json, "keys")) + 1, sizeof(*document->keys));
    document->groups = calloc(json_array_size(json_object_get(json, "groups")) + 1, sizeof(*document->groups));
    document->group_numbers = json_object();
    document->model_numbers = json_object();
    return document->keys != NULL && document->groups != NULL && document->group_numbers != NULL &&
                   document->model_numbers != NULL
               ? 0
               : -ENOMEM;
}

typedef enum exit_status take_fn(struct document *document, const char *provider, const json_t *object);

static enum exit_status take_each(struct document *document, const char *provider, const json_t *array, take_fn *take)
{
    enum exit_status status = EXIT_FINE;
    for (size_t i = 0; i < json_array_size(array) && status == EXIT_FINE; i++)
        status = take(document, provider, json_array_get(array, i));
    return status;
}

/* Models and groups first: keys refer to them. */
static enum exit_status take_all(struct document *document, const char *provider, const json_t *json)
{
    enum exit_status status = take_policy(&document->policy, provider, json_object_get(json, "policy"));
    document->models = json_object_get(json, "models");
    for (size_t i = 0; i < json_array_size(document->models) && status == EXIT_FINE; i++)
        status = take_model(document, provider, i);
    if (status == EXIT_FINE)
        status = take_limits(document, provider, json_object_get(json, "limits"));
    if (status == EXIT_FINE)
        status = take_each(document, provider, json_object_get(json, "groups"), take_group);
    if (status == EXIT_FINE)
        status = take_each(document, provider, json_object_get(json, "keys"), take_key);
    return status == EXIT_FINE ? refuse_twins(document, provider) : status;
}

enum exit_status document_begin(struct document *document, const char *provider, json_t *json)
{
    *document = (struct document){.keys = NULL};
    if (!json_is_object(json))
        return refuse("pool %s: this is not what export writes: it must be a JSON object; nothing was changed", provider);
    const struct rule *broken = rule_find_broken(rules, json);
    if (broken != NULL)
        return refuse("pool %s: in the file, %s must be %s; nothing was changed", provider, broken->name, broken->text);
    document->exported_unix_ms = json_integer_value(json_object_get(json, "exported_unix_ms"));
    document->provider = json_string_value(json_object_get(json, "provider"));
    document->provider_rules = json_string_value(json_object_get(json, "provider_rules"));
    document->fingerprint_setting = json_string_value(json_object_get(json, "fingerprint_setting"));
    document->with_keys = json_is_true(json_object_get(json, "with_keys"));
    return make_room(document, json) < 0 ? fail(provider, -ENOMEM, NULL) : take_all(document, provider, json);
}

void document_end(struct document *document)
{
    json_decref(document->model_numbers);
    json_decref(document->group_numbers);
    free(document->groups);
    free(document->keys);
    *document = (struct document){.keys = NULL};
}
