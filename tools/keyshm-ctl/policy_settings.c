/* SPDX-License-Identifier: MIT */
#include "policy_settings.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "number.h"

/* In JSON, what has no end. */
#define JSON_NEVER (-1)

#define TIME(field) #field, offsetof(struct keyshm_policy, field), false
#define NUMBER(field) #field, offsetof(struct keyshm_policy, field), true

const struct policy_setting policy_settings[POLICY_SETTINGS] = {
    {"cooldown", TIME(cooldown_ms), 0, KEYSHM_DURATION_MAX_MS, NULL, 0,
     "how long a rate limit lasts for which the provider gives no time; 0: until marked available"},
    {"cooldown-growth", NUMBER(cooldown_growth_percent), 100, 1000, NULL, 0,
     "percent: how much longer each further one in a row is; 200 doubles it"},
    {"cooldown-max", TIME(cooldown_max_ms), 1, KEYSHM_DURATION_MAX_MS, NULL, 0,
     "the longest rate limit; longer ones are shortened"},
    {"streak-forget", TIME(streak_forget_ms), 1, KEYSHM_DURATION_MAX_MS, NULL, 0,
     "failures older than this are no longer in a row"},
    {"invalid-after", NUMBER(invalid_after), 1, 255, NULL, 0,
     "so many invalid marks in a row are final; before that, the key is rate limited for the cooldown"},
    {"invalid-retry", TIME(invalid_retry_ms), 1, KEYSHM_DURATION_MAX_MS, "never", KEYSHM_UNTIL_MARKED,
     "when an invalid key is tried again, by one request"},
    {"quota-retry", TIME(quota_retry_ms), 1, KEYSHM_DURATION_MAX_MS, "never", KEYSHM_UNTIL_MARKED,
     "the same of an exceeded quota without a known end"},
    {"probe", TIME(probe_ms), 1, KEYSHM_DURATION_MAX_MS, "off", 0,
     "one request gets what comes back from a bench, and is waited for so long; it has to report success"},
    {"lease-max", TIME(lease_max_ms), 1000, KEYSHM_DURATION_MAX_MS, "never", 0,
     "after this time a lease gives its place back"},
};

static int64_t value_in(const struct keyshm_policy *policy, const struct policy_setting *setting)
{
    const char *at = (const char *)policy + setting->offset;
    return setting->is_unsigned ? (int64_t) * (const unsigned *)(const void *)at : *(const int64_t *)(const void *)at;
}

static void put(struct keyshm_policy *policy, const struct policy_setting *setting, int64_t value)
{
    char *at = (char *)policy + setting->offset;
    if (setting->is_unsigned)
        *(unsigned *)(void *)at = (unsigned)value;
    else
        *(int64_t *)(void *)at = value;
}

static bool is_allowed(const struct policy_setting *setting, int64_t value)
{
    return (value >= setting->least && value <= setting->most) ||
           (setting->special != NULL && value == setting->special_value);
}

/* ---- as words ---- */

static int parse_value(const char *text, const struct policy_setting *setting, int64_t *ret_value)
{
    uint64_t number = 0;
    if (setting->special != NULL && strcmp(text, setting->special) == 0) {
        *ret_value = setting->special_value;
        return 0;
    }
    if (!setting->is_unsigned)
        return number_parse_seconds(text, ret_value);
    int r = number_parse(text, INT_MAX, &number);
    *ret_value = (int64_t)number;
    return r;
}

int policy_changes_parse(const char *word, struct policy_changes *changes)
{
    size_t length = strcspn(word, "=");
    for (size_t i = 0; i < POLICY_SETTINGS && word[length] != '\0'; i++) {
        const struct policy_setting *setting = &policy_settings[i];
        int64_t value;
        if (strlen(setting->name) != length || strncmp(setting->name, word, length) != 0)
            continue;
        int r = parse_value(word + length + 1, setting, &value);
        if (r == 0 && !is_allowed(setting, value))
            r = -ERANGE;
        if (r < 0)
            return r;
        put(&changes->policy, setting, value);
        changes->is_given[i] = true;
        return 0;
    }
    return -EINVAL;
}

bool policy_changes_are_given(const struct policy_changes *changes)
{
    for (size_t i = 0; i < POLICY_SETTINGS; i++)
        if (changes->is_given[i])
            return true;
    return false;
}

void policy_changes_apply(const struct policy_changes *changes, struct keyshm_policy *policy)
{
    for (size_t i = 0; i < POLICY_SETTINGS; i++)
        if (changes->is_given[i])
            put(policy, &policy_settings[i], value_in(&changes->policy, &policy_settings[i]));
}

void policy_setting_format(const struct keyshm_policy *policy, const struct policy_setting *setting,
                           char ret_text[POLICY_SETTING_SIZE])
{
    int64_t value = value_in(policy, setting);
    if (setting->special != NULL && value == setting->special_value)
        snprintf(ret_text, POLICY_SETTING_SIZE, "%s=%s", setting->name, setting->special);
    else if (setting->is_unsigned)
        snprintf(ret_text, POLICY_SETTING_SIZE, "%s=%" PRId64, setting->name, value);
    else if (value % 1000 == 0)
        snprintf(ret_text, POLICY_SETTING_SIZE, "%s=%" PRId64, setting->name, value / 1000);
    else
        snprintf(ret_text, POLICY_SETTING_SIZE, "%s=%" PRId64 ".%03" PRId64, setting->name, value / 1000, value % 1000);
}

/* ---- as JSON ---- */

void policy_setting_json_rule(const struct policy_setting *setting, char ret_text[POLICY_RULE_SIZE])
{
    char special[24] = "";
    int64_t value = setting->special_value == KEYSHM_UNTIL_MARKED ? JSON_NEVER : setting->special_value;
    if (setting->special != NULL)
        snprintf(special, sizeof(special), ", or %" PRId64, value);
    snprintf(ret_text, POLICY_RULE_SIZE, "%s from %" PRId64 " to %" PRId64 "%s%s",
             setting->is_unsigned ? "a number" : "milliseconds", setting->least, setting->most,
             setting->most == KEYSHM_DURATION_MAX_MS ? ", which is 366 days" : "", special);
}

json_t *policy_settings_json(const struct keyshm_policy *policy)
{
    json_t *object = json_object();
    int r = object != NULL ? 0 : -1;
    for (size_t i = 0; i < POLICY_SETTINGS && r == 0; i++) {
        int64_t value = value_in(policy, &policy_settings[i]);
        r = json_object_set_new(object, policy_settings[i].json_name,
                                json_integer(value == KEYSHM_UNTIL_MARKED ? JSON_NEVER : (json_int_t)value));
    }
    if (r == 0)
        return object;
    json_decref(object);
    return NULL;
}

const struct policy_setting *policy_changes_from_json(const json_t *object, struct policy_changes *changes)
{
    for (size_t i = 0; i < POLICY_SETTINGS; i++) {
        const struct policy_setting *setting = &policy_settings[i];
        const json_t *member = json_object_get(object, setting->json_name);
        int64_t value = json_integer_value(member);
        if (member == NULL)
            continue;
        if (value == JSON_NEVER && setting->special_value == KEYSHM_UNTIL_MARKED)
            value = KEYSHM_UNTIL_MARKED;
        if (!json_is_integer(member) || !is_allowed(setting, value))
            return setting;
        put(&changes->policy, setting, value);
        changes->is_given[i] = true;
    }
    return NULL;
}
