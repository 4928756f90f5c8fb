/* SPDX-License-Identifier: MIT */

/*
 * A process in a burst claims several turns at once, and reads the clock by its tick. What is promised holds all the
 * same: the exact order in one process, the bound between several, however they come and go, and that no cooldown ends
 * early.
 */

#include <pthread.h>
#include <sys/time.h>

#include "burst.h"
#include "expect.h"
#include "for_model.h"
#include "state_word.h"

/* fork(2) is many times dearer under the address sanitizer, and shows nothing more. */
#ifdef __SANITIZE_ADDRESS__
#define SHORT_LIVED 1000
#else
#define SHORT_LIVED 10000
#endif

enum {
    KEYS = 100,
    GROUPS = 10,
    PROCESSES = 4,
    PICKS = 50001,
    COOLDOWN_MS = 200,
    UNTIL_BURST_MAX = 1000000,
    ONE_BY_ONE = 500,
    AT_ONCE = SHORT_LIVED,
    INTERRUPTED_PICKS = 2000000,
};

static keyshm_pool *pool;
static keyshm_id ids[KEYS], groups[GROUPS];
static bool has_groups; /* the key in slot i is in groups[i % GROUPS], and picks are for `model` */
static unsigned model;
static _Atomic uint32_t *picks_of; /* by all processes, of each slot */

static keyshm_id make_group(int number)
{
    char name[32];
    snprintf(name, sizeof(name), "account-%d", number);
    EXPECT_EQ(keyshm_group(pool, name, &groups[number]), 0);
    return groups[number];
}

/* 0: of as many as usual. */
static void begin_pool_of_workers(uint32_t workers_max)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    char key[32];
    options.capacity = KEYS;
    options.workers_max = workers_max;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "bursts", &options), 0);
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof(key), "sk-burst-%d", i);
        EXPECT_EQ(keyshm_add_to_group(pool, key, has_groups ? make_group(i % GROUPS) : 0, &ids[i]), 0);
    }
    model = 0;
    if (has_groups)
        EXPECT_EQ(keyshm_model(pool, "gpt-4o", &model), 0);
    for (int i = 0; i < KEYS; i++)
        picks_of[i] = 0;
}

static void begin_pool(void)
{
    begin_pool_of_workers(0);
}

static unsigned pick(void)
{
    struct keyshm_pick picked = {.id = 0};
    EXPECT_EQ(pick_for_model(pool, model, &picked), 0);
    unsigned slot = (unsigned)(picked.id & 0xffffff);
    EXPECT(slot < KEYS && picked.id == ids[slot]);
    atomic_fetch_add(&picks_of[slot], 1);
    return slot;
}

/* A key or a group, for the model. */
static void mark(keyshm_id id, enum keyshm_status status)
{
    EXPECT_EQ(mark_for_model(pool, id, model, status, KEYSHM_NO_RETRY_AFTER), 0);
}

/* In a burst, unless the clock goes on to its next tick in between. */
static unsigned pick_in_burst(void)
{
    burst_go_on(pool);
    return pick();
}

static uint32_t turns_left(void)
{
    uint32_t place = rotation_place(pool, model);
    struct claim range = claim_unpack(place != 0 ? atomic_load(rotation_range(pool, model, place)) : 0);
    return range.end - range.begin;
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
    mark(ids[next], KEYSHM_INVALID);
    EXPECT_EQ(pick(), next + 1);
    mark(ids[next], KEYSHM_AVAILABLE);
    keyshm_close(pool);
}

/* So is what happens to the group of one. */
static void keep_a_group_out(void)
{
    begin_pool();
    unsigned group = (burst() + 1) % GROUPS, picked = 0;
    mark(groups[group], KEYSHM_INVALID);
    for (int i = 0; i < KEYS; i++)
        EXPECT(pick_in_burst() % GROUPS != group);
    mark(groups[group], KEYSHM_AVAILABLE);
    for (int i = 0; i < 2 * KEYS; i++)
        picked += pick_in_burst() % GROUPS == group;
    EXPECT(picked >= KEYS / GROUPS);
    keyshm_close(pool);
}

static void *do_nothing(void *argument)
{
    return argument;
}

/* In a child: a process that has ever had two threads never claims a range again, and gives up what is left of the last
 * one. */
