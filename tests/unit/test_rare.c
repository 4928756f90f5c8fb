/* SPDX-License-Identifier: MIT */

/* What seldom or never happens by itself, made to happen. */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "event_record.h"
#include "key_index.h"
#include "layout.h"
#include "lock.h"
#include "mask.h"
#include "metadata.h"
#include "pool.h"
#include "pool_clock.h"
#include "process_local.h"
#include "rotation.h"
#include "slot.h"
#include "workers.h"

#include "fixture.h"

static char name[64], path[SEGMENT_PATH_SIZE];

static void create_named_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = 8;
    options.key_max = 64;
    snprintf(name, sizeof(name), "unit-rare.%d", getpid());
    segment_path(path, geteuid(), name);
    cr_assert_eq(keyshm_create(&pool, name, &options), 0);
}

static void close_named_pool(void)
{
    keyshm_close(pool);
    unlink(path);
}

TestSuite(rare, .init = create_named_pool, .fini = close_named_pool);

Test(rare, no_pool_and_nowhere_to_write_to)
{
    struct keyshm_pick pick;
    struct keyshm_worker_list *workers;
    struct keyshm_event_list *events;
    cr_assert_eq(keyshm_list_owners(NULL), -EINVAL);
    cr_assert_eq(keyshm_list_pools(0, NULL), -EINVAL);
    cr_assert_eq(keyshm_get(NULL, 1, &pick), -EINVAL);
    cr_assert_eq(keyshm_get(pool, 1, NULL), -EINVAL);
    cr_assert_eq(keyshm_workers(NULL, &workers), -EINVAL);
    cr_assert_eq(keyshm_workers(pool, NULL), -EINVAL);
    cr_assert_eq(keyshm_events(NULL, NULL, &events), -EINVAL);
    cr_assert_eq(keyshm_events(pool, NULL, NULL), -EINVAL);
    keyshm_owner_list_free(NULL);
    keyshm_pool_list_free(NULL);
    keyshm_worker_list_free(NULL);
    keyshm_event_list_free(NULL);
    keyshm_snapshot_free(NULL);
    keyshm_close(NULL);
}

/* ---- the table of workers ---- */

#define ROWS 256

Test(rare, a_process_that_finds_every_row_taken_works_unlisted)
{
    static keyshm_pool *others[ROWS];
    struct keyshm_worker_list *list;
    struct keyshm_pick pick;
    for (int i = 0; i < ROWS; i++)
        cr_assert_eq(keyshm_attach(&others[i], name), 0);
    add_key(1);
    cr_assert_eq(keyshm_next(others[ROWS - 1], &pick), 0);
    cr_assert_eq(keyshm_workers(pool, &list), 0);
    cr_assert_eq(list->count, ROWS);
    cr_assert_eq(list->unlisted, 1);
    cr_assert_eq(workers_enter(pool, pool_now_ms(pool)), workers_token(pool), "it keeps its row");
    keyshm_worker_list_free(list);
    for (int i = 0; i < ROWS; i++)
        keyshm_close(others[i]);
}

static pid_t ended_process(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    cr_assert_eq(waitpid(child, NULL, 0), child);
    return child;
}

/* The row that is looked at next. */
static struct layout_worker *next_row(void)
{
    return &pool->workers[atomic_load(&pool->header->workers_cursor) % pool->settings.worker_rows];
}

Test(rare, a_row_that_was_never_filled_in_is_its_owners_while_that_lives)
{
    keyshm_pool *other;
    struct layout_worker *row = next_row();
    uint64_t alive = (uint64_t)getpid() << 32 | WORKER_COUNT_STEP;
    uint64_t dead = (uint64_t)ended_process() << 32 | WORKER_COUNT_STEP;
    atomic_store(&row->owner, alive);
    cr_assert_eq(keyshm_attach(&other, name), 0);
    cr_assert_eq(atomic_load(&row->owner), alive);
    keyshm_close(other);

    row = next_row();
    atomic_store(&row->owner, dead);
    cr_assert_eq(keyshm_attach(&other, name), 0);
    cr_assert_eq(atomic_load(&row->owner) >> 32, (uint64_t)getpid());
    keyshm_close(other);

    row = next_row();
    atomic_store(&row->owner, dead | WORKER_IS_FOREIGN);
    cr_assert_eq(keyshm_attach(&other, name), 0);
    cr_assert_eq(atomic_load(&row->owner), dead | WORKER_IS_FOREIGN, "the number may be one of another namespace");
    keyshm_close(other);

    row = next_row();
    atomic_store(&row->owner, dead);
    pool->settings.pid_namespace++;
    workers_leave(pool);
    atomic_store(&pool->local->token, 0);
    cr_assert_neq(workers_enter(pool, pool_now_ms(pool)), 0);
    cr_assert_eq(atomic_load(&row->owner), dead, "and this process may be in another one");
}

