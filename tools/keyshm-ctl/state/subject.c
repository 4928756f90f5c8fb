/* SPDX-License-Identifier: MIT */
#include "state/subject.h"

#include "name_rules.h"
#include "state/limits.h"

#define STREAK_MAX 255

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

static bool is_paused(json_t *value)
{
    return json_is_boolean(value);
}

static bool is_cooldown_left(json_t *value)
{
    return rule_is_within(value, -1, KEYSHM_DURATION_MAX_MS);
}

static bool is_marked(json_t *value)
{
    bool is_kept = json_is_object(value);
    for (int status = 0; status < KEYSHM_STATUS_COUNT && is_kept; status++)
        is_kept = rule_is_within(json_object_get(value, keyshm_status_name((enum keyshm_status)status)), 0, INT64_MAX);
    return is_kept;
}

/* NULL: the file is of an earlier version. */
static bool is_streak(json_t *value)
{
    if (value == NULL || json_is_null(value))
        return true;
    json_t *rate_limits = json_object_get(value, "rate_limits"), *invalids = json_object_get(value, "invalids");
    return rule_is_within(rate_limits, 0, STREAK_MAX) && rule_is_within(invalids, 0, STREAK_MAX) &&
           json_integer_value(rate_limits) + json_integer_value(invalids) > 0 &&
           rule_is_within(json_object_get(value, "failed_ago_ms"), 0, KEYSHM_DURATION_MAX_MS);
}

_Static_assert(KEYSHM_DURATION_MAX_MS == INT64_C(31622400000), "SUBJECT_DURATION_RULE");

static const struct rule bench_rules[] = {
    {"status", is_status, NULL}, {"reason", is_reason, NULL}, {"cooldown_left_ms", is_cooldown_left, NULL},
    {"streak", is_streak, NULL}, {NULL, NULL, NULL},
};

static bool is_bench(const json_t *object)
{
    if (!json_is_object(object) || rule_find_broken(bench_rules, object) != NULL)
        return false;
    struct subject_bench bench = subject_take_bench(object);
    bool says_something = bench.status != KEYSHM_AVAILABLE || json_is_object(json_object_get(object, "streak"));
    return says_something && subject_bench_is_sound(&bench);
}

/* NULL: there are none, as in files of earlier versions. */
static bool is_models(json_t *models)
{
    const char *name;
    json_t *bench;
    if (models != NULL && !json_is_object(models))
        return false;
    json_object_foreach(models, name, bench)
    {
        if (!name_is_allowed(name) || !is_bench(bench))
            return false;
    }
    return true;
}

const struct rule subject_rules[] = {
    {"status", is_status, "available, rate_limited, quota_exceeded or invalid"},
    {"reason", is_reason, "the name of a reason, such as rate_limit, or none"},
    {"is_paused", is_paused, "true or false"},
    {"cooldown_left_ms", is_cooldown_left, "-1, or milliseconds " SUBJECT_DURATION_RULE},
    {"models", is_models,
     "an object: names of models, each with the status, cooldown_left_ms and reason of a bench, or a streak, as export "
     "writes them"},
    {"streak", is_streak,
     "null, or an object: rate_limits and invalids, numbers from 0 to 255 and not both 0, and failed_ago_ms, "
     "milliseconds " SUBJECT_DURATION_RULE},
    {"limits", state_limits_are_sound, STATE_LIMITS_RULE},
    {"marked", is_marked, "an object with a number for each status"},
    {NULL, NULL, NULL},
};

static struct keyshm_streak take_streak(const json_t *value)
{
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    if (!json_is_object(value))
        return streak;
    streak.rate_limits = (unsigned)json_integer_value(json_object_get(value, "rate_limits"));
    streak.invalids = (unsigned)json_integer_value(json_object_get(value, "invalids"));
    streak.failed_ago_ms = json_integer_value(json_object_get(value, "failed_ago_ms"));
    return streak;
}

struct subject_bench subject_take_bench(const json_t *object)
{
    struct subject_bench bench = {.streak = take_streak(json_object_get(object, "streak"))};
    keyshm_status_from_name(json_string_value(json_object_get(object, "status")), &bench.status);
    keyshm_reason_from_name(json_string_value(json_object_get(object, "reason")), &bench.reason);
    bench.cooldown_left_ms = json_integer_value(json_object_get(object, "cooldown_left_ms"));
    return bench;
}

struct subject subject_take(const json_t *object)
{
    return (struct subject){.whole = subject_take_bench(object),
                            .is_paused = json_is_true(json_object_get(object, "is_paused")),
                            .limits = json_object_get(object, "limits"),
                            .models = json_object_get(object, "models")};
}

bool subject_bench_is_sound(const struct subject_bench *bench)
{
    if (bench->status == KEYSHM_AVAILABLE)
        return bench->cooldown_left_ms == 0;
    return bench->cooldown_left_ms != 0;
}
