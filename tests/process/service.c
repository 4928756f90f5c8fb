/* SPDX-License-Identifier: MIT */

/*
 * A service as many are: a supervisor that is root makes the pool for the user of its workers, and drops them to that
 * user, one of them in a chroot(2). Under it the list of keys is replaced (SIGHUP), the pool is destroyed and made
 * anew, and the supervisor is killed and started again; the workers go on with the right keys all the time. keyshm(7),
 * "A pool in a service", tells how.
 */

#include <grp.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>

#include "expect.h"

enum { WORKERS = 3, CHROOTED = 2, WORKER_USER = 33, PATIENCE_S = 120, PAUSE_US = 1000, LISTS = 2 };

/* The list of keys, as a file of its own generation. */
static const char *const lists[LISTS][4] = {
    {"sk-service-first-key-0001", "sk-service-first-key-0002", "sk-service-kept-key-00003", NULL},
    {"sk-service-kept-key-00003", "sk-service-other-key-0004", NULL},
};

/* What the processes tell the test. */
static struct {
    _Atomic unsigned list; /* which one the supervisor reads */
    _Atomic pid_t supervisor;
    _Atomic unsigned replaced; /* how often it has replaced the keys */
    struct {
        _Atomic pid_t pid;
        _Atomic uint64_t picks;
        _Atomic unsigned attached; /* how often it has attached by itself */
        _Atomic unsigned lists;    /* bit l: the key that it has picked last is in lists[l] */
        _Atomic unsigned errors;
    } workers[WORKERS];
} * board;

static char empty_directory[] = "/tmp/keyshm-service.XXXXXX";

static unsigned lists_with(const char *key)
{
    unsigned found = 0;
    for (int list = 0; list < LISTS; list++)
        for (const char *const *listed = lists[list]; *listed != NULL; listed++)
            if (strcmp(*listed, key) == 0)
                found |= 1u << list;
    return found;
}

/* ---- a worker ---- */

static void drop_to_worker_user(int number)
{
    if (number == CHROOTED)
        EXPECT(chroot(empty_directory) == 0 && chdir("/") == 0);
    EXPECT_EQ(setgroups(0, NULL), 0);
    EXPECT_EQ(setresgid(WORKER_USER, WORKER_USER, WORKER_USER), 0);
    EXPECT_EQ(setresuid(WORKER_USER, WORKER_USER, WORKER_USER), 0);
    signal(SIGTERM, SIG_DFL);
    prctl(PR_SET_PDEATHSIG, SIGTERM); /* the kernel clears it when the user changes */
}

/* A worker that cannot attach anew by the name, as it sees no /dev/shm, ends: its supervisor forks another from its own
 * attachment. */
static bool follow_replacement(keyshm_pool **pool, int number)
{
    keyshm_pool *again;
    if (keyshm_is_replaced(*pool) != 1)
        return true;
    if (number == CHROOTED)
        return false;
    if (keyshm_attach(&again, expect_name) < 0)
        return true; /* destroyed, and not made anew yet */
    keyshm_close(*pool);
    *pool = again;
    board->workers[number].attached++;
    return true;
}

static _Noreturn void work(keyshm_pool *pool, int number, pid_t supervisor)
{
    struct keyshm_pick pick;
    drop_to_worker_user(number);
    while (getppid() == supervisor && follow_replacement(&pool, number)) {
        int r = keyshm_next(pool, &pick);
        if (r == 0) {
            board->workers[number].lists = lists_with(pick.key);
            r = keyshm_mark_rate_limited(pool, pick.id, 1);
            board->workers[number].picks++;
        }
        board->workers[number].errors += r < 0 && r != -EAGAIN && r != -ENOKEY && r != -ESTALE;
        usleep(PAUSE_US);
    }
    _exit(0);
}

/* ---- the supervisor ---- */

static keyshm_pool *open_pool(void)
{
    keyshm_pool *pool;
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = 8;
    options.owner = WORKER_USER;
    EXPECT_EQ(keyshm_open(&pool, expect_name, &options), 0);
    return pool;
}

static void read_list(keyshm_pool *pool)
{
    const char *const *keys = lists[board->list];
    size_t count = 0;
    while (keys[count] != NULL)
        count++;
    EXPECT_EQ(keyshm_replace_keys(pool, keys, count, NULL), 0);
    board->replaced++;
}

static void fill_places(keyshm_pool *pool, pid_t workers[WORKERS])
{
    pid_t self = getpid();
    for (int i = 0; i < WORKERS; i++) {
        if (workers[i] != 0)
            continue;
        workers[i] = expect_fork();
        if (workers[i] == 0)
            work(pool, i, self);
        board->workers[i].pid = workers[i];
    }
}

static void forget_ended(pid_t workers[WORKERS])
{
    pid_t ended;
    while ((ended = waitpid(-1, NULL, WNOHANG)) > 0)
        for (int i = 0; i < WORKERS; i++)
            workers[i] = workers[i] == ended ? 0 : workers[i];
}

