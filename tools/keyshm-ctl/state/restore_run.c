/* SPDX-License-Identifier: MIT */

/* The change of the pool, in this order, so that no key can be picked that the file has benched: groups and models, the
 * policy, by which marks go, the pool's limits, the groups' marks and limits, then the keys, each in its group from the
 * first moment. */

#include <errno.h>
#include <string.h>

#include "clocks.h"
#include "program.h"
#include "progress.h"
#include "state/limits.h"
#include "state/restore.h"

/* ---- which groups and models there are ---- */

/* Those that were made. */
static void remove_groups(struct restore *restore)
{
    for (size_t i = 0; i < restore->document.group_count; i++)
        if (restore->document.groups[i].is_new)
            keyshm_remove_group(restore->pool, restore->document.groups[i].id);
}

static int make_groups(struct restore *restore)
{
    int r = 0;
    for (size_t i = 0; i < restore->document.group_count && r == 0; i++) {
        struct document_group *group = &restore->document.groups[i];
        if (group->id != 0)
            continue;
        r = restore->arguments->is_dry_run ? 0 : keyshm_group(restore->pool, group->name, &group->id);
        group->is_new = r == 0 && !restore->arguments->is_dry_run;
        restore->groups_added += r == 0;
    }
    if (r < 0)
        remove_groups(restore);
    return r;
}

/* 0 is left as the number of a model for which there is no room. */
static int make_model(struct restore *restore, const char *name)
{
    unsigned model = 0;
    int r = keyshm_find_model(restore->pool, name, &model);
    if (r == -ENOENT) {
        r = restore->arguments->is_dry_run ? 0 : keyshm_model(restore->pool, name, &model);
        restore->models_added += r == 0;
        restore->models_left_out += r == -ENOSPC;
    }
    if (r == -ENOSPC)
        r = 0;
    return r == 0 && json_object_set_new(restore->document.model_numbers, name, json_integer(model)) < 0 ? -ENOMEM : r;
}

static int make_models(struct restore *restore)
{
    int r = 0;
    for (size_t i = 0; i < json_array_size(restore->document.models) && r == 0; i++)
        r = make_model(restore, json_string_value(json_array_get(restore->document.models, i)));
    if (restore->models_left_out > 0)
        complain(
            "pool %s: it has no room for %zu of the models in the file, so what is known for them is left out; make a "
            "pool that has with: keyshm-ctl create --models-max N",
            restore->arguments->pool, restore->models_left_out);
    return r;
}

/* ---- what is known ---- */

static int restore_policy(struct restore *restore)
{
    keyshm_policy_init(&restore->policy, sizeof(restore->policy));
    int r = keyshm_get_policy(restore->pool, &restore->policy);
    struct keyshm_policy before = restore->policy;
    policy_changes_apply(&restore->document.policy, &restore->policy);
    if (r < 0 || memcmp(&before, &restore->policy, sizeof(before)) == 0) /* it has no padding */
        return r;
    restore->policy_changed = true;
    return restore->arguments->is_dry_run ? 0 : keyshm_set_policy(restore->pool, &restore->policy);
}

/* If the clock was set back, none has passed. */
static int64_t passed_ms(const struct restore *restore)
{
    int64_t passed_ms = clock_wall_ms() - restore->document.exported_unix_ms;
    return passed_ms > 0 ? passed_ms : 0;
}

/* The rest of a cooldown; -1: no end; 0: none. */
static int64_t left_ms(const struct restore *restore, const struct subject_bench *bench)
{
    int64_t passed = passed_ms(restore);
    if (bench->cooldown_left_ms == -1)
        return -1;
    return bench->cooldown_left_ms > passed ? bench->cooldown_left_ms - passed : 0;
}

static int raise_streak(const struct restore *restore, keyshm_id id, unsigned model, const struct subject_bench *bench)
{
    struct keyshm_streak streak = bench->streak;
    if (streak.failed_ago_ms < 0)
        return 0;
    int64_t passed = passed_ms(restore), most_ms = KEYSHM_DURATION_MAX_MS - streak.failed_ago_ms;
    streak.failed_ago_ms += passed < most_ms ? passed : most_ms;
    return keyshm_raise_streak(restore->pool, id, model, &streak);
}

static int raise_invalids(const struct restore *restore, keyshm_id id, unsigned model, unsigned invalids)
{
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    streak.invalids = invalids;
    streak.failed_ago_ms = 0;
    return keyshm_raise_streak(restore->pool, id, model, &streak);
}

/* What is invalid in the file is so finally, so its one mark must be the last that the policy asks for. Of a key that is
 * benched already the mark does not count, so it is made again when the count is there. */
