/* SPDX-License-Identifier: MIT */

/*
 * Workers pick, mark, add and remove, while a controller kills, stops and continues them at random, and replaces the
 * dead. Whatever a call returned to a worker must have happened, and nothing else.
 *
 *   torture [SECONDS [SEED]]
 *
 * The seed replays the controller's choices, not the moments at which they meet the workers.
 */

#include <time.h>

#include "expect.h"
#include "random.h"
#include "torture.h"

enum { PAUSE_MAX_US = 1500, CLEAN_UP_S = 1200, HINTS_REPAIRED_US = 1100000, SECONDS_MAX = 3600 };

static struct arena *arena;
static keyshm_pool *pool;
static struct seat {
    pid_t pid;
    bool is_stopped;
    uint64_t lives;
} seats[SEATS];
static uint64_t kills, stops, verified, busy;

/* ---- workers ---- */

static void begin_life(unsigned seat, uint64_t seed)
{
    uint64_t life = seats[seat].lives++;
    pid_t pid = expect_fork();
    if (pid == 0) {
        /* Half of them inherit the controller's attachment. */
        if (life % 2 == 0) {
            keyshm_close(pool);
            EXPECT_EQ(keyshm_attach(&pool, expect_name), 0);
        }
        worker_live(arena, pool, seat, seed + life * SEATS + seat);
        _exit(0);
    }
    seats[seat].pid = pid;
    seats[seat].is_stopped = false;
}

static void check_invariants(void)
{
    int r = keyshm_verify(pool, NULL, NULL);
    EXPECT(r == 0 || r == -EBUSY);
    verified++;
    busy += r == -EBUSY;
}

static void end_life(unsigned seat)
{
    seats[seat].pid = 0;
    ledger_reconcile(arena, pool, seat);
    check_invariants();
}

/* A worker ends by itself when its log is full, or with a failure. */
static void replace_ended(uint64_t seed)
{
    int status;
    for (unsigned seat = 0; seat < SEATS; seat++) {
        if (waitpid(seats[seat].pid, &status, WNOHANG) != seats[seat].pid)
            continue;
        EXPECT_EQ(status, 0);
        end_life(seat);
        begin_life(seat, seed);
    }
}

/* ---- the controller ---- */

static void act(unsigned seat, unsigned action, uint64_t seed)
{
    struct seat *at = &seats[seat];
    if (action < 12) {
        expect_kill(at->pid);
        kills++;
        end_life(seat);
        begin_life(seat, seed);
    } else if (action < 17 && !at->is_stopped) {
        EXPECT_EQ(kill(at->pid, SIGSTOP), 0);
        at->is_stopped = true;
        stops++;
    } else {
        EXPECT_EQ(kill(at->pid, SIGCONT), 0);
        at->is_stopped = false;
    }
}

static void torment(uint64_t seconds, uint64_t seed)
{
    uint64_t random = seed;
    time_t end = time(NULL) + (time_t)seconds;
    while (time(NULL) < end) {
        uint64_t bits = random_next(&random);
        usleep((useconds_t)(bits % PAUSE_MAX_US));
        replace_ended(seed);
        act((unsigned)(bits >> 32) % SEATS, (unsigned)(bits >> 40) % 20, seed);
    }
}

static void end_all(void)
{
    atomic_store(&arena->over, true);
    for (unsigned seat = 0; seat < SEATS; seat++)
        EXPECT_EQ(kill(seats[seat].pid, SIGCONT), 0);
    for (unsigned seat = 0; seat < SEATS; seat++)
        expect_success_of(seats[seat].pid);
    for (unsigned seat = 0; seat < SEATS; seat++)
        end_life(seat);
}

/* ---- the pool ---- */

static void begin_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    char text[TEXT_SIZE];
    unsigned model;
    options.capacity = CAPACITY;
    options.lock_timeout_ms = KEYSHM_LOCK_TIMEOUT_MAX_MS; /* others wait while the owner is stopped */
    EXPECT_EQ(keyshm_create(&pool, expect_name, &options), 0);
    EXPECT_EQ(keyshm_model(pool, "a model", &model), 0);
    EXPECT_EQ(model, MODEL);
    for (unsigned own = 0; own < LASTING_KEYS; own++) {
        torture_make_text(SEATS, own, text);
        EXPECT_EQ(keyshm_add(pool, text, NULL), 0);
    }
}

/* The first membership change cleans up after the worker that was killed last. */
static void recover_last(void)
{
    keyshm_id id;
    EXPECT_EQ(keyshm_add(pool, "sk-last", &id), 0);
    EXPECT_EQ(keyshm_remove(pool, id), 0);
    usleep(HINTS_REPAIRED_US); /* and longer than all short cooldowns */
}

static void print_totals(void)
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    printf("%llu kills, %llu stops, %llu recoveries, %llu operations\n", (unsigned long long)kills,
           (unsigned long long)stops, (unsigned long long)snapshot->recoveries,
           (unsigned long long)ledger_totals.operations);
    printf("%llu adds, removes, moves and long marks were in flight: %llu had happened, the others had not; 0 broken\n",
           (unsigned long long)ledger_totals.in_flight, (unsigned long long)ledger_totals.in_flight_done);
    printf("verified %llu times, %llu of them in the middle of a change; %u keys in the end\n",
           (unsigned long long)verified, (unsigned long long)busy, snapshot->count);
    printf("total: runs %llu, broken 0\n", (unsigned long long)kills); /* what is broken ends the program */
    keyshm_snapshot_free(snapshot);
}

int main(int argc, char **argv)
{
    uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 30, seed = random_seed(argc > 2 ? argv[2] : NULL);
    EXPECT(seconds > 0 && seconds <= SECONDS_MAX);
    printf("%llu s, seed %llu\n", (unsigned long long)seconds, (unsigned long long)seed);
    expect_pool_name("torture");
    alarm((unsigned)seconds + CLEAN_UP_S);
    arena = expect_shared_memory(sizeof(*arena));
    begin_pool();
    for (unsigned seat = 0; seat < SEATS; seat++)
        begin_life(seat, seed);
    torment(seconds, seed);
    end_all();
    recover_last();
    ledger_check_all(arena, pool);
    print_totals();
    return 0;
}
