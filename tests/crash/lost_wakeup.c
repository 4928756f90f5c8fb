/* SPDX-License-Identifier: MIT */

/*
 * The wake-up that a robust mutex can lose, staged step by step:
 *
 *   A holds the mutex, B and C sleep in that order. A unlocks, which wakes B. D takes the free mutex on the fast path.
 *   B is killed before it has set FUTEX_WAITERS again. D unlocks, sees no waiters, and wakes none: C sleeps on.
 *
 * This process is A and D, and traces B and C, each from one system call to the next. A C that waits by keyshm's lock
 * must get the mutex all the same. A C that waits by pthread_mutex_lock(3) must not: that shows that it was staged.
 */

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>

#include "expect.h"
#include "lock.h"

/* In one of the rounds the machine may be late, rather than the lock. */
enum { ROUNDS = 20, LATE_ROUNDS_MAX = 1, LATE_MS = 50, GIVE_UP_MS = 2000, HANGS_MS = 500, TRIES_MAX = 50, SKIPPED = 77 };

static struct shared {
    pthread_mutex_t bare;
    _Atomic int64_t c_has_it_ns;
} * shared;

static keyshm_pool *pool;
static keyshm_id id;
static struct lock_guard guard;

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* ---- the two ways to wait ---- */

struct way {
    const char *name;
    void (*take)(void);
    void (*drop)(void);
    _Atomic uint32_t *(*futex)(void);
};

static void take_keyshm(void)
{
    EXPECT_EQ(lock_take(pool, &guard), 0);
}

static void drop_keyshm(void)
{
    lock_drop(pool, &guard);
}

static _Atomic uint32_t *futex_of_keyshm(void)
{
    return (_Atomic uint32_t *)(void *)(pool->header->mutex + pool->mutex_word_offset);
}

static void take_bare(void)
{
    EXPECT_EQ(pthread_mutex_lock(&shared->bare), 0);
}

static void drop_bare(void)
{
    EXPECT_EQ(pthread_mutex_unlock(&shared->bare), 0);
}

static _Atomic uint32_t *futex_of_bare(void)
{
    return (_Atomic uint32_t *)(void *)((unsigned char *)&shared->bare + pool->mutex_word_offset);
}

static const struct way keyshm_way = {"keyshm", take_keyshm, drop_keyshm, futex_of_keyshm};
static const struct way bare_way = {"pthread_mutex_lock", take_bare, drop_bare, futex_of_bare};

static void make_bare(void)
{
    pthread_mutexattr_t attributes;
    EXPECT_EQ(pthread_mutexattr_init(&attributes), 0);
    EXPECT_EQ(pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED), 0);
    EXPECT_EQ(pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), 0);
    EXPECT_EQ(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK), 0);
    EXPECT_EQ(pthread_mutex_init(&shared->bare, &attributes), 0);
    pthread_mutexattr_destroy(&attributes);
}

/* ---- the traced ---- */

/* A child that stops, to be traced, then waits for the mutex. */
static pid_t begin_waiter(const struct way *way)
{
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
    int status;
    pid_t child = expect_fork();
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(SKIPPED);
        raise(SIGSTOP);
        way->take();
        atomic_store(&shared->c_has_it_ns, now_ns());
        way->drop();
        _exit(0);
    }
    EXPECT_EQ(waitpid(child, &status, 0), child);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
        printf("skipped: ptrace is not permitted here\n");
        exit(SKIPPED);
    }
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    EXPECT_EQ(ptrace(PTRACE_SETOPTIONS, child, NULL, options), 0);
    return child;
}

static void resume(pid_t child)
{
    EXPECT_EQ(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
}

static struct __ptrace_syscall_info stop_of(pid_t child, int status)
{
    struct __ptrace_syscall_info info;
    EXPECT(WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80));
    EXPECT(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) > 0);
    return info;
}

/* To where it is about to sleep on the mutex. */
static void bring_to_futex(pid_t child, const struct way *way)
{
    struct __ptrace_syscall_info info;
    const _Atomic uint32_t *futex = way->futex();
    int status;
    do {
        resume(child);
        EXPECT_EQ(waitpid(child, &status, 0), child);
        info = stop_of(child, status);
    } while (info.op != PTRACE_SYSCALL_INFO_ENTRY || info.entry.nr != SYS_futex ||
             info.entry.args[0] != (uintptr_t)futex);
}

