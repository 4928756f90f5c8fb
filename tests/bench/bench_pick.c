/* SPDX-License-Identifier: MIT */

/*
 * What a pick costs, beside the two things it is to be measured by, in the same run: a robust lock and unlock, which is
 * what a pick under the mutex would cost at least, and one shared fetch_add, which is the least that any rotation costs.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include "expect.h"

enum { ROUNDS = 15, PICKS = 10000, SNAPSHOTS = 50, WORKERS_MAX = 8, LONG_ROUND_NS = 10000000 };

struct subject {
    const char *name;
    unsigned operations; /* in a round */
    void (*run)(unsigned operations);
    keyshm_pool *(*begin)(void); /* NULL: needs no pool */
    bool compared;               /* with the first two */
};

struct result {
    double median_ns; /* of one operation */
    double least_ns;
};

static keyshm_pool *pool;
static keyshm_id ids[1024];

/* ---- pools ---- */

static keyshm_pool *make_pool(unsigned keys)
{
    keyshm_pool *made;
    char key[64];
    EXPECT_EQ(keyshm_create_anonymous(&made, "bench", NULL), 0);
    for (unsigned i = 0; i < keys; i++) {
        snprintf(key, sizeof(key), "sk-bench-%04u-0123456789abcdefghijklmnopqrstuvwxyz", i);
        EXPECT_EQ(keyshm_add(made, key, &ids[i]), 0);
    }
    return made;
}

static keyshm_pool *make_100(void)
{
    return make_pool(100);
}

static keyshm_pool *make_1000_cooling(void)
{
    keyshm_pool *made = make_pool(1000);
    for (unsigned i = 0; i < 1000; i++)
        if (i % 10 != 0)
            EXPECT_EQ(keyshm_mark_rate_limited(made, ids[i], 3600000), 0);
    return made;
}

static keyshm_pool *make_1024(void)
{
    return make_pool(1024);
}

/* ---- subjects ---- */

static void run_picks(unsigned operations)
{
    struct keyshm_pick pick;
    for (unsigned i = 0; i < operations; i++)
        EXPECT_EQ(keyshm_next(pool, &pick), 0);
}

/* Every one changes its key's status: limited and available in turn. */
static void run_marks(unsigned operations)
{
    for (unsigned i = 0; i < operations; i += 2) {
        EXPECT_EQ(keyshm_mark_rate_limited(pool, ids[i / 2 % 100], 60000), 0);
        EXPECT_EQ(keyshm_mark_available(pool, ids[i / 2 % 100]), 0);
    }
}

static void run_snapshots(unsigned operations)
{
    struct keyshm_snapshot *snapshot;
    for (unsigned i = 0; i < operations; i++) {
        EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
        EXPECT_EQ(snapshot->count, 1024);
        keyshm_snapshot_free(snapshot);
    }
}

static pthread_mutex_t *shared_mutex;
static _Atomic uint64_t *shared_counter;

static void make_shared(void)
{
    pthread_mutexattr_t attributes;
    shared_mutex = expect_shared_memory(sizeof(*shared_mutex));
    shared_counter = expect_shared_memory(sizeof(*shared_counter));
    EXPECT_EQ(pthread_mutexattr_init(&attributes), 0);
    EXPECT_EQ(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
    EXPECT_EQ(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), 0);
    EXPECT_EQ(pthread_mutex_init(shared_mutex, &attributes), 0);
    pthread_mutexattr_destroy(&attributes);
}

static void run_locks(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++) {
        EXPECT_EQ(pthread_mutex_lock(shared_mutex), 0);
        EXPECT_EQ(pthread_mutex_unlock(shared_mutex), 0);
    }
}

static void run_fetch_adds(unsigned operations)
{
    for (unsigned i = 0; i < operations; i++)
        atomic_fetch_add(shared_counter, 1);
}

/* ---- measuring ---- */

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    const double *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void run_rounds(const struct subject *subject, double ret_ns[ROUNDS])
{
    subject->run(subject->operations); /* caches, page tables, what was not yet looked at */
    for (int round = 0; round < ROUNDS; round++) {
        double begin_ns = now_ns();
        subject->run(subject->operations);
        ret_ns[round] = (now_ns() - begin_ns) / subject->operations;
    }
}

