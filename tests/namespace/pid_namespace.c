/* SPDX-License-Identifier: MIT */

/*
 * A worker in another PID namespace than the pool's creator: picks, marks and inspection work, membership changes are
 * -EXDEV. Both for an attachment inherited from a parent in the creator's namespace and for one made there.
 */

#include <errno.h>
#include <sched.h>
#include <stdbool.h>

#include "expect.h"
#include "sandbox.h"

static void expect_readers_work(keyshm_pool *pool)
{
    struct keyshm_pick pick;
    struct keyshm_snapshot *snapshot;
    keyshm_id id;
    EXPECT_EQ(keyshm_next(pool, &pick), 0);
    EXPECT_EQ(keyshm_mark_rate_limited(pool, pick.id, 60000), 0);
    EXPECT_EQ(keyshm_is_available(pool, pick.id), 0);
    EXPECT_EQ(keyshm_mark_available(pool, pick.id), 0);
    EXPECT_EQ(keyshm_find(pool, "key one", &id), 0);
    EXPECT_EQ(keyshm_available_count(pool), 2);
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    EXPECT_EQ(snapshot->count, 2);
    keyshm_snapshot_free(snapshot);
}

static void expect_membership_refused(keyshm_pool *pool)
{
    keyshm_id id;
    EXPECT_EQ(keyshm_find(pool, "key one", &id), 0);
    EXPECT_EQ(keyshm_add(pool, "key three", NULL), -EXDEV);
    EXPECT_EQ(keyshm_remove(pool, id), -EXDEV);
    EXPECT_EQ(keyshm_set_metadata(pool, id, "name", "value"), -EXDEV);
    EXPECT_EQ(keyshm_available_count(pool), 2);
}

/* In the new namespace, as its first process. */
static void use_from_inside(keyshm_pool *inherited)
{
    keyshm_pool *attached;
    EXPECT_EQ(getpid(), 1);
    expect_readers_work(inherited);
    expect_membership_refused(inherited);
    EXPECT_EQ(keyshm_attach(&attached, expect_name), 0);
    expect_readers_work(attached);
    expect_membership_refused(attached);
    keyshm_close(attached);
}

/* unshare(2) takes effect for the caller's children, so it takes two generations. */
static void enter_and_use(keyshm_pool *pool)
{
    sandbox_enter(CLONE_NEWPID);
    pid_t inside = fork(); /* not expect_fork(): there is no parent to be seen in there */
    if (inside == 0) {
        use_from_inside(pool);
        _exit(0);
    }
    expect_success_of(inside);
    /* The caller of unshare(2) itself has not moved. */
    EXPECT_EQ(keyshm_add(pool, "key three", NULL), 0);
}

int main(void)
{
    keyshm_pool *pool;
    expect_pool_name("pid-namespace");
    EXPECT_EQ(keyshm_create(&pool, expect_name, NULL), 0);
    EXPECT_EQ(keyshm_add(pool, "key one", NULL), 0);
    EXPECT_EQ(keyshm_add(pool, "key two", NULL), 0);
    pid_t child = fork();
    if (child == 0) {
        enter_and_use(pool);
        _exit(0);
    }
    int status;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFEXITED(status));
    keyshm_close(pool);
    return WEXITSTATUS(status); /* 77 too */
}
