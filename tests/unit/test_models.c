/* SPDX-License-Identifier: MIT */
#include "fixture.h"

/* Models: parts of the provider's interface with limits of their own. */

TestSuite(models, .init = create_pool, .fini = close_pool);

static unsigned model_of(const char *name)
{
    unsigned model = 0;
    cr_assert_eq(keyshm_model(pool, name, &model), 0);
    return model;
}

static struct keyshm_key_snapshot state_of(keyshm_id id, unsigned model)
{
    struct keyshm_key_snapshot state;
    cr_assert_eq(keyshm_inspect(pool, id, model, sizeof(state), &state), 0);
    return state;
}

static int mark_for(keyshm_id id, unsigned model, enum keyshm_scope scope, enum keyshm_status status, int64_t duration_ms)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = status;
    mark.duration_ms = duration_ms;
    mark.model = model;
    mark.scope = scope;
    mark.reason = KEYSHM_REASON_RATE_LIMIT;
    return keyshm_mark(pool, id, &mark);
}

static void limit(keyshm_id id, unsigned model)
{
    cr_assert_eq(mark_for(id, model, KEYSHM_SCOPE_KEY, KEYSHM_RATE_LIMITED, 60000), 0);
}

/* 0: none is available for the model. */
static keyshm_id pick_for(unsigned model)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.model = model;
    int r = keyshm_acquire(pool, &request, &lease);
    cr_assert(r == 0 || r == -EAGAIN, "%s", keyshm_strerror(r));
    cr_assert(r < 0 || lease.pick.model == model);
    cr_assert(r < 0 || keyshm_release(pool, &lease) == 0);
    return r == 0 ? lease.pick.id : 0;
}

/* ---- what there is ---- */

Test(models, are_numbered_from_1_and_stay)
{
    char name[KEYSHM_NAME_MAX + 1];
    unsigned found = 42;
    cr_assert_eq(model_of("gpt-4o"), 1);
    cr_assert_eq(model_of("deepseek/deepseek-r1:free"), 2);
    cr_assert_eq(model_of("gpt-4o"), 1);
    cr_assert_eq(keyshm_find_model(pool, "deepseek/deepseek-r1:free", &found), 0);
    cr_assert_eq(found, 2);
    cr_assert_eq(keyshm_find_model(pool, "other", &found), -ENOENT);
    cr_assert_eq(keyshm_find_model(pool, "other", &found), -ENOENT, "it never makes one");
    cr_assert_eq(keyshm_find_model(pool, " a", &found), -EINVAL);
    cr_assert_eq(keyshm_model(pool, "", &found), -EINVAL);
    cr_assert_eq(found, 2);
    cr_assert_eq(keyshm_model_name(pool, 1, name, sizeof(name)), 6);
    cr_assert_str_eq(name, "gpt-4o");
    cr_assert_eq(keyshm_model_name(pool, 1, name, 6), -ERANGE);
    cr_assert_eq(keyshm_model_name(pool, 0, name, sizeof(name)), -ENOENT);
    cr_assert_eq(keyshm_model_name(pool, 3, name, sizeof(name)), -ENOENT);
}

Test(models, are_as_many_as_was_asked_for)
{
    char name[8];
    unsigned model;
    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        cr_assert_eq(model_of(name), (unsigned)i + 1);
    }
    cr_assert_eq(keyshm_model(pool, "m8", &model), -ENOSPC);
    cr_assert_eq(model_of("m7"), 8);
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_pool *none;
    options.models_max = 0;
    cr_assert_eq(keyshm_create_anonymous(&none, "none", &options), 0);
    cr_assert_eq(keyshm_model(none, "m", &model), -ENOSPC);
    cr_assert_eq(keyshm_available_count_for(none, 1), -EINVAL);
    keyshm_close(none);
    options.models_max = 1025;
    cr_assert_eq(keyshm_create_anonymous(&none, "none", &options), -EINVAL);
}

