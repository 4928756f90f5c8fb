/* SPDX-License-Identifier: MIT */

/*
 * Two processes are stopped at once. A pick is stopped when it has claimed a slot, whose key is then removed; an add is
 * stopped in the middle of filling the same slot. The pick goes on for a few instructions, the add ends, the pick ends.
 * The pick may give the new key or none, but not a half-filled one; and none when the key is added to a group that is
 * not available. Where keys have a limit of one request, it is charged to the key that it gives.
 *
 * And one process is stopped twice: a pick that has claimed the slot goes on for a few instructions, and the new key is
 * added to the group that is not available; the pick goes on for a few more, and that key is removed. The slot is in no
 * group before and after, but the pick gives no key.
 *
 *   half_filled [STRIDE]    the pick goes on for each STRIDE-th number of instructions: each third when none is given
 */

#include <stdatomic.h>
#include <stdlib.h>

#include "expect.h"
#include "pool.h"
#include "tracer.h"

/* Enough for a pick to go from its claim to its second look at the word of the slot. Then it searches on, as in any empty
 * pool. */
enum {
    KEY_LENGTH = 64,
    INSTRUCTIONS_MAX = 240,
    LIMITED_INSTRUCTIONS_MAX = 1200,
    DEFAULT_STRIDE = 3,
    LESSONS = 3,
    STRAYS_ONE_IN = 100
};

/* And from there to its first look at the word, and from that to the second. */
enum { TO_FIRST_LOOK_MAX = 90, TO_SECOND_LOOK_MAX = 180 };

#define NOT_YET SIZE_MAX

struct seen {
    int result;
    struct keyshm_pick pick;
};

static struct seen *seen;
static keyshm_pool *pool;
static char old_key[KEY_LENGTH + 1], new_key[KEY_LENGTH + 1];
static bool has_group; /* the new key is added to a group that is not available */
static bool has_limits;
static keyshm_id group_or_0;

/* ---- where each of the two is stopped ---- */

static bool slot_is_claimed(void)
{
    return atomic_load(&pool->header->model_0.cursor) != 0;
}

static bool id_is_there(void)
{
    return atomic_load(&pool_slot(pool, 0)->id) >> 24 == 2;
}

static bool first_bytes_are_there(void)
{
    return atomic_load(&pool_slot(pool, 0)->key[0]) != 0;
}

/* Of the writer's walk. */
static struct moment {
    bool (*has_come)(void);
    size_t index;
} moments[] = {{id_is_there, NOT_YET}, {first_bytes_are_there, NOT_YET}};
enum { MOMENTS = sizeof(moments) / sizeof(moments[0]) };

static struct tracer_walk reader_walk, writer_walk;
static size_t claim; /* where in the reader's walk it has claimed the slot */

/* ---- the two processes ---- */

static void pick_key(void)
{
    seen->result = keyshm_next(pool, &seen->pick);
}

static void add_new_key(void)
{
    EXPECT_EQ(keyshm_add_to_group(pool, new_key, group_or_0, NULL), 0);
}

/* ---- one run ---- */

static void make_group(void)
{
    EXPECT_EQ(keyshm_group(pool, "group", &group_or_0), 0);
    EXPECT_EQ(keyshm_mark_quota_exceeded(pool, group_or_0, KEYSHM_UNTIL_MARKED), 0);
}

static void set_limits(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = (struct keyshm_rate){.amount = 1, .per_ms = KEYSHM_DURATION_MAX_MS, .burst = 1};
    EXPECT_EQ(keyshm_set_limits(pool, 0, 0, &limits), 0);
}

static keyshm_id begin(void)
{
    keyshm_id id;
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = 1;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "half", &options), 0);
    EXPECT_EQ(keyshm_add(pool, old_key, &id), 0);
    group_or_0 = 0;
    if (has_group)
        make_group();
    if (has_limits)
        set_limits();
    memset(seen, 0, sizeof(*seen));
    return id;
}

static void end(void)
{
    keyshm_id id;
    struct keyshm_pick pick;
    EXPECT_EQ(keyshm_find(pool, new_key, &id), 0);
    EXPECT((seen->result == 0 && !has_group) || seen->result == -ENOKEY ||
           (seen->result == -EAGAIN && (has_group || has_limits)));
    if (seen->result == 0) {
        EXPECT_EQ(seen->pick.id, id);
        EXPECT_EQ(seen->pick.key_length, KEY_LENGTH);
        EXPECT_EQ(strcmp(seen->pick.key, new_key), 0);
        EXPECT(!has_limits || keyshm_next(pool, &pick) == -EAGAIN);
    }
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    keyshm_close(pool);
}

/* The pool as it is between the two: the reader has claimed the slot, and its key is gone. 0 when the reader took another
 * way than recorded. */
