/* SPDX-License-Identifier: MIT */
#include "limit_rules.h"

#include <errno.h>
#include <stdio.h>

#include "benches.h"
#include "lookup.h"
#include "options.h"

/* ---- whose they are ---- */

static const char *find_group(struct limit_check *check, const char *name, keyshm_id *ret_id)
{
    if (keyshm_find_group(check->pool, name, ret_id) == 0)
        return NULL;
    snprintf(check->refusal, sizeof(check->refusal),
             "the pool has no group of that name; make it with: keyshm-ctl group %s NAME", check->provider);
    return check->refusal;
}

static const char *find_model(struct limit_check *check, const char *name, unsigned *ret_model)
{
    if (keyshm_find_model(check->pool, name, ret_model) == 0)
        return NULL;
    snprintf(check->refusal, sizeof(check->refusal),
             "the pool has no model of that name; make it with: keyshm-ctl model %s NAME", check->provider);
    return check->refusal;
}

static const char *find_masked(struct limit_check *check, const char *masked_key, keyshm_id *ret_id)
{
    unsigned count = lookup_masked(check->snapshot, masked_key, ret_id);
    if (count == 1)
        return NULL;
    snprintf(check->refusal, sizeof(check->refusal), "%s with: keyshm-stat --ids %s",
             count == 0 ? "no key has that masked form; see them"
                        : "several keys have that masked form; give an id; see it",
             check->provider);
    return check->refusal;
}

static const char *find_id(struct limit_check *check, keyshm_id id)
{
    if (id == 0 || lookup_key(check->snapshot, id) != NULL || lookup_group(check->snapshot, id) != NULL)
        return NULL;
    snprintf(check->refusal, sizeof(check->refusal),
             "no key or group has that id, or it was removed; see the ids with: keyshm-stat --ids %s", check->provider);
    return check->refusal;
}

const char *limit_find_subject(struct limit_check *check, const struct arguments *arguments, struct limit_line *ret_line)
{
    *ret_line = (struct limit_line){.id = arguments->id, .limits = KEYSHM_LIMITS_INIT};
    const char *wrong = NULL;
    if (arguments->group != NULL)
        wrong = find_group(check, arguments->group, &ret_line->id);
    else if (arguments->masked_key != NULL)
        wrong = find_masked(check, arguments->masked_key, &ret_line->id);
    else
        wrong = find_id(check, arguments->id);
    if (wrong == NULL && arguments->model != NULL)
        wrong = find_model(check, arguments->model, &ret_line->model);
    return wrong;
}

/* ---- what they are ---- */

const char *limit_check_cap(struct limit_check *check, bool is_group, bool is_of_model, unsigned in_flight)
{
    unsigned most = is_group ? check->snapshot->group_in_flight_max : check->snapshot->in_flight_max;
    if (in_flight != 0 && is_of_model)
        return "a cap of requests in flight is for whatever the model, not for one";
    if (in_flight <= most)
        return NULL;
    snprintf(check->refusal, sizeof(check->refusal),
             "the pool was made for a cap of up to %u requests in flight of a %s; more need one made with: keyshm-ctl "
             "create %s N",
             most, is_group ? "group" : "key",
             ctl_options[is_group ? OPTION_GROUP_IN_FLIGHT_MAX : OPTION_IN_FLIGHT_MAX].name);
    return check->refusal;
}

static const char *refuse_useless(struct limit_check *check, enum limit_setting_id useless)
{
    int rate = (int)useless;
    while (limit_settings[rate].kind != LIMIT_RATE)
        rate--;
    snprintf(check->refusal, sizeof(check->refusal), "%s goes with %s, and there is no such rate",
             ctl_options[OPTION_OF_LIMIT(useless)].name, ctl_options[OPTION_OF_LIMIT(rate)].name);
    return check->refusal;
}

static struct provider_counting counting_of(struct limit_check *check)
{
    if (!check->knows_counting)
        check->counting = provider_rules_counting(keyshm_provider_rules(check->pool));
    check->knows_counting = true;
    return check->counting;
}

/* A rate of tokens that is new is charged as the provider counts, unless it is said when. */
static void choose_charge(struct limit_check *check, const struct limit_changes *changes, struct keyshm_limits *limits)
{
    if (changes->is_given[LIMIT_TOKENS] && !changes->is_given[LIMIT_TOKENS_CHARGE] && limits->tokens.amount == 0)
        limits->tokens.charge = counting_of(check).charge;
    if (changes->is_given[LIMIT_TOKENS_LONG] && !changes->is_given[LIMIT_TOKENS_LONG_CHARGE] &&
        limits->tokens_long.amount == 0)
        limits->tokens_long.charge = counting_of(check).charge;
}

const char *limit_change(struct limit_check *check, const struct arguments *arguments, struct limit_line *line)
{
    line->is_removal = arguments->is_none;
    if (arguments->is_none)
        return limit_changes_are_given(&arguments->limits) ? "--none and a limit do not go together" : NULL;
    choose_charge(check, &arguments->limits, &line->limits);
    limit_changes_apply(&arguments->limits, &line->limits);
    enum limit_setting_id useless = limit_changes_find_useless(&arguments->limits, &line->limits);
    if (useless != LIMIT_SETTINGS)
        return refuse_useless(check, useless);
    bool is_group = line->id != 0 && benches_is_group(check->pool, line->id);
    return limit_check_cap(check, is_group, line->model != 0, line->limits.in_flight);
}

bool limit_should_be_of_group(struct limit_check *check, const struct limit_line *line)
{
    const struct keyshm_limits *limits = &line->limits;
    const struct keyshm_key_snapshot *key = lookup_key(check->snapshot, line->id);
    bool has_rate = limits->requests.amount != 0 || limits->tokens.amount != 0 || limits->requests_long.amount != 0 ||
                    limits->tokens_long.amount != 0;
    bool is_of_members = line->id == 0 ? check->snapshot->group_count > 0 : key != NULL && key->group != 0;
    return !line->is_removal && has_rate && is_of_members && counting_of(check).is_by_group;
}

/* ---- what is in force ---- */

bool limit_find_own(keyshm_pool *pool, keyshm_id id_or_0, unsigned model, struct keyshm_limits *ret_limits)
{
    struct keyshm_limits of_pool = KEYSHM_LIMITS_INIT;
    keyshm_limits_init(ret_limits, sizeof(*ret_limits));
    if (keyshm_get_limits(pool, id_or_0, model, ret_limits) < 0)
        return false;
    if (id_or_0 != 0 && !benches_is_group(pool, id_or_0) && keyshm_get_limits(pool, 0, model, &of_pool) < 0)
        return false;
    return !limits_are_equal(ret_limits, &of_pool);
}
