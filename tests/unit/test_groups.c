/* SPDX-License-Identifier: MIT */
#include "key_group.h"
#include "pool.h"

#include "fixture.h"

#include <pthread.h>

/* Groups: sets of keys that share an account. */

TestSuite(groups, .init = create_pool, .fini = close_pool);

static keyshm_id group_of(const char *name)
{
    keyshm_id id = 0;
    cr_assert_eq(keyshm_group(pool, name, &id), 0);
    return id;
}

static keyshm_id add_in(int number, keyshm_id group)
{
    keyshm_id id = 0;
    cr_assert_eq(keyshm_add_to_group(pool, key_text(number), group, &id), 0);
    return id;
}

/* Of a group, too. */
static struct keyshm_key_snapshot state_of(keyshm_id id)
{
    struct keyshm_key_snapshot state;
    cr_assert_eq(keyshm_inspect(pool, id, 0, sizeof(state), &state), 0);
    return state;
}

static void mark_group(keyshm_id id, enum keyshm_status status, int64_t duration_ms)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = status;
    mark.duration_ms = duration_ms;
    mark.scope = KEYSHM_SCOPE_GROUP;
    mark.reason = KEYSHM_REASON_RATE_LIMIT;
    cr_assert_eq(keyshm_mark(pool, id, &mark), 0);
}

/* ---- what there is ---- */

Test(groups, are_found_by_name_or_made)
{
    keyshm_id a = group_of("org-a"), b = group_of("org b / ünï"), found = 0;
    cr_assert_neq(a, 0);
    cr_assert_neq(a, b);
    cr_assert_eq(group_of("org-a"), a);
    cr_assert_eq(keyshm_find_group(pool, "org b / ünï", &found), 0);
    cr_assert_eq(found, b);
    cr_assert_eq(keyshm_find_group(pool, "org", &found), -ENOENT);
    cr_assert_eq(found, b, "written although it failed");
    char name[KEYSHM_NAME_MAX + 1];
    cr_assert_eq(keyshm_group_name(pool, b, name, sizeof(name)), (int)strlen("org b / ünï"));
    cr_assert_str_eq(name, "org b / ünï");
    cr_assert_eq(keyshm_group_name(pool, a, name, 5), -ERANGE);
    cr_assert_eq(keyshm_group_name(pool, a, name, 6), 5);
    cr_assert_eq(keyshm_group_name(pool, a + (UINT64_C(1) << 24), name, sizeof(name)), -ENOENT);
    cr_assert_eq(keyshm_group_name(pool, add_key(1), name, sizeof(name)), -ENOENT);
}

Test(groups, have_names_of_1_to_128_bytes)
{
    char longest[KEYSHM_NAME_MAX + 2], name[KEYSHM_NAME_MAX + 1];
    static const char *const bad[] = {"", " a", "a ", "a\nb", "\x7f", "a\x1f", "a\xc2\x9bm"};
    keyshm_id id;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cr_assert_eq(keyshm_group(pool, bad[i], &id), -EINVAL, "%zu", i);
        cr_assert_eq(keyshm_find_group(pool, bad[i], &id), -EINVAL);
    }
    memset(longest, 'x', sizeof(longest));
    longest[KEYSHM_NAME_MAX + 1] = '\0';
    cr_assert_eq(keyshm_group(pool, longest, &id), -EINVAL);
    longest[KEYSHM_NAME_MAX] = '\0';
    cr_assert_eq(keyshm_group(pool, longest, &id), 0);
    cr_assert_eq(keyshm_group_name(pool, id, name, sizeof(name)), KEYSHM_NAME_MAX);
    cr_assert_str_eq(name, longest);
    (void)group_of("caf\xc3\xa9\xc2\xa0z"); /* U+00A0, which is next to the control characters */
    (void)group_of("Z\xfcrich, \xc2 and \xc2");
    longest[KEYSHM_NAME_MAX - 1] = 'y';
    keyshm_id other = group_of(longest);
    cr_assert_neq(other, id, "the last byte counts");
    cr_assert_eq(keyshm_group(pool, NULL, &id), -EINVAL);
    cr_assert_eq(keyshm_group(pool, "a", NULL), -EINVAL);
}

