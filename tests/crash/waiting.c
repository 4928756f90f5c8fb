/* SPDX-License-Identifier: MIT */

/*
 * Somebody who waits for a key, or who has something for those who wait, is stopped before each instruction that touches the
 * pool or calls the system, in the C library too: killed there, or left standing while others go on. Two others wait as well, and
 * really sleep in the kernel; a sleep ends by itself only when this program says so (sleeps.h). So it is seen whether
 * somebody was woken, or has found what there was for him when his slice was over: nothing depends on a clock.
 *
 *   waiting [STRIDE [ANNOUNCEMENT]]
 *       at every STRIDE-th of the moments, of the announcements whose names begin so
 *
 * Then nothing is left of those that were killed: waiting.h.
 */

#include "waiting.h"
#include <sys/ptrace.h>

#include "expect.h"
#include "pool.h"
#include "sleeps.h"
#include "tracer.h"
#include "virtual_clock.h"

enum { PROBLEMS_SHOWN = 5, TIME_LIMIT_S = 2000, RUN_LIMIT_S = 30, STRAYS_ONE_IN = 25 };

/* Some slices of 100 ms, also where a dead process has to be found first. */
enum { WAIT_MS = 250, SLICES_MAX = 20, SLICE_POLL_US = 200 };

static const struct announcement *announcement;

/* ---- who waits ---- */

static struct told { /* by the one that is stopped */
    int result;
    int64_t until_ns; /* it waits */
} * told;

static int wait_for(int64_t wait_ms)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease;
    request.wait_ms = wait_ms;
    int r = keyshm_acquire(waiting_pool, &request, &lease);
    if (r == 0)
        EXPECT_EQ(keyshm_release(waiting_pool, &lease), 0);
    return r;
}

static void wait_and_tell(void)
{
    told->until_ns = virtual_clock->monotonic_ns + WAIT_MS * NS_PER_MS;
    told->result = wait_for(WAIT_MS);
}

static void sleep_until_woken(void)
{
    sleeps_last(0);
    EXPECT_EQ(wait_for(KEYSHM_UNTIL_MARKED), announcement->result);
}

/* The same until it sleeps. */
static void begin_to_sleep(void)
{
    sleeps_are_ended_by_signal();
    EXPECT_EQ(wait_for(KEYSHM_UNTIL_MARKED), -EINTR);
}

/* While it sleeps, the announcement is made, and wakes it first. */
static void wait_and_be_woken(void)
{
    sleeps_are_interrupted_by(announcement->announce);
    told->result = wait_for(WAIT_MS);
}

static void announce(void)
{
    announcement->announce();
}

/* ---- the others ---- */

static pid_t waiters[SLEEPERS]; /* 0: it has ended */

static void reap_ended(void)
{
    for (int i = 0; i < SLEEPERS; i++) {
        int status = 0;
        if (waiters[i] == 0 || waitpid(waiters[i], &status, WNOHANG) == 0)
            continue;
        EXPECT_EQ(status, 0);
        waiters[i] = 0;
    }
}

static unsigned count_waiting(void)
{
    unsigned count = 0;
    for (int i = 0; i < SLEEPERS; i++)
        count += waiters[i] != 0;
    return count;
}

/* So many sleeps have begun by now, if each one that is left sleeps; 0: one does not. */
static unsigned count_sleeps(void)
{
    unsigned count = 1;
    for (unsigned i = 0; i < SLEEPERS; i++) {
        if (waiters[i] != 0 && !sleeps_is_asleep(waiters[i], i))
            return 0;
        count += atomic_load(&sleeps->begun[i]);
    }
    return count;
}

/* All of them have ended, or sleep, and nobody is about to wake one. */
static void wait_for_calm(void)
{
    unsigned before = 0, count = 0;
    do {
        before = count;
        reap_ended();
        count = count_sleeps();
        if (count == 0)
            usleep(SLICE_POLL_US);
    } while (count == 0 || count != before);
}

