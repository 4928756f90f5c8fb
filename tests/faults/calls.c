/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include <sys/syscall.h>

#include "expect.h"
#include "inject.h"
#include "pool.h"
#include "segment_copy.h"

const char fixture_untouched;

static const char *const keys[FIXTURE_KEYS] = {"sk-one-abcdefghijklmnop", "sk-two-abcdefghijklmnop",
                                               "sk-three-abcdefghijkl"};
#define NEW_KEY "sk-four-abcdefghijklmno"

static int *child_result; /* shared with the child that writes it */

static struct keyshm_options small_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = 8;
    options.key_max = 32;
    options.lock_timeout_ms = 10;
    return options;
}

void fixture_begin(struct fixture *fixture)
{
    struct keyshm_options options = small_pool();
    if (child_result == NULL)
        child_result = expect_shared_memory(sizeof(*child_result));
    *fixture = (struct fixture){.saved_fd = -1, .made = {.any = &fixture_untouched}};
    snprintf(fixture->provider, sizeof(fixture->provider), "%s", expect_name);
    snprintf(fixture->other, sizeof(fixture->other), "%.50s.other", expect_name);
    EXPECT_EQ(keyshm_create(&fixture->pool, fixture->provider, &options), 0);
    EXPECT_EQ(keyshm_attach_readonly(&fixture->observer, fixture->provider), 0);
    for (int i = 0; i < FIXTURE_KEYS; i++)
        EXPECT_EQ(keyshm_add(fixture->pool, keys[i], &fixture->ids[i]), 0);
    EXPECT_EQ(keyshm_set_metadata(fixture->pool, fixture->ids[0], "owner", "team a"), 0);
    EXPECT_EQ(keyshm_set_metadata(fixture->pool, fixture->ids[1], "owner", "team b"), 0);
    EXPECT_EQ(keyshm_mark_rate_limited(fixture->pool, fixture->ids[2], 60000), 0);
}

void fixture_end(struct fixture *fixture)
{
    keyshm_close(fixture->observer);
    keyshm_close(fixture->pool);
    EXPECT_EQ(keyshm_unlink(fixture->provider), 0);
}

/* ---- creating and attaching ---- */

static int64_t run_create(struct fixture *fixture)
{
    struct keyshm_options options = small_pool();
    return keyshm_create(&fixture->made.pool, fixture->other, &options);
}

static int64_t run_create_again(struct fixture *fixture)
{
    return keyshm_create(&fixture->made.pool, fixture->provider, NULL);
}

static int64_t run_create_anonymous(struct fixture *fixture)
{
    struct keyshm_options options = small_pool();
    return keyshm_create_anonymous(&fixture->made.pool, fixture->other, &options);
}

/* Only root may name another. */
static uid_t other_user(void)
{
    return geteuid() == 0 ? 65534 : geteuid();
}

static int64_t run_create_for_other(struct fixture *fixture)
{
    struct keyshm_options options = small_pool();
    options.owner = other_user();
    return keyshm_create(&fixture->made.pool, fixture->other, &options);
}

static int64_t run_open(struct fixture *fixture)
{
    return keyshm_open(&fixture->made.pool, fixture->provider, NULL);
}

static int64_t run_open_nothing(struct fixture *fixture)
{
    struct keyshm_options options = small_pool();
    return keyshm_open(&fixture->made.pool, fixture->other, &options);
}

static int64_t run_attach_user(struct fixture *fixture)
{
    return keyshm_attach_user(&fixture->made.pool, geteuid(), fixture->provider);
}

static int64_t run_attach(struct fixture *fixture)
{
    return keyshm_attach(&fixture->made.pool, fixture->provider);
}

static int64_t run_attach_nothing(struct fixture *fixture)
{
    return keyshm_attach(&fixture->made.pool, fixture->other);
}

static int64_t run_attach_readonly(struct fixture *fixture)
{
    return keyshm_attach_readonly(&fixture->made.pool, fixture->provider);
}

static int64_t run_attach_readonly_user(struct fixture *fixture)
{
    return keyshm_attach_readonly_user(&fixture->made.pool, geteuid(), fixture->provider);
}

static void close_made(struct fixture *fixture)
{
    if (fixture->made.any == &fixture_untouched)
        return;
    keyshm_close(fixture->made.pool);
    fixture->made.any = &fixture_untouched;
}

static void close_and_unlink_made(struct fixture *fixture)
{
    bool was_made = fixture->made.any != &fixture_untouched;
    close_made(fixture);
    EXPECT_EQ(keyshm_unlink(fixture->other), was_made ? 0 : -ENOENT);
}

static void close_and_unlink_of_other(struct fixture *fixture)
{
    bool was_made = fixture->made.any != &fixture_untouched;
    close_made(fixture);
    EXPECT_EQ(keyshm_unlink_user(other_user(), fixture->other), was_made ? 0 : -ENOENT);
}

/* What the test has opened is not the library's, and not counted. */
static void close_own(int fd)
{
    EXPECT_EQ(syscall(SYS_close, fd), 0);
}

/* A program that has closed its standard input: the library must not take that number. */
static void close_stdin(struct fixture *fixture)
{
    fixture->saved_fd = dup(STDIN_FILENO);
    EXPECT(fixture->saved_fd > STDERR_FILENO);
    close_own(STDIN_FILENO);
}

static void open_stdin(struct fixture *fixture)
{
    EXPECT_EQ(dup2(fixture->saved_fd, STDIN_FILENO), STDIN_FILENO);
    close_own(fixture->saved_fd);
}

static void open_stdin_and_close_made(struct fixture *fixture)
{
    open_stdin(fixture);
    close_made(fixture);
}

static void open_stdin_and_unlink_made(struct fixture *fixture)
{
    open_stdin(fixture);
    close_and_unlink_made(fixture);
}

static void forbid_unnamed_files(struct fixture *fixture)
{
    (void)fixture;
    inject_without(FAULT_OPEN_UNNAMED, EOPNOTSUPP);
}

/* Of a process that was killed while it was making a pool. */
#define ABANDONED "/dev/shm/keyshm-new.1.1"
#define ABANDONED_BY_OTHER "/dev/shm/keyshm-new.1.2"

static void abandon(const char *path, uid_t owner)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    EXPECT(fd >= 0);
    EXPECT_EQ(syscall(SYS_fchown, fd, owner, -1), 0);
    close_own(fd);
}

static void forbid_unnamed_files_and_abandon_some(struct fixture *fixture)
{
    abandon(ABANDONED, geteuid());
    if (geteuid() == 0)
        abandon(ABANDONED_BY_OTHER, other_user());
    forbid_unnamed_files(fixture);
}

