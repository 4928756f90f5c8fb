/* SPDX-License-Identifier: MIT */
#include "lock.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "event_ring.h"
#include "log.h"
#include "pool_clock.h"
#include "process.h"
#include "recover.h"
#include "workers.h"

/*
 * The mutex is waited for in slices because a robust mutex can lose a wake-up. A unlocks and wakes B; D takes the free
 * lock on the fast path; B is killed before it sets FUTEX_WAITERS again; D unlocks, sees no waiters and wakes nobody; C
 * sleeps for ever on a free lock. A waiter that looks again every 20 ms does not.
 */
#define LOCK_SLICE_MS 20

/*
 * This thread is in the middle of a membership change, from before the mutex is asked for until after it is released. A
 * signal handler that makes another one, in whichever pool, is refused before it calls libc: there it would clear this
 * thread's note of the mutex that is being taken (list_op_pending, get_robust_list(2)), and if the thread were killed
 * before that mutex is in its list, the kernel would not know that it died as the owner.
 *
 * initial-exec: the first access to a thread-local variable of a library that was loaded late may allocate memory,
 * which a signal handler must not.
 */
static __attribute__((tls_model("initial-exec"))) _Thread_local volatile sig_atomic_t is_changing;

_Static_assert(sizeof(pthread_mutex_t) <= LAYOUT_MUTEX_BYTES, "room for the mutex");
_Static_assert(_Alignof(pthread_mutex_t) <= LAYOUT_LINE_BYTES, "alignment of the mutex");

static pthread_mutex_t *mutex_of(struct layout_header *header)
{
    return (pthread_mutex_t *)(void *)header->mutex;
}

static int mutex_init(pthread_mutex_t *mutex)
{
    pthread_mutexattr_t attributes;
    int error = pthread_mutexattr_init(&attributes);
    if (error != 0)
        return -error;
    error = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    if (error == 0)
        error = pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    if (error == 0)
        error = pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    if (error == 0)
        error = pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
    return -error;
}

int lock_init(struct layout_header *header)
{
    return mutex_init(mutex_of(header));
}

uint32_t lock_mutex_bytes(void)
{
    return sizeof(pthread_mutex_t);
}

int lock_find_word(uint32_t *ret_offset)
{
    union {
        pthread_mutex_t mutex;
        uint32_t words[sizeof(pthread_mutex_t) / 4];
    } probe;
    uint32_t offset = LOCK_WORD_UNKNOWN;

    memset(&probe, 0, sizeof(probe));
    int r = mutex_init(&probe.mutex);
    if (r < 0)
        return r;
    if (pthread_mutex_trylock(&probe.mutex) == 0) {
        for (uint32_t i = 0; i < sizeof(probe.words) / 4 && offset == LOCK_WORD_UNKNOWN; i++)
            if ((probe.words[i] & FUTEX_TID_MASK) == (uint32_t)gettid())
                offset = i * 4;
        pthread_mutex_unlock(&probe.mutex);
    }
    pthread_mutex_destroy(&probe.mutex);
    *ret_offset = offset;
    return 0;
}

bool lock_is_robust(void)
{
    void *head = NULL;
    size_t size;
    return syscall(SYS_get_robust_list, 0, &head, &size) == 0 && head != NULL;
}

/* Is a thread id here the same as for the pool's creator? Where a PID namespace is unknown, only for the creator itself. */
static bool is_in_pid_namespace(const struct keyshm_pool *pool)
{
    if (pool->local != NULL && atomic_load_explicit(&pool->local->has_created, memory_order_relaxed))
        return true;
    return pool->settings.pid_namespace != 0 && workers_pid_namespace(pool) == pool->settings.pid_namespace;
}

static void log_namespace(const struct keyshm_pool *pool)
{
    const char *reason = "the pool was created in another PID namespace";
    if (pool->settings.pid_namespace == 0)
        reason = "the PID namespace of the pool's creator is not known, as it had no /proc";
    else if (workers_pid_namespace(pool) == 0)
        reason = "the PID namespace of this process is not known, as there is no /proc";
    log_message(KEYSHM_LOG_ERROR, "%s: %s: keys can be picked and marked here, but not added, removed or annotated",
                pool->settings.provider, reason);
}

pid_t lock_holder(const struct keyshm_pool *pool)
{
    if (pool->mutex_word_offset == LOCK_WORD_UNKNOWN)
        return 0;
    /* The futex word is the truth about the owner (set_robust_list(2)); the record beside it only saves a look-up. */
    const _Atomic uint32_t *futex =
        (const _Atomic uint32_t *)(const void *)(pool->header->mutex + pool->mutex_word_offset);
    uint32_t thread = atomic_load_explicit(futex, memory_order_relaxed) & FUTEX_TID_MASK;
    if (thread == 0)
        return 0;
    if (!is_in_pid_namespace(pool))
        return -1;
    uint64_t owner = atomic_load_explicit(&pool->header->owner, memory_order_relaxed);
    return (uint32_t)owner == thread ? (pid_t)(owner >> 32) : process_of_thread((pid_t)thread);
}

