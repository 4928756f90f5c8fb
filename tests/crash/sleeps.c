/* SPDX-License-Identifier: MIT */
#include "sleeps.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "expect.h"
#include "virtual_clock.h"

struct sleeps *sleeps;

enum { SLICE_MS = 100 };

static int own = -1; /* the number of this sleeper */
static void (*interruption)(void);
static bool is_woken_first, is_signalled;

long __wrap_syscall(long number, ...);
long __real_syscall(long number, ...);

static void do_nothing(int signal_number)
{
    (void)signal_number;
}

void sleeps_begin(void)
{
    struct sigaction action = {.sa_handler = do_nothing}; /* without SA_RESTART */
    EXPECT_EQ(sigaction(SIGUSR1, &action, NULL), 0);
    sleeps = expect_shared_memory(sizeof(*sleeps));
}

void sleeps_last(unsigned sleeper)
{
    own = (int)sleeper;
}

void sleeps_are_interrupted_by(void (*act)(void))
{
    interruption = act;
}

void sleeps_are_ended_by_signal(void)
{
    is_signalled = true;
}

/* ---- in the place of the kernel ---- */

static int64_t ns_of(const long *duration)
{
    return duration[0] * (1000 * NS_PER_MS) + duration[1];
}

static long fail_with(int error)
{
    errno = error;
    return -1;
}

/* One that is not woken sleeps for longer than it wanted, as on a busy machine. */
static long sleep_until_woken(const long *word, long expected)
{
    atomic_fetch_add(&sleeps->begun[own], 1);
    long r = __real_syscall(SYS_futex, word, FUTEX_WAIT, expected, (void *)0, (void *)0, 0);
    int error = errno;
    atomic_fetch_add(&sleeps->ended[own], 1);
    if (r == 0 || error != EINTR)
        return r == 0 ? 0 : fail_with(error);
    virtual_clock_pass_ms(SLICE_MS);
    return fail_with(ETIMEDOUT);
}

/* The kernel compares the word. */
static long sleep_in_vain(const long *word, long expected, const long *duration)
{
    static const long none[2];
    long r = __real_syscall(SYS_futex, word, FUTEX_WAIT, expected, none, (void *)0, 0);
    EXPECT(r < 0 && (errno == ETIMEDOUT || errno == EAGAIN));
    if (errno == EAGAIN)
        return r;
    void (*act)(void) = interruption;
    if (act != NULL) {
        interruption = NULL;
        is_woken_first = true;
        act();
        EXPECT(!is_woken_first);
        return 0;
    }
    if (is_signalled)
        return fail_with(EINTR);
    virtual_clock->monotonic_ns += ns_of(duration);
    sleeps->slept_after += atomic_load(&sleeps->is_announced);
    return fail_with(ETIMEDOUT);
}

static long wake(const long *word, long most)
{
    bool is_first = is_woken_first;
    is_woken_first = false;
    if (is_first && most == 1)
        return 1;
    return is_first + __real_syscall(SYS_futex, word, FUTEX_WAKE, most, (void *)0, (void *)0, 0);
}

static long futex(va_list list)
{
    const long *word = va_arg(list, const long *);
    int operation = va_arg(list, int);
    long value = va_arg(list, int);
    const long *duration = va_arg(list, const long *);
    if (operation == FUTEX_WAKE)
        return wake(word, value);
    EXPECT_EQ(operation, FUTEX_WAIT);
    return own >= 0 ? sleep_until_woken(word, value) : sleep_in_vain(word, value, duration);
}

long __wrap_syscall(long number, ...)
{
    long arguments[6], r = 0;
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6 && number != SYS_futex; i++)
        arguments[i] = va_arg(list, long);
    if (number == SYS_futex)
        r = futex(list);
    va_end(list);
    if (number == SYS_futex)
        return r;
    return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

/* ---- of another process ---- */

bool sleeps_is_asleep(pid_t process, unsigned sleeper)
{
    return atomic_load(&sleeps->begun[sleeper]) != atomic_load(&sleeps->ended[sleeper]) && expect_is_asleep(process);
}

void sleeps_end_slice(pid_t process)
{
    EXPECT_EQ(kill(process, SIGUSR1), 0);
}