static void start_waiters(void)
{
    for (unsigned i = 0; i < SLEEPERS; i++) {
        waiters[i] = expect_fork();
        if (waiters[i] != 0)
            continue;
        sleeps_last(i);
        EXPECT_EQ(wait_for(KEYSHM_UNTIL_MARKED), announcement->result);
        _exit(0);
    }
    wait_for_calm();
}

static void kill_waiters(void)
{
    for (int i = 0; i < SLEEPERS; i++)
        if (waiters[i] != 0)
            EXPECT_EQ(kill(waiters[i], SIGKILL), 0); /* it may have ended */
}

/* They have been woken. */
static void expect_woken(void)
{
    wait_for_calm();
    EXPECT_EQ(count_waiting(), 0);
}

/* They find it by themselves. */
static void expect_found(void)
{
    for (int slices = 0; slices < SLICES_MAX; slices++) {
        wait_for_calm();
        for (int i = 0; i < SLEEPERS; i++)
            if (waiters[i] != 0)
                sleeps_end_slice(waiters[i]);
    }
    EXPECT_EQ(count_waiting(), 0);
}

/* ---- one stop ---- */

/* Of who is stopped; and of who waits, where both are. Shared with the processes that make the runs. */
static struct tracer_walk *walk, *waiters_walk;
static size_t waiters_stop;

/* What is stopped, and what happens then. False when the one to be stopped has gone another way. */
struct way {
    const char *name;
    void (*act)(void);
    bool is_hinted; /* somebody has waited and was killed */
    bool wait_before;
    bool (*run)(const struct way *way, size_t index);
    bool stops_both;  /* one that waits, too, */
    bool stops_again; /* and the other once more */
};

static void begin(const struct way *way)
{
    waiting_begin(announcement);
    if (way->is_hinted)
        atomic_store(&waiting_pool->header->waiters, 1);
    if (way->wait_before)
        start_waiters();
}

static pid_t stop_at(const struct way *way, size_t index)
{
    pid_t process = tracer_start(way->act);
    if (tracer_reach(process, walk, index))
        return process;
    tracer_kill(process);
    kill_waiters();
    return 0;
}

static void announce_and_more(void)
{
    announcement->announce();
    if (announcement->then != NULL)
        announcement->then();
}

static void then(void)
{
    if (announcement->then != NULL)
        announcement->then();
}

/* Who waits is killed: the others are woken as if it had not been there. */
static bool kill_waiter(const struct way *way, size_t index)
{
    pid_t process = stop_at(way, index);
    if (process == 0)
        return false;
    tracer_kill(process);
    announce_and_more();
    expect_woken();
    return true;
}

/* It goes on, and there is something for it. What it has seen in its last look may be older. */
static void expect_it_does_not_sleep(pid_t process, bool is_last_look)
{
    atomic_store(&sleeps->is_announced, true);
    tracer_finish(process);
    EXPECT(told->result == announcement->result || (told->result == -EAGAIN && is_last_look && told->until_ns != 0));
    EXPECT_EQ(atomic_load(&sleeps->slept_after), 0);
}

/* Who waits stands still: the others are woken, and what comes after its look it does not sleep through. */
static bool freeze_waiter(const struct way *way, size_t index)
{
    pid_t process = stop_at(way, index);
    if (process == 0)
        return false;
    bool is_last_look = virtual_clock->monotonic_ns >= told->until_ns;
    announce_and_more();
    expect_woken();
    expect_it_does_not_sleep(process, is_last_look);
    return true;
}

/* Who was woken, or is to wake others, is killed. What there is by then they find. */
static bool kill_announcer(const struct way *way, size_t index)
{
    pid_t process = stop_at(way, index);
    if (process == 0)
        return false;
    tracer_kill(process);
    if (waiting_is_over(announcement))
        expect_found();
    announce_and_more();
    expect_found();
    return true;
}

/* It stands still: what there is by then the others find without it, and are woken when it goes on. */
static bool freeze_announcer(const struct way *way, size_t index)
{
    pid_t process = stop_at(way, index);
    if (process == 0)
        return false;
    if (waiting_is_over(announcement))
        expect_found();
    tracer_finish(process);
    then();
    expect_woken();
    return true;
}