Test(groups, are_as_many_as_was_asked_for)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_pool *small;
    keyshm_id id, first;
    options.groups_max = 2;
    cr_assert_eq(keyshm_create_anonymous(&small, "small", &options), 0);
    cr_assert_eq(keyshm_group(small, "a", &first), 0);
    cr_assert_eq(keyshm_group(small, "b", &id), 0);
    cr_assert_eq(keyshm_group(small, "c", &id), -ENOSPC);
    cr_assert_eq(keyshm_group(small, "b", &id), 0, "it is there");
    cr_assert_eq(keyshm_remove_group(small, first), 0);
    cr_assert_eq(keyshm_group(small, "c", &id), 0);
    cr_assert_neq(id, first, "no id is used again");
    cr_assert_eq(keyshm_mark_invalid(small, first), -ESTALE);
    keyshm_close(small);
    options.groups_max = 0;
    cr_assert_eq(keyshm_create_anonymous(&small, "small", &options), 0);
    cr_assert_eq(keyshm_group(small, "a", &id), -ENOSPC);
    cr_assert_eq(keyshm_find_group(small, "a", &id), -ENOENT);
    cr_assert_eq(keyshm_add(small, "key", &id), 0);
    cr_assert_eq(keyshm_set_group(small, id, first), -ESTALE);
    cr_assert_eq(keyshm_repair(small), 0);
    cr_assert_eq(keyshm_verify(small, NULL, NULL), 0);
    keyshm_close(small);
    options.groups_max = 1025;
    cr_assert_eq(keyshm_create_anonymous(&small, "small", &options), -EINVAL);
}

Test(groups, are_removed_when_no_key_is_in_them)
{
    keyshm_id group = group_of("a"), key = add_in(1, group), other = add_key(2);
    cr_assert_eq(keyshm_remove_group(pool, group), -EBUSY);
    cr_assert_eq(keyshm_set_group(pool, other, group), 0);
    cr_assert_eq(keyshm_remove(pool, key), 0);
    cr_assert_eq(keyshm_remove_group(pool, group), -EBUSY);
    cr_assert_eq(keyshm_set_group(pool, other, 0), 0);
    cr_assert_eq(keyshm_remove_group(pool, group), 0);
    cr_assert_eq(keyshm_remove_group(pool, group), -ESTALE);
    cr_assert_eq(keyshm_set_group(pool, other, group), -ESTALE);
    cr_assert_eq(keyshm_add_to_group(pool, "new", group, NULL), -ESTALE);
    cr_assert_eq(keyshm_mark_invalid(pool, group), -ESTALE);
    cr_assert_eq(keyshm_pause(pool, group), -ESTALE);
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
}

Test(groups, are_no_keys_and_keys_are_no_groups)
{
    keyshm_id group = group_of("a"), key = add_key(1);
    char note[8];
    struct keyshm_pick pick;
    cr_assert_eq(keyshm_remove(pool, group), -EINVAL);
    cr_assert_eq(keyshm_get(pool, group, &pick), -EINVAL);
    cr_assert_eq(keyshm_set_metadata(pool, group, "a", "b"), -EINVAL);
    cr_assert_eq(keyshm_get_metadata(pool, group, "a", note, sizeof(note)), -EINVAL);
    cr_assert_eq(keyshm_is_available(pool, group), -EINVAL);
    cr_assert_eq(keyshm_set_group(pool, group, group), -EINVAL);
    cr_assert_eq(keyshm_set_group(pool, key, key), -EINVAL);
    cr_assert_eq(keyshm_add_to_group(pool, "new", key, NULL), -EINVAL);
    cr_assert_eq(keyshm_remove_group(pool, key), -EINVAL);
    cr_assert_eq(keyshm_remove_group(pool, 0), -EINVAL);
}

