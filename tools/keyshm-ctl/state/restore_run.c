/* SPDX-License-Identifier: MIT */

/* The change of the pool, in this order, so that no key can be picked that the file has benched: groups and models, the
 * policy, by which marks go, the groups' marks, then the keys, each in its group from the first moment. */

#include <errno.h>
#include <string.h>

#include "clocks.h"
#include "program.h"
#include "progress.h"
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

/* The policy that the pool gets. */
static int find_policy(struct restore *restore, struct keyshm_policy *ret_policy)
{
    int r = keyshm_get_policy(restore->pool, ret_policy);
    struct keyshm_policy before = *ret_policy;
    policy_changes_apply(&restore->document.policy, ret_policy);
    restore->policy_changed = memcmp(&before, ret_policy, sizeof(before)) != 0; /* it has no padding */
    return r;
}

/* What is invalid in the file is so finally, so until it is restored one mark must do, whatever the policy says. */
static int begin_policy(const struct restore *restore, struct keyshm_policy policy)
{
    bool is_set = restore->policy_changed || policy.invalid_after != 1;
    policy.invalid_after = 1;
    return is_set && !restore->arguments->is_dry_run ? keyshm_set_policy(restore->pool, &policy) : 0;
}

static int end_policy(const struct restore *restore, const struct keyshm_policy *policy)
{
    bool is_set = policy->invalid_after != 1 && !restore->arguments->is_dry_run;
    return is_set ? keyshm_set_policy(restore->pool, policy) : 0;
}

/* The rest of a cooldown; -1: no end; 0: none. If the clock was set back, it is not made longer. */
static int64_t left_ms(const struct restore *restore, const struct subject_bench *bench)
{
    int64_t passed_ms = clock_wall_ms() - restore->document.exported_unix_ms;
    if (bench->cooldown_left_ms == -1 || passed_ms <= 0)
        return bench->cooldown_left_ms;
    return bench->cooldown_left_ms > passed_ms ? bench->cooldown_left_ms - passed_ms : 0;
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
    return restore->arguments->is_dry_run ? 0 : keyshm_mark(restore->pool, id, &mark);
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
            r = mark(restore, id, (unsigned)model, &bench, is_marked);
    }
    return r;
}

/* Of a key or a group. One that is paused in the pool stays so. */
static int restore_subject(struct restore *restore, keyshm_id id, const struct subject *subject)
{
    bool is_marked = false;
    int r = mark(restore, id, 0, &subject->whole, &is_marked);
    if (r == 0)
        r = mark_for_models(restore, id, subject, &is_marked);
    if (r == 0 && subject->is_paused && !restore->arguments->is_dry_run)
        r = keyshm_pause(restore->pool, id);
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
    return fail(restore->arguments->pool, r, NULL);
}

static enum exit_status restore_marks(struct restore *restore)
{
    int r = restore_groups(restore);
    return r < 0 ? fail(restore->arguments->pool, r, NULL) : restore_keys(restore);
}

enum exit_status restore_run(struct restore *restore)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    static const struct failure failures[] = {
        {ENOSPC, EXIT_REFUSED, "it has no room for all groups in the file; nothing was changed",
         "make a pool that has with: keyshm-ctl create --groups-max N", true},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    int r = make_groups(restore);
    if (r < 0)
        return fail(restore->arguments->pool, r, failures);
    r = make_models(restore);
    if (r == 0)
        r = find_policy(restore, &policy);
    if (r == 0)
        r = begin_policy(restore, policy);
    if (r < 0)
        return fail(restore->arguments->pool, r, NULL);
    enum exit_status status = restore_marks(restore);
    r = end_policy(restore, &policy);
    return r == 0 || status != EXIT_FINE ? status : fail(restore->arguments->pool, r, NULL);
}
