/* SPDX-License-Identifier: MIT */
#include "waiting.h"

#include "pool.h"

#include "expect.h"

enum { TOKENS = 3, CAPACITY = 4, COOLDOWN_MS = 60000 };

#define KEY "sk-waiting-abcdefghijklmnop"
#define ADDED_KEY "sk-waiting-qrstuvwxyz"
#define OTHER_KEY "sk-waiting-0123456789"

keyshm_pool *waiting_pool;

static keyshm_id key, other, group;
static struct keyshm_lease lease; /* the parent's */

/* ---- beginnings ---- */

static void set_limits(unsigned in_flight, uint64_t requests, uint64_t tokens)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.in_flight = in_flight;
    if (requests > 0)
        limits.requests = (struct keyshm_rate){.amount = requests, .per_ms = KEYSHM_DURATION_MAX_MS, .burst = requests};
    if (tokens > 0)
        limits.tokens = (struct keyshm_rate){
            .amount = tokens, .per_ms = KEYSHM_DURATION_MAX_MS, .burst = tokens, .charge = KEYSHM_CHARGE_AT_RELEASE};
    EXPECT_EQ(keyshm_set_limits(waiting_pool, key, 0, &limits), 0);
}

static void take_lease(uint64_t tokens)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.tokens = tokens;
    EXPECT_EQ(keyshm_acquire(waiting_pool, &request, &lease), 0);
}

static void take_only_place(void)
{
    set_limits(1, 0, 0);
    take_lease(0);
}

static void hold_all_tokens(void)
{
    set_limits(0, 0, TOKENS);
    take_lease(TOKENS);
}

static void use_up(void)
{
    set_limits(0, 1, 0);
    take_lease(0);
}

static void bench(void)
{
    EXPECT_EQ(keyshm_mark_quota_exceeded(waiting_pool, key, KEYSHM_NO_RETRY_AFTER), 0);
}

static void bench_group(void)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    EXPECT_EQ(keyshm_group(waiting_pool, "an account", &group), 0);
    EXPECT_EQ(keyshm_set_group(waiting_pool, key, group), 0);
    mark.status = KEYSHM_QUOTA_EXCEEDED;
    mark.duration_ms = KEYSHM_UNTIL_MARKED;
    EXPECT_EQ(keyshm_mark(waiting_pool, group, &mark), 0);
}

static void pause_key(void)
{
    EXPECT_EQ(keyshm_pause(waiting_pool, key), 0);
}

/* There is another key, which nobody can use; but a lease of it is given back. */
static void bench_with_other(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.in_flight = 1;
    bench();
    EXPECT_EQ(keyshm_add(waiting_pool, OTHER_KEY, &other), 0);
    EXPECT_EQ(keyshm_set_limits(waiting_pool, other, 0, &limits), 0);
    take_lease(0);
    EXPECT_EQ(keyshm_mark_invalid(waiting_pool, other), 0);
}

/* ---- announcements, which another may have made already ---- */

static void expect_done(int r)
{
    EXPECT(r == 0 || r == -ESTALE || r == -EEXIST);
}

static void release(void)
{
    struct keyshm_lease own = lease;
    expect_done(keyshm_release(waiting_pool, &own));
}

static void cancel(void)
{
    struct keyshm_lease own = lease;
    expect_done(keyshm_cancel(waiting_pool, &own));
}

static void settle(void)
{
    struct keyshm_lease own = lease;
    expect_done(keyshm_settle(waiting_pool, &own, 0));
}

static void mark_available(void)
{
    expect_done(keyshm_mark_available(waiting_pool, key));
}

static void mark_group_available(void)
{
    expect_done(keyshm_mark_available(waiting_pool, group));
}

static void resume_key(void)
{
    expect_done(keyshm_resume(waiting_pool, key));
}

static void raise_cap(void)
{
    set_limits(2, 0, 0);
}

static void remove_limits(void)
{
    expect_done(keyshm_set_limits(waiting_pool, key, 0, NULL));
}

static void add(void)
{
    keyshm_id added;
    expect_done(keyshm_add(waiting_pool, ADDED_KEY, &added));
}

static void remove_key(void)
{
    expect_done(keyshm_remove(waiting_pool, key));
}

const struct announcement announcements[] = {
    {"release", take_only_place, release, NULL, 0, true},
    {"cancel", take_only_place, cancel, NULL, 0, false},
    {"settle", hold_all_tokens, settle, NULL, 0, false},
    {"mark available", bench, mark_available, NULL, 0, true},
    {"mark available, a group", bench_group, mark_group_available, NULL, 0, false},
    {"resume", pause_key, resume_key, NULL, 0, false},
    {"set_limits, a higher cap", take_only_place, raise_cap, NULL, 0, false},
    {"set_limits, none", use_up, remove_limits, NULL, 0, false},
    {"add", bench, add, NULL, 0, false},
    {"remove, the last key", bench, remove_key, NULL, -ENOKEY, false},
    {"something else, then mark", bench_with_other, release, mark_available, 0, true},
};
const size_t announcement_count = sizeof(announcements) / sizeof(announcements[0]);

/* ---- the pool ---- */

void waiting_begin(const struct announcement *announcement)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = CAPACITY;
    options.workers_max = 16;
    EXPECT_EQ(keyshm_create_anonymous(&waiting_pool, "waiting", &options), 0);
    EXPECT_EQ(keyshm_add(waiting_pool, KEY, &key), 0);
    announcement->begin();
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    EXPECT_EQ(keyshm_acquire(waiting_pool, &request, &(struct keyshm_lease){.pick = {.id = 0}}), -EAGAIN);
}

bool waiting_is_over(const struct announcement *announcement)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease none;
    if (announcement->result < 0)
        return keyshm_acquire(waiting_pool, &request, &none) == announcement->result;
    return keyshm_wait_hint_ms(waiting_pool, &request) == 0;
}

/* ---- what is left ---- */

static void expect_no_leases(void)
{
    struct keyshm_lease_list *list;
    release();
    EXPECT(keyshm_reap(waiting_pool, 0) >= 0);
    EXPECT_EQ(keyshm_leases(waiting_pool, &list), 0);
    EXPECT_EQ(list->count, 0);
    keyshm_lease_list_free(list);
}

static void expect_nobody_waits(void)
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(waiting_pool, &snapshot), 0);
    EXPECT_EQ(snapshot->waiting, 0);
    keyshm_snapshot_free(snapshot);
}

/* Where nobody waits, the hint is gone after one announcement. */
static void expect_no_hint(void)
{
    keyshm_id id;
    int r = keyshm_add(waiting_pool, KEY, &id);
    EXPECT(r == 0 || r == -EEXIST);
    EXPECT_EQ(keyshm_find(waiting_pool, KEY, &id), 0);
    EXPECT_EQ(keyshm_mark_rate_limited(waiting_pool, id, COOLDOWN_MS), 0);
    EXPECT_EQ(keyshm_mark_available(waiting_pool, id), 0);
    EXPECT_EQ(atomic_load(&waiting_pool->header->waiters), 0);
}

void waiting_end(void)
{
    EXPECT_EQ(keyshm_set_limits(waiting_pool, 0, 0, NULL), 0); /* takes the mutex, which a dead one may have had */
    expect_no_leases();
    expect_nobody_waits();
    expect_no_hint();
    EXPECT_EQ(keyshm_verify(waiting_pool, NULL, NULL), 0);
    keyshm_close(waiting_pool);
}