static void forbid_unnamed_files_and_close_stdin(struct fixture *fixture)
{
    forbid_unnamed_files(fixture);
    close_stdin(fixture);
}

static void allow_unnamed_files(struct fixture *fixture)
{
    (void)fixture;
    inject_without(FAULT_OPEN_UNNAMED, 0);
}

static void allow_unnamed_files_and_unlink_made(struct fixture *fixture)
{
    allow_unnamed_files(fixture);
    close_and_unlink_made(fixture);
}

/* One's own stays only when something fails, and another user's always. */
static void allow_unnamed_files_and_unlink_all(struct fixture *fixture)
{
    allow_unnamed_files_and_unlink_made(fixture);
    int r = (int)syscall(SYS_unlinkat, AT_FDCWD, ABANDONED, 0);
    EXPECT(r != 0 ? errno == ENOENT : inject_has_failed());
    if (geteuid() == 0)
        EXPECT_EQ(syscall(SYS_unlinkat, AT_FDCWD, ABANDONED_BY_OTHER, 0), 0);
}

static void allow_unnamed_files_open_stdin_and_unlink_made(struct fixture *fixture)
{
    allow_unnamed_files(fixture);
    open_stdin_and_unlink_made(fixture);
}

/* An attachment of a process that cannot learn its PID namespace. */
static void attach_in_unknown_namespace(struct fixture *fixture)
{
    inject_without(FAULT_STAT_NAMESPACE, ENOENT);
    inject_without(FAULT_NAMESPACE, ENOTTY);
    EXPECT_EQ(keyshm_attach(&fixture->extra, fixture->provider), 0);
}

static void leave_unknown_namespace(struct fixture *fixture)
{
    inject_without(FAULT_STAT_NAMESPACE, 0);
    inject_without(FAULT_NAMESPACE, 0);
    keyshm_close(fixture->extra);
}

/* A process that has ended without closing has the second row. */
static void leave_dead_worker(struct fixture *fixture)
{
    pid_t child = expect_fork();
    if (child == 0)
        _exit(keyshm_attach(&fixture->extra, fixture->provider) == 0 ? 0 : 1);
    expect_success_of(child);
}

/*
 * Rows are given out in turn. These two let the turn come round to the first row, which this process has, and to the
 * second, a dead process's. That takes as many attachments as there are rows, so it is done once, and what it
 * changed in the segment is kept.
 */
static void turn(struct fixture *fixture, unsigned attachments)
{
    for (unsigned i = 0; i < attachments; i++) {
        EXPECT_EQ(keyshm_attach(&fixture->extra, fixture->provider), 0);
        keyshm_close(fixture->extra);
    }
}

static unsigned count_rows(struct fixture *fixture)
{
    struct keyshm_worker_list *list;
    EXPECT_EQ(keyshm_workers(fixture->pool, &list), 0);
    EXPECT_EQ(list->count, 1);
    unsigned rows = list->capacity;
    keyshm_worker_list_free(list);
    return rows;
}

static void turn_to_own_row(struct fixture *fixture)
{
    static struct segment_copy begin, turned;
    if (turned.size == 0) {
        segment_copy_read(&begin, fixture->provider);
        turn(fixture, count_rows(fixture) - 1);
        segment_copy_read(&turned, fixture->provider);
    }
    segment_copy_change(fixture->provider, &begin, &turned);
}

static void turn_to_dead_row(struct fixture *fixture)
{
    static struct segment_copy begin, turned;
    if (turned.size == 0) {
        unsigned rows = count_rows(fixture);
        segment_copy_read(&begin, fixture->provider);
        leave_dead_worker(fixture);
        turn(fixture, rows - 2);
        segment_copy_read(&turned, fixture->provider);
    }
    segment_copy_change(fixture->provider, &begin, &turned);
}

static int64_t run_is_replaced(struct fixture *fixture)
{
    return keyshm_is_replaced(fixture->pool);
}

static int64_t run_is_extra_replaced(struct fixture *fixture)
{
    return keyshm_is_replaced(fixture->extra);
}

static void make_extra(struct fixture *fixture)
{
    struct keyshm_options options = small_pool();
    EXPECT_EQ(keyshm_create(&fixture->extra, fixture->other, &options), 0);
}

static void make_extra_and_unlink(struct fixture *fixture)
{
    make_extra(fixture);
    EXPECT_EQ(keyshm_unlink(fixture->other), 0);
}

static void attach_extra(struct fixture *fixture)
{
    EXPECT_EQ(keyshm_attach(&fixture->extra, fixture->provider), 0);
    fixture->saved_fd = fixture->extra->fd;
}

/* It stays open only when something fails. */
static void close_saved_fd(struct fixture *fixture)
{
    EXPECT(close(fixture->saved_fd) != 0 || inject_has_failed());
}

static void make_extra_and_close(struct fixture *fixture)
{
    make_extra(fixture);
    keyshm_close(fixture->extra);
}

static void close_extra(struct fixture *fixture)
{
    keyshm_close(fixture->extra);
}

static void unlink_other(struct fixture *fixture)
{
    int r = keyshm_unlink(fixture->other);
    EXPECT(r == 0 || r == -ENOENT);
}

static int64_t run_close(struct fixture *fixture)
{
    keyshm_close(fixture->extra);
    return 0;
}

static int64_t run_unlink(struct fixture *fixture)
{
    return keyshm_unlink(fixture->other);
}

static int64_t run_unlink_user(struct fixture *fixture)
{
    return keyshm_unlink_user(geteuid(), fixture->other);
}

static int64_t run_list_pools(struct fixture *fixture)
{
    return keyshm_list_pools(geteuid(), &fixture->made.pools);
}

static void free_pools(struct fixture *fixture)
{
    if (fixture->made.any != &fixture_untouched)
        keyshm_pool_list_free(fixture->made.pools);
}

static int64_t run_pool_list_free(struct fixture *fixture)
{
    keyshm_pool_list_free(fixture->made.pools);
    return 0;
}

static void list_pools(struct fixture *fixture)
{
    EXPECT_EQ(run_list_pools(fixture), 0);
}

static int64_t run_list_owners(struct fixture *fixture)
{
    return keyshm_list_owners(&fixture->made.owners);
}

static void free_owners(struct fixture *fixture)
{
    if (fixture->made.any != &fixture_untouched)
        keyshm_owner_list_free(fixture->made.owners);
}

static int64_t run_owner_list_free(struct fixture *fixture)
{
    keyshm_owner_list_free(fixture->made.owners);
    return 0;
}

static void list_owners(struct fixture *fixture)
{
    EXPECT_EQ(run_list_owners(fixture), 0);
}

/* ---- membership ---- */