/* ---- what they do ---- */

Test(groups, are_one_mark_for_all_their_keys)
{
    keyshm_id a = group_of("a"), b = group_of("b");
    keyshm_id in_a = add_in(0, a), in_b = add_in(1, b), alone = add_key(2);
    add_in(3, a);
    mark_group(in_a, KEYSHM_RATE_LIMITED, 60000);
    cr_assert_eq(keyshm_available_count(pool), 2);
    cr_assert_eq(keyshm_is_available(pool, in_a), 0);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(pick_id(), i % 2 == 0 ? in_b : alone);
    struct keyshm_key_snapshot key = state_of(in_a);
    cr_assert_eq(key.status, KEYSHM_RATE_LIMITED);
    cr_assert_eq(key.reason, KEYSHM_REASON_RATE_LIMIT);
    cr_assert_eq(key.benched_by, KEYSHM_BY_GROUP);
    cr_assert_eq(key.group, a);
    cr_assert_gt(key.cooldown_left_ms, 59000);
    cr_assert_eq(key.words[0].status, KEYSHM_AVAILABLE);
    cr_assert_eq(key.words[2].status, KEYSHM_RATE_LIMITED);
    cr_assert_eq(key.marked[KEYSHM_RATE_LIMITED], 0, "its group was marked");
    cr_assert_eq(state_of(a).marked[KEYSHM_RATE_LIMITED], 1);
    cr_assert_eq(keyshm_mark_available(pool, in_a), 0);
    cr_assert_eq(keyshm_is_available(pool, in_a), 0, "a key does not lift what its group was marked with");
    cr_assert_eq(keyshm_mark_available(pool, a), 0);
    cr_assert_eq(keyshm_available_count(pool), 4);
    cr_assert_eq(state_of(in_a).benched_by, 0);
}

Test(groups, that_come_back_have_all_their_keys_picked)
{
    keyshm_id a = group_of("a"), ids[4];
    for (int i = 0; i < 4; i++)
        ids[i] = add_in(i, a);
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, a, KEYSHM_UNTIL_MARKED), 0);
    struct keyshm_pick pick;
    cr_assert_eq(keyshm_next(pool, &pick), -EAGAIN);
    cr_assert_eq(keyshm_next_available_ms(pool), -1);
    cr_assert_eq(keyshm_mark_available(pool, a), 0);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(pick_id(), ids[i % 4]);
    mark_group(ids[0], KEYSHM_RATE_LIMITED, 30);
    cr_assert_eq(keyshm_next(pool, &pick), -EAGAIN);
    int64_t next_ms = keyshm_next_available_ms(pool);
    cr_assert(next_ms >= 0 && next_ms <= 31);
    usleep(32000);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(pick_id(), ids[i % 4]);
}

Test(groups, of_a_key_that_has_none_are_the_key)
{
    keyshm_id key = add_key(1), other = add_key(2);
    mark_group(key, KEYSHM_INVALID, 0);
    cr_assert_eq(state_of(key).benched_by, KEYSHM_BY_KEY);
    cr_assert_eq(keyshm_is_available(pool, other), 1);
}

Test(groups, keep_out_a_key_that_is_added_while_they_cool)
{
    keyshm_id a = group_of("a");
    mark_group(a, KEYSHM_RATE_LIMITED, 60000);
    struct keyshm_pick pick;
    keyshm_id key = add_in(1, a), moved = add_key(2);
    cr_assert_eq(pick_id(), moved);
    cr_assert_eq(keyshm_set_group(pool, moved, a), 0);
    cr_assert_eq(keyshm_next(pool, &pick), -EAGAIN);
    cr_assert_eq(keyshm_set_group(pool, key, 0), 0);
    cr_assert_eq(pick_id(), key);
    cr_assert_eq(pick_id(), key);
    cr_assert_eq(state_of(moved).group, a);
    cr_assert_eq(state_of(key).group, 0);
}

