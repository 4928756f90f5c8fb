/* SPDX-License-Identifier: MIT */
#ifndef TRACER_H
#define TRACER_H

/*
 * A child of this process runs one function under ptrace(2), and is stopped between two of its instructions: killed
 * there, or left standing while others go on. Nothing depends on chance or on a clock.
 *
 * One run is made in single steps, to learn the way the child goes: its walk. All others go at full speed to a
 * breakpoint, which takes a hundredth of the time.
 *
 * x86-64 Linux.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TRACER_MOMENTS_MAX = 200000 };

/* A child may go another way than recorded, when it is held up between two readings of a clock, say. Then another child
 * can be started: so often, before that place is left out. */
enum { TRACER_TRIES = 4 };

/* Between two instructions: the next one, and how often the child has come by it before. */
struct tracer_moment {
    uintptr_t address;
    unsigned passed;
    bool is_shared; /* the next one touches the shared memory, or is a system call; as tracer_record_shared() found out */
    uintptr_t touched; /* where, and at most TRACER_TOUCHED_BYTES of it; 0: not known, as of a system call */
    bool is_write;
};
enum { TRACER_TOUCHED_BYTES = 64 };

struct tracer_walk {
    size_t count;
    struct tracer_moment moments[TRACER_MOMENTS_MAX];
};

/* False when this system does not let a process trace its child, or is not one that tracer.c is written for: then says so
 * on standard output, and the test exits with 77. From now on this process and its children stay on one processor: a stop
 * is a switch from one process to another, and several times dearer between two processors. */
bool tracer_is_possible(void);

/* A child that stands before the first instruction of `act`. It exits with 0 after it. */
pid_t tracer_start(void (*act)(void));

/*
 * The walk of a new child from the first instruction of `act` to its return, those in the C library included, those in
 * the kernel's code for clocks not. Before each of them `look` (which may be NULL) is called with its place in the walk.
 * The child is killed when it has returned.
 */
void tracer_record(void (*act)(void), void (*look)(pid_t child, size_t index), struct tracer_walk *ret_walk);

/* Memory that several processes share: whole pages. 0 bytes are none. */
struct tracer_memory {
    void *at;
    size_t bytes;
};
enum { TRACER_MEMORIES = 2 };

/* The same, and finds out which of the instructions touch that memory or call the system. Any other instruction can as
 * well come before or after whatever another process does. */
void tracer_record_shared(void (*act)(void), const struct tracer_memory memories[TRACER_MEMORIES],
                          struct tracer_walk *ret_walk);

/* Let a signal arrive at a child that stands, so that it is before the first instruction of the handler. */
void tracer_signal(pid_t child, int signal);

/* From there to where the signal has interrupted it. False when it has ended before. */
bool tracer_leave_handler(pid_t child);

/* The walk of a child that stands through the handler of the signal, from its first instruction until the child is back
 * where it stood. */
void tracer_record_handler(pid_t child, int signal, void (*look)(pid_t child, size_t index),
                           struct tracer_walk *ret_walk);

/* Let a child that was just started go to a place in the walk. False when it has gone another way than it did when the
 * walk was recorded; it may have ended then. */
bool tracer_reach(pid_t child, const struct tracer_walk *walk, size_t index);

/* A new child at a place in the walk, after `restore(world)`; as often as TRACER_TRIES says. 0: each one has gone
 * another way. */
pid_t tracer_start_at(void (*act)(void), const struct tracer_walk *walk, size_t index, void (*restore)(const void *world),
                      const void *world);

/* Let a stopped child execute one instruction; one that repeats itself, as for filling memory, is one. False when the
 * child has ended. */
bool tracer_step(pid_t child);

/* Has the kernel something else to do about the robust mutexes of this child, if it dies here (get_robust_list(2)),
 * than when this was last asked of any? */
bool tracer_has_robust_list_changed(pid_t child);

/* Is this instruction of the child a system call? */
bool tracer_is_system_call(pid_t child, uintptr_t address);

/* Is the instruction at this address one of the program, with keyshm in it, rather than of the C library? */
bool tracer_is_of_program(uintptr_t address);

/* Let a child that stands go on to its end, untraced, and expect success of it. */
void tracer_finish(pid_t child);

/* Kill it where it stands. It may have ended already. */
void tracer_kill(pid_t child);

/* What is at this address, for a person: "program + 0x1234" or "C library + ...". */
struct tracer_place {
    const char *object;
    unsigned long offset;
};
struct tracer_place tracer_place_of(uintptr_t address);

#endif
