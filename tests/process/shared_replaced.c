/* SPDX-License-Identifier: MIT */

/*
 * keyshm_shared() keeps a pool that was replaced for a minute, as callers may still use it, and then closes it: a
 * program that runs for years holds no more than the pools of its last minute. On a clock that is made up.
 */

#include "expect.h"
#include "segment_name.h"
#include "virtual_clock.h"

#define LOOK_EVERY_MS 100
#define KEPT_AFTER_MS 60000

/* With a pool of the name that nobody else is attached to. */
static void make_pool(void)
{
    keyshm_pool *pool;
    EXPECT_EQ(keyshm_create(&pool, expect_name, NULL), 0);
    keyshm_close(pool);
}

static void replace_pool(void)
{
    EXPECT_EQ(keyshm_unlink(expect_name), 0);
    make_pool();
}

/* How many attachments this process has. */
static int count_mappings(void)
{
    char line[512], name[SEGMENT_NAME_SIZE];
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    EXPECT(maps != NULL);
    segment_name_make(name, geteuid(), expect_name);
    while (fgets(line, sizeof(line), maps) != NULL)
        count += strstr(line, name) != NULL;
    fclose(maps);
    return count;
}

/* The pool that is shared after this time. */
static keyshm_pool *shared_after(int64_t duration_ms)
{
    virtual_clock_pass_ms(duration_ms);
    keyshm_pool *pool = keyshm_shared(expect_name, NULL);
    EXPECT(pool != NULL);
    return pool;
}

static void expect_use(keyshm_pool *pool)
{
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_next(pool, &pick), -ENOKEY);
}

static void a_pool_is_looked_for_every_tenth_of_a_second(keyshm_pool **ret_first, keyshm_pool **ret_second)
{
    keyshm_pool *first = shared_after(0);
    replace_pool();
    EXPECT(shared_after(LOOK_EVERY_MS - 1) == first);
    keyshm_pool *second = shared_after(1);
    EXPECT(second != first);
    EXPECT_EQ(count_mappings(), 2);
    *ret_first = first;
    *ret_second = second;
}

static void a_replaced_pool_is_closed_after_a_minute(void)
{
    keyshm_pool *first, *second;
    a_pool_is_looked_for_every_tenth_of_a_second(&first, &second);
    replace_pool();
    keyshm_pool *third = shared_after(KEPT_AFTER_MS / 2);
    EXPECT(third != second);
    EXPECT_EQ(count_mappings(), 3);

    EXPECT(shared_after(KEPT_AFTER_MS / 2 - LOOK_EVERY_MS) == third);
    EXPECT_EQ(count_mappings(), 3);
    expect_use(first);
    EXPECT(shared_after(LOOK_EVERY_MS) == third);
    EXPECT_EQ(count_mappings(), 2); /* without the first */
    expect_use(second);

    EXPECT(shared_after(KEPT_AFTER_MS / 2) == third);
    EXPECT_EQ(count_mappings(), 1);
    expect_use(third);
}

int main(void)
{
    expect_pool_name("shared-replaced");
    virtual_clock_begin();
    make_pool();
    a_replaced_pool_is_closed_after_a_minute();
    return 0;
}
