/* SPDX-License-Identifier: MIT */

/*
 * Ten workers pick 100 keys each, as threads, as forked and as exec'ed processes: every pick is one of the keys, byte for
 * byte, and each key gets its share, within the bound that keyshm_next() promises.
 */

#include <pthread.h>

#include "expect.h"

enum { WORKERS = 10, KEYS_MAX = 7 };

/* What is in the pool, and how much is picked of it. */
struct scene {
    const char *label;
    unsigned keys;
    bool unavailable[KEYS_MAX];
    unsigned picks; /* of each worker */
};

struct tally {
    uint64_t picks[KEYS_MAX];
};

/* ---- the worker ---- */

/* Of very different lengths, so that a mixture of two keys is neither. */
static void make_key(unsigned number, char key[KEYSHM_KEY_MAX + 1])
{
    int length = snprintf(key, KEYSHM_KEY_MAX + 1, "sk-spread-%u-", number);
    size_t filler = 1 + 70 * (size_t)number;
    memset(key + length, 'a' + (int)number, filler);
    key[(size_t)length + filler] = '\0';
}

static unsigned number_of(const struct keyshm_pick *pick, const keyshm_id ids[KEYS_MAX], unsigned keys)
{
    char key[KEYSHM_KEY_MAX + 1];
    unsigned number = 0;
    while (number < keys && ids[number] != pick->id)
        number++;
    EXPECT(number < keys);
    make_key(number, key);
    EXPECT_EQ(pick->key_length, strlen(key));
    EXPECT_EQ(memcmp(pick->key, key, pick->key_length + 1), 0);
    return number;
}

static void find_ids(keyshm_pool *pool, unsigned keys, keyshm_id ret_ids[KEYS_MAX])
{
    char key[KEYSHM_KEY_MAX + 1];
    for (unsigned i = 0; i < keys; i++) {
        make_key(i, key);
        EXPECT_EQ(keyshm_find(pool, key, &ret_ids[i]), 0);
    }
}

static struct tally work(keyshm_pool *pool, unsigned keys, unsigned picks)
{
    struct tally tally = {.picks = {0}};
    struct keyshm_pick pick;
    keyshm_id ids[KEYS_MAX];
    find_ids(pool, keys, ids);
    for (unsigned i = 0; i < picks; i++) {
        EXPECT_EQ(keyshm_next(pool, &pick), 0);
        tally.picks[number_of(&pick, ids, keys)]++;
    }
    return tally;
}

static void add_tally(struct tally *sum, const struct tally *tally)
{
    for (unsigned i = 0; i < KEYS_MAX; i++)
        sum->picks[i] += tally->picks[i];
}

/* ---- ten threads on one attachment ---- */

struct thread_job {
    pthread_t thread;
    pthread_barrier_t *start;
    keyshm_pool *pool;
    const struct scene *scene;
    struct tally tally;
};

static void *thread_main(void *argument)
{
    struct thread_job *job = argument;
    pthread_barrier_wait(job->start);
    job->tally = work(job->pool, job->scene->keys, job->scene->picks);
    return NULL;
}

