/* SPDX-License-Identifier: MIT */

/*
 * A process in a burst claims several turns at once, and reads the clock by its tick. What is promised holds all the
 * same: the exact order in one process, the bound between several, and that no cooldown ends early.
 */

#include <pthread.h>

#include "clock.h"
#include "expect.h"
#include "pace.h"
#include "rotation.h"
#include "state_word.h"

enum { KEYS = 100, PROCESSES = 4, PICKS = 50001, COOLDOWN_MS = 200, UNTIL_BURST_MAX = 1000000 };

static keyshm_pool *pool;
static keyshm_id ids[KEYS];
static _Atomic uint32_t *picks_of; /* by all processes, of each slot */

static void begin_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    char key[32];
    options.capacity = KEYS;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "bursts", &options), 0);
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "sk-burst-%d", i);
        EXPECT_EQ(keyshm_add(pool, key, &ids[i]), 0);
    }
    for (int i = 0; i < KEYS; i++)
        picks_of[i] = 0;
}

static unsigned pick(void)
{
    struct keyshm_pick picked;
    EXPECT_EQ(keyshm_next(pool, &picked), 0);
    unsigned slot = (unsigned)(picked.id & 0xffffff);
    EXPECT(slot < KEYS && picked.id == ids[slot]);
    picks_of[slot]++;
    return slot;
}

static uint32_t turns_left(void)
{
    uint64_t range = atomic_load(&pool->local->range);
    return (uint32_t)(range >> 32) - (uint32_t)range;
}

/* Until some turns are claimed and not used up. Returns the last that was. */
static unsigned burst(void)
{
    for (int i = 0; i < UNTIL_BURST_MAX; i++) {
        unsigned slot = pick();
        if (turns_left() > 2)
            return slot;
    }
    EXPECT(!"a burst");
    return 0;
}

/* ---- one process ---- */

static void keep_the_order(void)
{
    begin_pool();
    for (unsigned i = 0; i < PICKS; i++)
        EXPECT_EQ(pick(), i % KEYS);
    unsigned last = burst();
    /* What happens to a key of the claimed range is seen at its turn. */
    unsigned next = (last + 1) % KEYS;
    EXPECT_EQ(keyshm_mark_invalid(pool, ids[next]), 0);
    EXPECT_EQ(pick(), next + 1);
    EXPECT_EQ(keyshm_mark_available(pool, ids[next]), 0);
    keyshm_close(pool);
}

static void *do_nothing(void *argument)
{
    return argument;
}

/* In a child: a process that has ever had two threads never claims a range again. */
static void claim_one_turn_with_threads(void)
{
    begin_pool();
    burst();
    uint32_t left = turns_left();
    pthread_t thread;
    pid_t child = expect_fork();
    if (child == 0) {
        EXPECT_EQ(turns_left(), 0); /* nor does it have its parent's */
        EXPECT_EQ(pthread_create(&thread, NULL, do_nothing, NULL), 0);
        for (int i = 0; i < PICKS; i++)
            pick();
        EXPECT_EQ(turns_left(), 0);
        EXPECT_EQ(pthread_join(thread, NULL), 0);
        _exit(0);
    }
    expect_success_of(child);
    EXPECT_EQ(turns_left(), left);
    keyshm_close(pool);
}

/* ---- several ---- */

static void expect_fair(unsigned bound)
{
    uint32_t least = UINT32_MAX, most = 0;
    for (int slot = 0; slot < KEYS; slot++) {
        uint32_t picks = picks_of[slot];
        least = picks < least ? picks : least;
        most = picks > most ? picks : most;
    }
    EXPECT(most - least <= bound);
}

static void pick_in_processes(void)
{
    struct gate gate = gate_make();
    begin_pool();
    for (int process = 0; process < PROCESSES; process++) {
        if (expect_fork() != 0)
            continue;
        gate_wait(&gate);
        for (int i = 0; i < PICKS + process; i++)
            pick();
        _exit(0);
    }
    gate_open(&gate);
    for (int process = 0; process < PROCESSES; process++)
        expect_success_of_next();
    expect_fair(PROCESSES);
    keyshm_close(pool);
}

/* Each dies with turns in hand. */
static void die_in_bursts(void)
{
    begin_pool();
    for (int process = 0; process < PROCESSES; process++) {
        pid_t child = expect_fork();
        if (child == 0) {
            burst();
            raise(SIGKILL);
        }
        int status;
        EXPECT_EQ(waitpid(child, &status, 0), child);
        EXPECT(WIFSIGNALED(status));
    }
    expect_fair(PROCESSES);
    keyshm_close(pool);
}

/* ---- time ---- */

static int64_t exact_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Of many marks in a row, the last is late by a tick at most, and never early. */
static void cool_down_in_burst(void)
{
    begin_pool();
    for (int i = 0; i < 4 * PACE_BURST_CALLS; i++)
        EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[i % KEYS], 1), 0);
    int64_t before_ns = exact_ns();
    EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[0], COOLDOWN_MS), 0);
    int64_t after_ns = exact_ns(), ns_per_ms = 1000000;
    int64_t deadline_ms = (int64_t)word_deadline_ms(atomic_load(&pool->words[0]));
    EXPECT(deadline_ms * ns_per_ms >= before_ns + COOLDOWN_MS * ns_per_ms);
    EXPECT(deadline_ms <= after_ns / ns_per_ms + COOLDOWN_MS + CLOCK_COARSE_LAG_MS + 1);
    keyshm_close(pool);
}

int main(void)
{
    picks_of = expect_shared_memory(KEYS * sizeof(*picks_of));
    expect_end_in_time();
    begin_pool();
    bool is_possible = pool->local != NULL && rotation_claims_ranges(pool);
    keyshm_close(pool);
    if (!is_possible) {
        printf("skipped: no MADV_WIPEONFORK, or a C library that does not report whether there are threads\n");
        return 77;
    }
    keep_the_order();
    claim_one_turn_with_threads();
    pick_in_processes();
    die_in_bursts();
    cool_down_in_burst();
    return 0;
}
