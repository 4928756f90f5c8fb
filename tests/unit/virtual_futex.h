/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_TEST_VIRTUAL_FUTEX_H
#define KEYSHM_TEST_VIRTUAL_FUTEX_H

/*
 * Sleeps that take no time but that of the virtual clock: the linker (--wrap) puts __wrap_syscall() in the place of
 * syscall(2). What is asked of futex(2) is written down, and while a thread sleeps, the test acts for the others.
 */

#include <limits.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "moved_clock.h"

enum wake { TIMED_OUT, WOKEN, INTERRUPTED };

#define SLEEPS_MAX 1000

static struct {
    int64_t sleeps_ns[SLEEPS_MAX]; /* how long each was to last */
    unsigned sleeps;
    unsigned changed; /* sleeps that did not begin, as the word was another one */
    unsigned woke_one, woke_all;
    int sleepers;                     /* others that sleep, as far as a wake-up finds out */
    enum wake (*act)(unsigned sleep); /* what happens during the sleep with this number, from 0; NULL: it times out */
} futex;

long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);

static inline long futex_wait(const _Atomic uint32_t *word, uint32_t expected, const long *duration)
{
    if (atomic_load(word) != expected) {
        futex.changed++;
        errno = EAGAIN;
        return -1;
    }
    cr_assert_lt(futex.sleeps, SLEEPS_MAX, "it sleeps again and again");
    int64_t duration_ns = duration[0] * (1000 * NS_PER_MS) + duration[1];
    futex.sleeps_ns[futex.sleeps++] = duration_ns;
    enum wake wake = futex.act != NULL ? futex.act(futex.sleeps - 1) : TIMED_OUT;
    if (wake == WOKEN)
        return 0;
    if (wake == TIMED_OUT)
        virtual_clock->monotonic_ns += duration_ns;
    errno = wake == INTERRUPTED ? EINTR : ETIMEDOUT;
    return -1;
}

static inline long futex_wake(int most)
{
    *(most == 1 ? &futex.woke_one : &futex.woke_all) += 1;
    cr_assert(most == 1 || most == INT_MAX);
    int woken = futex.sleepers < most ? futex.sleepers : most;
    futex.sleepers -= woken;
    return woken;
}

static inline const void *pointer_of(long argument)
{
    const void *pointer;
    memcpy(&pointer, &argument, sizeof(pointer));
    return pointer;
}

long __wrap_syscall(long number, ...)
{
    long arguments[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++)
        arguments[i] = va_arg(list, long);
    va_end(list);
    if (number != SYS_futex)
        return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
    cr_assert_eq(arguments[1] & FUTEX_PRIVATE_FLAG, 0, "other processes sleep on it");
    return arguments[1] == FUTEX_WAIT
               ? futex_wait(pointer_of(arguments[0]), (uint32_t)arguments[2], pointer_of(arguments[3]))
               : futex_wake((int)arguments[2]);
}

#endif
