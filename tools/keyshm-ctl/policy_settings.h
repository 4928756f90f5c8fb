/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_POLICY_SETTINGS_H
#define KEYSHM_CTL_POLICY_SETTINGS_H

/* The settings of a policy: what each is called here, in JSON and in keyshm.h, what it may be, and what it means. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keyshm.h"

enum { POLICY_SETTINGS = 9 };

struct policy_setting {
    const char *name;      /* "cooldown-max" */
    const char *json_name; /* "cooldown_max_ms", as in struct keyshm_policy */
    size_t offset;         /* in struct keyshm_policy */
    bool is_unsigned;      /* there an unsigned, and no time */
    int64_t least, most;
    const char *special; /* a word for a value beside these, "never"; NULL: there is none */
    int64_t special_value;
    const char *meaning;
};

extern const struct policy_setting policy_settings[POLICY_SETTINGS];

/* What its value in JSON must be. */
enum { POLICY_RULE_SIZE = 96 };
void policy_setting_json_rule(const struct policy_setting *setting, char ret_text[POLICY_RULE_SIZE]);

/* Settings that were given, as words NAME=VALUE or in JSON. */
struct policy_changes {
    bool is_given[POLICY_SETTINGS];
    struct keyshm_policy policy;
};

/* -EINVAL, -ERANGE. */
int policy_changes_parse(const char *word, struct policy_changes *changes);
bool policy_changes_are_given(const struct policy_changes *changes);
void policy_changes_apply(const struct policy_changes *changes, struct keyshm_policy *policy);

/* "cooldown-max=86400", as they are given. */
enum { POLICY_SETTING_SIZE = 64 };
void policy_setting_format(const struct keyshm_policy *policy, const struct policy_setting *setting,
                           char ret_text[POLICY_SETTING_SIZE]);

/* By json_name; without an end: -1. NULL: out of memory. */
json_t *policy_settings_json(const struct keyshm_policy *policy);

/* Those that such an object has. Returns the setting whose value is none; NULL: all is well. */
const struct policy_setting *policy_changes_from_json(const json_t *object, struct policy_changes *changes);

#endif
