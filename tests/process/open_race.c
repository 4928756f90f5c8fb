/* SPDX-License-Identifier: MIT */

/* Many processes open a pool that does not exist, all at the same moment: they all get the same one. */

#include "expect.h"

enum { PROCESSES = 12, ROUNDS = 40 };

static void open_and_add(unsigned number, const struct gate *gate)
{
    keyshm_pool *pool;
    char key[32];
    snprintf(key, sizeof(key), "key-of-%u", number);
    gate_wait(gate);
    EXPECT_EQ(keyshm_open(&pool, expect_name, NULL), 0);
    EXPECT_EQ(keyshm_add(pool, key, NULL), 0);
    EXPECT_EQ(keyshm_is_replaced(pool), 0);
    keyshm_close(pool);
    _exit(0);
}

static void race(void)
{
    keyshm_pool *pool;
    struct gate gate = gate_make();
    for (unsigned i = 0; i < PROCESSES; i++)
        if (expect_fork() == 0)
            open_and_add(i, &gate);
    gate_open(&gate);
    for (unsigned i = 0; i < PROCESSES; i++)
        expect_success_of_next();
    EXPECT_EQ(keyshm_attach(&pool, expect_name), 0);
    EXPECT_EQ(keyshm_available_count(pool), PROCESSES);
    keyshm_close(pool);
    EXPECT_EQ(keyshm_unlink(expect_name), 0);
}

/* A pool that exists keeps its settings, and the options are checked all the same. */
static void open_one_that_exists(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    struct keyshm_snapshot *snapshot;
    keyshm_pool *creator, *other;
    options.capacity = 3;
    EXPECT_EQ(keyshm_open(&creator, expect_name, &options), 0);
    options.capacity = 5;
    EXPECT_EQ(keyshm_open(&other, expect_name, &options), 0);
    EXPECT_EQ(keyshm_snapshot(other, &snapshot), 0);
    EXPECT_EQ(snapshot->capacity, 3);
    keyshm_snapshot_free(snapshot);
    keyshm_close(other);
    options.capacity = 0;
    EXPECT_EQ(keyshm_open(&other, expect_name, &options), -EINVAL);
    EXPECT_EQ(keyshm_open(&other, "a/b", NULL), -EINVAL);
    EXPECT_EQ(keyshm_open(NULL, expect_name, NULL), -EINVAL);
    keyshm_close(creator);
    EXPECT_EQ(keyshm_unlink(expect_name), 0);
}

int main(void)
{
    expect_pool_name("open-race");
    for (int round = 0; round < ROUNDS; round++)
        race();
    open_one_that_exists();
    return 0;
}