Test(groups, are_left_by_a_key_that_is_removed)
{
    keyshm_id a = group_of("a");
    add_in(1, a);
    keyshm_id key = add_in(2, a);
    mark_group(a, KEYSHM_INVALID, 0);
    cr_assert_eq(keyshm_remove(pool, key), 0);
    keyshm_id next = add_key(3);
    cr_assert_eq((uint32_t)next & 0xffffff, (uint32_t)key & 0xffffff, "in the same slot");
    cr_assert_eq(pick_id(), next);
    cr_assert_eq(pick_id(), next);
}

Test(groups, are_paused_and_resumed)
{
    keyshm_id a = group_of("a"), key = add_in(1, a), alone = add_key(2);
    cr_assert_eq(keyshm_pause(pool, a), 0);
    cr_assert_eq(pick_id(), alone);
    cr_assert_eq(pick_id(), alone);
    cr_assert_eq(state_of(key).benched_by, KEYSHM_BY_PAUSE);
    cr_assert_eq(state_of(key).is_paused, 0, "it is not paused itself");
    cr_assert_eq(state_of(a).is_paused, 1);
    cr_assert_eq(keyshm_mark_available(pool, a), 0);
    cr_assert_eq(keyshm_is_available(pool, key), 0);
    cr_assert_eq(keyshm_resume(pool, a), 0);
    cr_assert_eq(keyshm_available_count(pool), 2);
    cr_assert(pick_id() == key || pick_id() == key);
}

Test(groups, are_lifted_with_all_others)
{
    keyshm_id a = group_of("a"), key = add_in(1, a), alone = add_key(2);
    mark_group(a, KEYSHM_RATE_LIMITED, 60000);
    cr_assert_eq(keyshm_mark_rate_limited(pool, alone, 60000), 0);
    cr_assert_eq(keyshm_mark_all_available(pool, 1u << KEYSHM_QUOTA_EXCEEDED), 0);
    cr_assert_eq(keyshm_mark_all_available(pool, 1u << KEYSHM_RATE_LIMITED), 2, "a key and a group");
    cr_assert_eq(keyshm_is_available(pool, key), 1);
    cr_assert_eq(keyshm_available_count(pool), 2);
}

Test(groups, are_events_of_their_own)
{
    struct keyshm_event_list *list;
    keyshm_id a = group_of("a");
    add_in(1, a);
    add_in(2, a);
    mark_group(a, KEYSHM_RATE_LIMITED, 60000);
    cr_assert_eq(keyshm_events(pool, NULL, &list), 0);
    const struct keyshm_event *last = &list->events[list->count - 1];
    cr_assert_eq(list->count, 3, "one mark is one event");
    cr_assert_eq(last->kind, KEYSHM_EVENT_MARKED);
    cr_assert_eq(last->scope, KEYSHM_SCOPE_GROUP);
    cr_assert_eq(last->id, a);
    cr_assert_eq(last->to, KEYSHM_RATE_LIMITED);
    keyshm_event_list_free(list);
}

static int count_moves(void)
{
    struct keyshm_event_list *events;
    int count = 0;
    cr_assert_eq(keyshm_events(pool, NULL, &events), 0);
    for (size_t i = 0; i < events->count; i++)
        count += events->events[i].kind == KEYSHM_EVENT_SETTINGS;
    keyshm_event_list_free(events);
    return count;
}

Test(groups, record_a_move_and_no_stay)
{
    keyshm_id a = group_of("org-a"), key = add_in(1, a);
    cr_assert_eq(keyshm_set_group(pool, key, a), 0);
    cr_assert_eq(count_moves(), 0, "the key was there");
    cr_assert_eq(keyshm_set_group(pool, key, 0), 0);
    cr_assert_eq(count_moves(), 1);
    cr_assert_eq(keyshm_set_group(pool, key, 0), 0);
    cr_assert_eq(count_moves(), 1);
}