/* More than one search looks at. */
Test(rare, rows_that_were_never_filled_in_are_looked_at_eight_at_a_time)
{
    enum { LOOKS = 8 };
    uint64_t from = atomic_load(&pool->header->workers_cursor);
    uint64_t alive = (uint64_t)getpid() << 32 | WORKER_COUNT_STEP;
    uint64_t dead = (uint64_t)ended_process() << 32 | WORKER_COUNT_STEP;
    keyshm_pool *other;
    for (uint64_t i = 0; i < LOOKS; i++)
        atomic_store(&pool->workers[from + i].owner, alive);
    atomic_store(&pool->workers[from + LOOKS].owner, dead);
    cr_assert_eq(keyshm_attach(&other, name), 0);
    cr_assert_eq(atomic_load(&pool->workers[from + LOOKS].owner), dead);
    cr_assert_eq(workers_token(other) >> 32, from + LOOKS + 2, "a free row needs no look");
    keyshm_close(other);
}

enum { ENTERING_THREADS = 4, ENTRIES = 200 };

static pthread_barrier_t may_enter;

static void *enter(void *ret_token)
{
    pthread_barrier_wait(&may_enter);
    *(uint64_t *)ret_token = workers_enter(pool, pool_now_ms(pool));
    return NULL;
}

static int rows_in_use(void)
{
    int count = 0;
    for (int i = 0; i < ROWS; i++)
        count += (atomic_load(&pool->workers[i].owner) & (WORKER_IS_FILLED | WORKER_HAS_CLOSED)) == WORKER_IS_FILLED;
    return count;
}

Test(rare, of_threads_that_take_a_row_one_keeps_it)
{
    cr_assert_eq(pthread_barrier_init(&may_enter, NULL, ENTERING_THREADS), 0);
    for (int entry = 0; entry < ENTRIES; entry++) {
        pthread_t threads[ENTERING_THREADS];
        uint64_t tokens[ENTERING_THREADS];
        workers_leave(pool);
        atomic_store(&pool->local->token, 0);
        for (int i = 0; i < ENTERING_THREADS; i++)
            cr_assert_eq(pthread_create(&threads[i], NULL, enter, &tokens[i]), 0);
        for (int i = 0; i < ENTERING_THREADS; i++)
            cr_assert_eq(pthread_join(threads[i], NULL), 0);
        for (int i = 0; i < ENTERING_THREADS; i++)
            cr_assert_eq(tokens[i], workers_token(pool));
        cr_assert_eq(rows_in_use(), 1, "the others are given back");
    }
    pthread_barrier_destroy(&may_enter);
}

Test(rare, a_process_that_can_remember_nothing_picks_and_marks)
{
    struct process_local *local = pool->local;
    keyshm_id id = add_key(1);
    pool->local = NULL;
    cr_assert_eq(pick_id(), id);
    cr_assert_eq(keyshm_mark_rate_limited(pool, id, 1000), 0);
    cr_assert_eq(workers_enter(pool, pool_now_ms(pool)), 0);
    workers_leave(pool);
    pool->local = local;
}

/* ---- the rotation ---- */

Test(rare, a_range_of_slots_that_are_not_there_is_empty)
{
    struct claim claim = {.number = 1, .begin = pool->settings.capacity - 1, .end = pool->settings.capacity};
    struct claim range = rotation_unpack_range(pool, claim_pack(&claim));
    cr_assert_eq(range.begin, claim.begin);
    cr_assert_eq(range.end, claim.end);
    claim.end++;
    range = rotation_unpack_range(pool, claim_pack(&claim));
    cr_assert_leq(range.end, range.begin);
}

