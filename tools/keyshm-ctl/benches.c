/* SPDX-License-Identifier: MIT */
#include "benches.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "program.h"
#include "shell_words.h"
#include "text.h"

bool benches_is_group(keyshm_pool *pool, keyshm_id id)
{
    char name[KEYSHM_NAME_MAX + 1];
    return keyshm_group_name(pool, id, name, sizeof(name)) >= 0;
}

void benches_name(keyshm_pool *pool, keyshm_id id, char ret_text[BENCHES_SUBJECT_SIZE])
{
    snprintf(ret_text, BENCHES_SUBJECT_SIZE, "the %s with id %" PRIu64, benches_is_group(pool, id) ? "group" : "key", id);
}

void benches_name_model(keyshm_pool *pool, unsigned model, char ret_text[BENCHES_MODEL_SIZE])
{
    char name[KEYSHM_NAME_MAX + 1], printable[TEXT_PRINTABLE_SIZE(sizeof(name))];
    ret_text[0] = '\0';
    if (keyshm_model_name(pool, model, name, sizeof(name)) < 0)
        return;
    text_printable(name, printable, sizeof(printable));
    snprintf(ret_text, BENCHES_MODEL_SIZE, " for the model %s", printable);
}

void benches_model_option(keyshm_pool *pool, unsigned model, char ret_text[BENCHES_OPTION_SIZE])
{
    char name[KEYSHM_NAME_MAX + 1], printable[TEXT_PRINTABLE_SIZE(sizeof(name))];
    ret_text[0] = '\0';
    if (keyshm_model_name(pool, model, name, sizeof(name)) <= 0)
        return;
    text_printable(name, printable, sizeof(printable));
    shell_quote(printable, stpcpy(ret_text, " --model "));
}

void benches_name_time(const struct keyshm_word_snapshot *word, char ret_text[BENCHES_TIME_SIZE])
{
    char left[TEXT_DURATION_SIZE];
    text_duration(word->cooldown_left_ms, left);
    snprintf(ret_text, BENCHES_TIME_SIZE, "%s%s", word->cooldown_left_ms > 0 ? ", for " : "",
             word->cooldown_left_ms > 0 ? left : "");
}

/* ---- one after another ---- */

/* ", org-a" */
static void name_group(keyshm_pool *pool, keyshm_id group, char *ret_text, size_t size)
{
    char name[KEYSHM_NAME_MAX + 1], printable[TEXT_PRINTABLE_SIZE(sizeof(name))];
    ret_text[0] = '\0';
    if (keyshm_group_name(pool, group, name, sizeof(name)) < 0)
        return;
    text_printable(name, printable, sizeof(printable));
    snprintf(ret_text, size, ", %s", printable);
}

/* What ends a bench, as a command line around the pool and the id. */
struct remedy {
    const char *text, *command, *rest;
};
static const struct remedy mark_available = {"lift that", "mark", " available"};
static const struct remedy resume = {"let it in again", "resume", ""};
static const struct remedy see_limits = {"see its limits", "limits", ""};

/* `by` is what has the bench, the key or group itself or the key's group; `what` is the rest of the sentence. */
static void tell(const struct benches *benches, keyshm_id by, const char *what, const struct remedy *remedy,
                 const char *option)
{
    char subject[BENCHES_SUBJECT_SIZE], group[TEXT_PRINTABLE_SIZE(KEYSHM_NAME_MAX + 1) + 2];
    bool is_its_own = by == benches->id;
    benches_name(benches->pool, benches->id, subject);
    name_group(benches->pool, by, group, sizeof(group));
    complain("pool %s: %s stays %s%s%s%s; %s with: keyshm-ctl %s %s %" PRIu64 "%s%s", benches->provider, subject,
             is_its_own ? "" : "benched by its group", is_its_own ? "" : group, is_its_own ? "" : ", which is ", what,
             remedy->text, remedy->command, benches->provider, by, remedy->rest, option);
}

static void tell_word(const struct benches *benches, const struct keyshm_key_snapshot *state, unsigned i, unsigned model)
{
    char what[BENCHES_MODEL_SIZE + BENCHES_TIME_SIZE + 32], time[BENCHES_TIME_SIZE], of_model[BENCHES_MODEL_SIZE];
    char option[BENCHES_OPTION_SIZE];
    const struct keyshm_word_snapshot *word = &state->words[i];
    benches_name_model(benches->pool, model, of_model);
    benches_name_time(word, time);
    snprintf(what, sizeof(what), "%s%s%s", keyshm_status_name(word->status), of_model, time);
    benches_model_option(benches->pool, model, option);
    tell(benches, i >= 2 && state->group != 0 ? state->group : benches->id, what, &mark_available, option);
}