Test(groups, are_in_a_snapshot)
{
    struct keyshm_snapshot *snapshot;
    keyshm_id a = group_of("a"), b = group_of("b");
    add_in(1, b);
    add_in(2, b);
    mark_group(b, KEYSHM_QUOTA_EXCEEDED, 60000);
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->group_count, 2);
    cr_assert_eq(snapshot->groups_bytes, sizeof(*snapshot->groups));
    cr_assert_eq(snapshot->groups[0].id, a);
    cr_assert_eq(snapshot->groups[0].keys, 0);
    cr_assert_eq(snapshot->groups[1].keys, 2);
    cr_assert_str_eq(snapshot->groups[1].name, "b");
    cr_assert_eq(snapshot->groups[1].state.status, KEYSHM_QUOTA_EXCEEDED);
    cr_assert_eq(snapshot->groups[1].state.benched_by, KEYSHM_BY_GROUP);
    cr_assert_eq(snapshot->keys[0].group, b);
    cr_assert_eq(snapshot->status_count[KEYSHM_QUOTA_EXCEEDED], 2, "as a pick sees them");
    keyshm_snapshot_free(snapshot);
}

/* Marks a group, and lifts that, until told to stop. */
struct marker {
    keyshm_pool *pool;
    keyshm_id group;
    _Atomic bool is_done;
};

static void *mark_and_lift(void *user)
{
    struct marker *marker = user;
    while (!marker->is_done) {
        keyshm_mark_rate_limited(marker->pool, marker->group, KEYSHM_UNTIL_MARKED);
        keyshm_mark_available(marker->pool, marker->group);
    }
    return NULL;
}

#define MANY_KEYS 1000
#define MARKED_KEYS 100

Test(groups, are_seen_whole_or_not_at_all)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    struct marker marker = {.is_done = false};
    pthread_t thread;
    cr_assert_eq(keyshm_create_anonymous(&marker.pool, "many", &options), 0);
    cr_assert_eq(keyshm_group(marker.pool, "removed", &marker.group), 0);
    cr_assert_eq(keyshm_remove_group(marker.pool, marker.group), 0);
    cr_assert_eq(keyshm_group(marker.pool, "first", &marker.group), 0);
    cr_assert_eq(keyshm_group(marker.pool, "marked", &marker.group), 0);
    for (int i = 0; i < MANY_KEYS; i++)
        cr_assert_eq(keyshm_add_to_group(marker.pool, key_text(i), i < MARKED_KEYS ? marker.group : 0, NULL), 0);
    cr_assert_eq(pthread_create(&thread, NULL, mark_and_lift, &marker), 0);
    for (int i = 0; i < 300; i++) {
        struct keyshm_snapshot *snapshot;
        int available = keyshm_available_count(marker.pool);
        cr_assert(available == MANY_KEYS - MARKED_KEYS || available == MANY_KEYS, "%d available", available);
        cr_assert_eq(keyshm_snapshot(marker.pool, &snapshot), 0);
        enum keyshm_status status = snapshot->groups[1].state.status;
        cr_assert_eq(snapshot->status_count[status], status == KEYSHM_AVAILABLE ? MANY_KEYS : MARKED_KEYS,
                     "%u keys as their group", snapshot->status_count[status]);
        cr_assert_eq(snapshot->keys[0].benched_by, status == KEYSHM_AVAILABLE ? 0 : KEYSHM_BY_GROUP);
        keyshm_snapshot_free(snapshot);
    }
    marker.is_done = true;
    cr_assert_eq(pthread_join(thread, NULL), 0);
    keyshm_close(marker.pool);
}