static struct tally run_threads(keyshm_pool *pool, const struct scene *scene)
{
    struct tally sum = {.picks = {0}};
    struct thread_job jobs[WORKERS];
    pthread_barrier_t start;
    EXPECT_EQ(pthread_barrier_init(&start, NULL, WORKERS), 0);
    for (int i = 0; i < WORKERS; i++) {
        jobs[i] = (struct thread_job){.start = &start, .pool = pool, .scene = scene};
        EXPECT_EQ(pthread_create(&jobs[i].thread, NULL, thread_main, &jobs[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++) {
        EXPECT_EQ(pthread_join(jobs[i].thread, NULL), 0);
        add_tally(&sum, &jobs[i].tally);
    }
    pthread_barrier_destroy(&start);
    return sum;
}

/* ---- ten processes ---- */

struct crew {
    struct gate gate;
    int results[2]; /* a pipe of tallies, each written and read in one piece (PIPE_BUF) */
    pid_t pids[WORKERS];
};

static void crew_make(struct crew *crew)
{
    crew->gate = gate_make();
    EXPECT_EQ(pipe2(crew->results, O_CLOEXEC), 0);
}

static struct tally crew_finish(struct crew *crew)
{
    struct tally sum = {.picks = {0}}, tally;
    gate_open(&crew->gate);
    close(crew->results[1]);
    for (int i = 0; i < WORKERS; i++)
        expect_success_of(crew->pids[i]);
    for (int i = 0; i < WORKERS; i++) {
        EXPECT_EQ(read(crew->results[0], &tally, sizeof(tally)), sizeof(tally));
        add_tally(&sum, &tally);
    }
    close(crew->results[0]);
    return sum;
}

static struct tally run_forked(keyshm_pool *pool, const struct scene *scene)
{
    struct crew crew;
    crew_make(&crew);
    for (int i = 0; i < WORKERS; i++) {
        if ((crew.pids[i] = expect_fork()) > 0)
            continue;
        gate_wait(&crew.gate);
        struct tally tally = work(pool, scene->keys, scene->picks);
        EXPECT_EQ(write(crew.results[1], &tally, sizeof(tally)), sizeof(tally));
        _exit(0);
    }
    return crew_finish(&crew);
}

static void exec_worker(const struct crew *crew, const struct scene *scene)
{
    char keys[12], picks[12];
    snprintf(keys, sizeof(keys), "%u", scene->keys);
    snprintf(picks, sizeof(picks), "%u", scene->picks);
    /* The copies are not close-on-exec: the gate becomes standard input, the results standard output. */
    EXPECT_EQ(dup2(crew->gate.wait_fd, STDIN_FILENO), STDIN_FILENO);
    EXPECT_EQ(dup2(crew->results[1], STDOUT_FILENO), STDOUT_FILENO);
    execl("/proc/self/exe", "spread", expect_name, keys, picks, (char *)NULL);
    EXPECT(!"execl(3) returned");
}

static struct tally run_execed(keyshm_pool *pool, const struct scene *scene)
{
    struct crew crew;
    (void)pool;
    crew_make(&crew);
    for (int i = 0; i < WORKERS; i++)
        if ((crew.pids[i] = expect_fork()) == 0)
            exec_worker(&crew, scene);
    return crew_finish(&crew);
}

static int execed_main(const char *provider, const char *keys, const char *picks)
{
    keyshm_pool *pool;
    EXPECT_EQ(keyshm_attach(&pool, provider), 0);
    gate_wait_at(STDIN_FILENO);
    struct tally tally = work(pool, (unsigned)strtoul(keys, NULL, 10), (unsigned)strtoul(picks, NULL, 10));
    EXPECT_EQ(write(STDOUT_FILENO, &tally, sizeof(tally)), sizeof(tally));
    keyshm_close(pool);
    return 0;
}

/* ---- the check ---- */

static const struct scene scenes[] = {
    {"5 keys", 5, {false}, 100},
    {"5 of 7 keys", 7, {[1] = true, [4] = true}, 100},
    {"5 keys, contended", 5, {false}, 20000},
    {"5 of 7 keys, contended", 7, {[0] = true, [6] = true}, 20000},
};

static const struct way {
    const char *label;
    struct tally (*run)(keyshm_pool *pool, const struct scene *scene);
    bool anonymous;
    unsigned attached_processes; /* the workers, and this one */
} ways[] = {
    {"threads", run_threads, false, 1},
    {"forked", run_forked, false, WORKERS + 1},
    {"forked, anonymous", run_forked, true, WORKERS + 1},
    {"execed", run_execed, false, WORKERS + 1},
};

static void add_keys(keyshm_pool *pool, const struct scene *scene)
{
    char key[KEYSHM_KEY_MAX + 1];
    keyshm_id id;
    bool invalid = false;
    for (unsigned i = 0; i < scene->keys; i++) {
        make_key(i, key);
        EXPECT_EQ(keyshm_add(pool, key, &id), 0);
        if (!scene->unavailable[i])
            continue;
        /* The first is cooling for longer than any run takes, the second invalid. */
        EXPECT_EQ(invalid ? keyshm_mark_invalid(pool, id) : keyshm_mark_rate_limited(pool, id, 3600000), 0);
        invalid = true;
    }
}

static void check_counters(keyshm_pool *pool, const struct tally *tally, unsigned keys)
{
    struct keyshm_snapshot *snapshot;
    EXPECT_EQ(keyshm_snapshot(pool, &snapshot), 0);
    EXPECT_EQ(snapshot->count, keys);
    for (unsigned i = 0; i < keys; i++) {
        EXPECT_EQ(snapshot->keys[i].picks, tally->picks[i]);
        EXPECT_EQ(snapshot->keys[i].last_used_ago_ms >= 0, tally->picks[i] > 0);
    }
    keyshm_snapshot_free(snapshot);
}

static void check_spread(const struct scene *scene, const struct way *way, const struct tally *tally)
{
    uint64_t sum = 0, least = UINT64_MAX, most = 0;
    printf("%-24s %-18s", scene->label, way->label);
    for (unsigned i = 0; i < scene->keys; i++)
        printf(" %llu", (unsigned long long)tally->picks[i]);
    printf("\n");
    for (unsigned i = 0; i < scene->keys; i++) {
        uint64_t picks = tally->picks[i];
        sum += picks;
        if (scene->unavailable[i]) {
            EXPECT_EQ(picks, 0);
            continue;
        }
        least = picks < least ? picks : least;
        most = picks > most ? picks : most;
    }
    EXPECT_EQ(sum, (uint64_t)WORKERS * scene->picks);
    EXPECT(most - least <= way->attached_processes);
}

static void run(const struct scene *scene, const struct way *way)
{
    keyshm_pool *pool;
    if (way->anonymous)
        EXPECT_EQ(keyshm_create_anonymous(&pool, "spread", NULL), 0);
    else
        EXPECT_EQ(keyshm_create(&pool, expect_name, NULL), 0);
    add_keys(pool, scene);
    struct tally tally = way->run(pool, scene);
    check_spread(scene, way, &tally);
    check_counters(pool, &tally, scene->keys);
    keyshm_close(pool);
    if (!way->anonymous)
        EXPECT_EQ(keyshm_unlink(expect_name), 0);
}

int main(int argc, char **argv)
{
    if (argc == 4)
        return execed_main(argv[1], argv[2], argv[3]);
    expect_pool_name("spread");
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
        for (size_t j = 0; j < sizeof(ways) / sizeof(ways[0]); j++)
            run(&scenes[i], &ways[j]);
    return 0;
}