static int64_t run_add(struct fixture *fixture)
{
    return keyshm_add(fixture->pool, NEW_KEY, &fixture->made_id);
}

static int64_t run_add_again(struct fixture *fixture)
{
    return keyshm_add(fixture->pool, keys[1], &fixture->made_id);
}

static int64_t run_remove(struct fixture *fixture)
{
    return keyshm_remove(fixture->pool, fixture->ids[1]);
}

static int64_t run_add_to_extra(struct fixture *fixture)
{
    return keyshm_add(fixture->extra, NEW_KEY, &fixture->made_id);
}

/* ---- groups and models ---- */

#define GROUP_NAME "an account"
#define MODEL_NAME "a model"

static void make_group(struct fixture *fixture)
{
    EXPECT_EQ(keyshm_group(fixture->pool, GROUP_NAME, &fixture->group), 0);
}

static void make_model(struct fixture *fixture)
{
    EXPECT_EQ(keyshm_model(fixture->pool, MODEL_NAME, &fixture->model), 0);
}

static int64_t run_group(struct fixture *fixture)
{
    return keyshm_group(fixture->pool, GROUP_NAME, &fixture->made_id);
}

static int64_t run_find_group(struct fixture *fixture)
{
    return keyshm_find_group(fixture->observer, GROUP_NAME, &fixture->made_id);
}

static int64_t run_group_name(struct fixture *fixture)
{
    char name[KEYSHM_NAME_MAX + 1];
    return keyshm_group_name(fixture->observer, fixture->group, name, sizeof(name));
}

static int64_t run_set_group(struct fixture *fixture)
{
    return keyshm_set_group(fixture->pool, fixture->ids[1], fixture->group);
}

static int64_t run_set_priority(struct fixture *fixture)
{
    return keyshm_set_priority(fixture->pool, fixture->ids[1], 1);
}

static int64_t run_set_weight(struct fixture *fixture)
{
    return keyshm_set_weight(fixture->pool, fixture->ids[1], 2);
}

static int64_t run_remove_group(struct fixture *fixture)
{
    return keyshm_remove_group(fixture->pool, fixture->group);
}

static int64_t run_add_to_group(struct fixture *fixture)
{
    return keyshm_add_to_group(fixture->pool, NEW_KEY, fixture->group, &fixture->made_id);
}

static int64_t run_replace_group_keys(struct fixture *fixture)
{
    static const char *const wanted[] = {NEW_KEY};
    return keyshm_replace_group_keys(fixture->pool, fixture->group, wanted, 1, NULL);
}

static int64_t run_model(struct fixture *fixture)
{
    return keyshm_model(fixture->pool, MODEL_NAME, &fixture->model);
}

static int64_t run_find_model(struct fixture *fixture)
{
    return keyshm_find_model(fixture->observer, MODEL_NAME, &fixture->model);
}

static int64_t run_model_name(struct fixture *fixture)
{
    char name[KEYSHM_NAME_MAX + 1];
    return keyshm_model_name(fixture->observer, fixture->model, name, sizeof(name));
}

static int64_t run_is_available_for(struct fixture *fixture)
{
    return keyshm_is_available_for(fixture->observer, fixture->ids[0], fixture->model);
}

static int64_t run_available_count_for(struct fixture *fixture)
{
    return keyshm_available_count_for(fixture->observer, fixture->model);
}

static int64_t run_acquire(struct fixture *fixture)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.model = fixture->model;
    return keyshm_acquire(fixture->pool, &request, &fixture->lease);
}

static void bench_all(struct fixture *fixture)
{
    for (size_t i = 0; i < sizeof(fixture->ids) / sizeof(fixture->ids[0]); i++)
        EXPECT_EQ(keyshm_mark_rate_limited(fixture->pool, fixture->ids[i], KEYSHM_UNTIL_MARKED), 0);
}

static int64_t run_acquire_with_wait(struct fixture *fixture)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.wait_ms = 1;
    request.affinity = 1;
    request.flags = KEYSHM_SOONEST;
    return keyshm_acquire(fixture->pool, &request, &fixture->lease);
}

static int64_t run_wait_hint(struct fixture *fixture)
{
    return keyshm_wait_hint_ms(fixture->observer, NULL);
}

static void acquire_lease(struct fixture *fixture)
{
    EXPECT_EQ(keyshm_acquire(fixture->pool, NULL, &fixture->lease), 0);
}

static int64_t run_release(struct fixture *fixture)
{
    return keyshm_release(fixture->pool, &fixture->lease);
}

/* A cap and tokens that are charged at release: a request then has a place of its key. */
static int64_t run_set_limits(struct fixture *fixture)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.in_flight = 1;
    limits.tokens.amount = 1000;
    return keyshm_set_limits(fixture->pool, fixture->ids[0], 0, &limits);
}

static int64_t run_remove_limits(struct fixture *fixture)
{
    return keyshm_set_limits(fixture->pool, fixture->ids[0], 0, NULL);
}

static void set_limits(struct fixture *fixture)
{
    EXPECT_EQ(run_set_limits(fixture), 0);
}

static int64_t run_get_limits(struct fixture *fixture)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    int r = keyshm_get_limits(fixture->observer, fixture->ids[0], 0, &limits);
    EXPECT(r < 0 || limits.in_flight == 1);
    return r;
}

static int64_t run_observe(struct fixture *fixture)
{
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    observation.requests_left = 1;
    observation.requests_reset_ms = 1000;
    observation.tokens_left = 0;
    observation.tokens_reset_ms = 1000;
    return keyshm_observe(fixture->pool, fixture->ids[0], &observation);
}

static int64_t run_observation_init(struct fixture *fixture)
{
    struct keyshm_observation observation;
    (void)fixture;
    keyshm_observation_init(&observation, sizeof(observation));
    return observation.size == sizeof(observation) ? 0 : -1;
}

static int64_t run_limits_init(struct fixture *fixture)
{
    struct keyshm_limits limits;
    (void)fixture;
    keyshm_limits_init(&limits, sizeof(limits));
    return limits.size == sizeof(limits) ? 0 : -1;
}

static int64_t run_acquire_with_tokens(struct fixture *fixture)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.tokens = 10;
    return keyshm_acquire(fixture->pool, &request, &fixture->lease);
}

/* Whoever is refused for what a dead process holds finds that within half a second. */
static int64_t run_acquire_in_time(struct fixture *fixture)
{
    int64_t r = run_acquire_with_tokens(fixture);
    for (int i = 0; i < 200 && r == -EAGAIN; i++) {
        usleep(5000);
        r = run_acquire_with_tokens(fixture);
    }
    return r;
}

static void acquire_place(struct fixture *fixture)
{
    set_limits(fixture);
    EXPECT_EQ(run_acquire_with_tokens(fixture), 0);
    EXPECT_EQ(fixture->lease.pick.id, fixture->ids[0]);
}