int64_t lock_held_ms(const struct keyshm_pool *pool)
{
    uint64_t since_ms = atomic_load_explicit(&pool->header->owned_since_ms, memory_order_relaxed);
    uint64_t now_ms = pool_now_ms(pool);
    return since_ms < now_ms ? (int64_t)(now_ms - since_ms) : 0;
}

static struct timespec timespec_of_ms(uint64_t time_ms)
{
    return (struct timespec){.tv_sec = (time_t)(time_ms / 1000), .tv_nsec = (long)(time_ms % 1000) * 1000000};
}

/* As pthread_mutex_clocklock(3), in slices. */
static int lock_until(pthread_mutex_t *mutex, uint64_t deadline_ms)
{
    int error;
    uint64_t now_ms = clock_monotonic_ms();
    do {
        uint64_t slice_end_ms = now_ms + LOCK_SLICE_MS < deadline_ms ? now_ms + LOCK_SLICE_MS : deadline_ms;
        struct timespec slice_end = timespec_of_ms(slice_end_ms);
        error = pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &slice_end);
        now_ms = clock_monotonic_ms();
    } while (error == ETIMEDOUT && now_ms < deadline_ms);
    /* After a timeout glibc leaves the mutex in this thread's robust list as pending, and when the thread ends the
     * kernel would look at that address, whatever is mapped there by then. One more try clears the entry. */
    if (error == ETIMEDOUT) {
        error = pthread_mutex_trylock(mutex);
        if (error == EBUSY)
            error = ETIMEDOUT;
    }
    return error;
}

static void log_timeout(const struct keyshm_pool *pool)
{
    char holder[PROCESS_DESCRIPTION_SIZE];
    if (!log_is_on(KEYSHM_LOG_ERROR))
        return;
    pid_t pid = lock_holder(pool);
    if (pid > 0)
        process_describe(pid, holder);
    log_message(KEYSHM_LOG_ERROR, "%s: gave up after %lld ms: the mutex is held by %s", pool->settings.provider,
                (long long)pool->settings.lock_timeout_ms, pid > 0 ? holder : "others, in turn");
}

/* The mutex is not unlocked before the repair, and declared consistent only after it. */
static void clean_up_after(struct keyshm_pool *pool, uint64_t dead_owner)
{
    struct event_ticket ticket = event_claim(pool, EVENT_CLASS_MEMBERSHIP);
    struct event_record record =
        event_of(pool, KEYSHM_EVENT_RECOVERED); /* when it was noticed, not when the repair ended */
    record.number = (int64_t)(dead_owner >> 32);
    recover(pool);
    atomic_fetch_add_explicit(&pool->header->recoveries, 1, memory_order_relaxed);
    event_write(pool, ticket, &record);
    pthread_mutex_consistent(mutex_of(pool->header));
}

/* 0, EOWNERDEAD, or the error of a lock that was not taken, which has been logged. */
static int take_mutex(const struct keyshm_pool *pool)
{
    if (!is_in_pid_namespace(pool)) {
        log_namespace(pool);
        return EXDEV;
    }
    int error = lock_until(mutex_of(pool->header), clock_monotonic_ms() + (uint64_t)pool->settings.lock_timeout_ms);
    if (error == ETIMEDOUT)
        log_timeout(pool);
    else if (error != 0 && error != EOWNERDEAD)
        log_message(KEYSHM_LOG_ERROR, "%s: cannot take the mutex: %s", pool->settings.provider, keyshm_strerror(error));
    return error;
}

int lock_take(struct keyshm_pool *pool, struct lock_guard *ret_guard)
{
    if (is_changing) {
        log_message(KEYSHM_LOG_ERROR, "%s: refused: this thread is in the middle of a membership change",
                    pool->settings.provider);
        return -EDEADLK;
    }
    is_changing = 1;
    int error = take_mutex(pool);
    if (error != 0 && error != EOWNERDEAD) {
        is_changing = 0;
        return -error;
    }

    struct lock_guard guard = {.recovered = error == EOWNERDEAD};
    guard.dead_owner = atomic_load_explicit(&pool->header->owner, memory_order_relaxed);
    /* relaxed: the mutex orders it; to readers without the mutex it is a hint. */
    atomic_store_explicit(&pool->header->owner, (uint64_t)getpid() << 32 | (uint32_t)gettid(), memory_order_relaxed);
    atomic_store_explicit(&pool->header->owned_since_ms, pool_now_ms(pool), memory_order_relaxed);
    if (guard.recovered)
        clean_up_after(pool, guard.dead_owner);
    *ret_guard = guard;
    return 0;
}

void lock_drop(struct keyshm_pool *pool, const struct lock_guard *guard)
{
    atomic_store_explicit(&pool->header->owner, 0, memory_order_relaxed);
    pthread_mutex_unlock(mutex_of(pool->header));
    is_changing = 0;
    if (guard->recovered && guard->dead_owner == 0)
        log_message(KEYSHM_LOG_WARNING, "%s: recovered: a process died as it took or left the mutex",
                    pool->settings.provider);
    else if (guard->recovered)
        log_message(KEYSHM_LOG_WARNING, "%s: recovered: pid %d (thread %u) died while it held the mutex",
                    pool->settings.provider, (int)(guard->dead_owner >> 32), (uint32_t)guard->dead_owner);
}
