/* SPDX-License-Identifier: MIT */

/*
 * How long a dead owner of the mutex holds the others up: from the SIGKILL of a process that is in the middle of a
 * membership change, until the next membership change of another has returned.
 *
 *   bench_recovery [quick]
 */

#include <stdint.h>
#include <time.h>

#include "expect.h"
#include "key_index.h"
#include "lock.h"

enum { KILLS = 500, QUICK_KILLS = 100 };

static keyshm_pool *pool;
static keyshm_id last_id;

static void fill_pool(unsigned keys)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    char key[64];
    options.capacity = keys;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "bench", &options), 0);
    for (unsigned i = 0; i < keys; i++) {
        snprintf(key, sizeof(key), "sk-bench-%06u-0123456789abcdefghijklmnopqrstuvwxyz", i);
        EXPECT_EQ(keyshm_add(pool, key, &last_id), 0);
    }
}

/* In the middle of a change, so that there is something to repair. */
static _Noreturn void be_victim(const struct gate *gate)
{
    struct lock_guard guard;
    EXPECT_EQ(lock_take(pool, &guard), 0);
    index_begin_change(pool);
    close(gate->wait_fd);
    close(gate->hold_fd);
    for (;;)
        pause();
}

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int64_t measure_ns(void)
{
    struct gate gate = gate_make();
    pid_t victim = expect_fork();
    if (victim == 0)
        be_victim(&gate);
    gate_wait(&gate);
    int64_t start_ns = now_ns();
    EXPECT_EQ(kill(victim, SIGKILL), 0);
    EXPECT_EQ(keyshm_set_metadata(pool, last_id, "note", "after the kill"), 0);
    int64_t taken_ns = now_ns() - start_ns;
    EXPECT_EQ(waitpid(victim, NULL, 0), victim);
    return taken_ns;
}

static int compare(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

static void run(unsigned keys, unsigned kills)
{
    int64_t taken_ns[KILLS] = {0};
    unsigned middle = kills / 2, last_percent = kills * 99 / 100;
    struct keyshm_snapshot *snapshot;
    fill_pool(keys);
    for (unsigned i = 0; i < kills; i++)
        taken_ns[i] = measure_ns();
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    EXPECT_EQ(snapshot->recoveries, kills);
    EXPECT_EQ(snapshot->count, keys);
    keyshm_snapshot_free(snapshot);
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    keyshm_close(pool);
    qsort(taken_ns, kills, sizeof(taken_ns[0]), compare);
    printf("%6u keys, %3u kills: median %8.3f ms, p99 %8.3f ms, max %8.3f ms\n", keys, kills,
           (double)taken_ns[middle] / 1e6, (double)taken_ns[last_percent] / 1e6, (double)taken_ns[kills - 1] / 1e6);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    unsigned kills = argc > 1 && strcmp(argv[1], "quick") == 0 ? QUICK_KILLS : KILLS;
    expect_end_in_time();
    run(16, kills);
    run(1024, kills);
    run(16384, kills);
    return 0;
}
