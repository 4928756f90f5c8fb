/* SPDX-License-Identifier: MIT */

/*
 * Workers pick, mark, add and remove, while a controller kills, stops and continues them at random, and replaces the
 * dead. Whatever a call returned to a worker must have happened, and nothing else.
 *
 *   torture [SECONDS [SEED]] [-- COMMAND...]
 *
 * The seed replays the controller's choices, not the moments at which they meet the workers. The command is of a worker in
 * another language, worker.py; two of them go beside the four in C, with children of their own.
 */

#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>

#include "expect.h"
#include "random.h"
#include "torture.h"

enum { PAUSE_MAX_US = 1500, CLEAN_UP_S = 1200, HINTS_REPAIRED_US = 1100000, SECONDS_MAX = 3600, BEGUN_MAX = 50 };

static struct arena *arena;
static int arena_fd;
static keyshm_pool *pool;
static char **command; /* of the programs; NULL: there is none */
static unsigned seat_count = FORKED_SEATS;
static struct seat {
    pid_t pid;
    bool is_stopped;
    uint64_t lives;
    uint32_t begun_min; /* so many operations before its life is ended: a program takes its time to start */
} seats[SEATS];
static uint64_t kills, kills_of_programs, stops, verified, busy;

/* ---- workers ---- */

static bool is_program(unsigned seat)
{
    return seat >= FORKED_SEATS;
}

_Noreturn static void live(unsigned seat, uint64_t life, uint64_t seed)
{
    if (is_program(seat))
        program_live(command, arena_fd, seat, seed);
    /* Half of them inherit the controller's attachment. */
    if (life % 2 == 0) {
        keyshm_close(pool);
        EXPECT_EQ(keyshm_attach(&pool, expect_name), 0);
    }
    worker_live(arena, pool, seat, seed);
    _exit(0);
}

/* Each has a process group of its own, for the sake of its children. */
static void begin_life(unsigned seat, uint64_t seed)
{
    uint64_t life = seats[seat].lives++, life_seed = seed + life * SEATS + seat;
    pid_t pid = expect_fork();
    if (pid == 0) {
        setpgid(0, 0);
        live(seat, life, life_seed);
    }
    setpgid(pid, pid); /* whoever is first; it fails when the child has become a program */
    seats[seat].pid = pid;
    seats[seat].is_stopped = false;
    seats[seat].begun_min = is_program(seat) ? (uint32_t)(random_next(&life_seed) % BEGUN_MAX) : 0;
}

/* A killed program may have left a child, which is this process's now, and may go on until it is killed, too. */
static void end_children(unsigned seat)
{
    pid_t group = seats[seat].pid;
    kill(-group, SIGKILL);
    while (waitpid(-group, NULL, 0) > 0)
        ;
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
    for (unsigned seat = 0; seat < seat_count; seat++) {
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
    if (atomic_load(&arena->logs[seat].begun) < at->begun_min)
        return;
    if (action < 12) {
        expect_kill(at->pid);
        end_children(seat);
        kills++;
        kills_of_programs += is_program(seat);
        end_life(seat);
        begin_life(seat, seed);
    } else if (action < 17 && !at->is_stopped) {
        EXPECT_EQ(kill(-at->pid, SIGSTOP), 0);
        at->is_stopped = true;
        stops++;
    } else {
        EXPECT_EQ(kill(-at->pid, SIGCONT), 0);
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
        act((unsigned)(bits >> 32) % seat_count, (unsigned)(bits >> 40) % 20, seed);
    }
}

static void end_all(void)
{
    atomic_store(&arena->over, true);
    for (unsigned seat = 0; seat < seat_count; seat++)
        EXPECT_EQ(kill(-seats[seat].pid, SIGCONT), 0);
    for (unsigned seat = 0; seat < seat_count; seat++)
        expect_success_of(seats[seat].pid);
    for (unsigned seat = 0; seat < seat_count; seat++)
        end_life(seat);
}

/* ---- the pool ---- */

/* In a file without a name, which a program can have, too. */
static void begin_arena(void)
{
    arena_fd = memfd_create("torture", 0);
    EXPECT(arena_fd >= 0);
    EXPECT_EQ(ftruncate(arena_fd, sizeof(*arena)), 0);
    arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, arena_fd, 0);
    EXPECT(arena != MAP_FAILED);
    for (unsigned seat = 0; seat <= SEATS; seat++)
        for (unsigned own = 0; own < (seat < SEATS ? OWN_KEYS : LASTING_KEYS); own++)
            torture_make_text(seat, own, arena->texts[seat][own]);
}

/* So large that nothing is refused. But with them a lease that says its tokens has a place, which must come back. */
static void limit_pool(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.tokens.amount = limits.tokens.burst = UINT64_C(1) << 40;
    EXPECT_EQ(keyshm_set_limits(pool, 0, 0, &limits), 0);
}

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
    limit_pool();
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
    printf("%llu kills, %llu of them of programs, %llu stops, %llu recoveries, %llu operations\n",
           (unsigned long long)kills, (unsigned long long)kills_of_programs, (unsigned long long)stops,
           (unsigned long long)snapshot->recoveries, (unsigned long long)ledger_totals.operations);
    printf("%llu adds, removes, moves and long marks were in flight: %llu had happened, the others had not; 0 broken\n",
           (unsigned long long)ledger_totals.in_flight, (unsigned long long)ledger_totals.in_flight_done);
    printf("verified %llu times, %llu of them in the middle of a change; %u keys in the end\n",
           (unsigned long long)verified, (unsigned long long)busy, snapshot->count);
    printf("total: runs %llu, broken 0\n", (unsigned long long)kills); /* what is broken ends the program */
    keyshm_snapshot_free(snapshot);
}

/* What stands behind "--" is the command. Returns how many arguments are before it. */
static int take_command(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--") == 0) {
            EXPECT(argv[i + 1] != NULL);
            command = &argv[i + 1];
            seat_count = SEATS;
            EXPECT_EQ(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
            return i;
        }
    return argc;
}

int main(int argc, char **argv)
{
    argc = take_command(argc, argv);
    uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 30, seed = random_seed(argc > 2 ? argv[2] : NULL);
    EXPECT(seconds > 0 && seconds <= SECONDS_MAX);
    printf("%llu s, seed %llu\n", (unsigned long long)seconds, (unsigned long long)seed);
    expect_pool_name("torture");
    alarm((unsigned)seconds + CLEAN_UP_S);
    begin_arena();
    begin_pool();
    for (unsigned seat = 0; seat < seat_count; seat++)
        begin_life(seat, seed);
    torment(seconds, seed);
    end_all();
    recover_last();
    ledger_check_all(arena, pool);
    EXPECT(command == NULL || kills_of_programs > 0);
    print_totals();
    return 0;
}
