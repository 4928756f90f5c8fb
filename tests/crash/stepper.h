/* SPDX-License-Identifier: MIT */
#ifndef STEPPER_H
#define STEPPER_H

/*
 * Stop a process at each instruction of a call in turn, and do something behind its back while it stands still. Where two
 * processes can get in each other's way, they do: nothing is left to chance, and nothing to a clock.
 */

#include <stdbool.h>
#include <stddef.h>

struct stepper_case {
    const char *name;
    void (*begin)(void);     /* makes the world anew, before each run */
    void (*victim)(void);    /* is stopped somewhere, in a child; tells what it saw in shared memory */
    void (*interfere)(void); /* meanwhile */
    void (*end)(void);       /* checks and unmakes the world, after the victim has ended */
};

/* False when this system does not let a process trace its child, or is not one that stepper.c is written for. */
bool stepper_is_possible(void);

struct stepper_count {
    size_t instructions; /* of the victim, in this program */
    size_t stops;        /* at so many of them it was stopped */
};

/* Once for each instruction of the victim that lies in this program, or for each `stride`-th of them. */
struct stepper_count stepper_run(const struct stepper_case *test, size_t stride);

#endif
