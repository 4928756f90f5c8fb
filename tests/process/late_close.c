/* SPDX-License-Identifier: MIT */

/*
 * A program that closes its pool when the library has already said that the process ends: in a destructor of its own
 * that runs after that of the library, as another thread could at any time during exit(3). The pool is left as it is,
 * and the process has closed.
 */

#include "expect.h"

static keyshm_pool *pool_of_child;

/* A destructor with a number runs after those without, and that of the library has none. */
__attribute__((destructor(101))) static void close_late(void)
{
    if (pool_of_child == NULL)
        return;
    keyshm_close(pool_of_child);
    /* Another thread may be in the middle of such a call. */
    if (keyshm_available_count(pool_of_child) != 1)
        _exit(1);
}

static void expect_closed(keyshm_pool *pool, pid_t child)
{
    struct keyshm_worker_list *list;
    unsigned rows = 0;
    EXPECT_EQ(keyshm_workers(pool, &list), 0);
    for (size_t i = 0; i < list->count; i++) {
        if (list->workers[i].pid != child)
            continue;
        EXPECT(list->workers[i].has_closed);
        rows++;
    }
    EXPECT_EQ(rows, 1);
    keyshm_worker_list_free(list);
}

int main(void)
{
    keyshm_pool *pool;
    expect_pool_name("late-close");
    EXPECT_EQ(keyshm_create(&pool, expect_name, NULL), 0);
    EXPECT_EQ(keyshm_add(pool, "key", NULL), 0);
    pid_t child = expect_fork();
    if (child == 0) {
        EXPECT_EQ(keyshm_attach(&pool_of_child, expect_name), 0);
        exit(0);
    }
    expect_success_of(child);
    expect_closed(pool, child);
    keyshm_close(pool);
    return 0;
}
