/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

/* Caches, page tables, and what the contender finds out as it goes: as long as one pass over the keys takes, but not
 * longer than this. */
enum { WARM_UP_MAX_NS = 20000000 };

/* What the workers and the parent share. */
struct tally {
    _Atomic int ready; /* processes that wait at the gate */
    bool pinned;
    int64_t deadline_ns; /* set before the gate opens */
    struct {
        _Alignas(64) int64_t begin_ns;
        int64_t end_ns;
        int64_t timed_ns; /* between the two, without what was prepared */
        int64_t cpu_ns;   /* between the two, of the processor */
        uint64_t operations;
        int64_t p99_ns;
    } workers[WORKERS_MAX];
};

/* How many operations took how long: each bucket is 1/16 wider than the one before, from 16 ns on. */
enum { BUCKETS_PER_DOUBLING = 16, BUCKETS = 40 * BUCKETS_PER_DOUBLING };
struct times {
    uint64_t counts[BUCKETS];
};

static int64_t read_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t measure_now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

/* ---- the 99th of 100 ---- */

static unsigned bucket_of(int64_t duration_ns)
{
    unsigned long long ns = duration_ns > BUCKETS_PER_DOUBLING ? (unsigned long long)duration_ns : BUCKETS_PER_DOUBLING;
    unsigned doublings = (unsigned)(63 - __builtin_clzll(ns)) - 4;
    return doublings * BUCKETS_PER_DOUBLING + (unsigned)(ns >> doublings) - BUCKETS_PER_DOUBLING;
}

/* The end of a bucket. */
static int64_t end_of_bucket_ns(unsigned bucket)
{
    return (int64_t)(bucket % BUCKETS_PER_DOUBLING + BUCKETS_PER_DOUBLING + 1) << bucket / BUCKETS_PER_DOUBLING;
}

static int64_t p99_of(const struct times *times, uint64_t operations)
{
    uint64_t below = 0;
    unsigned bucket = 0;
    while (bucket < BUCKETS - 1 && (below += times->counts[bucket]) * 100 < operations * 99)
        bucket++;
    return end_of_bucket_ns(bucket);
}

/* ---- a worker ---- */

/* Returns how long it took. */
static int64_t run_batch(const struct subject *subject, int64_t *ret_end_ns)
{
    const struct contender *contender = subject->contender;
    if (contender->prepare != NULL)
        contender->prepare(subject->state);
    int64_t begin_ns = measure_now_ns();
    contender->run(subject->state, contender->batch);
    *ret_end_ns = measure_now_ns();
    return *ret_end_ns - begin_ns;
}

static void warm_up(const struct subject *subject)
{
    int64_t begin_ns = measure_now_ns(), end_ns;
    unsigned operations = 0;
    do {
        run_batch(subject, &end_ns);
        operations += subject->contender->batch;
    } while (operations < subject->load.keys && end_ns - begin_ns < WARM_UP_MAX_NS);
}

