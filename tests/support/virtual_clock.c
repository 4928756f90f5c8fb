/* SPDX-License-Identifier: MIT */
#include "virtual_clock.h"

#include <stddef.h>
#include <sys/time.h>
#include <time.h>

#include "expect.h"

/* Of which one is not held up. */
#define STOP_TRIES 3

struct virtual_clock *virtual_clock;

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_getres(clockid_t clock, struct timespec *resolution);
int __wrap_gettimeofday(struct timeval *time, void *zone);
time_t __wrap_time(time_t *time);
int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __real_clock_getres(clockid_t clock, struct timespec *resolution);
int __real_gettimeofday(struct timeval *time, void *zone);
time_t __real_time(time_t *time);

static void (*interruption)(void);
static unsigned readings_before;

static void interrupt(void)
{
    void (*act)(void) = interruption;
    if (readings_before-- > 0)
        return;
    interruption = NULL; /* it reads clocks as well */
    act();
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    if (virtual_clock == NULL)
        return __real_clock_gettime(clock, time);
    if (interruption != NULL)
        interrupt();
    int64_t now_ns = virtual_clock->realtime_ns;
    if (clock == CLOCK_MONOTONIC)
        now_ns = virtual_clock->monotonic_ns;
    else if (clock == CLOCK_BOOTTIME)
        now_ns = virtual_clock->monotonic_ns + virtual_clock->slept_ns;
    else if (clock == CLOCK_MONOTONIC_COARSE)
        now_ns = virtual_clock->monotonic_ns - virtual_clock->monotonic_ns % virtual_clock->tick_ns;
    else
        EXPECT(clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE);
    *time = (struct timespec){.tv_sec = now_ns / 1000000000, .tv_nsec = now_ns % 1000000000};
    return 0;
}

int __wrap_clock_getres(clockid_t clock, struct timespec *resolution)
{
    if (virtual_clock == NULL)
        return __real_clock_getres(clock, resolution);
    EXPECT(clock == CLOCK_MONOTONIC_COARSE);
    *resolution = (struct timespec){.tv_nsec = virtual_clock->tick_ns};
    return 0;
}

int __wrap_gettimeofday(struct timeval *time, void *zone)
{
    if (virtual_clock == NULL)
        return __real_gettimeofday(time, zone);
    int64_t now_us = virtual_clock->realtime_ns / 1000;
    *time = (struct timeval){.tv_sec = now_us / 1000000, .tv_usec = now_us % 1000000};
    return 0;
}

time_t __wrap_time(time_t *time)
{
    if (virtual_clock == NULL)
        return __real_time(time);
    time_t now = virtual_clock->realtime_ns / 1000000000;
    if (time != NULL)
        *time = now;
    return now;
}

void virtual_clock_begin(void)
{
    virtual_clock = expect_shared_memory(sizeof(*virtual_clock));
    *virtual_clock = (struct virtual_clock){
        .monotonic_ns = 5000000 * NS_PER_MS,
        .realtime_ns = INT64_C(1700000000000) * NS_PER_MS,
        .tick_ns = NS_PER_MS,
    };
}

static int64_t read_ns(clockid_t clock)
{
    struct timespec time;
    EXPECT_EQ(__real_clock_gettime(clock, &time), 0);
    return time.tv_sec * (1000 * NS_PER_MS) + time.tv_nsec;
}

/* Boot time is read first: held up between the two, a process finds too little, and never too much, or the pool's time
 * would be ahead of everybody's for ever. */
static int64_t read_slept_ns(void)
{
    int64_t slept_ns = 0;
    for (int i = 0; i < STOP_TRIES; i++) {
        int64_t boot_ns = read_ns(CLOCK_BOOTTIME), found_ns = boot_ns - read_ns(CLOCK_MONOTONIC);
        slept_ns = i == 0 || found_ns > slept_ns ? found_ns : slept_ns;
    }
    return slept_ns;
}

void virtual_clock_stop(void)
{
    static struct virtual_clock stopped;
    struct timespec tick;
    if (virtual_clock != NULL) /* it stands still anyway */
        return;
    EXPECT_EQ(__real_clock_getres(CLOCK_MONOTONIC_COARSE, &tick), 0);
    stopped = (struct virtual_clock){
        .monotonic_ns = read_ns(CLOCK_MONOTONIC), .realtime_ns = read_ns(CLOCK_REALTIME), .tick_ns = tick.tv_nsec};
    stopped.slept_ns = read_slept_ns();
    virtual_clock = &stopped;
}

void virtual_clock_pass_ms(int64_t duration_ms)
{
    virtual_clock->monotonic_ns += duration_ms * NS_PER_MS;
}

void virtual_clock_sleep_ms(int64_t duration_ms)
{
    virtual_clock->slept_ns += duration_ms * NS_PER_MS;
}

void virtual_clock_interrupt(unsigned readings, void (*act)(void))
{
    interruption = act;
    readings_before = readings;
}

bool virtual_clock_has_interrupted(void)
{
    bool has = interruption == NULL;
    interruption = NULL;
    return has;
}