static int64_t run_settle(struct fixture *fixture)
{
    return keyshm_settle(fixture->pool, &fixture->lease, 20);
}

static int64_t run_cancel(struct fixture *fixture)
{
    return keyshm_cancel(fixture->pool, &fixture->lease);
}

/* A process that has ended with a lease. */
static void leave_dead_holder_of_lease(struct fixture *fixture)
{
    pid_t child = expect_fork();
    if (child == 0) {
        acquire_place(fixture);
        _exit(0);
    }
    expect_success_of(child);
}

static int64_t run_reap(struct fixture *fixture)
{
    return keyshm_reap(fixture->pool, 0);
}

/* Of the other keys none is available. */
static void leave_dead_holder_of_all(struct fixture *fixture)
{
    EXPECT_EQ(keyshm_mark_invalid(fixture->pool, fixture->ids[1]), 0);
    leave_dead_holder_of_lease(fixture);
}

static int64_t run_leases(struct fixture *fixture)
{
    int r = keyshm_leases(fixture->observer, &fixture->made.leases);
    EXPECT(r < 0 || fixture->made.leases->count == 1);
    return r;
}

static void free_leases(struct fixture *fixture)
{
    if (fixture->made.any != &fixture_untouched)
        keyshm_lease_list_free(fixture->made.leases);
}

static int64_t run_lease_list_free(struct fixture *fixture)
{
    keyshm_lease_list_free(fixture->made.leases);
    return 0;
}

static void list_leases(struct fixture *fixture)
{
    acquire_place(fixture);
    EXPECT_EQ(run_leases(fixture), 0);
}

static int64_t run_request_init(struct fixture *fixture)
{
    struct keyshm_request request;
    (void)fixture;
    keyshm_request_init(&request, sizeof(request));
    return request.size == sizeof(request) ? 0 : -1;
}

/* One stays, one is new, two go. */
static int64_t run_replace_keys(struct fixture *fixture)
{
    static const char *const wanted[] = {NEW_KEY, "sk-one-abcdefghijklmnop"};
    struct keyshm_replaced replaced = KEYSHM_REPLACED_INIT;
    int r = keyshm_replace_keys(fixture->pool, wanted, 2, &replaced);
    EXPECT(replaced.kept + replaced.added == (r == 0 ? 2 : 0));
    return r;
}

static int64_t run_get_metadata(struct fixture *fixture)
{
    char value[KEYSHM_METADATA_VALUE_MAX + 1];
    return keyshm_get_metadata(fixture->observer, fixture->ids[1], "owner", value, sizeof(value));
}

static int64_t run_set_metadata(struct fixture *fixture)
{
    return keyshm_set_metadata(fixture->pool, fixture->ids[0], "plan", "free");
}

static int64_t run_repair(struct fixture *fixture)
{
    return keyshm_repair(fixture->pool);
}

/* A child that is to stop with the mutex in hand, and does nothing else. */
static void start_holder(struct fixture *fixture, enum hold_at at)
{
    int ends[2];
    char byte;
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    fixture->holder = expect_fork();
    if (fixture->holder == 0) {
        inject_hold(at, ends[1]);
        keyshm_repair(fixture->pool);
        _exit(1);
    }
    EXPECT_EQ(read(ends[0], &byte, 1), 1);
    close_own(ends[0]);
    close_own(ends[1]);
}

static void hold_before_record(struct fixture *fixture)
{
    start_holder(fixture, HOLD_BEFORE_RECORD);
}

static void hold_after_record(struct fixture *fixture)
{
    start_holder(fixture, HOLD_AFTER_RECORD);
}

static void end_holder(struct fixture *fixture)
{
    if (fixture->holder != 0)
        expect_kill(fixture->holder);
    fixture->holder = 0;
}

static void leave_dead_holder(struct fixture *fixture)
{
    hold_after_record(fixture);
    end_holder(fixture);
}

/* ---- picks and marks ---- */

static int64_t run_next(struct fixture *fixture)
{
    return keyshm_next(fixture->pool, &fixture->pick);
}

static int64_t run_next_key(struct fixture *fixture)
{
    return keyshm_next_key(fixture->pool, fixture->pick.key, sizeof(fixture->pick.key), &fixture->made_id);
}

static int64_t in_child(struct fixture *fixture, int (*run)(struct fixture *fixture))
{
    *child_result = 1;
    pid_t child = expect_fork();
    if (child == 0) {
        *child_result = run(fixture);
        _exit(0);
    }
    expect_success_of(child);
    return *child_result;
}

/* The first pick of a child, in which it takes a row of its own. The child has to leave nothing behind either. */
static int next_first(struct fixture *fixture)
{
    struct held before = held_now;
    int r = keyshm_next(fixture->pool, &fixture->pick);
    EXPECT(memcmp(&before, &held_now, sizeof(before)) == 0);
    return r;
}

static int64_t run_next_in_child(struct fixture *fixture)
{
    return in_child(fixture, next_first);
}

static int after_fork(struct fixture *fixture)
{
    struct held before = held_now;
    int r = keyshm_after_fork(fixture->pool);
    EXPECT(memcmp(&before, &held_now, sizeof(before)) == 0);
    return r;
}

static int64_t run_after_fork(struct fixture *fixture)
{
    return in_child(fixture, after_fork);
}

/* What it keeps ends with the child. */
static int share(struct fixture *fixture)
{
    int error = 0;
    keyshm_pool *pool = keyshm_shared(fixture->provider, &error);
    EXPECT((pool == NULL) == (error < 0));
    return pool != NULL ? keyshm_next(pool, &fixture->pick) : error;
}

static int64_t run_shared(struct fixture *fixture)
{
    return in_child(fixture, share);
}

static int64_t run_get(struct fixture *fixture)
{
    return keyshm_get(fixture->pool, fixture->ids[1], &fixture->pick);
}

static int64_t run_find(struct fixture *fixture)
{
    return keyshm_find(fixture->pool, keys[1], &fixture->made_id);
}

static int64_t run_next_available_ms(struct fixture *fixture)
{
    return keyshm_next_available_ms(fixture->pool);
}

static int64_t run_mark_rate_limited(struct fixture *fixture)
{
    return keyshm_mark_rate_limited(fixture->pool, fixture->ids[0], 50);
}

static int64_t run_mark_quota_exceeded(struct fixture *fixture)
{
    return keyshm_mark_quota_exceeded(fixture->pool, fixture->ids[0], KEYSHM_UNTIL_MARKED);
}