/* The workers go round the processors that this program may use. */
static void pin(int worker)
{
    cpu_set_t allowed, one;
    EXPECT_EQ(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
    int left = worker % CPU_COUNT(&allowed), processor = 0;
    while (!CPU_ISSET(processor, &allowed) || left-- > 0)
        processor++;
    CPU_ZERO(&one);
    CPU_SET(processor, &one);
    EXPECT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
}

_Noreturn static void be_worker(const struct subject *subject, int worker, const struct gate *gate, struct tally *tally)
{
    static struct times times;
    int64_t begin_ns, end_ns, timed_ns = 0;
    uint64_t operations = 0;
    if (tally->pinned)
        pin(worker);
    if (subject->contender->enter != NULL)
        subject->contender->enter(subject->state, worker);
    warm_up(subject);
    atomic_fetch_add(&tally->ready, 1);
    gate_wait(gate);

    begin_ns = measure_now_ns();
    int64_t begin_cpu_ns = read_ns(CLOCK_PROCESS_CPUTIME_ID);
    do {
        int64_t batch_ns = run_batch(subject, &end_ns);
        timed_ns += batch_ns;
        times.counts[bucket_of(batch_ns)]++;
        operations += subject->contender->batch;
    } while (end_ns < tally->deadline_ns);
    tally->workers[worker].cpu_ns = read_ns(CLOCK_PROCESS_CPUTIME_ID) - begin_cpu_ns;
    tally->workers[worker].begin_ns = begin_ns;
    tally->workers[worker].end_ns = end_ns;
    tally->workers[worker].timed_ns = timed_ns;
    tally->workers[worker].operations = operations;
    tally->workers[worker].p99_ns = p99_of(&times, operations / subject->contender->batch);
    _exit(0);
}

/* ---- the parent ---- */

static pid_t start_beside(const struct subject *subject)
{
    pid_t pid = expect_fork();
    if (pid == 0)
        subject->contender->run_beside(subject->state);
    return pid;
}

static void wait_until_ready(const struct tally *tally, int workers)
{
    struct timespec pause = {.tv_nsec = 100000};
    while (atomic_load(&tally->ready) < workers) {
        EXPECT_EQ(waitpid(-1, NULL, WNOHANG), 0); /* none has ended */
        nanosleep(&pause, NULL);
    }
}

static void add_up(const struct tally *tally, int workers, bool is_p99, double *ret_cost_ns, double *ret_busy)
{
    int64_t begin_ns = INT64_MAX, end_ns = 0, cpu_ns = 0;
    uint64_t operations = 0;
    for (int i = 0; i < workers; i++) {
        begin_ns = tally->workers[i].begin_ns < begin_ns ? tally->workers[i].begin_ns : begin_ns;
        end_ns = tally->workers[i].end_ns > end_ns ? tally->workers[i].end_ns : end_ns;
        cpu_ns += tally->workers[i].cpu_ns;
        operations += tally->workers[i].operations;
    }
    *ret_cost_ns = (double)(workers == 1 ? tally->workers[0].timed_ns : end_ns - begin_ns) / (double)operations;
    if (is_p99)
        *ret_cost_ns = (double)tally->workers[0].p99_ns;
    *ret_busy = (double)cpu_ns / (double)(end_ns - begin_ns);
}

/* All its processes wait for each other, so they have one processor's time between them, as far as is known. */
static void measure_its_own_way(struct measurement *measurement, int round, const struct pace *pace)
{
    const struct subject *subject = measurement->subject;
    measurement->cost_ns[round] = subject->contender->measure(subject->state, pace->together_ns);
    measurement->busy[round] = 1;
}

void measure_once(struct measurement *measurement, int round, const struct pace *pace)
{
    const struct subject *subject = measurement->subject;
    int workers = measurement->workers;
    struct tally *tally = expect_shared_memory(sizeof(*tally));
    pid_t pids[WORKERS_MAX], beside = subject->contender->run_beside != NULL ? start_beside(subject) : 0;
    struct gate gate = gate_make(); /* after the fork above: its child would hold the gate closed */
    EXPECT(workers <= WORKERS_MAX);
    tally->pinned = pace->pinned && workers > 1;
    for (int i = 0; i < workers; i++) {
        pids[i] = expect_fork();
        if (pids[i] == 0)
            be_worker(subject, i, &gate, tally);
    }
    wait_until_ready(tally, workers);
    tally->deadline_ns = measure_now_ns() + (workers == 1 ? pace->alone_ns : pace->together_ns);
    gate_open(&gate);
    for (int i = 0; i < workers; i++)
        expect_success_of(pids[i]);
    if (beside != 0)
        expect_kill(beside);
    add_up(tally, workers, subject->contender->is_p99, &measurement->cost_ns[round], &measurement->busy[round]);
    munmap(tally, sizeof(*tally));
}

/* On a terminal one line that changes, else a line for each round. */
static void print_progress(const struct measurement *measurement, int round, int rounds)
{
    static int printed_round = -1;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[Kround %d of %d: %s, %s, %d process%s", round + 1, rounds,
                measurement->subject->contender->name, measurement->subject->work, measurement->workers,
                measurement->workers == 1 ? "" : "es");
    else if (round != printed_round)
        fprintf(stderr, "round %d of %d\n", round + 1, rounds);
    printed_round = round;
}

void measure_all(struct measurement *measurements, int count, const struct pace *pace)
{
    for (int round = 0; round < pace->rounds; round++) {
        for (int i = 0; i < count; i++) {
            struct measurement *measurement = &measurements[i];
            if (measurement->subject->state == NULL)
                continue;
            print_progress(measurement, round, pace->rounds);
            if (measurement->subject->contender->measure != NULL)
                measure_its_own_way(measurement, round, pace);
            else
                measure_once(measurement, round, pace);
        }
    }
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
}

/* ---- over all rounds ---- */

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

double median_of(const double *values, int count)
{
    double sorted[ROUNDS_MAX];
    memcpy(sorted, values, (size_t)count * sizeof(sorted[0]));
    qsort(sorted, (size_t)count, sizeof(sorted[0]), compare);
    return sorted[count / 2];
}

double least_of(const double *values, int count)
{
    double least = values[0];
    for (int i = 1; i < count; i++)
        least = values[i] < least ? values[i] : least;
    return least;
}