Test(rare, a_range_that_ends_with_the_last_slot_is_used_up)
{
    struct claim claim = {.number = 5, .begin = KEYSHM_CAPACITY_MAX - 3, .end = KEYSHM_CAPACITY_MAX};
    uint64_t word = claim_after(claim_pack(&claim), KEYSHM_CAPACITY_MAX - 2);
    claim.begin = KEYSHM_CAPACITY_MAX - 1;
    cr_assert_eq(word, claim_pack(&claim));
    word = claim_after(word, KEYSHM_CAPACITY_MAX - 1);
    cr_assert_geq(claim_unpack(word).begin, claim_unpack(word).end);
    cr_assert_eq(claim_unpack(word).number, 5);
}

/* ---- slots ---- */

Test(rare, keys_of_one_hash_are_told_apart_by_length_and_bytes)
{
    keyshm_id id, found;
    struct slot_key key, other;
    cr_assert_eq(keyshm_add(pool, "a key of its own", &id), 0);
    slot_key_make(&key, "a key of its own", 16);
    cr_assert_eq(slot_match_key(pool, 0, &key, &found), 0);
    other = key;
    other.length = 15;
    cr_assert_eq(slot_match_key(pool, 0, &other, &found), -ENOENT);
    other = key;
    other.words[1] ^= 1;
    cr_assert_eq(slot_match_key(pool, 0, &other, &found), -ENOENT);
    cr_assert_eq(slot_match_key(pool, 1, &key, &found), -ENOENT, "an empty slot");
}

Test(rare, a_slot_with_the_id_of_another_is_left_out_of_a_snapshot)
{
    struct keyshm_snapshot *snapshot;
    struct keyshm_pick pick;
    keyshm_id id = add_key(1);
    atomic_store(&pool_slot(pool, 0)->id, id + 1);
    cr_assert_eq(keyshm_snapshot(pool, &snapshot), 0);
    cr_assert_eq(snapshot->count, 0);
    keyshm_snapshot_free(snapshot);
    cr_assert_eq(keyshm_get(pool, id, &pick), -ESTALE);
    atomic_store(&pool_slot(pool, 0)->id, id);
}

Test(rare, metadata_that_are_damaged_end_where_the_damage_is)
{
    union metadata_copy copy = {.words = {0}};
    const char *found_name, *found_value;
    size_t position = 0;
    memcpy(copy.bytes, "owner\0team\001", 11);
    cr_assert_not(metadata_next(&copy, &position, &found_name, &found_value), "a control character");
    memset(copy.bytes, 'v', sizeof(copy.bytes));
    memcpy(copy.bytes, "owner", 6);
    cr_assert_not(metadata_next(&copy, &position, &found_name, &found_value), "a value without an end");
    memset(copy.bytes, 'n', sizeof(copy.bytes));
    cr_assert_not(metadata_next(&copy, &position, &found_name, &found_value), "a name without an end");
}

/* ---- who died ---- */

Test(rare, a_recovery_is_an_event_that_says_who_died)
{
    struct keyshm_event_list *list;
    pid_t child = fork();
    if (child == 0) {
        struct lock_guard guard;
        if (lock_take(pool, &guard) == 0)
            kill(getpid(), SIGKILL);
        _exit(1);
    }
    cr_assert_eq(waitpid(child, NULL, 0), child);
    add_key(1);
    cr_assert_eq(keyshm_events(pool, NULL, &list), 0);
    pid_t dead = 0;
    for (size_t i = 0; i < list->count; i++)
        if (list->events[i].kind == KEYSHM_EVENT_RECOVERED)
            dead = list->events[i].dead_pid;
    cr_assert_eq(dead, child);
    keyshm_event_list_free(list);
}

/* ---- headers that are whole, and make no sense ---- */

static struct layout_settings read_settings(void)
{
    return pool->header->settings;
}

/* With a checksum that is right, as a bug would leave it. */
static void expect_refused(struct layout_settings settings)
{
    keyshm_pool *other;
    struct layout_settings good = read_settings();
    pool->header->settings = settings;
    pool->header->settings_checksum = layout_checksum(&settings);
    cr_assert_eq(keyshm_attach(&other, name), -EBADMSG);
    pool->header->settings = good;
    pool->header->settings_checksum = layout_checksum(&good);
}

