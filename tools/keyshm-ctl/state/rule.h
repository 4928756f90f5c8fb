/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_STATE_RULE_H
#define KEYSHM_CTL_STATE_RULE_H

/* What the members of a JSON object must be. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct rule {
    const char *name;               /* of the member; NULL ends a list of rules */
    bool (*is_kept)(json_t *value); /* NULL: there is no such member */
    const char *text;               /* what it must be */
};

/* The first rule that is broken, or NULL. */
static inline const struct rule *rule_find_broken(const struct rule *rule, const json_t *object)
{
    for (; rule->name != NULL; rule++)
        if (!rule->is_kept(json_object_get(object, rule->name)))
            return rule;
    return NULL;
}

static inline bool rule_is_within(const json_t *value, json_int_t min, json_int_t max)
{
    return json_is_integer(value) && json_integer_value(value) >= min && json_integer_value(value) <= max;
}

static inline bool rule_is_text_within(const json_t *value, size_t min, size_t max)
{
    return json_is_string(value) && json_string_length(value) >= min && json_string_length(value) <= max;
}

#endif