Test(groups, keep_their_keys_when_they_are_replaced)
{
    static const char *const keys[] = {"a-key", "b-key"};
    keyshm_id a = group_of("a"), gone = add_in(1, a), other = add_key(2);
    struct keyshm_replaced replaced = KEYSHM_REPLACED_INIT;
    cr_assert_eq(keyshm_replace_group_keys(pool, a, keys, 2, &replaced), 0);
    cr_assert_eq(replaced.added, 2);
    cr_assert_eq(replaced.removed, 1);
    cr_assert_eq(keyshm_is_available(pool, gone), -ESTALE);
    cr_assert_eq(keyshm_is_available(pool, other), 1);
    keyshm_id id;
    cr_assert_eq(keyshm_find(pool, "b-key", &id), 0);
    cr_assert_eq(state_of(id).group, a);
    cr_assert_eq(keyshm_remove_group(pool, a), -EBUSY);
    cr_assert_eq(keyshm_replace_group_keys(pool, a, NULL, 0, NULL), 0);
    cr_assert_eq(keyshm_remove_group(pool, a), 0);
    cr_assert_eq(keyshm_replace_group_keys(pool, a, keys, 2, NULL), -ESTALE);
}

Test(groups, are_not_replaced_by_more_keys_than_there_is_room_for)
{
    static const char *const keys[] = {"k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8"};
    keyshm_id a = group_of("a"), kept = add_in(1, a), other = add_key(2);
    cr_assert_eq(keyshm_replace_group_keys(pool, a, keys, 8, NULL), -ENOSPC);
    cr_assert_eq(keyshm_is_available(pool, kept), 1, "nothing was changed");
    cr_assert_eq(keyshm_replace_group_keys(pool, a, keys, 7, NULL), 0);
    cr_assert_eq(keyshm_is_available(pool, kept), -ESTALE);
    cr_assert_eq(keyshm_is_available(pool, other), 1);
}

Test(groups, with_a_number_beyond_the_last_are_not_there)
{
    struct keyshm_key_snapshot state;
    keyshm_id beyond = group_of("a") + 64;
    cr_assert_eq(keyshm_inspect(pool, beyond, 0, sizeof(state), &state), -ESTALE);
    cr_assert_eq(keyshm_mark_invalid(pool, beyond), -ESTALE);
    cr_assert_eq(keyshm_remove_group(pool, beyond), -ESTALE);
    cr_assert_eq(keyshm_remove_group(pool, add_key(1)), -EINVAL);
}

/* What nobody but an attacker writes: the words of an id that is no group's would lie far behind the segment. */
Test(groups, whose_id_was_forged_are_none)
{
    struct keyshm_snapshot *snapshot;
    keyshm_id a = group_of("a"), key = add_in(1, a);
    keyshm_id forged = a - GROUP_BIT + (UINT64_C(3) << GROUP_NUMBER_BITS << 10);
    atomic_store(&pool->key_groups[id_slot(key)], group_pack(forged));
    atomic_store(&pool->groups[0].id, forged);
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->keys[0].group, 0);
    keyshm_snapshot_free(snapshot);
    cr_assert_eq(state_of(key).group, 0);
}

/* ---- stamps ---- */

Test(groups, are_not_lifted_by_the_answer_to_a_pick_of_another_group)
{
    struct keyshm_lease lease;
    struct keyshm_mark available = KEYSHM_MARK_INIT;
    keyshm_id a = group_of("a"), b = group_of("b"), key = add_in(1, a);
    mark_group(a, KEYSHM_RATE_LIMITED, 60000);
    cr_assert_eq(keyshm_mark_available(pool, a), 0);
    cr_assert_eq(keyshm_acquire(pool, NULL, &lease), 0);
    cr_assert_eq(keyshm_set_group(pool, key, b), 0);
    mark_group(b, KEYSHM_RATE_LIMITED, 60000); /* as often as a was */
    available.scope = KEYSHM_SCOPE_GROUP;
    available.stamp = lease.pick.stamp;
    cr_assert_eq(keyshm_mark(pool, key, &available), 0);
    cr_assert_eq(keyshm_is_available(pool, key), 0);
    cr_assert_eq(keyshm_mark_available(pool, b), 0);
    cr_assert_eq(keyshm_acquire(pool, NULL, &lease), 0);
    available.stamp = lease.pick.stamp;
    cr_assert_eq(keyshm_mark(pool, key, &available), 0, "of its own it changes nothing");
    cr_assert_eq(keyshm_is_available(pool, key), 1);
}