static struct result summarise(double *ns, size_t count)
{
    qsort(ns, count, sizeof(ns[0]), compare);
    return (struct result){.median_ns = ns[count / 2], .least_ns = ns[0]};
}

static struct result measure(const struct subject *subject)
{
    double ns[ROUNDS];
    pool = subject->begin != NULL ? subject->begin() : NULL;
    run_rounds(subject, ns);
    keyshm_close(pool);
    return summarise(ns, ROUNDS);
}

/* One process for each processor, so that what they wait for is each other and not the scheduler. */
static int count_workers(void)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    return processors < 2 ? 2 : processors > WORKERS_MAX ? WORKERS_MAX : (int)processors;
}

/* By time and not by number, so that the rounds of all processes overlap. */
static double run_long_round(const struct subject *subject)
{
    double begin_ns = now_ns(), end_ns;
    unsigned operations = 0;
    do {
        subject->run(1000);
        operations += 1000;
        end_ns = now_ns();
    } while (end_ns - begin_ns < LONG_ROUND_NS);
    return (end_ns - begin_ns) / operations;
}

static struct result measure_contended(const struct subject *subject)
{
    double(*ns)[ROUNDS] = expect_shared_memory(WORKERS_MAX * sizeof(*ns));
    struct gate gate = gate_make();
    int workers = count_workers();
    pool = subject->begin != NULL ? subject->begin() : NULL;
    for (int i = 0; i < workers; i++) {
        if (expect_fork() == 0) {
            gate_wait(&gate);
            run_long_round(subject);
            for (int round = 0; round < ROUNDS; round++)
                ns[i][round] = run_long_round(subject);
            _exit(0);
        }
    }
    gate_open(&gate);
    for (int i = 0; i < workers; i++)
        expect_success_of_next();
    keyshm_close(pool);
    return summarise(ns[0], (size_t)workers * ROUNDS);
}

/* ---- telling ---- */

static const struct subject subjects[] = {
    {"shared fetch_add", PICKS, run_fetch_adds, NULL, true},
    {"robust lock and unlock", PICKS, run_locks, NULL, true},
    {"pick of 100 keys", PICKS, run_picks, make_100, true},
    {"pick of 1,000 keys, 900 cooling", PICKS, run_picks, make_1000_cooling, true},
    {"mark", PICKS, run_marks, make_100, true},
    {"snapshot of 1,024 keys", SNAPSHOTS, run_snapshots, make_1024, false},
};
enum { FETCH_ADD, LOCK, PICK, CONTENDED, SUBJECTS = sizeof(subjects) / sizeof(subjects[0]) };

static void print_heading(const char *heading)
{
    printf("%-32s %13s %13s %14s %9s %14s\n", heading, "median", "least", "10,000 take", "lock = 1", "fetch_add = 1");
}

static void print_result(const struct subject *subject, const struct result *result, const struct result *results)
{
    printf("%-32s %10.1f ns %10.1f ns", subject->name, result->median_ns, result->least_ns);
    if (subject->compared)
        printf(" %11.3f ms %9.2f %14.2f", result->median_ns * 10000 / 1e6, result->median_ns / results[LOCK].median_ns,
               result->median_ns / results[FETCH_ADD].median_ns);
    printf("\n");
}

int main(void)
{
    struct result results[SUBJECTS];
    expect_end_in_time();
    make_shared();

    char heading[40];
    snprintf(heading, sizeof(heading), "%d processes at the same time", count_workers());
    printf("what one of each takes, in %d rounds\n\n", ROUNDS);
    print_heading("one process");
    for (int i = 0; i < SUBJECTS; i++)
        results[i] = measure(&subjects[i]);
    for (int i = 0; i < SUBJECTS; i++)
        print_result(&subjects[i], &results[i], results);

    printf("\n");
    print_heading(heading);
    for (int i = 0; i < CONTENDED; i++)
        results[i] = measure_contended(&subjects[i]);
    for (int i = 0; i < CONTENDED; i++)
        print_result(&subjects[i], &results[i], results);
    return 0;
}
