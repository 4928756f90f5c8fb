/* SPDX-License-Identifier: MIT */

/*
 * Workers that are killed all the time, on keys with a rate of requests and a cap in flight.
 *
 *   limits [KILLS [OF_HOLDERS [PERCENT]]]
 *       until there were so many, and so many of a worker that held a lease
 *
 * Each worker writes down when it asked and when it was answered, and when it began to give back. From that an observer that
 * saw all of it computes, for each key: in no time W more than burst + rate x W were admitted, where a request counts in W
 * when both of its times lie in it; at no time more than the cap were in flight for certain; and in the end nothing is. Of what
 * is allowed at least so many percent were admitted, by default 99: what is lost with a killed worker is its own request.
 */

#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#include "expect.h"
#include "random.h"

enum { WORKERS = 8, KEYS = 4, CAP = 3, RATE_PER_S = 500, BURST = 20, ROOM = 1 << 20, LEAST_PERCENT = 99, KILLS = 3000 };

/* So that it does not go on for ever where there are too few of a kind: room for what is admitted meanwhile, too. */
enum { SECONDS_MAX = 400 };

/* One that was admitted. */
struct admission {
    int key;
    int64_t asked_ns, answered_ns;
    _Atomic int64_t ended_ns; /* 0: not yet */
};

static struct shared {
    _Atomic uint32_t count;
    _Atomic uint32_t current[WORKERS]; /* 1 + the number of the admission that the worker holds */
    struct admission admissions[ROOM];
} * shared;

static keyshm_pool *pool;
static double least_percent;
static keyshm_id ids[KEYS];

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- the workers ---- */

static int key_number(keyshm_id id)
{
    for (int i = 0; i < KEYS; i++)
        if (ids[i] == id)
            return i;
    EXPECT(!"a key of the pool");
    return -1;
}

static void hold(int worker, struct keyshm_lease *lease, int64_t asked_ns, uint64_t *random_state)
{
    uint32_t number = atomic_fetch_add(&shared->count, 1);
    EXPECT(number < ROOM);
    struct admission *admission = &shared->admissions[number];
    admission->key = key_number(lease->pick.id);
    admission->asked_ns = asked_ns;
    admission->answered_ns = now_ns();
    atomic_store(&shared->current[worker], number + 1);
    if (random_next(random_state) >> 62 != 0)
        usleep((useconds_t)(random_next(random_state) >> 53));
    atomic_store(&admission->ended_ns, now_ns());
    atomic_store(&shared->current[worker], 0);
    EXPECT_EQ(keyshm_release(pool, lease), 0);
}

static _Noreturn void work(int worker, uint64_t random_state)
{
    for (;;) {
        struct keyshm_lease lease;
        int64_t asked_ns = now_ns();
        int r = keyshm_acquire(pool, NULL, &lease);
        if (r == 0)
            hold(worker, &lease, asked_ns, &random_state);
        else
            usleep(200);
        EXPECT(r == 0 || r == -EAGAIN);
    }
}

/* ---- their murderer ---- */

static pid_t start_worker(int worker, uint64_t random)
{
    pid_t child = expect_fork();
    if (child == 0)
        work(worker, random);
    return child;
}

/* What it held ends at the latest when it is killed. Returns whether it held something. */
static bool kill_worker(int worker, pid_t child)
{
    int64_t killed_ns = now_ns(), none = 0;
    expect_kill(child);
    uint32_t current = atomic_exchange(&shared->current[worker], 0);
    if (current == 0)
        return false;
    atomic_compare_exchange_strong(&shared->admissions[current - 1].ended_ns, &none, killed_ns);
    return true;
}

struct totals {
    long kills, of_holders;
    double seconds;
};

static struct totals torture(long kills, long of_holders)
{
    struct totals totals = {.kills = 0};
    pid_t children[WORKERS];
    uint64_t random_state = (uint64_t)now_ns();
    int64_t began_ns = now_ns();
    for (int i = 0; i < WORKERS; i++)
        children[i] = start_worker(i, random_next(&random_state));
    while (totals.kills < kills || totals.of_holders < of_holders) {
        EXPECT(now_ns() - began_ns < SECONDS_MAX * INT64_C(1000000000));
        int worker = (int)(random_next(&random_state) >> 32) & (WORKERS - 1);
        usleep((useconds_t)(random_next(&random_state) >> 52));
        totals.of_holders += kill_worker(worker, children[worker]);
        totals.kills++;
        children[worker] = start_worker(worker, random_next(&random_state));
    }
    for (int i = 0; i < WORKERS; i++)
        totals.of_holders += kill_worker(i, children[i]);
    totals.seconds = (double)(now_ns() - began_ns) / 1e9;
    return totals;
}

/* ---- the observer ---- */

static int compare_asked(const void *a, const void *b)
{
    int64_t a_ns = ((const struct admission *)a)->asked_ns, b_ns = ((const struct admission *)b)->asked_ns;
    return a_ns < b_ns ? -1 : a_ns > b_ns;
}