/* The others begin to wait while it stands still. */
static bool meet_announcer(const struct way *way, size_t index)
{
    pid_t process = stop_at(way, index);
    if (process == 0)
        return false;
    start_waiters();
    tracer_finish(process);
    then();
    expect_woken();
    return true;
}

/* Who was woken stands still, and then leaves what it does not need to the others. */
static bool freeze_woken(const struct way *way, size_t index)
{
    pid_t process = stop_at(way, index);
    if (process == 0)
        return false;
    tracer_finish(process);
    then();
    expect_woken();
    return true;
}

static void let_go(pid_t process)
{
    EXPECT_EQ(ptrace(PTRACE_DETACH, process, NULL, NULL), 0);
}

/* Until it has said that nobody waits. False: it has ended. */
static bool let_lower_hint(pid_t announcer)
{
    bool is_there = true;
    while (is_there && atomic_load(&waiting_pool->header->waiters) != 0)
        is_there = tracer_step(announcer);
    return is_there;
}

/* Both stand, and nobody has what he waits for. */
static void let_meet(const struct way *way, pid_t announcer, pid_t waiter)
{
    bool is_there = !way->stops_again || let_lower_hint(announcer);
    if (!way->stops_again)
        tracer_finish(announcer);
    let_go(waiter);
    waiters[0] = waiter;
    wait_for_calm();
    if (way->stops_again && is_there)
        tracer_finish(announcer);
    then();
    expect_woken();
}

/* One is about to sleep while the other goes on: it is woken by whatever comes then. */
static bool meet_stopped(const struct way *way, size_t index)
{
    pid_t announcer = stop_at(way, index);
    if (announcer == 0)
        return false;
    if (waiting_is_over(announcement)) { /* nobody sleeps */
        tracer_finish(announcer);
        return true;
    }
    pid_t waiter = tracer_start(sleep_until_woken);
    if (tracer_reach(waiter, waiters_walk, waiters_stop)) {
        let_meet(way, announcer, waiter);
        return true;
    }
    tracer_kill(announcer);
    tracer_kill(waiter);
    return false;
}

static const struct way ways[] = {
    {"who waits is killed", wait_and_tell, false, true, kill_waiter, false, false},
    {"who waits stands still", wait_and_tell, false, true, freeze_waiter, false, false},
    {"who announces is killed", announce, false, true, kill_announcer, false, false},
    {"who announces stands still", announce, false, true, freeze_announcer, false, false},
    {"and others begin to wait", announce, false, false, meet_announcer, false, false},
    {"and others wait again", announce, true, false, meet_announcer, false, false},
    {"who was woken is killed", wait_and_be_woken, false, true, kill_announcer, false, false},
    {"and one waits and stands", announce, true, false, meet_stopped, true, false},
    {"and one waits, between two", announce, true, false, meet_stopped, true, true},
    {"who was woken stands still", wait_and_be_woken, false, true, freeze_woken, false, false},
};

/* ---- all of them ---- */

/* Each run is made by a process of its own: one that fails does not end the rest. */
enum { AS_IT_SHOULD = 0, BROKEN = 1, ASTRAY = 2 };

static int make_run(const struct way *way, size_t index)
{
    int status;
    memset(sleeps, 0, sizeof(*sleeps));
    memset(told, 0, sizeof(*told));
    pid_t runner = expect_fork();
    if (runner == 0) {
        alarm(RUN_LIMIT_S);
        begin(way);
        if (!way->run(way, index))
            _exit(ASTRAY);
        waiting_end();
        _exit(AS_IT_SHOULD);
    }
    EXPECT_EQ(waitpid(runner, &status, 0), runner);
    return WIFEXITED(status) ? WEXITSTATUS(status) : BROKEN;
}

static int run(const struct way *way, size_t index)
{
    int outcome = ASTRAY;
    for (int tries = 0; tries < TRACER_TRIES && outcome == ASTRAY; tries++)
        outcome = make_run(way, index);
    return outcome;
}

