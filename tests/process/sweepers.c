/* SPDX-License-Identifier: MIT */

/*
 * Which keys a sweep may hide, and for how long, on clocks that are made up. Twenty processes in a row are killed in the
 * middle of one, all at the same block of slots: each hides the keys of that block, 64 at most, until another sweeps it;
 * the others are found at once. And when keys are picked seldom, none is hidden for longer, even where the first blocks are
 * due again and again, and groups are lifted all the time.
 */

#include <sys/mman.h>
#include <sys/resource.h>

#include "expect.h"
#include "key_group.h"
#include "ready_bits.h"
#include "virtual_clock.h"

enum {
    KEYS = 2048,
    MANY_KEYS = 10000,
    SELDOM_MS = 100,
    BLOCK_KEYS = 64,
    SWEEPERS = 20,
    COOLDOWN_MS = 1000,
    HIDDEN_MAX_MS = 1000,
    AT_ONCE_MS = 2,
    PICKS_MAX = 4 * KEYS,
};

static keyshm_pool *pool;
static uint32_t capacity;
static bool was_picked[KEYS];

/* The words of several blocks are in one page; the first of them is the one that the sweepers come to. */
static uint32_t first_unreadable(long page_bytes)
{
    uintptr_t words = (uintptr_t)pool->words, page = (uintptr_t)page_bytes;
    uintptr_t unreadable = (words / page + 2) * page;
    return (uint32_t)((unreadable - words) / sizeof(*pool->words));
}

static uint32_t pick(void)
{
    struct keyshm_pick picked;
    EXPECT_EQ(keyshm_next(pool, &picked), 0);
    uint32_t slot = id_slot(picked.id);
    EXPECT(slot < capacity);
    return slot;
}

/* All keys but the first cool down, their bits are cleared, and then it is over. */
static void begin(uint32_t keys)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = capacity = keys;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "sweepers", &options), 0);
    for (uint32_t i = 0; i < keys; i++) {
        char key[32];
        keyshm_id id;
        snprintf(key, sizeof(key), "sk-sweepers-%u", i);
        EXPECT_EQ(keyshm_add(pool, key, &id), 0);
        if (i > 0)
            EXPECT_EQ(keyshm_mark_rate_limited(pool, id, COOLDOWN_MS), 0);
    }
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(pick(), 0);
    virtual_clock_pass_ms(COOLDOWN_MS + AT_ONCE_MS);
}

/* In a child. A pick sweeps first what is due. */
static void sweep_and_die(uint32_t slot, long page_bytes)
{
    const struct rlimit no_core = {0, 0};
    EXPECT_EQ(setrlimit(RLIMIT_CORE, &no_core), 0);
    EXPECT(signal(SIGSEGV, SIG_DFL) != SIG_ERR);
    EXPECT_EQ(mprotect(&pool->words[slot], (size_t)page_bytes, PROT_NONE), 0);
    pick();
    _exit(0);
}

static void kill_a_sweeper(uint32_t slot, long page_bytes)
{
    int status;
    pid_t child = expect_fork();
    if (child == 0)
        sweep_and_die(slot, page_bytes);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    EXPECT((atomic_load(&pool->due[slot / BLOCK_KEYS]) & READY_IS_SWEPT) != 0);
}

/* Those that are not picked, while no time passes. */
static int count_hidden(void)
{
    int hidden = 0;
    memset(was_picked, 0, sizeof(was_picked));
    for (int i = 0; i < PICKS_MAX; i++)
        was_picked[pick()] = true;
    for (int slot = 0; slot < KEYS; slot++)
        hidden += !was_picked[slot];
    return hidden;
}

static void expect_one_block_hidden(uint32_t first)
{
    virtual_clock_pass_ms(AT_ONCE_MS);
    EXPECT(count_hidden() <= BLOCK_KEYS);
    for (uint32_t slot = 0; slot < KEYS; slot++)
        EXPECT(was_picked[slot] || slot / BLOCK_KEYS == first / BLOCK_KEYS);
}