/* SIGHUP is blocked, and taken here: replacing keys is a membership change, which no signal handler makes. */
static _Noreturn void supervise(void)
{
    pid_t workers[WORKERS] = {0};
    sigset_t hangup;
    const struct timespec pause = {.tv_nsec = 1000 * PAUSE_US};
    keyshm_pool *pool = open_pool();
    sigemptyset(&hangup);
    sigaddset(&hangup, SIGHUP);
    EXPECT_EQ(sigprocmask(SIG_BLOCK, &hangup, NULL), 0);
    read_list(pool);
    board->supervisor = getpid();
    for (;;) {
        if (keyshm_is_replaced(pool) == 1) {
            keyshm_close(pool);
            pool = open_pool();
            read_list(pool);
        }
        forget_ended(workers);
        fill_places(pool, workers);
        if (sigtimedwait(&hangup, NULL, &pause) == SIGHUP)
            read_list(pool);
    }
}

static pid_t start_supervisor(void)
{
    board->supervisor = 0;
    pid_t child = expect_fork();
    if (child == 0)
        supervise();
    return child;
}

/* ---- the test ---- */

static time_t deadline;

/* To be called in a loop until it is so. */
static bool is_waiting(const char *for_what)
{
    if (time(NULL) > deadline) {
        fprintf(stderr, "waited in vain for %s\n", for_what);
        EXPECT(false);
    }
    usleep(PAUSE_US);
    return true;
}

/* Every worker picks, and keys of this list. */
static void wait_for_picks(unsigned list, const char *when)
{
    deadline = time(NULL) + PATIENCE_S;
    for (int i = 0; i < WORKERS; i++) {
        uint64_t before = board->workers[i].picks;
        while (board->workers[i].picks < before + 20)
            is_waiting(when);
        EXPECT(board->workers[i].lists >> list & 1);
        EXPECT_EQ(board->workers[i].errors, 0);
    }
}

static uid_t user_of(pid_t process)
{
    char path[32];
    struct stat status;
    snprintf(path, sizeof(path), "/proc/%d", (int)process);
    return stat(path, &status) == 0 ? status.st_uid : (uid_t)-1;
}

static void reload(pid_t supervisor, unsigned list)
{
    unsigned replaced = board->replaced;
    board->list = list;
    EXPECT_EQ(kill(supervisor, SIGHUP), 0);
    deadline = time(NULL) + PATIENCE_S;
    while (board->replaced == replaced)
        is_waiting("the reloaded list");
}

static void destroy_under_them(void)
{
    unsigned replaced = board->replaced;
    pid_t chrooted = board->workers[CHROOTED].pid;
    EXPECT_EQ(keyshm_unlink_user(WORKER_USER, expect_name), 0);
    deadline = time(NULL) + PATIENCE_S;
    while (board->replaced == replaced)
        is_waiting("the new pool");
    for (int i = 0; i < CHROOTED; i++)
        while (board->workers[i].attached == 0)
            is_waiting("a worker that attaches to the new pool");
    while (board->workers[CHROOTED].pid == chrooted)
        is_waiting("a worker in the place of the one in a chroot");
}

/* Killed, its workers end with it. Started again, it finds the pool as it was. */
static pid_t restart(pid_t supervisor)
{
    keyshm_id before, after;
    keyshm_pool *pool;
    EXPECT_EQ(keyshm_attach_user(&pool, WORKER_USER, expect_name), 0);
    EXPECT_EQ(keyshm_find(pool, lists[1][0], &before), 0);
    expect_kill(supervisor);
    supervisor = start_supervisor();
    deadline = time(NULL) + PATIENCE_S;
    while (board->supervisor == 0)
        is_waiting("the supervisor that was started again");
    EXPECT_EQ(keyshm_is_replaced(pool), 0);
    EXPECT_EQ(keyshm_find(pool, lists[1][0], &after), 0);
    EXPECT_EQ(before, after);
    EXPECT_EQ(keyshm_verify(pool, NULL, NULL), 0);
    keyshm_close(pool);
    return supervisor;
}

static void clean_up(void)
{
    rmdir(empty_directory);
    keyshm_unlink_user(WORKER_USER, expect_name);
}

int main(void)
{
    if (geteuid() != 0) {
        printf("skipped: only root can be the supervisor of another user's workers\n");
        return 77;
    }
    board = expect_shared_memory(sizeof(*board));
    expect_pool_name("service");
    EXPECT(mkdtemp(empty_directory) != NULL);
    EXPECT_EQ(atexit(clean_up), 0);

    pid_t supervisor = start_supervisor();
    wait_for_picks(0, "the first picks");
    for (int i = 0; i < WORKERS; i++)
        EXPECT_EQ(user_of(board->workers[i].pid), WORKER_USER);

    reload(supervisor, 1);
    usleep(10 * PAUSE_US); /* picks that were under way */
    wait_for_picks(1, "picks of the replaced keys");
    destroy_under_them();
    wait_for_picks(1, "picks in the new pool");
    supervisor = restart(supervisor);
    wait_for_picks(1, "picks after the supervisor was started again");
    expect_kill(supervisor);
    return 0;
}