Test(models, that_are_not_there_are_refused_everywhere)
{
    keyshm_id key = add_key(1);
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_key_snapshot state;
    struct keyshm_lease lease;
    model_of("one");
    request.model = 2;
    cr_assert_eq(keyshm_acquire(pool, &request, &lease), -EINVAL);
    cr_assert_eq(mark_for(key, 2, KEYSHM_SCOPE_KEY, KEYSHM_INVALID, 0), -EINVAL);
    cr_assert_eq(keyshm_is_available_for(pool, key, 2), -EINVAL);
    cr_assert_eq(keyshm_available_count_for(pool, 2), -EINVAL);
    cr_assert_eq(keyshm_inspect(pool, key, 2, sizeof(state), &state), -EINVAL);
    cr_assert_eq(keyshm_available_count_for(pool, UINT32_MAX), -EINVAL);
}

/* ---- what they do ---- */

Test(models, have_limits_of_their_own)
{
    keyshm_id ids[3];
    unsigned a = model_of("a"), b = model_of("b");
    add_keys(ids, 3);
    limit(ids[1], a);
    cr_assert_eq(keyshm_available_count_for(pool, a), 2);
    cr_assert_eq(keyshm_available_count_for(pool, b), 3);
    cr_assert_eq(keyshm_available_count(pool), 3);
    cr_assert_eq(keyshm_is_available_for(pool, ids[1], a), 0);
    cr_assert_eq(keyshm_is_available_for(pool, ids[1], b), 1);
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(pick_for(a), ids[i % 2 * 2]);
        cr_assert_eq(pick_for(b), ids[i % 3], "each model has a rotation of its own");
        cr_assert_eq(pick_id(), ids[i % 3]);
    }
    struct keyshm_key_snapshot state = state_of(ids[1], a);
    cr_assert_eq(state.status, KEYSHM_RATE_LIMITED);
    cr_assert_eq(state.benched_by, KEYSHM_BY_KEY_MODEL);
    cr_assert_eq(state.words[1].reason, KEYSHM_REASON_RATE_LIMIT);
    cr_assert_eq(state_of(ids[1], b).benched_by, 0);
    cr_assert_eq(state_of(ids[1], 0).benched_by, 0);
    cr_assert_eq(mark_for(ids[1], a, KEYSHM_SCOPE_KEY, KEYSHM_AVAILABLE, 0), 0);
    cr_assert_eq(keyshm_available_count_for(pool, a), 3);
}

Test(models, all_lose_a_key_that_is_invalid_whatever_the_model)
{
    keyshm_id ids[2];
    unsigned a = model_of("a"), b = model_of("b");
    add_keys(ids, 2);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[0]), 0);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(pick_for(a), ids[1]);
        cr_assert_eq(pick_for(b), ids[1]);
    }
    cr_assert_eq(mark_for(ids[1], b, KEYSHM_SCOPE_KEY, KEYSHM_INVALID, 0), 0);
    cr_assert_eq(pick_for(b), 0);
    cr_assert_eq(pick_for(a), ids[1], "it is not allowed one model");
    cr_assert_eq(state_of(ids[0], b).benched_by, KEYSHM_BY_KEY);
}

Test(models, are_all_available_again_with_the_key)
{
    keyshm_id key = add_key(1);
    unsigned a = model_of("a"), b = model_of("b");
    limit(key, a);
    limit(key, b);
    cr_assert_eq(keyshm_mark_rate_limited(pool, key, 60000), 0);
    cr_assert_eq(pick_for(a), 0);
    cr_assert_eq(mark_for(key, a, KEYSHM_SCOPE_KEY, KEYSHM_AVAILABLE, 0), 0);
    cr_assert_eq(state_of(key, a).benched_by, KEYSHM_BY_KEY, "that one only");
    cr_assert_eq(state_of(key, b).benched_by, KEYSHM_BY_KEY | KEYSHM_BY_KEY_MODEL);
    cr_assert_eq(keyshm_mark_available(pool, key), 0);
    cr_assert_eq(state_of(key, b).benched_by, 0);
    cr_assert_eq(pick_for(b), key);
    cr_assert_eq(pick_for(a), key);
}