/* The group's own state, whose limits and pause are those of the group alone. False: it is in none. */
static bool inspect_group(keyshm_pool *pool, const struct keyshm_key_snapshot *key, unsigned model,
                          struct keyshm_key_snapshot *ret_group)
{
    return key->group != 0 && keyshm_inspect(pool, key->group, model, sizeof(*ret_group), ret_group) == 0;
}

bool benches_is_group_paused(keyshm_pool *pool, const struct keyshm_key_snapshot *key)
{
    struct keyshm_key_snapshot group;
    return inspect_group(pool, key, 0, &group) && group.is_paused;
}

/* That the budgets are used up, of the key or of its group. */
static void tell_budget(const struct benches *benches, const struct keyshm_key_snapshot *state, unsigned model)
{
    char what[BENCHES_MODEL_SIZE + 64], of_model[BENCHES_MODEL_SIZE], option[BENCHES_OPTION_SIZE];
    struct keyshm_key_snapshot group;
    bool is_of_group = inspect_group(benches->pool, state, model, &group) && (group.benched_by & KEYSHM_BY_BUDGET) != 0;
    const struct keyshm_key_snapshot *used_up = is_of_group ? &group : state;
    bool has_no_requests = used_up->requests_left == 0, has_no_tokens = used_up->tokens_left == 0;
    benches_name_model(benches->pool, model, of_model);
    benches_model_option(benches->pool, model, option);
    snprintf(what, sizeof(what), "out of %s%s%s in its budget%s", has_no_requests ? "requests" : "",
             has_no_requests && has_no_tokens ? " and " : "", has_no_tokens ? "tokens" : "", of_model);
    tell(benches, is_of_group ? group.id : benches->id, what, &see_limits, option);
}

/* That as many requests are in flight as the cap allows, of the key or of its group. */
static void tell_cap(const struct benches *benches, const struct keyshm_key_snapshot *state)
{
    char what[64];
    struct keyshm_key_snapshot group;
    bool is_of_group = inspect_group(benches->pool, state, 0, &group) && (group.benched_by & KEYSHM_BY_CAP) != 0;
    const struct keyshm_key_snapshot *full = is_of_group ? &group : state;
    snprintf(what, sizeof(what), "at its cap of %u request%s in flight", full->in_flight_cap,
             full->in_flight_cap == 1 ? "" : "s");
    tell(benches, is_of_group ? group.id : benches->id, what, &see_limits, "");
}

static unsigned bits_whatever_the_model(const struct benches *benches)
{
    struct keyshm_key_snapshot state;
    return keyshm_inspect(benches->pool, benches->id, 0, sizeof(state), &state) == 0 ? state.benched_by : 0;
}

/* A pick for a model is charged to the budgets that are whatever the model, too. */
static void tell_limits(const struct benches *benches, const struct keyshm_key_snapshot *state, unsigned model)
{
    bool is_used_up = (state->benched_by & KEYSHM_BY_BUDGET) != 0;
    if (is_used_up && (model == 0 || (bits_whatever_the_model(benches) & KEYSHM_BY_BUDGET) == 0))
        tell_budget(benches, state, model);
    if (model == 0 && (state->benched_by & KEYSHM_BY_CAP) != 0)
        tell_cap(benches, state);
}

/* Those that are whatever the model, or those for one. */
static void tell_of(const struct benches *benches, unsigned model)
{
    struct keyshm_key_snapshot state;
    if (keyshm_inspect(benches->pool, benches->id, model, sizeof(state), &state) < 0)
        return;
    unsigned left = state.benched_by & ~(model == benches->model ? benches->known : 0);
    for (unsigned i = model != 0; i < 4; i += 2)
        if ((left >> i & 1) != 0)
            tell_word(benches, &state, i, model);
    if (benches->limits)
        tell_limits(benches, &state, model);
    if (model != 0)
        return;
    if (state.is_paused)
        tell(benches, benches->id, "paused", &resume, "");
    if (benches_is_group_paused(benches->pool, &state))
        tell(benches, state.group, "paused", &resume, "");
}

void benches_tell(const struct benches *benches)
{
    char name[KEYSHM_NAME_MAX + 1];
    tell_of(benches, 0);
    if (benches->all_models)
        for (unsigned model = 1; keyshm_model_name(benches->pool, model, name, sizeof(name)) != -ENOENT; model++)
            tell_of(benches, model);
    else if (benches->model != 0)
        tell_of(benches, benches->model);
}