static pid_t begin_with_claim(void)
{
    keyshm_id old = begin();
    pid_t reader = tracer_start(pick_key);
    if (!tracer_reach(reader, &reader_walk, claim)) {
        tracer_kill(reader);
        return 0;
    }
    EXPECT(slot_is_claimed());
    EXPECT_EQ(keyshm_remove(pool, old), 0);
    return reader;
}

/* ---- the way of each of the two ---- */

static void look_for_claim(pid_t child, size_t index)
{
    (void)child;
    if (claim == NOT_YET && slot_is_claimed())
        claim = index;
}

static void look_for_moments(pid_t child, size_t index)
{
    (void)child;
    for (size_t i = 0; i < MOMENTS; i++)
        if (moments[i].index == NOT_YET && moments[i].has_come())
            moments[i].index = index;
}

/* Only the last of the lessons counts: the C library does some things once in a process. */
static void learn(void)
{
    for (int lesson = 0; lesson < LESSONS; lesson++) {
        claim = moments[0].index = moments[1].index = NOT_YET;
        begin();
        tracer_record(pick_key, look_for_claim, &reader_walk);
        keyshm_close(pool);
        EXPECT(claim != NOT_YET);
        pid_t reader = begin_with_claim();
        EXPECT(reader != 0);
        tracer_record(add_new_key, look_for_moments, &writer_walk);
        EXPECT(moments[0].index != NOT_YET && moments[1].index != NOT_YET);
        tracer_kill(reader);
        keyshm_close(pool);
    }
}

/* ---- the runs ---- */

/* False when the pick has ended. */
static bool go_on(pid_t reader, unsigned instructions)
{
    bool is_running = true;
    for (unsigned i = 0; i < instructions && is_running; i++)
        is_running = tracer_step(reader);
    return is_running;
}

/* False when one of the two took another way than recorded. */
static bool run(const struct moment *moment, unsigned instructions)
{
    pid_t reader = begin_with_claim();
    pid_t writer = reader != 0 ? tracer_start(add_new_key) : 0;
    if (writer == 0 || !tracer_reach(writer, &writer_walk, moment->index)) {
        if (writer != 0) {
            tracer_kill(writer);
            tracer_kill(reader);
        }
        keyshm_close(pool);
        return false;
    }
    EXPECT(moment->has_come());
    bool is_running = go_on(reader, instructions);
    tracer_finish(writer);
    if (is_running)
        tracer_finish(reader);
    end();
    return true;
}

/* False when the reader took another way than recorded. */
static bool run_twice_stopped(unsigned to_first, unsigned to_second)
{
    keyshm_id id;
    pid_t reader = begin_with_claim();
    if (reader == 0) {
        keyshm_close(pool);
        return false;
    }
    bool is_running = go_on(reader, to_first);
    EXPECT_EQ(keyshm_add_to_group(pool, new_key, group_or_0, &id), 0);
    is_running = is_running && go_on(reader, to_second);
    EXPECT_EQ(keyshm_remove(pool, id), 0);
    if (is_running)
        tracer_finish(reader);
    EXPECT(seen->result == -ENOKEY || seen->result == -EAGAIN);
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    keyshm_close(pool);
    return true;
}

static void run_all_twice_stopped(unsigned stride, unsigned *runs, unsigned *strays)
{
    for (unsigned to_first = 0; to_first < TO_FIRST_LOOK_MAX; to_first += stride)
        for (unsigned to_second = 0; to_second < TO_SECOND_LOOK_MAX; to_second += stride) {
            bool is_as_learnt = run_twice_stopped(to_first, to_second);
            *runs += is_as_learnt;
            *strays += !is_as_learnt;
        }
}

static void run_all(unsigned stride, unsigned *runs, unsigned *strays)
{
    unsigned most = has_limits ? LIMITED_INSTRUCTIONS_MAX : INSTRUCTIONS_MAX;
    learn();
    for (size_t i = 0; i < MOMENTS; i++)
        for (unsigned instructions = 0; instructions < most; instructions += stride) {
            bool is_as_learnt = run(&moments[i], instructions);
            *runs += is_as_learnt;
            *strays += !is_as_learnt;
        }
}

int main(int argc, char **argv)
{
    unsigned stride = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : DEFAULT_STRIDE;
    unsigned runs = 0, strays = 0;
    EXPECT(stride > 0);
    expect_end_in_time();
    if (!tracer_is_possible())
        return 77;
    seen = expect_shared_memory(sizeof(*seen));
    memset(old_key, 'A', KEY_LENGTH);
    memset(new_key, 'B', KEY_LENGTH);
    for (int i = 0; i < 2; i++) {
        has_group = i != 0;
        run_all(stride, &runs, &strays);
    }
    run_all_twice_stopped(stride, &runs, &strays); /* the group is there still */
    has_group = false;
    has_limits = true;
    run_all(stride, &runs, &strays);
    EXPECT(strays * STRAYS_ONE_IN <= runs);
    printf("total: runs %u, broken 0\n", runs); /* what is broken ends the program */
    return 0;
}