static uint64_t stamp_of(keyshm_id key)
{
    struct keyshm_pick pick;
    cr_assert_eq(keyshm_get(pool, key, &pick), 0);
    return pick.stamp;
}

/* Who asks the provider about one key, without a pick: what was marked meanwhile stands. */
Test(groups, are_lifted_by_a_good_answer_to_a_key_of_theirs)
{
    keyshm_id group = group_of("a"), other = group_of("b"), key = add_in(1, group);
    struct keyshm_mark available = KEYSHM_MARK_INIT;
    mark_group(group, KEYSHM_QUOTA_EXCEEDED, KEYSHM_UNTIL_MARKED);
    available.stamp = stamp_of(key);
    mark_group(group, KEYSHM_QUOTA_EXCEEDED, KEYSHM_UNTIL_MARKED);
    cr_assert_eq(keyshm_mark(pool, group, &available), 0);
    cr_assert_eq(state_of(group).status, KEYSHM_QUOTA_EXCEEDED, "marked after the stamp");
    available.stamp = stamp_of(key);
    mark_group(other, KEYSHM_QUOTA_EXCEEDED, KEYSHM_UNTIL_MARKED);
    mark_group(other, KEYSHM_QUOTA_EXCEEDED, KEYSHM_UNTIL_MARKED);
    cr_assert_eq(keyshm_mark(pool, other, &available), 0);
    cr_assert_eq(state_of(other).status, KEYSHM_QUOTA_EXCEEDED, "the stamp is of another group");
    cr_assert_eq(keyshm_mark(pool, group, &available), 0);
    cr_assert_eq(state_of(group).status, KEYSHM_AVAILABLE);
    cr_assert_eq(keyshm_is_available(pool, key), 1);
}

/* ---- made by several at once ---- */

enum { MAKERS = 4, NAMES = 8 };

struct maker {
    keyshm_pool *pool;
    pthread_barrier_t *may_begin;
    keyshm_id groups[NAMES];
    unsigned models[NAMES];
};

static void *make_all(void *user)
{
    struct maker *maker = user;
    for (int i = 0; i < NAMES; i++) {
        char name[16];
        snprintf(name, sizeof(name), "name-%d", i);
        pthread_barrier_wait(maker->may_begin);
        if (keyshm_group(maker->pool, name, &maker->groups[i]) < 0 ||
            keyshm_model(maker->pool, name, &maker->models[i]) < 0)
            maker->groups[i] = 0;
    }
    return NULL;
}

Test(groups, and_models_of_one_name_are_made_once)
{
    pthread_barrier_t may_begin;
    pthread_t threads[MAKERS];
    struct maker makers[MAKERS];
    cr_assert_eq(pthread_barrier_init(&may_begin, NULL, MAKERS), 0);
    for (int i = 0; i < MAKERS; i++) {
        makers[i] = (struct maker){.pool = pool, .may_begin = &may_begin};
        cr_assert_eq(pthread_create(&threads[i], NULL, make_all, &makers[i]), 0);
    }
    for (int i = 0; i < MAKERS; i++)
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < NAMES; i++) {
        cr_assert_neq(makers[0].groups[i], 0);
        for (int other = 1; other < MAKERS; other++) {
            cr_assert_eq(makers[other].groups[i], makers[0].groups[i]);
            cr_assert_eq(makers[other].models[i], makers[0].models[i]);
        }
    }
    struct keyshm_snapshot *snapshot;
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->group_count, NAMES);
    cr_assert_eq(snapshot->model_count, NAMES);
    keyshm_snapshot_free(snapshot);
    pthread_barrier_destroy(&may_begin);
}