#define EXPECT_REFUSED(field, wrong)                       \
    do {                                                   \
        struct layout_settings settings = read_settings(); \
        settings.field = (wrong);                          \
        expect_refused(settings);                          \
    } while (0)

Test(rare, settings_out_of_their_limits_are_refused)
{
    EXPECT_REFUSED(capacity, 0);
    EXPECT_REFUSED(capacity, KEYSHM_CAPACITY_MAX + 1);
    EXPECT_REFUSED(key_max, 0);
    EXPECT_REFUSED(key_max, KEYSHM_KEY_MAX + 1);
    EXPECT_REFUSED(worker_rows, 0);
    EXPECT_REFUSED(worker_rows, KEYSHM_WORKERS_MAX + 1);
    EXPECT_REFUSED(groups_max, KEYSHM_GROUPS_MAX + 1);
    EXPECT_REFUSED(models_max, KEYSHM_MODELS_MAX + 1);
    EXPECT_REFUSED(in_flight_max, KEYSHM_IN_FLIGHT_MAX + 1);
    EXPECT_REFUSED(group_in_flight_max, KEYSHM_GROUP_IN_FLIGHT_MAX + 1);
    EXPECT_REFUSED(lock_timeout_ms, 0);
    EXPECT_REFUSED(lock_timeout_ms, KEYSHM_LOCK_TIMEOUT_MAX_MS + 1);
    EXPECT_REFUSED(created_unix_us, UINT64_MAX);
    EXPECT_REFUSED(provider_rules[0], '\0');
    EXPECT_REFUSED(provider_rules[0], '.');
    EXPECT_REFUSED(provider_rules[1], '/');
    EXPECT_REFUSED(provider_rules[1], '\n');

    struct layout_settings settings = read_settings();
    memset(settings.creator_name, 'x', sizeof(settings.creator_name));
    expect_refused(settings);
    settings = read_settings();
    memset(settings.provider, 'x', sizeof(settings.provider));
    expect_refused(settings);
    settings = read_settings();
    memset(settings.provider_rules, 'x', sizeof(settings.provider_rules));
    expect_refused(settings);
}

Test(rare, a_header_of_another_length_is_another_layout)
{
    keyshm_pool *other;
    uint32_t bytes = pool->header->header_bytes;
    pool->header->header_bytes = bytes + 64;
    cr_assert_eq(keyshm_attach(&other, name), -EPROTO);
    pool->header->header_bytes = bytes;
}

/* ---- owners ---- */

static const char *file_named_after(uid_t named, const char *provider)
{
    static char file[SEGMENT_PATH_SIZE];
    char own_provider[KEYSHM_PROVIDER_MAX + 1];
    snprintf(own_provider, sizeof(own_provider), "%s-%d", provider, getpid());
    segment_path(file, named, own_provider);
    return file;
}

static void make_file_of(uid_t owner, uid_t named, const char *provider)
{
    const char *file = file_named_after(named, provider);
    int fd = open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(fchown(fd, owner, (gid_t)-1), 0);
    close(fd);
}

static void remove_file_of(uid_t named, const char *provider)
{
    cr_assert_eq(unlink(file_named_after(named, provider)), 0);
}

/* In a user namespace there may be one user only (user_namespaces(7)). */
static bool has_other_users(void)
{
    unsigned inside = 0, outside = 0, count = 0;
    FILE *map = fopen("/proc/self/uid_map", "re");
    bool has = map != NULL && fscanf(map, "%u %u %u", &inside, &outside, &count) == 3 && count > 1;
    if (map != NULL)
        fclose(map);
    return has;
}

Test(rare, owners_are_listed_once_each_in_ascending_order)
{
    struct keyshm_owner_list *list;
    int found = 0;
    if (geteuid() != 0 || !has_other_users()) {
        close_named_pool();
        cr_skip_test("needs root, to give files away");
    }
    make_file_of(700002, 700002, "a");
    make_file_of(700001, 700001, "a");
    make_file_of(700001, 700001, "b");
    make_file_of(700003, 700004, "a"); /* named like another's */
    make_file_of(700005, 700005, ".hidden");
    cr_assert_eq(keyshm_list_owners(&list), 0);
    for (size_t i = 0; i < list->count; i++) {
        cr_assert(i == 0 || list->owners[i - 1] < list->owners[i]);
        found += list->owners[i] == 700001 || list->owners[i] == 700002;
        cr_assert_not(list->owners[i] > 700002 && list->owners[i] <= 700005);
    }
    cr_assert_eq(found, 2);
    keyshm_owner_list_free(list);
    remove_file_of(700002, "a");
    remove_file_of(700001, "a");
    remove_file_of(700001, "b");
    remove_file_of(700004, "a");
    remove_file_of(700005, ".hidden");
}

