/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <signal.h>
#include <sys/stat.h>
#include <time.h>

static char name[KEYSHM_PROVIDER_MAX + 1];
static keyshm_pool *observer;

static void create_and_observe(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = 8;
    options.in_flight_max = 5;
    options.group_in_flight_max = 7;
    options.provider_rules = "openai";
    snprintf(name, sizeof(name), "unit-snapshot.%d", getpid());
    cr_assert_eq(keyshm_create(&pool, name, &options), 0);
    cr_assert_eq(keyshm_attach_readonly(&observer, name), 0);
}

static void clean_up(void)
{
    keyshm_close(observer);
    keyshm_close(pool);
    keyshm_unlink(name);
}

TestSuite(snapshot, .init = create_and_observe, .fini = clean_up);

static struct keyshm_snapshot *observe(void)
{
    struct keyshm_snapshot *snapshot;
    cr_assert_eq(keyshm_snapshot(observer, &snapshot), 0);
    return snapshot;
}

Test(snapshot, describes_the_pool)
{
    struct keyshm_snapshot *snapshot = observe();
    cr_assert_str_eq(snapshot->provider, name);
    cr_assert_eq(snapshot->capacity, 8);
    cr_assert_eq(snapshot->key_max, 512);
    cr_assert_eq(snapshot->in_flight_max, 5);
    cr_assert_eq(snapshot->group_in_flight_max, 7);
    cr_assert_str_eq(snapshot->provider_rules, "openai");
    cr_assert_eq(snapshot->policy.cooldown_ms, 60000);
    cr_assert_eq(snapshot->creator_pid, getpid());
    cr_assert_eq(snapshot->creator_uid, geteuid());
    cr_assert_eq(snapshot->recoveries, 0);
    cr_assert_eq(snapshot->mutex_holder_pid, 0);
    cr_assert_eq(snapshot->count, 0);
    cr_assert_leq(llabs(snapshot->created_unix_ms - (int64_t)time(NULL) * 1000), 60000);
    cr_assert(snapshot->age_ms >= 0 && snapshot->age_ms < 60000);
    keyshm_snapshot_free(snapshot);
    keyshm_snapshot_free(NULL);
}

Test(snapshot, counts_mixed_states)
{
    keyshm_id ids[7];
    add_keys(ids, 7);
    keyshm_mark_rate_limited(pool, ids[0], 60000);
    keyshm_mark_rate_limited(pool, ids[1], 60000);
    keyshm_mark_quota_exceeded(pool, ids[2], KEYSHM_UNTIL_MARKED);
    keyshm_mark_invalid(pool, ids[4]);
    cr_assert_eq(keyshm_remove(pool, ids[3]), 0);

    struct keyshm_snapshot *snapshot = observe();
    static const unsigned slots[] = {0, 1, 2, 4, 5, 6};
    cr_assert_eq(snapshot->count, 6);
    for (unsigned i = 0; i < 6; i++) {
        cr_assert_eq(snapshot->keys[i].slot, slots[i], "in order");
        cr_assert_eq(snapshot->keys[i].id, ids[slots[i]]);
    }
    cr_assert_eq(snapshot->status_count[KEYSHM_AVAILABLE], 2);
    cr_assert_eq(snapshot->status_count[KEYSHM_RATE_LIMITED], 2);
    cr_assert_eq(snapshot->status_count[KEYSHM_QUOTA_EXCEEDED], 1);
    cr_assert_eq(snapshot->status_count[KEYSHM_INVALID], 1);
    keyshm_snapshot_free(snapshot);
    cr_assert_eq(keyshm_available_count(observer), 2);
    cr_assert_eq(keyshm_is_available(observer, ids[5]), 1);
    cr_assert_eq(keyshm_is_available(observer, ids[0]), 0);
}

Test(snapshot, tells_what_is_left_of_budgets)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct keyshm_lease lease;
    limits.requests = (struct keyshm_rate){.amount = 1, .per_ms = KEYSHM_DURATION_MAX_MS, .burst = 1};
    limits.in_flight = 5;
    add_key(0);
    cr_assert_eq(keyshm_set_limits(pool, 0, 0, &limits), 0);
    cr_assert_eq(keyshm_acquire(pool, NULL, &lease), 0);
    struct keyshm_snapshot *snapshot = observe();
    cr_assert_eq(snapshot->keys[0].requests_left, 0);
    cr_assert_eq(snapshot->keys[0].requests_burst, 1);
    cr_assert_eq(snapshot->keys[0].tokens_left, -1);
    cr_assert_eq(snapshot->keys[0].in_flight, 1);
    cr_assert_eq(snapshot->keys[0].in_flight_cap, 5);
    cr_assert_eq(snapshot->keys[0].benched_by, KEYSHM_BY_BUDGET);
    keyshm_snapshot_free(snapshot);
    cr_assert_eq(keyshm_is_available(observer, lease.pick.id), 0);
}

