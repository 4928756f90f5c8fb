/* SPDX-License-Identifier: MIT */
#ifndef JUDGE_H
#define JUDGE_H

/*
 * The judgement after the death of those to whom something happened: the pool is as the model has it, with each one's
 * call either done or not done, and the survivors can go on.
 */

#include "operations.h"
#include "problem.h"

/* The first, and the one that had to recover from it. The operation is NULL when there is none. */
enum { VICTIMS_MAX = 2 };

struct victim {
    const struct operation *operation;
    pid_t process;
};

struct verdict {
    enum outcome outcome;       /* of the first */
    int64_t hidden_ms;          /* the longest for which a hint has hidden a key */
    double change_ms;           /* how long the next membership change took, wall-clock time */
    char problem[PROBLEM_SIZE]; /* "": none */
};

/* The next membership change adds a key if `by_adding` and there is room, and otherwise removes one. */
void judge(const struct victim victims[VICTIMS_MAX], bool by_adding, struct verdict *ret_verdict);

/* Nothing else happens any more but picks: every key that is available, or becomes it, is picked within a second. For a
 * program with virtual clocks; ends at the time at which it began. */
void judge_ready(const struct victim victims[VICTIMS_MAX], bool by_adding, struct verdict *ret_verdict);

#endif