Test(models, and_groups_are_four_words)
{
    keyshm_id group, key, alone = add_key(2);
    unsigned a = model_of("a"), b = model_of("b");
    cr_assert_eq(keyshm_group(pool, "org", &group), 0);
    cr_assert_eq(keyshm_add_to_group(pool, "sk-in-the-group-00000001", group, &key), 0);
    cr_assert_eq(mark_for(key, a, KEYSHM_SCOPE_GROUP, KEYSHM_RATE_LIMITED, 60000), 0);
    cr_assert_eq(state_of(key, a).benched_by, KEYSHM_BY_GROUP_MODEL);
    cr_assert_eq(state_of(group, a).benched_by, KEYSHM_BY_GROUP_MODEL);
    cr_assert_eq(keyshm_available_count_for(pool, a), 1);
    cr_assert_eq(keyshm_available_count_for(pool, b), 2);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(pick_for(a), alone);
    cr_assert_eq(mark_for(key, 0, KEYSHM_SCOPE_GROUP, KEYSHM_QUOTA_EXCEEDED, 120000), 0);
    cr_assert_eq(mark_for(key, a, KEYSHM_SCOPE_KEY, KEYSHM_RATE_LIMITED, 1000), 0);
    cr_assert_eq(keyshm_mark_rate_limited(pool, key, KEYSHM_UNTIL_MARKED), 0);
    struct keyshm_key_snapshot state = state_of(key, a);
    cr_assert_eq(state.benched_by, 15);
    cr_assert_eq(state.status, KEYSHM_QUOTA_EXCEEDED, "the worst");
    cr_assert_eq(state.cooldown_left_ms, -1, "and the longest");
    cr_assert_eq(keyshm_mark_available(pool, key), 0);
    cr_assert_eq(state_of(key, a).benched_by, KEYSHM_BY_GROUP | KEYSHM_BY_GROUP_MODEL);
    cr_assert_eq(keyshm_mark_available(pool, group), 0);
    cr_assert_eq(state_of(key, a).benched_by, 0, "for all models");
    cr_assert_eq(keyshm_available_count_for(pool, a), 2);
    keyshm_id first = pick_for(a), second = pick_for(a);
    cr_assert_neq(first, second);
}

Test(models, say_nothing_of_the_next_key_in_a_slot)
{
    unsigned a = model_of("a");
    for (int i = 0; i < 3; i++) {
        keyshm_id key = add_key(i);
        cr_assert_eq(keyshm_is_available_for(pool, key, a), 1);
        cr_assert_eq(pick_for(a), key);
        cr_assert_eq(mark_for(key, a, KEYSHM_SCOPE_KEY, KEYSHM_INVALID, 0), 0);
        cr_assert_eq(pick_for(a), 0);
        cr_assert_eq(keyshm_remove(pool, key), 0);
        cr_assert_eq(mark_for(key, a, KEYSHM_SCOPE_KEY, KEYSHM_INVALID, 0), -ESTALE);
    }
}

Test(models, that_come_late_have_every_key)
{
    keyshm_id ids[3];
    add_keys(ids, 3);
    cr_assert_eq(keyshm_mark_invalid(pool, ids[0]), 0);
    pick_id();
    unsigned a = model_of("a");
    cr_assert_eq(pick_for(a), ids[1]);
    cr_assert_eq(pick_for(a), ids[2]);
    cr_assert_eq(keyshm_mark_available(pool, ids[0]), 0);
    cr_assert_eq(pick_for(a), ids[0]);
}