Test(snapshot, an_observer_can_read_everything_and_write_nothing)
{
    struct keyshm_pick pick;
    keyshm_id id = add_key(1), found;
    cr_assert_eq(keyshm_find(observer, key_text(1), &found), 0);
    cr_assert_eq(keyshm_next_available_ms(observer), 0);
    cr_assert_eq(keyshm_next(observer, &pick), -EROFS);
    cr_assert_eq(keyshm_add(observer, "k", &found), -EROFS);
    cr_assert_eq(keyshm_remove(observer, id), -EROFS);
    cr_assert_eq(keyshm_set_metadata(observer, id, "a", "b"), -EROFS);
    cr_assert_eq(keyshm_mark_rate_limited(observer, id, 1), -EROFS);
    cr_assert_eq(keyshm_mark_quota_exceeded(observer, id, 1), -EROFS);
    cr_assert_eq(keyshm_mark_invalid(observer, id), -EROFS);
    cr_assert_eq(keyshm_mark_available(observer, id), -EROFS);
    cr_assert_eq(keyshm_reset_expired_cooldowns(observer), -EROFS);
    struct keyshm_key_snapshot key = inspect(id);
    cr_assert_eq(key.picks, 0);
    cr_assert_eq(key.marked[KEYSHM_INVALID], 0);
}

/* Is this the first line of a mapping of the segment in /proc/self/maps or smaps (proc(5))? Compared by inode, because
 * the creator mapped the file before it had a name. */
static bool maps_the_segment(const char *line)
{
    char path[SEGMENT_PATH_SIZE];
    struct stat status;
    unsigned long inode = 0;
    segment_path(path, geteuid(), name);
    cr_assert_eq(stat(path, &status), 0);
    return sscanf(line, "%*x-%*x %*4c %*x %*x:%*x %lu", &inode) == 1 && inode == status.st_ino;
}

static int mappings_with(const char *permissions)
{
    char line[512];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    cr_assert_not_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL)
        count += maps_the_segment(line) && strstr(line, permissions) != NULL;
    fclose(maps);
    return count;
}

Test(snapshot, the_read_only_attachment_is_mapped_read_only)
{
    cr_assert_eq(mappings_with(" r--s "), 1, "the observer's");
    cr_assert_eq(mappings_with(" rw-s "), 1, "the creator's");
    keyshm_pool *second;
    cr_assert_eq(keyshm_attach_readonly_user(&second, geteuid(), name), 0);
    cr_assert_eq(mappings_with(" r--s "), 2);
    keyshm_close(second);
    cr_assert_eq(mappings_with(" r--s "), 1, "closing unmaps");
}

Test(snapshot, keeps_key_bytes_out_of_core_files)
{
    /* VmFlags of proc(5): "dd" is MADV_DONTDUMP. */
    char line[512];
    bool here = false;
    int protected = 0;
    FILE *smaps = fopen("/proc/self/smaps", "r");
    cr_assert_not_null(smaps);
    while (fgets(line, sizeof(line), smaps) != NULL) {
        if (strchr(line, '-') != NULL && strchr(line, '-') < strchr(line, ' '))
            here = maps_the_segment(line);
        if (here && strncmp(line, "VmFlags:", 8) == 0)
        protected += strstr(line, " dd") != NULL;
    }
    fclose(smaps);
    cr_assert_eq(protected, 2, "both mappings");
}

Test(snapshot, survives_the_end_of_the_pool)
{
    keyshm_id id = add_key(1);
    keyshm_set_metadata(pool, id, "n", "v");
    struct keyshm_snapshot *snapshot = observe();
    cr_assert_eq(keyshm_remove(pool, id), 0);
    cr_assert_eq(keyshm_unlink(name), 0);
    cr_assert_eq(snapshot->keys[0].id, id);
    cr_assert_str_eq(snapshot->keys[0].metadata[0].value, "v");
    keyshm_snapshot_free(snapshot);
}