/* False: the pages are so large that all words are in the first two. */
static bool die_in_a_row(void)
{
    long page_bytes = sysconf(_SC_PAGESIZE);
    begin(KEYS);
    int64_t begin_ns = virtual_clock->monotonic_ns;
    uint32_t first = first_unreadable(page_bytes);
    if (first >= KEYS - BLOCK_KEYS)
        return false;
    for (int i = 0; i < SWEEPERS; i++) {
        kill_a_sweeper(first, page_bytes);
        expect_one_block_hidden(first);
        virtual_clock_pass_ms(READY_SWEEP_TIMEOUT_MS);
    }
    while (count_hidden() > 0)
        virtual_clock_pass_ms(1);
    EXPECT((virtual_clock->monotonic_ns - begin_ns) / NS_PER_MS <= HIDDEN_MAX_MS);
    keyshm_close(pool);
    return true;
}

static uint32_t count_without_bit(void)
{
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < capacity; slot++)
        count += (ready_load(pool, 0, NULL, slot / 64) >> slot % 64 & 1) == 0;
    return count;
}

/* Blocks are due again before the last ones had their turn, if each pick sweeps the same number of them. */
static void pick_seldom(void)
{
    begin(MANY_KEYS);
    EXPECT(count_without_bit() >= MANY_KEYS - BLOCK_KEYS);
    for (int ms = 0; ms < HIDDEN_MAX_MS; ms += SELDOM_MS) {
        virtual_clock_pass_ms(SELDOM_MS);
        pick();
    }
    EXPECT_EQ(count_without_bit(), 0);
    keyshm_close(pool);
}

static void expect_mark(keyshm_id id, enum keyshm_status status)
{
    EXPECT_EQ(status == KEYSHM_AVAILABLE ? keyshm_mark_available(pool, id)
                                         : keyshm_mark_rate_limited(pool, id, KEYSHM_UNTIL_MARKED),
              0);
}

static keyshm_id id_of_slot(uint32_t slot)
{
    return atomic_load(&pool_slot(pool, slot)->id);
}

/* All keys but the first cool down, for up to BUSY_MS: in each block some are due every SELDOM_MS. The last key is in a
 * group, and what is lifted all the time is another group. */
static void begin_busy(keyshm_id ret_groups[2])
{
    EXPECT_EQ(keyshm_group(pool, "of the last key", &ret_groups[0]), 0);
    EXPECT_EQ(keyshm_group(pool, "another one", &ret_groups[1]), 0);
    for (uint32_t slot = 1; slot + 1 < capacity; slot++)
        EXPECT_EQ(keyshm_mark_rate_limited(pool, id_of_slot(slot), (slot % BLOCK_KEYS + 1) * SELDOM_MS), 0);
    EXPECT_EQ(keyshm_mark_available(pool, id_of_slot(capacity - 1)), 0);
    EXPECT_EQ(keyshm_set_group(pool, id_of_slot(capacity - 1), ret_groups[0]), 0);
    expect_mark(ret_groups[0], KEYSHM_RATE_LIMITED);
    for (int i = 0; i < 3; i++)
        EXPECT_EQ(pick(), 0);
}

static bool has_bit(uint32_t slot)
{
    return (ready_load(pool, 0, NULL, slot / 64) >> slot % 64 & 1) != 0;
}

static void pick_seldom_beside_lifts(void)
{
    keyshm_id groups[2];
    begin(MANY_KEYS);
    for (int i = 0; count_without_bit() > 0; i++) { /* each has had its turn */
        EXPECT(i < MANY_KEYS);
        virtual_clock_pass_ms(1);
        pick();
    }
    begin_busy(groups);
    while (has_bit(capacity - 1))
        pick();
    expect_mark(groups[0], KEYSHM_AVAILABLE);
    for (int ms = 0; ms < HIDDEN_MAX_MS; ms += SELDOM_MS) {
        expect_mark(groups[1], KEYSHM_RATE_LIMITED);
        expect_mark(groups[1], KEYSHM_AVAILABLE);
        virtual_clock_pass_ms(SELDOM_MS);
        pick();
    }
    EXPECT(has_bit(capacity - 1));
    keyshm_close(pool);
}

int main(void)
{
    virtual_clock_begin();
    pick_seldom();
    pick_seldom_beside_lifts();
    if (!die_in_a_row()) {
        printf("skipped: the pages are too large\n");
        return 77;
    }
    return 0;
}
