/* SPDX-License-Identifier: MIT */

/*
 * Linked in only under ThreadSanitizer. Its runtimes of clang 14 and gcc 12 know every other way to take a mutex, but not
 * pthread_mutex_clocklock(3), and would report each unlock as one of an unlocked mutex. This reports the lock to them; it
 * hides nothing.
 */

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <sanitizer/tsan_interface.h>
#include <stdbool.h>
#include <time.h>

typedef int clocklock_fn(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline);

/* NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name): the C library's are reserved names */
int pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock, const struct timespec *deadline)
{
    union {
        void *symbol;
        clocklock_fn *call;
    } real = {.symbol = dlsym(RTLD_NEXT, "pthread_mutex_clocklock")};
    __tsan_mutex_pre_lock(mutex, __tsan_mutex_try_lock);
    int error = real.call(mutex, clock, deadline);
    bool taken = error == 0 || error == EOWNERDEAD;
    __tsan_mutex_post_lock(mutex, taken ? __tsan_mutex_try_lock : __tsan_mutex_try_lock | __tsan_mutex_try_lock_failed,
                           0);
    return error;
}