Test(snapshot, one_key_is_inspected_alone)
{
    struct keyshm_key_snapshot key, whole;
    keyshm_id ids[2];
    add_keys(ids, 2);
    cr_assert_eq(keyshm_set_metadata(pool, ids[1], "n", "v"), 0);
    pick_id();
    pick_id();
    cr_assert_eq(keyshm_mark_quota_exceeded(pool, ids[1], KEYSHM_UNTIL_MARKED), 0);
    whole = inspect(ids[1]);
    cr_assert_eq(keyshm_inspect(observer, ids[1], 0, sizeof(key), &key), 0);
    cr_assert_eq(key.metadata_count, 0, "without its notes");
    cr_assert_null(key.metadata);
    cr_assert_eq(key.id, ids[1]);
    cr_assert_eq(key.slot, 1);
    cr_assert_eq(key.status, KEYSHM_QUOTA_EXCEEDED);
    cr_assert_eq(key.reason, KEYSHM_REASON_QUOTA);
    cr_assert_eq(key.cooldown_left_ms, -1);
    cr_assert_eq(key.benched_by, KEYSHM_BY_KEY);
    cr_assert_eq(key.picks, 1);
    cr_assert_eq(key.marked[KEYSHM_QUOTA_EXCEEDED], 1);
    cr_assert_str_eq(key.masked_key, whole.masked_key);
    cr_assert_eq(key.element_bytes, sizeof(struct keyshm_metadata));
}

Test(snapshot, as_many_bytes_are_inspected_as_were_asked_for)
{
    struct keyshm_key_snapshot key;
    unsigned char large[sizeof(struct keyshm_key_snapshot) + 16];
    keyshm_id id = add_key(1);
    memset(&key, 0x55, sizeof(key));
    cr_assert_eq(keyshm_inspect(pool, id, 0, offsetof(struct keyshm_key_snapshot, status), &key), 0);
    cr_assert_eq(key.id, id);
    cr_assert_eq(key.slot, 0);
    cr_assert_eq((unsigned)key.status, 0x55555555u);
    memset(large, 0x55, sizeof(large));
    cr_assert_eq(keyshm_inspect(pool, id, 0, sizeof(large), (struct keyshm_key_snapshot *)(void *)large), 0);
    cr_assert_eq(memcmp(large, &id, sizeof(id)), 0);

    memset(&key, 0x55, sizeof(key));
    cr_assert_eq(keyshm_inspect(pool, id, 1, sizeof(key), &key), -EINVAL, "there are no models");
    cr_assert_eq(keyshm_inspect(NULL, id, 0, sizeof(key), &key), -EINVAL);
    cr_assert_eq(keyshm_inspect(pool, id, 0, sizeof(key), NULL), -EINVAL);
    static const keyshm_id strange[] = {0, UINT64_MAX, 1};
    for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++)
        cr_assert_eq(keyshm_inspect(pool, strange[i], 0, sizeof(key), &key), -ESTALE);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    cr_assert_eq(keyshm_inspect(pool, id, 0, sizeof(key), &key), -ESTALE);
    add_key(2);
    cr_assert_eq(keyshm_inspect(pool, id, 0, sizeof(key), &key), -ESTALE, "another key in its slot");
    cr_assert_eq(key.id, UINT64_C(0x5555555555555555), "written although it failed");
}

Test(snapshot, an_observer_cannot_use_what_writes)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    static struct keyshm_lease lease;
    static const char *const keys[] = {"a"};
    char buffer[65];
    keyshm_id id = add_key(1), group = 0;
    unsigned model;
    cr_assert_eq(keyshm_mark(observer, id, &mark), -EROFS);
    cr_assert_eq(keyshm_mark_all_available(observer, 1), -EROFS);
    cr_assert_eq(keyshm_pause(observer, id), -EROFS);
    cr_assert_eq(keyshm_resume(observer, id), -EROFS);
    cr_assert_eq(keyshm_set_policy(observer, &policy), -EROFS);
    cr_assert_eq(keyshm_replace_keys(observer, keys, 1, NULL), -EROFS);
    cr_assert_eq(keyshm_next_key(observer, buffer, sizeof(buffer), NULL), -EROFS);
    cr_assert_eq(keyshm_set_worker_name(observer, "x"), -EROFS);
    cr_assert_eq(keyshm_after_fork(observer), -EROFS);
    cr_assert_eq(keyshm_acquire(observer, &request, &lease), -EROFS);
    cr_assert_eq(keyshm_release(observer, &lease), -EROFS);
    cr_assert_eq(keyshm_group(observer, "g", &group), -EROFS);
    cr_assert_eq(keyshm_set_group(observer, id, 0), -EROFS);
    cr_assert_eq(keyshm_remove_group(observer, group), -EROFS);
    cr_assert_eq(keyshm_model(observer, "m", &model), -EROFS);
    cr_assert_eq(keyshm_get_policy(observer, &policy), 0);
    cr_assert_eq(keyshm_set_metadata(pool, id, "n", "v"), 0);
    cr_assert_eq(keyshm_get_metadata(observer, id, "n", buffer, sizeof(buffer)), 1);
}