Test(rare, pools_are_listed_in_order)
{
    struct keyshm_pool_list *list;
    make_file_of(geteuid(), geteuid(), "zz");
    make_file_of(geteuid(), geteuid(), "aa");
    cr_assert_eq(keyshm_list_pools(geteuid(), &list), 0);
    cr_assert_geq(list->count, 3);
    for (size_t i = 1; i < list->count; i++) {
        int order = strcmp(list->providers[i - 1], list->providers[i]);
        cr_assert(order < 0 || (order == 0 && strcmp(list->layouts[i - 1], list->layouts[i]) < 0));
    }
    keyshm_pool_list_free(list);
    remove_file_of(geteuid(), "zz");
    remove_file_of(geteuid(), "aa");
}

/* ---- bytes that were written over ---- */

static void fill_index(uint32_t entry)
{
    for (uint32_t i = 0; i < pool->settings.index_entries; i++)
        atomic_store(&pool->index[i], entry);
}

Test(rare, a_full_index_ends_every_search)
{
    keyshm_id id = add_key(1), found;
    uint32_t outside = (pool->settings.capacity + 1) | 0xab000000;
    fill_index(outside);
    struct slot_key key;
    slot_key_make(&key, "not there", 9);
    key.hash = UINT64_C(0xab) << 56;
    cr_assert_eq(index_find(pool, &key, &found), -ENOENT, "a slot that there is not");
    cr_assert_not(index_has(pool, key.hash, 0));
    index_insert(pool, key.hash, 0);
    cr_assert_eq(index_count(pool), pool->settings.index_entries);
    /* Each entry leads to a slot that has none of the hashes: closing the gap ends after one round. */
    fill_index(1);
    index_delete(pool, 0, 0);
    cr_assert_eq(keyshm_repair(pool), 0);
    cr_assert_eq(keyshm_find(pool, key_text(1), &found), 0);
    cr_assert_eq(found, id);
}

static void expect_problem(void)
{
    cr_assert_gt(keyshm_verify(pool, NULL, NULL), 0);
}

Test(rare, damage_is_found_wherever_it_is)
{
    static const uint64_t mark = 1;
    keyshm_id id = add_key(1);
    struct layout_slot *at = pool_slot(pool, 0), *free_slot = pool_slot(pool, 1);
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
    _Atomic uint64_t *words[] = {
        &at->picks,
        &at->last_used_ms,
        &at->marked[0],
        &at->key_hash,
        &free_slot->key[0],
        &free_slot->key_hash,
        &free_slot->metadata[0][0],
        &free_slot->metadata[1][0],
        &pool->words[0],
        &pool->words[1],
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        uint64_t before = atomic_load(words[i]);
        atomic_store(words[i], before ^ mark << 60 ^ mark << 3);
        expect_problem();
        atomic_store(words[i], before);
    }
    uint64_t checksum = pool->header->settings_checksum;
    pool->header->settings_checksum ^= 1;
    expect_problem();
    pool->header->settings_checksum = checksum;
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);
    cr_assert_eq(keyshm_is_available(pool, id), 1);
}

static void count_problem(const char *problem, void *user)
{
    (void)problem;
    ++*(int *)user;
}

Test(rare, no_more_than_32_problems_are_described)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    keyshm_pool *large;
    int described = 0;
    options.capacity = 64;
    cr_assert_eq(keyshm_create_anonymous(&large, "large", &options), 0);
    for (uint32_t slot = 0; slot < large->settings.capacity; slot++)
        atomic_store(&large->words[slot], UINT64_MAX);
    cr_assert_gt(keyshm_verify(large, count_problem, &described), 32);
    cr_assert_eq(described, 32);
    keyshm_close(large);
}