static int64_t run_mark(struct fixture *fixture)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.reason = KEYSHM_REASON_OVERLOADED;
    mark.duration_ms = 50;
    return keyshm_mark(fixture->pool, fixture->ids[0], &mark);
}

static int64_t run_mark_all_available(struct fixture *fixture)
{
    return keyshm_mark_all_available(fixture->pool, 1U << KEYSHM_RATE_LIMITED);
}

static int64_t run_pause(struct fixture *fixture)
{
    return keyshm_pause(fixture->pool, fixture->ids[0]);
}

static void pause_key(struct fixture *fixture)
{
    EXPECT_EQ(run_pause(fixture), 0);
}

static int64_t run_resume(struct fixture *fixture)
{
    return keyshm_resume(fixture->pool, fixture->ids[0]);
}

static int64_t run_set_policy(struct fixture *fixture)
{
    const struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    return keyshm_set_policy(fixture->pool, &policy);
}

static int64_t run_get_policy(struct fixture *fixture)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    return keyshm_get_policy(fixture->observer, &policy);
}

static int64_t run_mark_invalid(struct fixture *fixture)
{
    return keyshm_mark_invalid(fixture->pool, fixture->ids[0]);
}

static int64_t run_raise_streak(struct fixture *fixture)
{
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    streak.rate_limits = 2;
    streak.failed_ago_ms = 0;
    return keyshm_raise_streak(fixture->pool, fixture->ids[1], 0, &streak);
}

static int64_t run_get_streak(struct fixture *fixture)
{
    struct keyshm_streak streak = KEYSHM_STREAK_INIT;
    return keyshm_get_streak(fixture->pool, fixture->ids[1], 0, &streak);
}

static int64_t run_streak_init(struct fixture *fixture)
{
    (void)fixture;
    struct keyshm_streak streak;
    keyshm_streak_init(&streak, sizeof(streak));
    return streak.failed_ago_ms == -1 ? 0 : -EINVAL;
}

static int64_t run_success(struct fixture *fixture)
{
    const struct keyshm_pick pick = {.id = fixture->ids[0], .stamp = 1};
    return keyshm_success(fixture->pool, &pick);
}

static int64_t run_mark_available(struct fixture *fixture)
{
    return keyshm_mark_available(fixture->pool, fixture->ids[2]);
}

static void wait_for_cooldown(struct fixture *fixture)
{
    EXPECT_EQ(keyshm_mark_rate_limited(fixture->pool, fixture->ids[1], 1), 0);
    while (keyshm_is_available(fixture->pool, fixture->ids[1]) == 0)
        usleep(500);
}

static int64_t run_reset_expired(struct fixture *fixture)
{
    return keyshm_reset_expired_cooldowns(fixture->pool);
}

static int64_t run_is_available(struct fixture *fixture)
{
    return keyshm_is_available(fixture->pool, fixture->ids[0]);
}

static int64_t run_available_count(struct fixture *fixture)
{
    return keyshm_available_count(fixture->pool);
}

/* ---- inspection ---- */

static int64_t run_snapshot(struct fixture *fixture)
{
    int r = keyshm_snapshot(fixture->observer, &fixture->made.snapshot);
    if (r == 0)
        EXPECT(fixture->made.snapshot->count == FIXTURE_KEYS && fixture->made.snapshot->keys[0].metadata_count == 1);
    return r;
}

static int64_t run_inspect(struct fixture *fixture)
{
    struct keyshm_key_snapshot key;
    return keyshm_inspect(fixture->observer, fixture->ids[0], 0, sizeof(key), &key);
}

static int64_t run_set_worker_name(struct fixture *fixture)
{
    return keyshm_set_worker_name(fixture->pool, "worker 1");
}

static void free_snapshot(struct fixture *fixture)
{
    if (fixture->made.any != &fixture_untouched)
        keyshm_snapshot_free(fixture->made.snapshot);
}

static void free_snapshot_and_end_holder(struct fixture *fixture)
{
    free_snapshot(fixture);
    end_holder(fixture);
}

static void make_group_and_model(struct fixture *fixture)
{
    make_group(fixture);
    make_model(fixture);
}

static void take_snapshot(struct fixture *fixture)
{
    EXPECT_EQ(run_snapshot(fixture), 0);
}

static int64_t run_snapshot_free(struct fixture *fixture)
{
    keyshm_snapshot_free(fixture->made.snapshot);
    return 0;
}

static int64_t run_workers(struct fixture *fixture)
{
    return keyshm_workers(fixture->observer, &fixture->made.workers);
}

static void free_workers(struct fixture *fixture)
{
    if (fixture->made.any != &fixture_untouched)
        keyshm_worker_list_free(fixture->made.workers);
}

/* So that it is asked for by a descriptor for the process. */
static void forbid_namespace_of_proc(struct fixture *fixture)
{
    (void)fixture;
    inject_without(FAULT_STAT_NAMESPACE, EACCES);
}

static void allow_namespace_of_proc_and_free_workers(struct fixture *fixture)
{
    inject_without(FAULT_STAT_NAMESPACE, 0);
    free_workers(fixture);
}

static void list_workers(struct fixture *fixture)
{
    EXPECT_EQ(run_workers(fixture), 0);
}

static int64_t run_worker_list_free(struct fixture *fixture)
{
    keyshm_worker_list_free(fixture->made.workers);
    return 0;
}

static int64_t run_events(struct fixture *fixture)
{
    struct keyshm_event_cursor before = fixture->cursor;
    int r = keyshm_events(fixture->observer, &fixture->cursor, &fixture->made.events);
    EXPECT((r < 0) == (memcmp(&before, &fixture->cursor, sizeof(before)) == 0));
    return r;
}

static void free_events(struct fixture *fixture)
{
    if (fixture->made.any != &fixture_untouched)
        keyshm_event_list_free(fixture->made.events);
}

static void list_events(struct fixture *fixture)
{
    EXPECT_EQ(run_events(fixture), 0);
}

static int64_t run_event_list_free(struct fixture *fixture)
{
    keyshm_event_list_free(fixture->made.events);
    return 0;
}

static int64_t run_verify(struct fixture *fixture)
{
    return keyshm_verify(fixture->observer, NULL, NULL);
}

/* ---- words ---- */

static int64_t run_version(struct fixture *fixture)
{
    (void)fixture;
    return keyshm_version() == KEYSHM_VERSION ? 0 : -1;
}

static int64_t run_status_name(struct fixture *fixture)
{
    (void)fixture;
    return strcmp(keyshm_status_name(KEYSHM_INVALID), "invalid");
}

static int64_t run_status_from_name(struct fixture *fixture)
{
    enum keyshm_status status = KEYSHM_AVAILABLE;
    (void)fixture;
    return keyshm_status_from_name("invalid", &status);
}