/* False when the system call ended before the child was seen asleep. */
static bool let_sleep(pid_t child)
{
    resume(child);
    while (!expect_is_asleep(child))
        if (waitpid(child, NULL, WNOHANG) != 0)
            return false;
    return true;
}

/* True when the child, asleep, was woken by an unlock and now stands still on the way back from the kernel. */
static bool was_woken(pid_t child)
{
    int status;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    struct __ptrace_syscall_info info = stop_of(child, status);
    return info.op == PTRACE_SYSCALL_INFO_EXIT && info.exit.rval == 0;
}

static void end_waiter(pid_t child)
{
    EXPECT_EQ(kill(child, SIGKILL), 0);
    while (waitpid(child, NULL, 0) == child)
        continue; /* until there is no such child: a stop may be reported before its end */
}

/* ---- the scenario ---- */

/* Whether the wake-up is lost now: C sleeps, or has just ended a slice, on a free mutex. Where waits end by themselves,
 * that may have happened too early; then the mutex is free, too, but nothing was shown. */
static bool stage(const struct way *way, pid_t b, pid_t c)
{
    way->take(); /* A */
    bring_to_futex(b, way);
    bring_to_futex(c, way);
    bool staged = let_sleep(b) && let_sleep(c);
    way->drop();
    if (!staged || !was_woken(b)) {
        end_waiter(b);
        return false;
    }
    way->take(); /* D */
    EXPECT_EQ(atomic_load(way->futex()) & FUTEX_TID_MASK, gettid());
    staged = (atomic_load(way->futex()) & FUTEX_WAITERS) == 0;
    end_waiter(b);
    staged &= waitpid(c, NULL, WNOHANG) == 0;
    way->drop();
    return staged;
}

/* Nanoseconds until C had the mutex, after D dropped it; -1 when it had not after `limit_ms`. */
static int64_t wait_for_c(pid_t c, int64_t limit_ms)
{
    int64_t start_ns = now_ns();
    bool is_traced = true;
    while (atomic_load(&shared->c_has_it_ns) == 0 && now_ns() - start_ns < limit_ms * 1000000) {
        if (is_traced && waitpid(c, NULL, WNOHANG) == c) {
            EXPECT_EQ(ptrace(PTRACE_DETACH, c, NULL, NULL), 0);
            is_traced = false;
        }
        usleep(50);
    }
    int64_t has_it_ns = atomic_load(&shared->c_has_it_ns);
    return has_it_ns != 0 ? has_it_ns - start_ns : -1;
}

static int64_t measure_ns(const struct way *way, int64_t limit_ms)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        atomic_store(&shared->c_has_it_ns, 0);
        pid_t b = begin_waiter(way), c = begin_waiter(way);
        bool staged = stage(way, b, c);
        int64_t taken_ns = staged ? wait_for_c(c, limit_ms) : -1;
        end_waiter(c);
        if (staged)
            return taken_ns;
    }
    printf("skipped: too busy: the waits end before the wake-up can be lost\n");
    exit(SKIPPED);
}

static void show_that_bare_hangs(void)
{
    make_bare();
    EXPECT_EQ(measure_ns(&bare_way, HANGS_MS), -1);
    EXPECT_EQ(atomic_load(bare_way.futex()) & FUTEX_TID_MASK, 0);
    printf("%s: C still slept on a free mutex after %d ms\n", bare_way.name, HANGS_MS);
}

/* How many rounds were late. */
static int measure_keyshm(void)
{
    int64_t longest_ns = 0;
    int late = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t taken_ns = measure_ns(&keyshm_way, GIVE_UP_MS);
        EXPECT(taken_ns >= 0);
        longest_ns = taken_ns > longest_ns ? taken_ns : longest_ns;
        late += taken_ns > LATE_MS * INT64_C(1000000);
    }
    printf("%s: C had the mutex after %.1f ms at most, in %d rounds; %d were later than %d ms\n", keyshm_way.name,
           (double)longest_ns / 1e6, ROUNDS, late, LATE_MS);
    return late;
}

int main(void)
{
    shared = expect_shared_memory(sizeof(*shared));
    expect_end_in_time();
    EXPECT_EQ(keyshm_create_anonymous(&pool, "lost", NULL), 0);
    EXPECT_EQ(keyshm_add(pool, "sk-lost", &id), 0);
    show_that_bare_hangs();
    int broken = measure_keyshm() > LATE_ROUNDS_MAX;
    printf("total: runs %d, broken %d\n", ROUNDS, broken);
    keyshm_close(pool);
    return broken;
}