Test(rare, words_and_keys_that_cannot_be)
{
    static const char with_nul[16] = "a key\0of its own";
    struct slot_key key;
    add_key(1);
    uint64_t before = atomic_load(&pool->words[0]);
    atomic_store(&pool->words[0],
                 word_make(KEYSHM_RATE_LIMITED, KEYSHM_REASON_RATE_LIMIT, word_marks(before), WORD_NO_DEADLINE));
    expect_problem();
    atomic_store(&pool->words[0], before);
    cr_assert_eq(keyshm_verify(pool, NULL, NULL), 0);

    slot_key_make(&key, with_nul, sizeof(with_nul));
    slot_fill(pool, 0, atomic_load(&pool_slot(pool, 0)->id), &key);
    expect_problem();
}

Test(rare, events_of_a_header_that_was_written_over)
{
    struct keyshm_event_list *list;
    pool->header->version++;
    cr_assert_eq(keyshm_events(pool, NULL, &list), -EBADMSG);
    pool->header->version--;
}

Test(rare, a_record_that_is_whole_and_makes_no_sense_is_none)
{
    static const struct event_record good = {.kind = KEYSHM_EVENT_MARKED, .from = -1, .to = -1, .number = -1};
    struct event_record records[] = {good, good, good}, unpacked;
    uint64_t words[RECORD_WORDS];
    records[0].kind = (enum keyshm_event_kind)KEYSHM_EVENT_KIND_COUNT;
    records[1].from = KEYSHM_STATUS_COUNT;
    records[2].to = KEYSHM_STATUS_COUNT;
    for (int i = 0; i < 3; i++) {
        record_pack(7, &records[i], words);
        cr_assert_not(record_unpack(7, words, &unpacked));
    }
    record_pack(7, &good, words);
    cr_assert(record_unpack(7, words, &unpacked));
}

Test(rare, an_observer_repairs_nothing)
{
    keyshm_pool *observer;
    cr_assert_eq(keyshm_attach_readonly(&observer, name), 0);
    cr_assert_eq(keyshm_repair(observer), -EROFS);
    keyshm_close(observer);
}

/* ---- what is asked of single functions ---- */

Test(rare, an_id_of_before_or_of_no_slot_has_no_key)
{
    struct keyshm_pick pick;
    keyshm_id id = add_key(1), next;
    cr_assert_eq(keyshm_get(pool, id | (KEYSHM_CAPACITY_MAX - 1), &pick), -ESTALE);
    cr_assert_eq(keyshm_remove(pool, id), 0);
    next = add_key(2);
    cr_assert_eq(next & 0xffffff, id & 0xffffff);
    cr_assert_eq(keyshm_get(pool, id, &pick), -ESTALE);
}

Test(rare, a_note_that_does_not_fit_before_others_leaves_them)
{
    char value[KEYSHM_METADATA_VALUE_MAX + 1];
    keyshm_id id = add_key(1);
    memset(value, 'v', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    cr_assert_eq(keyshm_set_metadata(pool, id, "m", value), 0);
    cr_assert_eq(keyshm_set_metadata(pool, id, "z", "small"), 0);
    cr_assert_eq(keyshm_set_metadata(pool, id, "a", value), -ENOSPC);
    cr_assert_eq(inspect(id).metadata_count, 2);
}

Test(rare, a_name_in_another_file_system_says_nothing_of_the_attached_file)
{
    dev_t device = pool->device;
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(mkdir(path, 0700), 0);
    cr_assert_eq(keyshm_is_replaced(pool), 1);
    pool->device++;
    cr_assert_eq(keyshm_is_replaced(pool), 0);
    pool->device = device;
    cr_assert_eq(rmdir(path), 0);
}

Test(rare, what_cannot_be_printed_is_masked_too)
{
    char masked[KEYSHM_MASKED_SIZE];
    mask_key("sk-abcdefghijklmnopqrstu\x7f\x01xy", 28, masked);
    cr_assert(strstr(masked, "??xy") != NULL, "%s", masked);
}

Test(rare, a_key_without_bytes_is_a_key_to_look_for)
{
    struct slot_key key;
    keyshm_id found;
    slot_key_make(&key, "", 0);
    cr_assert_eq(index_find(pool, &key, &found), -ENOENT);
}