static int mark_invalid(const struct restore *restore, keyshm_id id, const struct keyshm_mark *mark, unsigned known)
{
    unsigned final = known > restore->policy.invalid_after ? known : restore->policy.invalid_after;
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    int r = raise_invalids(restore, id, mark->model, final - 1);
    if (r == 0)
        r = keyshm_mark(restore->pool, id, mark);
    if (r == 0)
        r = keyshm_get_streak(restore->pool, id, mark->model, &streak);
    if (r < 0 || streak.invalids >= final)
        return r;
    r = raise_invalids(restore, id, mark->model, final);
    return r == 0 ? keyshm_mark(restore->pool, id, mark) : r;
}

/* *is_marked, if there is something left to be marked. */
static int mark(const struct restore *restore, keyshm_id id, unsigned model, const struct subject_bench *bench,
                bool *is_marked)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    int64_t after_ms = left_ms(restore, bench);
    if (after_ms == 0)
        return 0;
    *is_marked = true;
    mark.status = bench->status;
    mark.duration_ms = after_ms != -1 ? after_ms : KEYSHM_UNTIL_MARKED;
    mark.model = model;
    mark.reason = bench->reason;
    if (restore->arguments->is_dry_run)
        return 0;
    /* For these reasons it is final by itself. */
    bool is_final =
        mark.reason == KEYSHM_REASON_PEER || mark.reason == KEYSHM_REASON_BUDGET || mark.reason == KEYSHM_REASON_OPERATOR;
    return mark.status == KEYSHM_INVALID && !is_final ? mark_invalid(restore, id, &mark, bench->streak.invalids)
                                                      : keyshm_mark(restore->pool, id, &mark);
}

/* The mark first: one that meets a streak is a failure of now, and the streak would be forgotten later. */
static int restore_bench(const struct restore *restore, keyshm_id id, unsigned model, const struct subject_bench *bench,
                         bool *is_marked)
{
    int r = mark(restore, id, model, bench, is_marked);
    return r == 0 && !restore->arguments->is_dry_run ? raise_streak(restore, id, model, bench) : r;
}

static int mark_for_models(const struct restore *restore, keyshm_id id, const struct subject *subject, bool *is_marked)
{
    const char *name;
    json_t *object;
    int r = 0;
    json_object_foreach(subject->models, name, object)
    {
        struct subject_bench bench = subject_take_bench(object);
        json_int_t model = json_integer_value(json_object_get(restore->document.model_numbers, name));
        if (r == 0 && (model != 0 || restore->arguments->is_dry_run))
            r = restore_bench(restore, id, (unsigned)model, &bench, is_marked);
    }
    return r;
}

static const struct failure failures[] = {
    {EDQUOT, EXIT_REFUSED, "as many different limits are in use as it has room for", "see them with: keyshm-ctl limits",
     true},
    {0, EXIT_REFUSED, NULL, NULL, false},
};

/* Those that the file has; what it does not have stays. With id 0, those of the pool. -EDQUOT: there is no room for them;
 * -ENOSPC is for keys and groups. */
static int restore_limits(struct restore *restore, keyshm_id id_or_0, const json_t *limits)
{
    int r = 0;
    for (size_t i = 0; i < json_array_size(limits) && r == 0; i++) {
        const json_t *entry = json_array_get(limits, i);
        struct keyshm_limits taken = state_limits_take(entry);
        const char *name = state_limits_model(entry);
        json_int_t model = name != NULL ? json_integer_value(json_object_get(restore->document.model_numbers, name)) : 0;
        if (!restore->arguments->is_dry_run && (name == NULL || model != 0))
            r = keyshm_set_limits(restore->pool, id_or_0, (unsigned)model, &taken);
    }
    if (r == -ENOSPC)
        r = -EDQUOT;
    restore->limited += r == 0 && json_array_size(limits) > 0;
    return r;
}

/* Of a key or a group. One that is paused in the pool stays so. */
static int restore_subject(struct restore *restore, keyshm_id id, const struct subject *subject)
{
    bool is_marked = false;
    int r = restore_bench(restore, id, 0, &subject->whole, &is_marked);
    if (r == 0)
        r = mark_for_models(restore, id, subject, &is_marked);
    if (r == 0 && subject->is_paused && !restore->arguments->is_dry_run)
        r = keyshm_pause(restore->pool, id);
    if (r == 0)
        r = restore_limits(restore, id, subject->limits);
    restore->marked += r == 0 && is_marked;
    restore->paused += r == 0 && subject->is_paused;
    return r;
}