static int64_t run_strerror(struct fixture *fixture)
{
    (void)fixture;
    return strcmp(keyshm_strerror(-EINTR), strerror(EINTR));
}

static int64_t run_error_name(struct fixture *fixture)
{
    (void)fixture;
    return strcmp(keyshm_error_name(-ENOKEY), "ENOKEY");
}

static int64_t run_reason_name(struct fixture *fixture)
{
    (void)fixture;
    return strcmp(keyshm_reason_name(KEYSHM_REASON_QUOTA), "quota");
}

static int64_t run_reason_from_name(struct fixture *fixture)
{
    enum keyshm_reason reason;
    (void)fixture;
    return keyshm_reason_from_name("quota", &reason);
}

static int64_t run_layout_name(struct fixture *fixture)
{
    (void)fixture;
    return strlen(keyshm_layout_name()) <= KEYSHM_LAYOUT_NAME_MAX ? 0 : -1;
}

static int64_t run_provider_rules(struct fixture *fixture)
{
    return strcmp(keyshm_provider_rules(fixture->observer), fixture->provider);
}

static int64_t run_options_init(struct fixture *fixture)
{
    struct keyshm_options options;
    (void)fixture;
    keyshm_options_init(&options, sizeof(options));
    return options.size == sizeof(options) ? 0 : -1;
}

static int64_t run_mark_init(struct fixture *fixture)
{
    struct keyshm_mark mark;
    (void)fixture;
    keyshm_mark_init(&mark, sizeof(mark));
    return mark.size == sizeof(mark) ? 0 : -1;
}

static int64_t run_policy_init(struct fixture *fixture)
{
    struct keyshm_policy policy;
    (void)fixture;
    keyshm_policy_init(&policy, sizeof(policy));
    return policy.size == sizeof(policy) ? 0 : -1;
}

static int64_t run_replaced_init(struct fixture *fixture)
{
    struct keyshm_replaced replaced;
    (void)fixture;
    keyshm_replaced_init(&replaced, sizeof(replaced));
    return replaced.size == sizeof(replaced) ? 0 : -1;
}

static int64_t run_event_kind_name(struct fixture *fixture)
{
    (void)fixture;
    return strcmp(keyshm_event_kind_name(KEYSHM_EVENT_ADDED), "added");
}

/* What is not to be logged changes nothing; the callback of the run stays. */
static int64_t run_set_log(struct fixture *fixture)
{
    (void)fixture;
    keyshm_set_log(NULL, NULL, KEYSHM_LOG_ERROR);
    return 0;
}

static int64_t run_set_log_fd(struct fixture *fixture)
{
    (void)fixture;
    keyshm_set_log_fd(-1, KEYSHM_LOG_ERROR);
    return 0;
}

/* ---- all of them ---- */

