/* SPDX-License-Identifier: MIT */

/* What is known of keys and groups: mark, pause, resume, success. */

#include <errno.h>
#include <stdio.h>

#include "benched_by.h"
#include "benches.h"
#include "clocks.h"
#include "cmd.h"
#include "mark_rules.h"
#include "name_rules.h"
#include "program.h"
#include "report.h"
#include "user.h"

/* The key or group with that id, or the group with the name of --group. */
static enum exit_status find_subject(const struct arguments *arguments, keyshm_pool *pool, keyshm_id *ret_id)
{
    *ret_id = arguments->id;
    return arguments->group != NULL ? name_find_group(arguments->pool, pool, arguments->group, ret_id) : EXIT_FINE;
}

/* ---- mark POOL ID ---- */

/* A mark, and the state before and after it as a pick for its model sees it. */
struct marking {
    const struct arguments *arguments;
    keyshm_pool *pool;
    keyshm_id id; /* of a key or a group */
    struct keyshm_mark mark;
    struct keyshm_key_snapshot before, now;
    bool lifts_models; /* `available` whatever the model, and it was benched for some */
};

/* The number of the word that the mark is about. */
static unsigned word_of(const struct marking *marking)
{
    bool is_group = benches_is_group(marking->pool, marking->id) ||
                    (marking->mark.scope == KEYSHM_SCOPE_GROUP && marking->before.group != 0);
    return (is_group ? 2 : 0) + (marking->mark.model != 0);
}

/* Time has passed in between. No end, -1, is the longest as an unsigned number. */
static bool is_as_before(const struct marking *marking)
{
    const struct keyshm_word_snapshot *before = &marking->before.words[word_of(marking)];
    const struct keyshm_word_snapshot *now = &marking->now.words[word_of(marking)];
    return before->status == now->status && before->reason == now->reason &&
           (uint64_t)now->cooldown_left_ms <= (uint64_t)before->cooldown_left_ms;
}

/* Marks join, so the state may differ from the one that was asked for. */
static void tell_no_change(const struct marking *marking)
{
    char subject[BENCHES_SUBJECT_SIZE], model[BENCHES_MODEL_SIZE], time[BENCHES_TIME_SIZE];
    const struct keyshm_word_snapshot *word = &marking->now.words[word_of(marking)];
    bool is_of_its_group = word_of(marking) >= 2 && marking->before.group != 0;
    benches_name(marking->pool, is_of_its_group ? marking->before.group : marking->id, subject);
    benches_name_model(marking->pool, marking->mark.model, model);
    benches_name_time(word, time);
    complain("pool %s: that changed nothing: %s stays %s%s%s", marking->arguments->pool, subject,
             keyshm_status_name(word->status), model, time);
}

/* What keeps the key out besides the mark; after `available` all that does. */
static void tell_benches(const struct marking *marking)
{
    bool is_lifted = marking->mark.status == KEYSHM_AVAILABLE;
    struct benches benches = {
        .provider = marking->arguments->pool,
        .pool = marking->pool,
        .id = marking->id,
        .model = marking->mark.model,
        .all_models = is_lifted && marking->mark.model == 0,
        .limits = is_lifted,
        .known = is_lifted ? 0 : 1u << word_of(marking),
    };
    benches_tell(&benches);
}

static enum exit_status report_subject(const struct marking *marking)
{
    const struct keyshm_key_snapshot *now = &marking->now;
    unsigned bits = benched_by(now, benches_is_group_paused(marking->pool, now));
    return report(marking->arguments->pool,
                  json_pack("{s:I, s:I, s:s, s:s, s:I, s:b, s:o, s:i}", "id", (json_int_t)marking->id, "model",
                            (json_int_t)marking->mark.model, "status", keyshm_status_name(now->status), "reason",
                            keyshm_reason_name(now->reason), "cooldown_left_ms", (json_int_t)now->cooldown_left_ms,
                            "is_paused", now->is_paused, "benched_by", benched_by_json(bits), "changed",
                            !is_as_before(marking) || marking->lifts_models));
}

static bool is_benched_for_a_model(const struct marking *marking)
{
    struct keyshm_key_snapshot state;
    char name[KEYSHM_NAME_MAX + 1];
    for (unsigned model = 1; keyshm_model_name(marking->pool, model, name, sizeof(name)) > 0; model++)
        if (keyshm_inspect(marking->pool, marking->id, model, sizeof(state), &state) == 0 &&
            state.words[word_of(marking) + 1].status != KEYSHM_AVAILABLE)
            return true;
    return false;
}

static int make_mark(struct marking *marking)
{
    int r = keyshm_inspect(marking->pool, marking->id, marking->mark.model, sizeof(marking->before), &marking->before);
    if (r >= 0 && marking->mark.status == KEYSHM_AVAILABLE && marking->mark.model == 0)
        marking->lifts_models = is_benched_for_a_model(marking);
    if (r >= 0)
        r = keyshm_mark(marking->pool, marking->id, &marking->mark);
    if (r >= 0)
        r = keyshm_inspect(marking->pool, marking->id, marking->mark.model, sizeof(marking->now), &marking->now);
    return r;
}

/* What is not known for a model cannot be lifted for it: it would be lifted for all. */
static enum exit_status choose_model(const struct arguments *arguments, keyshm_pool *pool, unsigned *ret_model)
{
    if (arguments->status == KEYSHM_AVAILABLE && arguments->model != NULL)
        return name_find_model(arguments->pool, pool, arguments->model, ret_model);
    return name_choose_model(arguments->pool, pool, arguments->model, ret_model);
}