static void claim_one_turn_with_threads(void)
{
    begin_pool();
    burst();
    uint32_t left = turns_left();
    pthread_t thread;
    pid_t child = expect_fork();
    if (child == 0) {
        EXPECT_EQ(turns_left(), 0); /* nor does it have its parent's */
        burst();
        EXPECT_EQ(pthread_create(&thread, NULL, do_nothing, NULL), 0);
        pick_in_burst();
        EXPECT_EQ(turns_left(), 0);
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

/* A process that is not among the workers has no place for turns, as nobody could see that it has ended. */
static void claim_one_turn_without_a_row(void)
{
    begin_pool_of_workers(1);
    pid_t child = expect_fork();
    if (child == 0) {
        for (unsigned i = 0; i < PICKS; i++) {
            EXPECT_EQ(pick_in_burst(), i % KEYS);
            EXPECT_EQ(turns_left(), 0);
        }
        exit(0);
    }
    expect_success_of(child);
    keyshm_close(pool);
}

/* ---- several ---- */

/* As a process that was killed before its range was in its place. It is not looked for here: that puts it there, too. */
static void claim_as_a_dead_one(struct claim claim)
{
    claim.number = claim_number_after(atomic_load(&pool->header->model_0.cursor));
    atomic_store(&pool->header->model_0.cursor, claim_pack(&claim));
    atomic_store(&pool->local->rotations[0].next_look_ms, UINT64_MAX);
}

static void expect_in_place(struct claim claim)
{
    struct claim range = claim_unpack(atomic_load(&pool->header->model_0.turns[claim.place - 1].range));
    EXPECT(range.begin == claim.begin && range.end == claim.end);
}

/* The next claim, of one turn or of several, does it for the dead. */
static void claim_after_a_dead_one(void)
{
    const struct claim dead = {.place = LAYOUT_TURNS, .begin = KEYS / 4, .end = KEYS / 2};
    begin_pool();
    claim_as_a_dead_one(dead);
    EXPECT_EQ(pick(), dead.end);
    expect_in_place(dead);
    keyshm_close(pool);
    begin_pool();
    uint32_t place;
    do { /* until no tick comes between */
        burst();
        while (turns_left() > 0)
            pick();
        claim_as_a_dead_one(dead);
        EXPECT_EQ(pick_in_burst(), dead.end);
        place = burst_place_of_last_claim(pool);
    } while (place == 0 || place != rotation_place(pool, 0));
    expect_in_place(dead);
    keyshm_close(pool);
}

/* A place that nobody has claimed for in more than half of all numbers of claims. */
static void claim_after_very_many(void)
{
    begin_pool();
    unsigned last = burst();
    while (turns_left() > 0)
        last = pick();
    struct claim cursor = claim_unpack(atomic_load(&pool_model(pool, model)->cursor));
    cursor.number += (UINT64_C(1) << (63 - RANGE_NUMBER_SHIFT)) + 1;
    atomic_store(&pool_model(pool, model)->cursor, claim_pack(&cursor));
    for (unsigned i = 1; i < 10 * KEYS; i++)
        EXPECT_EQ(pick_in_burst(), (last + i) % KEYS);
    keyshm_close(pool);
}

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

/* A process that is killed in a burst, with turns in hand or with none left. */
static void die_in_a_burst(bool with_turns)
{
    pid_t child = expect_fork();
    if (child == 0) {
        burst();
        while (!with_turns && turns_left() > 0)
            pick_in_burst();
        raise(SIGKILL);
    }
    int status;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT(WIFSIGNALED(status));
}

static void die_in_bursts(void)
{
    begin_pool();
    for (int process = 0; process < PROCESSES; process++)
        die_in_a_burst(true);
    expect_fair(PROCESSES);
    keyshm_close(pool);
}

/* What several have left goes to the next process, which is in no burst, one place after another. */
static void take_all_turns_left(void)
{
    pid_t children[PROCESSES];
    begin_pool();
    for (int process = 0; process < PROCESSES; process++) {
        children[process] = expect_fork();
        if (children[process] == 0) {
            burst();
            raise(SIGSTOP);
            keyshm_close(pool);
            _exit(0);
        }
        EXPECT_EQ(waitpid(children[process], NULL, WUNTRACED), children[process]);
    }
    for (int process = 0; process < PROCESSES; process++) {
        EXPECT_EQ(kill(children[process], process % 2 == 0 ? SIGKILL : SIGCONT), 0);
        EXPECT_EQ(waitpid(children[process], NULL, 0), children[process]);
    }
    EXPECT(burst_turns_left(pool) > 2 * PROCESSES);
    for (uint32_t left = burst_turns_left(pool); left > 0; left--)
        pick();
    EXPECT_EQ(burst_turns_left(pool), 0);
    keyshm_close(pool);
}

/* A place whose owner was killed is free for the next, with turns left in it or without. */
static void take_the_place_of_a_dead_one(void)
{
    begin_pool();
    for (int process = 0; process <= LAYOUT_TURNS; process++)
        die_in_a_burst(false);
    keyshm_close(pool);
}

/* ---- coming and going ---- */

static void end_killed(void)
{
    raise(SIGKILL);
}

static void end_closed(void)
{
    keyshm_close(pool);
    _exit(0);
}

static void end_in_order(void)
{
    exit(0);
}

static void end_at_once(void)
{
    _exit(0);
}

static void (*const ends[])(void) = {end_killed, end_closed, end_killed, end_in_order, end_killed, end_at_once};

/* A child that makes some picks, most of them in a burst, and then ends, mostly with turns in hand: every second one is
 * killed. */
static void start_short_lived(unsigned number)
{
    if (expect_fork() != 0)
        return;
    for (unsigned i = 0; i < number % 3; i++)
        pick();
    for (unsigned i = 0; i < number * 7 % 150; i++)
        pick_in_burst();
    ends[number % (sizeof(ends) / sizeof(ends[0]))]();
}

static void wait_for_one(void)
{
    int status;
    EXPECT(waitpid(-1, &status, 0) > 0);
    EXPECT(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
}

/* There is never more than one: its turns go to the next, so that none is lost. */
static void come_and_go_one_by_one(void)
{
    begin_pool();
    for (unsigned i = 0; i < ONE_BY_ONE; i++) {
        start_short_lived(i);
        wait_for_one();
        expect_fair(1);
    }
    keyshm_close(pool);
}

static void come_and_go_at_once(void)
{
    begin_pool();
    for (unsigned i = 0; i < PROCESSES; i++)
        start_short_lived(i);
    for (unsigned i = PROCESSES; i < AT_ONCE; i++) {
        wait_for_one();
        start_short_lived(i);
    }
    for (unsigned i = 0; i < PROCESSES; i++)
        wait_for_one();
    expect_fair(PROCESSES);
    keyshm_close(pool);
}

/* One process has claimed turns and stands still. The others claim one turn at a time: they can be a turn ahead of one
 * another, and of the turns that they wait for in vain. */
static void stand_still_in_a_burst(void)
{
    begin_pool();
    struct gate gate = gate_make();
    int claimed[2];
    char byte;
    EXPECT_EQ(pipe(claimed), 0);
    pid_t child = expect_fork();
    if (child == 0) {
        burst_begin(pool);
        pick_in_burst();
        EXPECT_EQ(write(claimed[1], "", 1), 1);
        gate_wait(&gate);
        _exit(0);
    }
    EXPECT_EQ(read(claimed[0], &byte, 1), 1);
    for (int i = 0; i < 10 * KEYS + KEYS / 2; i++) {
        burst_end(pool);
        pick();
        expect_fair(2);
    }
    gate_open(&gate);
    expect_success_of(child);
    keyshm_close(pool);
}

/* ---- a signal handler that picks, in the middle of a pick ---- */

static void pick_in_handler(int number)
{
    (void)number;
    pick();
}

static void set_timer(suseconds_t interval_us)
{
    struct itimerval timer = {.it_interval.tv_usec = interval_us, .it_value.tv_usec = interval_us};
    EXPECT_EQ(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void pick_in_the_middle_of_a_pick(void)
{
    struct sigaction before, action = {.sa_handler = pick_in_handler, .sa_flags = SA_RESTART};
    begin_pool();
    EXPECT_EQ(sigaction(SIGALRM, &action, &before), 0);
    set_timer(20);
    for (int i = 0; i < INTERRUPTED_PICKS; i++)
        pick();
    set_timer(0);
    EXPECT_EQ(sigaction(SIGALRM, &before, NULL), 0);
    expect_fair(2);
    keyshm_close(pool);
    expect_end_in_time(); /* it has been set to go off by the same timer */
}

/* ---- time ---- */

/* Of many marks in a row, the last is late by a tick at most, and never early. */
static void cool_down_in_burst(void)
{
    begin_pool();
    for (int i = 0; i < 4 * PACE_BURST_CALLS; i++)
        EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[i % KEYS], 1), 0);
    uint64_t before_us = pool_now_us(pool);
    EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[0], COOLDOWN_MS), 0);
    uint64_t after_ms = pool_now_ms(pool), deadline_ms = word_deadline_ms(atomic_load(&pool->words[0]));
    EXPECT(deadline_ms * 1000 >= before_us + COOLDOWN_MS * 1000);
    EXPECT(deadline_ms <= after_ms + COOLDOWN_MS + pool_coarse_lag_ms(pool) + 1);
    keyshm_close(pool);
}

int main(void)
{
    picks_of = expect_shared_memory(KEYS * sizeof(*picks_of));
    expect_end_in_time();
    begin_pool();
    bool is_possible = pool->local != NULL && ROTATION_SINGLE_THREADED;
    keyshm_close(pool);
    if (!is_possible) {
        printf("skipped: no MADV_WIPEONFORK, or a C library that does not report whether there are threads\n");
        return 77;
    }
    keep_the_order();
    claim_one_turn_with_threads();
    claim_one_turn_without_a_row();
    claim_after_a_dead_one();
    claim_after_very_many();
    pick_in_processes();
    die_in_bursts();
    take_all_turns_left();
    take_the_place_of_a_dead_one();
    come_and_go_one_by_one();
    come_and_go_at_once();
    stand_still_in_a_burst();
    pick_in_the_middle_of_a_pick();
    cool_down_in_burst();
    has_groups = true;
    keep_the_order();
    keep_a_group_out();
    pick_in_processes();
    die_in_bursts();
    come_and_go_one_by_one();
    return 0;
}
