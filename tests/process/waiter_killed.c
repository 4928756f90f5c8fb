/* SPDX-License-Identifier: MIT */

/*
 * A process that waits for a key is killed. After one announcement the segment has the same bytes as if it had never been
 * there, but for its row, and for what says how often something was announced or looked for. The clock stands still.
 */

#include <stdatomic.h>
#include <stddef.h>

#include "pool.h"

#include "expect.h"
#include "virtual_clock.h"

enum { COOLDOWN_MS = 60000, WORKERS_MAX = 8, LOOKS = 3, DIFFERENCES_SHOWN = 10 };

static keyshm_pool *pool;
static keyshm_id key;
static size_t bytes;
static unsigned char *begin_image, *without, *with;

static unsigned char *copy(void)
{
    unsigned char *image = malloc(bytes);
    EXPECT(image != NULL);
    memcpy(image, pool->header, bytes);
    return image;
}

static void begin_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    options.capacity = 2;
    options.workers_max = WORKERS_MAX;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "waiter-killed", &options), 0);
    bytes = pool->settings.segment_bytes;
    EXPECT_EQ(keyshm_add(pool, "sk-waiter-killed-abcdefgh", &key), 0);
    limits.in_flight = 3;
    limits.requests = (struct keyshm_rate){.amount = 10, .per_ms = COOLDOWN_MS};
    EXPECT_EQ(keyshm_set_limits(pool, key, 0, &limits), 0);
    EXPECT_EQ(keyshm_mark_rate_limited(pool, key, COOLDOWN_MS), 0);
    EXPECT_EQ(keyshm_acquire(pool, &request, &lease), -EAGAIN);
    begin_image = copy();
}

static _Noreturn void wait_for_key(void)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.wait_ms = KEYSHM_UNTIL_MARKED;
    keyshm_acquire(pool, &request, &lease);
    _exit(1);
}

/* It has looked again and again, and each time slept. */
static void wait_and_be_killed(void)
{
    pid_t child = expect_fork();
    if (child == 0)
        wait_for_key();
    while (atomic_load(&pool->header->waiters) < LOOKS)
        usleep(1000);
    expect_kill(child);
}

static void announce(void)
{
    EXPECT_EQ(keyshm_mark_available(pool, key), 0);
}

/* ---- what may differ ---- */

static struct range {
    const char *name;
    size_t begin, end;
} allowed[4];

static struct range range_of(const char *name, const volatile void *at, size_t size)
{
    size_t begin = (size_t)((const volatile unsigned char *)at - (const unsigned char *)pool->header);
    return (struct range){name, begin, begin + size};
}

static uint32_t row_of_child(void)
{
    for (uint32_t row = 0; row < WORKERS_MAX; row++)
        if (memcmp(with + range_of("", &pool->workers[row], 0).begin,
                   without + range_of("", &pool->workers[row], 0).begin, sizeof(struct layout_worker)) != 0)
            return row;
    EXPECT(!"it was listed");
    return 0;
}

static void find_allowed(void)
{
    uint32_t row = row_of_child();
    allowed[0] = range_of("its row", &pool->workers[row], sizeof(struct layout_worker));
    allowed[1] = range_of("that it waits", &pool->waiting[row], sizeof(pool->waiting[row]));
    allowed[2] = range_of("how often something was announced", &pool->header->made_available,
                          sizeof(pool->header->made_available));
    allowed[3] =
        range_of("where a row is looked for", &pool->header->workers_cursor, sizeof(pool->header->workers_cursor));
}

static bool is_allowed(size_t offset)
{
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
        if (offset >= allowed[i].begin && offset < allowed[i].end)
            return true;
    return false;
}

static void compare(void)
{
    unsigned differences = 0;
    for (size_t i = 0; i < bytes; i++)
        if (with[i] != without[i] && !is_allowed(i) && differences++ < DIFFERENCES_SHOWN)
            printf("byte %zu: %#x, and without a waiter %#x\n", i, with[i], without[i]);
    EXPECT_EQ(differences, 0);
}

int main(void)
{
    expect_end_in_time();
    virtual_clock_begin();
    begin_pool();
    announce();
    without = copy();
    memcpy(pool->header, begin_image, bytes);
    wait_and_be_killed();
    EXPECT(atomic_load(&pool->header->waiters) != 0);
    announce();
    EXPECT_EQ(atomic_load(&pool->header->waiters), 0);
    with = copy();
    find_allowed();
    compare();
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    free(begin_image);
    free(without);
    free(with);
    keyshm_close(pool);
    return 0;
}
