/* SPDX-License-Identifier: MIT */
#include "drive.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <time.h>

#include "client.h"
#include "expect.h"
#include "random.h"
#include "server.h"

enum { WORKERS_MAX = 64 };

/* Of a run. */
static struct server server;
static keyshm_pool *pool;
static _Atomic int64_t *longest_ns;

static void sleep_ns(int64_t duration_ns)
{
    nanosleep(&(struct timespec){.tv_sec = duration_ns / 1000000000, .tv_nsec = duration_ns % 1000000000}, NULL);
}

/* ---- a worker ---- */

/* Returns when it had it. */
static int64_t wait_for_lease(struct keyshm_lease *ret_lease)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.wait_ms = KEYSHM_UNTIL_MARKED;
    EXPECT_EQ(keyshm_acquire(pool, &request, ret_lease), 0);
    return server_now_ns();
}

static void observe(keyshm_id id, const struct client_answer *answer)
{
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    observation.requests_left = answer->left;
    observation.requests_reset_ms = answer->reset_ms;
    EXPECT_EQ(keyshm_observe(pool, id, &observation), 0);
}

static void report(const struct drive *drive, keyshm_id id, const struct client_answer *answer)
{
    if (drive->way == DRIVE_OBSERVED)
        observe(id, answer);
    if (answer->status == 429)
        EXPECT_EQ(keyshm_mark_rate_limited(pool, id, answer->retry_ms >= 0 ? answer->retry_ms : KEYSHM_NO_RETRY_AFTER),
                  0);
}

static void note_duration(int64_t duration_ns)
{
    int64_t longest = atomic_load(longest_ns);
    while (duration_ns > longest && !atomic_compare_exchange_weak(longest_ns, &longest, duration_ns))
        continue;
}

static _Noreturn void be_worker(const struct drive *drive)
{
    int fd = client_connect(server.port);
    for (;;) {
        struct keyshm_lease lease;
        int64_t picked_ns = wait_for_lease(&lease);
        struct client_answer answer = client_ask(fd, lease.pick.key);
        report(drive, lease.pick.id, &answer);
        note_duration(server_now_ns() - picked_ns);
        EXPECT_EQ(keyshm_release(pool, &lease), 0);
    }
}

/* ---- all of them ---- */

static void make_pool(const struct drive *drive)
{
    EXPECT_EQ(keyshm_create_anonymous(&pool, "provider", NULL), 0);
    for (unsigned i = 0; i < drive->keys; i++) {
        char key[SERVER_KEY_SIZE];
        keyshm_id id;
        server_key(i, key);
        EXPECT_EQ(keyshm_add(pool, key, &id), 0);
    }
    if (drive->way == DRIVE_LEARNED)
        return;
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests.amount = drive->amount;
    limits.requests.per_ms = drive->rule.per_ms;
    limits.requests.burst = drive->burst;
    EXPECT_EQ(keyshm_set_limits(pool, 0, 0, &limits), 0);
}

static pid_t start_worker(const struct drive *drive)
{
    pid_t child = expect_fork();
    if (child == 0)
        be_worker(drive);
    return child;
}

static void sleep_until_ns(int64_t at_ns)
{
    int64_t left_ns = at_ns - server_now_ns();
    if (left_ns > 0)
        sleep_ns(left_ns);
}

/* One at some moment of each window, and a new one in its place. */
static void kill_now_and_then(const struct drive *drive, pid_t children[WORKERS_MAX], int64_t end_ns)
{
    int64_t per_ns = drive->rule.per_ms * NS_PER_MS, began_ns = server_now_ns();
    uint64_t random_state = (uint64_t)began_ns;
    for (int64_t window_ns = began_ns; window_ns + per_ns <= end_ns; window_ns += per_ns) {
        unsigned victim = (unsigned)(random_next(&random_state) % drive->workers);
        sleep_until_ns(window_ns + (int64_t)(random_next(&random_state) % (uint64_t)per_ns));
        expect_kill(children[victim]);
        EXPECT(keyshm_reap(pool, children[victim]) >= 0);
        children[victim] = start_worker(drive);
    }
}

struct drive_outcome drive_run(const struct drive *drive)
{
    pid_t children[WORKERS_MAX];
    EXPECT(drive->workers > 0 && drive->workers <= WORKERS_MAX && drive->keys <= SERVER_KEYS_MAX);
    longest_ns = expect_shared_memory(sizeof(*longest_ns));
    server = server_start(&drive->rule);
    make_pool(drive);
    int64_t end_ns = server_now_ns() + drive->duration_ms * NS_PER_MS;
    for (unsigned i = 0; i < drive->workers; i++)
        children[i] = start_worker(drive);
    if (drive->kills)
        kill_now_and_then(drive, children, end_ns);
    sleep_until_ns(end_ns);
    for (unsigned i = 0; i < drive->workers; i++)
        expect_kill(children[i]);
    struct drive_outcome outcome = {
        .answered = atomic_load(&server.tally->answered),
        .refused = atomic_load(&server.tally->refused),
        .most = drive->keys * rule_most(&drive->rule, server.tally->last_ns - server.tally->first_ns),
        .longest_ms = atomic_load(longest_ns) / NS_PER_MS,
    };
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    keyshm_close(pool);
    server_stop(&server);
    munmap(longest_ns, sizeof(*longest_ns));
    return outcome;
}