const struct call calls[] = {
    {"keyshm_create", "", CALL_CREATES, run_create, 0, NULL, close_and_unlink_made, false},
    {"keyshm_create", "there is one", CALL_CREATES, run_create_again, -EEXIST, NULL, NULL, false},
    {"keyshm_create", "standard input is closed", CALL_CREATES, run_create, 0, close_stdin, open_stdin_and_unlink_made,
     false},
    {"keyshm_create", "there are no unnamed files", CALL_CREATES, run_create, 0, forbid_unnamed_files,
     allow_unnamed_files_and_unlink_made, false},
    {"keyshm_create", "there are no unnamed files, and some were abandoned", CALL_CREATES | CALL_LISTS, run_create, 0,
     forbid_unnamed_files_and_abandon_some, allow_unnamed_files_and_unlink_all, false},
    {"keyshm_create", "there is one, and there are no unnamed files", CALL_CREATES, run_create_again, -EEXIST,
     forbid_unnamed_files, allow_unnamed_files, false},
    {"keyshm_create", "there are no unnamed files, and standard input is closed", CALL_CREATES, run_create, 0,
     forbid_unnamed_files_and_close_stdin, allow_unnamed_files_open_stdin_and_unlink_made, false},
    {"keyshm_create", "for another user", CALL_CREATES, run_create_for_other, 0, NULL, close_and_unlink_of_other, false},
    {"keyshm_open", "", CALL_ATTACHES, run_open, 0, NULL, close_made, false},
    {"keyshm_open", "there is none", CALL_CREATES, run_open_nothing, 0, NULL, close_and_unlink_made, false},
    {"keyshm_create_anonymous", "", CALL_CREATES, run_create_anonymous, 0, NULL, close_made, false},
    {"keyshm_create_anonymous", "standard input is closed", CALL_CREATES, run_create_anonymous, 0, close_stdin,
     open_stdin_and_close_made, false},
    {"keyshm_attach", "", CALL_ATTACHES, run_attach, 0, NULL, close_made, false},
    {"keyshm_attach", "there is none", CALL_ATTACHES, run_attach_nothing, -ENOENT, NULL, NULL, false},
    {"keyshm_attach", "standard input is closed", CALL_ATTACHES, run_attach, 0, close_stdin, open_stdin_and_close_made,
     false},
    {"keyshm_attach", "the next row is taken", CALL_ATTACHES, run_attach, 0, turn_to_own_row, close_made, false},
    {"keyshm_attach", "the next row is a dead process's", CALL_ATTACHES, run_attach, 0, turn_to_dead_row, close_made,
     false},
    {"keyshm_attach_user", "", CALL_ATTACHES, run_attach_user, 0, NULL, close_made, false},
    {"keyshm_shared", "", CALL_PLAIN, run_shared, 0, NULL, NULL, false},
    {"keyshm_after_fork", "", CALL_PLAIN, run_after_fork, 0, NULL, NULL, false},
    {"keyshm_after_fork", "the next row is taken", CALL_PLAIN, run_after_fork, 0, turn_to_own_row, NULL, false},
    {"keyshm_attach_readonly", "", CALL_ATTACHES, run_attach_readonly, 0, NULL, close_made, false},
    {"keyshm_attach_readonly_user", "", CALL_ATTACHES, run_attach_readonly_user, 0, NULL, close_made, false},
    {"keyshm_is_replaced", "", CALL_INSPECTS, run_is_replaced, 0, NULL, NULL, false},
    {"keyshm_is_replaced", "unlinked", CALL_INSPECTS, run_is_extra_replaced, 1, make_extra_and_unlink, close_extra,
     false},
    {"keyshm_close", "", CALL_PLAIN, run_close, 0, attach_extra, close_saved_fd, false},
    {"keyshm_unlink", "", CALL_CREATES, run_unlink, 0, make_extra_and_close, unlink_other, false},
    {"keyshm_unlink_user", "", CALL_CREATES, run_unlink_user, 0, make_extra_and_close, unlink_other, false},
    {"keyshm_list_pools", "", CALL_LISTS, run_list_pools, 0, NULL, free_pools, false},
    {"keyshm_pool_list_free", "", CALL_LISTS, run_pool_list_free, 0, list_pools, NULL, false},
    {"keyshm_list_owners", "", CALL_LISTS, run_list_owners, 0, NULL, free_owners, false},
    {"keyshm_owner_list_free", "", CALL_LISTS, run_owner_list_free, 0, list_owners, NULL, false},

    {"keyshm_add", "", CALL_MEMBERSHIP, run_add, 0, NULL, NULL, false},
    {"keyshm_add", "it is there", CALL_MEMBERSHIP, run_add_again, -EEXIST, NULL, NULL, false},
    {"keyshm_add", "the mutex is held", CALL_MEMBERSHIP, run_add, -ETIMEDOUT, hold_after_record, end_holder, true},
    {"keyshm_add", "the mutex is held by nobody knows whom", CALL_MEMBERSHIP, run_add, -ETIMEDOUT, hold_before_record,
     end_holder, true},
    {"keyshm_add", "the holder has died", CALL_MEMBERSHIP, run_add, 0, leave_dead_holder, NULL, true},
    {"keyshm_add", "nobody tells the PID namespace", CALL_MEMBERSHIP, run_add_to_extra, -EXDEV,
     attach_in_unknown_namespace, leave_unknown_namespace, false},
    {"keyshm_replace_keys", "", CALL_MEMBERSHIP, run_replace_keys, 0, NULL, NULL, false},
    {"keyshm_replace_keys", "the holder has died", CALL_MEMBERSHIP, run_replace_keys, 0, leave_dead_holder, NULL, true},
    {"keyshm_remove", "", CALL_MEMBERSHIP, run_remove, 0, NULL, NULL, false},
    {"keyshm_group", "", CALL_MEMBERSHIP, run_group, 0, NULL, NULL, false},
    {"keyshm_group", "the mutex is held", CALL_MEMBERSHIP, run_group, -ETIMEDOUT, hold_after_record, end_holder, true},
    {"keyshm_group", "the holder has died", CALL_MEMBERSHIP, run_group, 0, leave_dead_holder, NULL, true},
    {"keyshm_find_group", "", CALL_INSPECTS, run_find_group, 0, make_group, NULL, false},
    {"keyshm_group_name", "", CALL_INSPECTS, run_group_name, 10, make_group, NULL, false},
    {"keyshm_set_group", "", CALL_MEMBERSHIP, run_set_group, 0, make_group, NULL, false},
    {"keyshm_set_priority", "", CALL_MEMBERSHIP, run_set_priority, 0, NULL, NULL, false},
    {"keyshm_set_weight", "", CALL_MEMBERSHIP, run_set_weight, 0, NULL, NULL, false},
    {"keyshm_set_limits", "", CALL_MEMBERSHIP, run_set_limits, 0, NULL, NULL, false},
    {"keyshm_set_limits", "there are none any longer", CALL_MEMBERSHIP, run_remove_limits, 0, set_limits, NULL, false},
    {"keyshm_set_limits", "the holder has died", CALL_MEMBERSHIP, run_set_limits, 0, leave_dead_holder, NULL, true},
    {"keyshm_get_limits", "", CALL_INSPECTS, run_get_limits, 0, set_limits, NULL, false},
    {"keyshm_remove_group", "", CALL_MEMBERSHIP, run_remove_group, 0, make_group, NULL, false},
    {"keyshm_add_to_group", "", CALL_MEMBERSHIP, run_add_to_group, 0, make_group, NULL, false},
    {"keyshm_replace_group_keys", "", CALL_MEMBERSHIP, run_replace_group_keys, 0, make_group, NULL, false},
    {"keyshm_model", "", CALL_MEMBERSHIP, run_model, 0, NULL, NULL, false},
    {"keyshm_find_model", "", CALL_INSPECTS, run_find_model, 0, make_model, NULL, false},
    {"keyshm_model_name", "", CALL_INSPECTS, run_model_name, 7, make_model, NULL, false},
    {"keyshm_find", "", CALL_INSPECTS, run_find, 0, NULL, NULL, false},
    {"keyshm_set_metadata", "", CALL_MEMBERSHIP, run_set_metadata, 0, NULL, NULL, false},
    {"keyshm_get_metadata", "", CALL_INSPECTS, run_get_metadata, 6, NULL, NULL, false},
    {"keyshm_repair", "", CALL_MEMBERSHIP, run_repair, 0, NULL, NULL, false},

    {"keyshm_next", "", CALL_PLAIN, run_next, 0, NULL, NULL, false},
    {"keyshm_next", "the first of a child", CALL_PLAIN, run_next_in_child, 0, NULL, NULL, false},
    {"keyshm_next", "the first of a child, the next row is taken", CALL_PLAIN, run_next_in_child, 0, turn_to_own_row,
     NULL, false},
    {"keyshm_next_key", "", CALL_PLAIN, run_next_key, 23, NULL, NULL, false},
    {"keyshm_acquire", "", CALL_PLAIN, run_acquire, 0, make_model, NULL, false},
    {"keyshm_acquire", "a wait", CALL_PLAIN, run_acquire_with_wait, -EAGAIN, bench_all, NULL, false},
    {"keyshm_acquire", "a place", CALL_PLAIN, run_acquire_with_tokens, 0, set_limits, NULL, false},
    {"keyshm_acquire", "a dead process has the only place", CALL_PLAIN, run_acquire_in_time, 0, leave_dead_holder_of_all,
     NULL, true},
    {"keyshm_settle", "", CALL_PLAIN, run_settle, 0, acquire_place, NULL, false},
    {"keyshm_release", "", CALL_PLAIN, run_release, 0, acquire_lease, NULL, false},
    {"keyshm_release", "a place", CALL_PLAIN, run_release, 0, acquire_place, NULL, false},
    {"keyshm_cancel", "", CALL_PLAIN, run_cancel, 0, acquire_place, NULL, false},
    {"keyshm_reap", "", CALL_PLAIN, run_reap, 1, leave_dead_holder_of_lease, NULL, false},
    {"keyshm_leases", "", CALL_INSPECTS, run_leases, 0, acquire_place, free_leases, false},
    {"keyshm_lease_list_free", "", CALL_INSPECTS, run_lease_list_free, 0, list_leases, NULL, false},
    {"keyshm_get", "", CALL_INSPECTS, run_get, 0, NULL, NULL, false},
    {"keyshm_wait_hint_ms", "", CALL_INSPECTS, run_wait_hint, 0, NULL, NULL, false},
    {"keyshm_next_available_ms", "", CALL_INSPECTS, run_next_available_ms, 0, NULL, NULL, false},
    {"keyshm_mark_rate_limited", "", CALL_PLAIN, run_mark_rate_limited, 0, NULL, NULL, false},
    {"keyshm_mark_quota_exceeded", "", CALL_PLAIN, run_mark_quota_exceeded, 0, NULL, NULL, false},
    {"keyshm_mark_invalid", "", CALL_PLAIN, run_mark_invalid, 0, NULL, NULL, false},
    {"keyshm_mark_available", "", CALL_PLAIN, run_mark_available, 0, NULL, NULL, false},
    {"keyshm_mark", "", CALL_PLAIN, run_mark, 0, NULL, NULL, false},
    {"keyshm_mark_all_available", "", CALL_PLAIN, run_mark_all_available, 1, NULL, NULL, false},
    {"keyshm_success", "", CALL_PLAIN, run_success, 0, NULL, NULL, false},
    {"keyshm_get_streak", "", CALL_INSPECTS, run_get_streak, 0, NULL, NULL, false},
    {"keyshm_raise_streak", "", CALL_PLAIN, run_raise_streak, 0, NULL, NULL, false},
    {"keyshm_pause", "", CALL_PLAIN, run_pause, 0, NULL, NULL, false},
    {"keyshm_resume", "", CALL_PLAIN, run_resume, 0, pause_key, NULL, false},
    {"keyshm_set_policy", "", CALL_PLAIN, run_set_policy, 0, NULL, NULL, false},
    {"keyshm_get_policy", "", CALL_INSPECTS, run_get_policy, 0, NULL, NULL, false},
    {"keyshm_reset_expired_cooldowns", "", CALL_PLAIN, run_reset_expired, 1, wait_for_cooldown, NULL, false},

    {"keyshm_is_available", "", CALL_INSPECTS, run_is_available, 1, NULL, NULL, false},
    {"keyshm_is_available_for", "", CALL_INSPECTS, run_is_available_for, 1, make_model, NULL, false},
    {"keyshm_available_count_for", "", CALL_INSPECTS, run_available_count_for, 2, make_model, NULL, false},
    {"keyshm_available_count", "", CALL_INSPECTS, run_available_count, 2, NULL, NULL, false},
    {"keyshm_snapshot", "", CALL_INSPECTS, run_snapshot, 0, NULL, free_snapshot, false},
    {"keyshm_snapshot", "of groups and models", CALL_INSPECTS, run_snapshot, 0, make_group_and_model, free_snapshot,
     false},
    {"keyshm_snapshot", "the mutex is held", CALL_INSPECTS, run_snapshot, 0, hold_after_record,
     free_snapshot_and_end_holder, true},
    {"keyshm_snapshot", "the mutex is held by nobody knows whom", CALL_INSPECTS, run_snapshot, 0, hold_before_record,
     free_snapshot_and_end_holder, true},
    {"keyshm_inspect", "", CALL_INSPECTS, run_inspect, 0, NULL, NULL, false},
    {"keyshm_set_worker_name", "", CALL_PLAIN, run_set_worker_name, 0, NULL, NULL, false},
    {"keyshm_snapshot_free", "", CALL_INSPECTS, run_snapshot_free, 0, take_snapshot, NULL, false},
    {"keyshm_workers", "", CALL_INSPECTS, run_workers, 0, NULL, free_workers, false},
    {"keyshm_workers", "one has ended", CALL_INSPECTS, run_workers, 0, leave_dead_worker, free_workers, false},
    {"keyshm_workers", "/proc does not tell the PID namespace", CALL_INSPECTS, run_workers, 0, forbid_namespace_of_proc,
     allow_namespace_of_proc_and_free_workers, false},
    {"keyshm_worker_list_free", "", CALL_INSPECTS, run_worker_list_free, 0, list_workers, NULL, false},
    {"keyshm_events", "", CALL_INSPECTS, run_events, 0, NULL, free_events, false},
    {"keyshm_event_list_free", "", CALL_INSPECTS, run_event_list_free, 0, list_events, NULL, false},
    {"keyshm_verify", "", CALL_INSPECTS, run_verify, 0, NULL, NULL, false},

    {"keyshm_version", "", CALL_INSPECTS, run_version, 0, NULL, NULL, false},
    {"keyshm_status_name", "", CALL_INSPECTS, run_status_name, 0, NULL, NULL, false},
    {"keyshm_status_from_name", "", CALL_INSPECTS, run_status_from_name, 0, NULL, NULL, false},
    {"keyshm_strerror", "", CALL_INSPECTS, run_strerror, 0, NULL, NULL, false},
    {"keyshm_event_kind_name", "", CALL_INSPECTS, run_event_kind_name, 0, NULL, NULL, false},
    {"keyshm_error_name", "", CALL_INSPECTS, run_error_name, 0, NULL, NULL, false},
    {"keyshm_reason_name", "", CALL_INSPECTS, run_reason_name, 0, NULL, NULL, false},
    {"keyshm_reason_from_name", "", CALL_INSPECTS, run_reason_from_name, 0, NULL, NULL, false},
    {"keyshm_layout_name", "", CALL_INSPECTS, run_layout_name, 0, NULL, NULL, false},
    {"keyshm_provider_rules", "", CALL_INSPECTS, run_provider_rules, 0, NULL, NULL, false},
    {"keyshm_options_init", "", CALL_INSPECTS, run_options_init, 0, NULL, NULL, false},
    {"keyshm_request_init", "", CALL_INSPECTS, run_request_init, 0, NULL, NULL, false},
    {"keyshm_observe", "", CALL_PLAIN, run_observe, 0, set_limits, NULL, false},
    {"keyshm_observation_init", "", CALL_INSPECTS, run_observation_init, 0, NULL, NULL, false},
    {"keyshm_limits_init", "", CALL_INSPECTS, run_limits_init, 0, NULL, NULL, false},
    {"keyshm_mark_init", "", CALL_INSPECTS, run_mark_init, 0, NULL, NULL, false},
    {"keyshm_policy_init", "", CALL_INSPECTS, run_policy_init, 0, NULL, NULL, false},
    {"keyshm_streak_init", "", CALL_INSPECTS, run_streak_init, 0, NULL, NULL, false},
    {"keyshm_replaced_init", "", CALL_INSPECTS, run_replaced_init, 0, NULL, NULL, false},
    {"keyshm_set_log_fd", "", CALL_INSPECTS, run_set_log_fd, 0, NULL, NULL, false},
    {"keyshm_set_log", "", CALL_INSPECTS, run_set_log, 0, NULL, NULL, false},
};
const size_t call_count = sizeof(calls) / sizeof(calls[0]);
