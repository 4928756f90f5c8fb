/* SPDX-License-Identifier: MIT */
#include "state/limits.h"

#include <stddef.h>
#include <string.h>

#include "key_json.h"
#include "limit_settings.h"
#include "lists.h"
#include "name_rules.h"

/* ---- written ---- */

/* Takes over `model`. */
static json_t *entry_json(json_t *model, const struct keyshm_limits *limits)
{
    json_t *entry = json_pack("{s:o}", "model", model);
    json_t *members = limits_json(limits);
    int r = json_object_update(entry, members);
    json_decref(members);
    return whole_or_nothing(entry, r == 0);
}

json_t *state_limits_json(keyshm_pool *pool, keyshm_id id_or_0, const struct keyshm_snapshot *snapshot)
{
    json_t *array = json_array();
    int r = 0;
    for (unsigned model = 0; model <= snapshot->model_count; model++) {
        struct keyshm_limits limits;
        const char *name = model != 0 ? list_model(snapshot, model) : NULL;
        if ((name == NULL || name_is_allowed(name)) && limit_find_own(pool, id_or_0, model, &limits))
            r |= json_array_append_new(array, entry_json(name != NULL ? json_string(name) : json_null(), &limits));
    }
    return whole_or_nothing(array, r == 0);
}

/* ---- read ---- */

const char *state_limits_model(const json_t *entry)
{
    return json_string_value(json_object_get(entry, "model"));
}

static bool is_same_model(const json_t *a, const json_t *b)
{
    const char *first = state_limits_model(a), *second = state_limits_model(b);
    return first == NULL || second == NULL ? first == second : strcmp(first, second) == 0;
}

static bool is_entry(const json_t *array, size_t i)
{
    struct keyshm_limits limits;
    const json_t *entry = json_array_get(array, i), *model = json_object_get(entry, "model");
    bool is_sound = json_is_object(entry) && limits_from_json(entry, &limits) &&
                    (json_is_null(model) || (json_is_string(model) && name_is_allowed(json_string_value(model))));
    for (size_t j = 0; j < i && is_sound; j++)
        is_sound = !is_same_model(json_array_get(array, j), entry);
    return is_sound;
}

bool state_limits_are_sound(json_t *value)
{
    bool is_sound = value == NULL || (json_is_array(value) && json_array_size(value) <= KEYSHM_MODELS_MAX + 1);
    for (size_t i = 0; i < json_array_size(value) && is_sound; i++)
        is_sound = is_entry(value, i);
    return is_sound;
}

bool state_limits_have_unknown_model(const json_t *value, const json_t *models)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *model = state_limits_model(json_array_get(value, i));
        if (model != NULL && json_object_get(models, model) == NULL)
            return true;
    }
    return false;
}

struct keyshm_limits state_limits_take(const json_t *entry)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits_from_json(entry, &limits);
    return limits;
}
