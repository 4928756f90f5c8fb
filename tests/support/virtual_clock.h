/* SPDX-License-Identifier: MIT */
#ifndef VIRTUAL_CLOCK_H
#define VIRTUAL_CLOCK_H

/*
 * Clocks that stand still until they are moved, in the place of the library's: the linker (--wrap) puts the functions of
 * virtual_clock.c where clock_gettime(2), clock_getres(2), gettimeofday(2) and time(2) were. Children share them.
 */

#include <stdbool.h>
#include <stdint.h>

#define NS_PER_MS INT64_C(1000000)

struct virtual_clock {
    int64_t monotonic_ns;
    int64_t slept_ns; /* by which CLOCK_BOOTTIME is ahead of it */
    int64_t realtime_ns;
    int64_t tick_ns; /* CLOCK_MONOTONIC_COARSE stands still between two ticks; 10 ms is the longest of any Linux */
};

/* NULL before virtual_clock_begin(): until then the clocks are the system's. */
extern struct virtual_clock *virtual_clock;
void virtual_clock_begin(void);

/* Of this process alone: its clocks stay at what the system's say now. So it goes the same way however long it takes,
 * in single steps too. */
void virtual_clock_stop(void);

/* The monotonic clock goes on, and with it that of the time since the system was started. */
void virtual_clock_pass_ms(int64_t duration_ms);

/* The machine sleeps: CLOCK_BOOTTIME goes on alone. */
void virtual_clock_sleep_ms(int64_t duration_ms);

/* What others do in the middle of a call: `act` is called once, at the reading of a clock after so many. */
void virtual_clock_interrupt(unsigned readings, void (*act)(void));

/* Not any more. Returns whether it was called. */
bool virtual_clock_has_interrupted(void);

#endif