static void learn(const struct way *way, void (*act)(void), struct tracer_walk *ret_walk)
{
    memset(sleeps, 0, sizeof(*sleeps));
    pid_t runner = expect_fork();
    if (runner == 0) {
        alarm(RUN_LIMIT_S);
        begin(way);
        const struct tracer_memory memories[TRACER_MEMORIES] = {
            {waiting_pool->header, waiting_pool->settings.segment_bytes}};
        tracer_record_shared(act, memories, ret_walk);
        kill_waiters();
        _exit(0);
    }
    expect_success_of(runner);
}

static struct row {
    long instructions, stops, strays, broken;
} total;

static void print_problem_at(const struct way *way, size_t index)
{
    struct tracer_place place = tracer_place_of(walk->moments[index].address);
    if (total.broken++ >= PROBLEMS_SHOWN)
        return;
    printf("broken: %s: %s: stopped at instruction %zu (%s + %#lx)", announcement->name, way->name, index, place.object,
           place.offset);
    if (way->stops_both)
        printf(", who waits at instruction %zu (program + %#lx)", waiters_stop,
               tracer_place_of(waiters_walk->moments[waiters_stop].address).offset);
    printf("\n");
}

static void finish_row(const struct way *way, const struct row *row)
{
    printf("%-28s %-28s %12ld %8ld %8ld %8ld\n", announcement->name, way->name, row->instructions, row->stops,
           row->strays, row->broken);
    fflush(stdout);
    EXPECT(row->strays <= 1 + row->stops / STRAYS_ONE_IN);
    total.instructions += row->instructions;
    total.stops += row->stops;
}

static void run_at(const struct way *way, size_t index, struct row *row)
{
    int outcome = run(way, index);
    row->strays += outcome == ASTRAY;
    row->stops += outcome != ASTRAY;
    if (outcome == AS_IT_SHOULD || outcome == ASTRAY)
        return;
    row->broken++;
    print_problem_at(way, index);
}

/* The last of the system calls is its sleep. */
static size_t count_before_sleep(void)
{
    size_t end = waiters_walk->count;
    while (end > 0 && !(waiters_walk->moments[end - 1].is_shared && waiters_walk->moments[end - 1].touched == 0))
        end--;
    return end;
}

static void run_with_waiter(const struct way *way, size_t index, struct row *row)
{
    size_t end = count_before_sleep();
    for (waiters_stop = 0; waiters_stop < end; waiters_stop++)
        if (waiters_walk->moments[waiters_stop].is_shared)
            run_at(way, index, row);
}

static void run_everywhere(const struct way *way, size_t stride)
{
    struct row row = {.stops = 0};
    alarm(TIME_LIMIT_S); /* for each */
    learn(way, way->act, walk);
    if (way->stops_both)
        learn(way, begin_to_sleep, waiters_walk);
    row.instructions = (long)walk->count;
    for (size_t i = 0, moments = 0; i < walk->count; i++)
        if (walk->moments[i].is_shared && moments++ % stride == 0)
            (way->stops_both ? run_with_waiter : run_at)(way, i, &row);
    finish_row(way, &row);
}

int main(int argc, char **argv)
{
    size_t stride = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    const char *only = argc > 2 ? argv[2] : "";
    if (argc > 3 || stride == 0) {
        fprintf(stderr, "usage: waiting [STRIDE [ANNOUNCEMENT]]\n");
        return 2;
    }
    expect_end_in_time();
    if (!tracer_is_possible())
        return 77;
    virtual_clock_begin();
    sleeps_begin();
    told = expect_shared_memory(sizeof(*told));
    walk = expect_shared_memory(sizeof(*walk));
    waiters_walk = expect_shared_memory(sizeof(*waiters_walk));
    printf("%-28s %-28s %12s %8s %8s %8s\n", "what is announced", "what is stopped", "instructions", "stops", "strays",
           "broken");
    for (announcement = announcements; announcement < announcements + announcement_count; announcement++)
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
            if (strncmp(only, announcement->name, strlen(only)) == 0 &&
                (announcement->is_met_by_stopped || !ways[i].stops_both))
                run_everywhere(&ways[i], stride);
    printf("total: instructions %ld, runs %ld, broken %ld\n", total.instructions, total.stops, total.broken);
    return total.broken > 0 ? 1 : 0;
}