static int restore_groups(struct restore *restore)
{
    int r = 0;
    for (size_t i = 0; i < restore->document.group_count && r == 0; i++)
        r = restore_subject(restore, restore->document.groups[i].id, &restore->document.groups[i].subject);
    return r;
}

/* ---- keys ---- */

static int annotate(const struct restore *restore, const struct document_key *key)
{
    const char *name;
    json_t *value;
    int r = 0;
    json_object_foreach(key->metadata, name, value)
    {
        if (r == 0)
            r = keyshm_set_metadata(restore->pool, key->id, name, json_string_value(value));
    }
    return r;
}

static int add(const struct restore *restore, struct document_key *key)
{
    keyshm_id group = key->group != NULL ? key->group->id : 0;
    int r = restore->arguments->is_dry_run ? 0 : keyshm_add_to_group(restore->pool, key->key, group, &key->id);
    return r == -EEXIST ? 0 : r; /* another process has just added it */
}

/* A key that the file has in no group stays where it is. */
static int put_in_group(struct restore *restore, const struct document_key *key)
{
    struct keyshm_key_snapshot state;
    if (key->group == NULL || key->id == 0)
        return 0;
    int r = keyshm_inspect(restore->pool, key->id, 0, sizeof(state), &state);
    if (r < 0 || (key->group->id != 0 && state.group == key->group->id))
        return r;
    r = restore->arguments->is_dry_run ? 0 : keyshm_set_group(restore->pool, key->id, key->group->id);
    restore->moved += r == 0;
    return r;
}

/* What the file does not say stays as it is. */
static int set_order(struct restore *restore, const struct document_key *key, bool is_new)
{
    struct keyshm_key_snapshot state;
    if (key->id == 0)
        return 0;
    int r = keyshm_inspect(restore->pool, key->id, 0, sizeof(state), &state);
    if (r < 0)
        return r;
    bool has_priority = key->priority < 0 || (unsigned)key->priority == state.priority;
    bool has_weight = key->weight < 0 || (unsigned)key->weight == state.weight;
    if (!has_priority && !restore->arguments->is_dry_run)
        r = keyshm_set_priority(restore->pool, key->id, (unsigned)key->priority);
    if (r == 0 && !has_weight && !restore->arguments->is_dry_run)
        r = keyshm_set_weight(restore->pool, key->id, (unsigned)key->weight);
    restore->reordered += r == 0 && !is_new && !(has_priority && has_weight);
    return r;
}

static int restore_key(struct restore *restore, struct document_key *key)
{
    bool is_new = key->id == 0;
    if (is_new && key->key == NULL) {
        restore->not_found++;
        return 0;
    }
    int r = is_new ? add(restore, key) : 0;
    if (r == 0)
        r = put_in_group(restore, key);
    if (r == 0)
        r = restore_subject(restore, key->id, &key->subject);
    if (r == 0)
        r = set_order(restore, key, is_new);
    if (r == 0 && !restore->arguments->is_dry_run)
        r = annotate(restore, key);
    if (r == 0 || r == -ESTALE) { /* another process has just removed it */
        restore->added += r == 0 && is_new;
        restore->found += r == 0 && !is_new;
        restore->not_found += r == -ESTALE;
        r = 0;
    }
    return r;
}

static enum exit_status restore_keys(struct restore *restore)
{
    struct progress progress;
    size_t done = 0;
    int r = 0;
    progress_begin(&progress, "restored", "keys", restore->document.count);
    while (done < restore->document.count && (r = restore_key(restore, &restore->document.keys[done])) == 0)
        progress_show(&progress, ++done);
    progress_end(&progress);
    if (r == 0)
        return EXIT_FINE;
    complain("pool %s: stopped after %zu of %zu keys, which stay as they are now; import it again to go on",
             restore->arguments->pool, done, restore->document.count);
    return fail(restore->arguments->pool, r, failures);
}

enum exit_status restore_run(struct restore *restore)
{
    static const struct failure failures_of_groups[] = {
        {ENOSPC, EXIT_REFUSED, "it has no room for all groups in the file; nothing was changed",
         "make a pool that has with: keyshm-ctl create --groups-max N", true},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    int r = make_groups(restore);
    if (r < 0)
        return fail(restore->arguments->pool, r, failures_of_groups);
    r = make_models(restore);
    if (r == 0)
        r = restore_policy(restore);
    if (r == 0)
        r = restore_limits(restore, 0, restore->document.limits);
    if (r == 0)
        r = restore_groups(restore);
    return r < 0 ? fail(restore->arguments->pool, r, failures) : restore_keys(restore);
}