static enum exit_status mark_one(const struct arguments *arguments, keyshm_pool *pool)
{
    struct marking marking = {.arguments = arguments, .pool = pool, .id = arguments->id, .mark = KEYSHM_MARK_INIT};
    enum exit_status status = find_subject(arguments, pool, &marking.id);
    if (status == EXIT_FINE)
        status = choose_model(arguments, pool, &marking.mark.model);
    if (status != EXIT_FINE)
        return status;
    marking.mark.status = arguments->status;
    marking.mark.duration_ms =
        arguments->until_unix_ms != NOT_GIVEN ? arguments->until_unix_ms - clock_wall_ms() : arguments->retry_after_ms;
    marking.mark.scope = arguments->scope;
    marking.mark.reason =
        arguments->reason != KEYSHM_REASON_NONE ? arguments->reason : mark_default_reason(arguments->status);
    int r = make_mark(&marking);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->json)
        return report_subject(&marking);
    if (arguments->status != KEYSHM_AVAILABLE && is_as_before(&marking))
        tell_no_change(&marking);
    tell_benches(&marking);
    return EXIT_FINE;
}

/* ---- mark POOL all available ---- */

static enum exit_status mark_all(const struct arguments *arguments, keyshm_pool *pool)
{
    unsigned statuses =
        arguments->statuses != 0 ? arguments->statuses : 1u << KEYSHM_RATE_LIMITED | 1u << KEYSHM_QUOTA_EXCEEDED;
    int r = keyshm_mark_all_available(pool, statuses);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->json)
        return report(arguments->pool,
                      json_pack("{s:i, s:i, s:s, s:s, s:i, s:b, s:[], s:i}", "id", 0, "model", 0, "status", "available",
                                "reason", "none", "cooldown_left_ms", 0, "is_paused", 0, "benched_by", "changed", r));
    printf("%d\n", r);
    return EXIT_FINE;
}

/* What does not go together. NULL: all is well. */
static const char *find_conflict(const struct arguments *arguments)
{
    bool has_end = arguments->retry_after_ms != KEYSHM_NO_RETRY_AFTER || arguments->until_unix_ms != NOT_GIVEN;
    if (arguments->is_for_all && arguments->status != KEYSHM_AVAILABLE)
        return "all goes with available alone";
    if (arguments->is_for_all && (arguments->model != NULL || arguments->has_scope))
        return "--model and --scope do not go with all";
    if (arguments->statuses != 0 && !arguments->is_for_all)
        return "--status goes with all";
    if (arguments->retry_after_ms != KEYSHM_NO_RETRY_AFTER && arguments->until_unix_ms != NOT_GIVEN)
        return "--retry-after and --until do not go together";
    if (has_end && !mark_takes_duration(arguments->status))
        return "--retry-after and --until go with rate_limited or quota_exceeded";
    if (arguments->reason != KEYSHM_REASON_NONE && arguments->status == KEYSHM_AVAILABLE)
        return "--reason goes with a status other than available";
    return NULL;
}

enum exit_status cmd_mark(const struct arguments *arguments)
{
    keyshm_pool *pool;
    const char *conflict = find_conflict(arguments);
    if (conflict != NULL) {
        complain("mark: %s", conflict);
        return point_to_help();
    }
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = arguments->is_for_all ? mark_all(arguments, pool) : mark_one(arguments, pool);
    keyshm_close(pool);
    return status;
}

/* ---- pause, resume ---- */

static enum exit_status set_paused(const struct arguments *arguments, keyshm_pool *pool, bool is_paused)
{
    struct benches benches = {.provider = arguments->pool, .pool = pool, .all_models = true, .limits = true};
    enum exit_status status = find_subject(arguments, pool, &benches.id);
    if (status != EXIT_FINE)
        return status;
    int r = is_paused ? keyshm_pause(pool, benches.id) : keyshm_resume(pool, benches.id);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->json)
        return report(arguments->pool,
                      json_pack("{s:I, s:b}", "id", (json_int_t)benches.id, "is_paused", (int)is_paused));
    if (!is_paused)
        benches_tell(&benches);
    return EXIT_FINE;
}

static enum exit_status attach_and_set_paused(const struct arguments *arguments, bool is_paused)
{
    keyshm_pool *pool;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = set_paused(arguments, pool, is_paused);
    keyshm_close(pool);
    return status;
}

enum exit_status cmd_pause(const struct arguments *arguments)
{
    return attach_and_set_paused(arguments, true);
}

enum exit_status cmd_resume(const struct arguments *arguments)
{
    return attach_and_set_paused(arguments, false);
}

/* ---- success ---- */

static enum exit_status succeed(const struct arguments *arguments, keyshm_pool *pool)
{
    struct keyshm_pick pick = {.id = arguments->id, .stamp = arguments->stamp};
    enum exit_status status = EXIT_FINE;
    if (arguments->model != NULL)
        status = name_find_model(arguments->pool, pool, arguments->model, &pick.model);
    if (status != EXIT_FINE)
        return status;
    int r = keyshm_success(pool, &pick);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    return arguments->json ? report(arguments->pool, json_pack("{s:I}", "id", (json_int_t)pick.id)) : EXIT_FINE;
}

enum exit_status cmd_success(const struct arguments *arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = succeed(arguments, pool);
    keyshm_close(pool);
    return status;
}