static int compare_answered(const void *a, const void *b)
{
    int64_t a_ns = ((const struct admission *)a)->answered_ns, b_ns = ((const struct admission *)b)->answered_ns;
    return a_ns < b_ns ? -1 : a_ns > b_ns;
}

/* Those of a key, by when they were asked for. One that was being written down when its worker was killed is left out. */
static size_t collect(int key, struct admission *ret_admissions)
{
    size_t count = 0;
    uint32_t all = atomic_load(&shared->count);
    for (uint32_t i = 0; i < all; i++)
        if (shared->admissions[i].key == key && shared->admissions[i].answered_ns != 0)
            memcpy(&ret_admissions[count++], &shared->admissions[i], sizeof(*ret_admissions));
    qsort(ret_admissions, count, sizeof(*ret_admissions), compare_asked);
    return count;
}

/* The most by which what was admitted in some time is more than is allowed; not above 0, if all is well. A window begins when
 * one is asked for, and ends when one is answered. */
static double most_over(const struct admission *admissions, size_t count, struct admission *by_answer)
{
    double most = -BURST;
    memcpy(by_answer, admissions, count * sizeof(*by_answer));
    qsort(by_answer, count, sizeof(*by_answer), compare_answered);
    for (size_t from = 0; from < count; from++) {
        int64_t begin_ns = admissions[from].asked_ns;
        int within = 0;
        for (size_t i = 0; i < count; i++) {
            if (by_answer[i].asked_ns < begin_ns)
                continue;
            double over = ++within - BURST - RATE_PER_S * ((double)(by_answer[i].answered_ns - begin_ns) / 1e9);
            most = over > most ? over : most;
        }
    }
    return most;
}

/* How many were in flight for certain at one time, at most: each from when it was answered until it began to end. */
static int most_in_flight(const struct admission *admissions, size_t count)
{
    int most = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t at_ns = admissions[i].answered_ns;
        int in_flight = 0;
        for (size_t j = 0; j < count && admissions[j].asked_ns <= at_ns; j++)
            in_flight += admissions[j].answered_ns <= at_ns && admissions[j].ended_ns > at_ns;
        most = in_flight > most ? in_flight : most;
    }
    return most;
}

static void judge_key(int key, double seconds, struct admission *admissions, struct admission *room)
{
    size_t count = collect(key, admissions);
    double over = most_over(admissions, count, room), allowed = BURST + RATE_PER_S * seconds;
    int in_flight = most_in_flight(admissions, count);
    printf("key %d: %zu admitted, %.2f %% of what is allowed, %.2f over, %d in flight\n", key, count,
           100 * (double)count / allowed, over, in_flight);
    EXPECT(over <= 1e-6);
    EXPECT(100 * (double)count >= least_percent * allowed);
    EXPECT(in_flight <= CAP);
}

static void judge(const struct totals *totals)
{
    struct admission *admissions = malloc(ROOM * sizeof(*admissions));
    struct admission *room = malloc(ROOM * sizeof(*room));
    struct keyshm_lease_list *leases;
    EXPECT(admissions != NULL && room != NULL);
    printf("%ld kills, %ld of a holder, in %.1f s\n", totals->kills, totals->of_holders, totals->seconds);
    for (int key = 0; key < KEYS; key++)
        judge_key(key, totals->seconds, admissions, room);
    EXPECT(keyshm_reap(pool, 0) >= 0);
    EXPECT_EQ(keyshm_leases(pool, &leases), 0);
    EXPECT_EQ(leases->count, 0);
    keyshm_lease_list_free(leases);
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    printf("total: runs %ld, broken 0\n", totals->kills); /* what is broken ends the program */
    free(admissions);
    free(room);
}

static void make_pool(void)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = (struct keyshm_rate){.amount = RATE_PER_S, .per_ms = 1000, .burst = BURST};
    limits.in_flight = CAP;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "torture", NULL), 0);
    for (int i = 0; i < KEYS; i++) {
        char key[40];
        snprintf(key, sizeof(key), "sk-torture-abcdefghijkl-%04d", i);
        EXPECT_EQ(keyshm_add(pool, key, &ids[i]), 0);
    }
    EXPECT_EQ(keyshm_set_limits(pool, 0, 0, &limits), 0);
}

int main(int argument_count, char **arguments)
{
    long kills = argument_count > 1 ? atol(arguments[1]) : KILLS;
    long of_holders = argument_count > 2 ? atol(arguments[2]) : kills / 3;
    least_percent = argument_count > 3 ? atof(arguments[3]) : LEAST_PERCENT;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    EXPECT(shared != MAP_FAILED);
    make_pool();
    struct totals totals = torture(kills, of_holders);
    judge(&totals);
    keyshm_close(pool);
    return 0;
}