Test(models, come_back_by_themselves)
{
    keyshm_id key = add_key(1);
    unsigned a = model_of("a");
    cr_assert_eq(mark_for(key, a, KEYSHM_SCOPE_KEY, KEYSHM_RATE_LIMITED, 30), 0);
    cr_assert_eq(pick_for(a), 0);
    sleep_ms(32);
    cr_assert_eq(pick_for(a), key);
    cr_assert_eq(mark_for(key, a, KEYSHM_SCOPE_KEY, KEYSHM_RATE_LIMITED, 1), 0);
    sleep_ms(3);
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 1);
    cr_assert_eq(keyshm_reset_expired_cooldowns(pool), 0);
    cr_assert_eq(keyshm_mark_all_available(pool, 14), 0);
    limit(key, a);
    cr_assert_eq(keyshm_mark_all_available(pool, 1u << KEYSHM_RATE_LIMITED), 1);
    cr_assert_eq(pick_for(a), key);
}

Test(models, are_in_events_and_snapshots)
{
    struct keyshm_event_list *list;
    struct keyshm_snapshot *snapshot;
    keyshm_id key = add_key(1);
    model_of("a");
    unsigned b = model_of("b");
    limit(key, b);
    cr_assert_eq(keyshm_events(pool, NULL, &list), 0);
    cr_assert_eq(list->count, 2);
    cr_assert_eq(list->events[1].model, b);
    cr_assert_eq(list->events[1].scope, KEYSHM_SCOPE_KEY);
    cr_assert_eq(list->events[1].id, key);
    keyshm_event_list_free(list);
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->model_count, 2);
    cr_assert_str_eq(snapshot->models[0], "a");
    cr_assert_str_eq(snapshot->models[1], "b");
    cr_assert_eq(snapshot->models_bytes, sizeof(snapshot->models[0]));
    cr_assert_eq(snapshot->keys[0].benched_by, 0, "a snapshot is of model 0");
    keyshm_snapshot_free(snapshot);
}

/* ---- stamps ---- */

Test(models, have_stamps_of_their_own)
{
    keyshm_id key = add_key(1);
    unsigned a = model_of("a"), b = model_of("b");
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.model = a;
    cr_assert_eq(keyshm_acquire(pool, &request, &lease), 0);
    struct keyshm_mark available = KEYSHM_MARK_INIT;
    available.model = a;
    available.stamp = lease.pick.stamp;
    limit(key, a);
    cr_assert_eq(keyshm_mark(pool, key, &available), 0);
    cr_assert_eq(keyshm_is_available_for(pool, key, a), 0, "it was marked after that pick");
    cr_assert_eq(mark_for(key, a, KEYSHM_SCOPE_KEY, KEYSHM_AVAILABLE, 0), 0);
    cr_assert_eq(keyshm_acquire(pool, &request, &lease), 0);
    available.stamp = lease.pick.stamp;
    limit(key, b);
    cr_assert_eq(keyshm_mark(pool, key, &available), 0);
    cr_assert_eq(keyshm_is_available_for(pool, key, b), 0, "of another model it says nothing");
}

/* ---- leases ---- */

Test(models, leases_are_given_back_once)
{
    struct keyshm_lease lease, copy;
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    keyshm_id key = add_key(1);
    cr_assert_eq(keyshm_acquire(pool, NULL, &lease), 0);
    cr_assert_eq(lease.pick.id, key);
    cr_assert_str_eq(lease.pick.key, key_text(1));
    copy = lease;
    cr_assert_eq(keyshm_release(pool, &lease), 0);
    cr_assert_eq(keyshm_release(pool, &lease), -ESTALE);
    cr_assert_eq(keyshm_remove(pool, key), 0);
    cr_assert_eq(keyshm_release(pool, &copy), -ESTALE, "its key was removed");
    cr_assert_eq(keyshm_acquire(pool, NULL, &lease), -ENOKEY);
    cr_assert_eq(keyshm_acquire(pool, NULL, NULL), -EINVAL);
    cr_assert_eq(keyshm_release(pool, NULL), -EINVAL);
    request.size = 0;
    cr_assert_eq(keyshm_acquire(pool, &request, &lease), -EINVAL);
}
