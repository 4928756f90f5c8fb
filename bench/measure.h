/* SPDX-License-Identifier: MIT */
#ifndef MEASURE_H
#define MEASURE_H

/*
 * Measuring. All subjects are measured in turn, once a round, so that what disturbs the machine for a while disturbs them
 * all. A cost is compared with another only inside one round.
 *
 * A cost is nanoseconds for each operation of the whole machine: the time that the workers took together, divided by
 * the operations of all of them. So P processes that do not disturb each other, on enough processors, cost one P-th.
 * The cost of a 99th of 100 is that of a single operation, with the two readings of the clock.
 */

#include "contender.h"

enum { ROUNDS_MAX = 101 };

/* A contender under one load. */
struct subject {
    const char *work; /* in words */
    const struct contender *contender;
    struct load load;
    void *state; /* NULL: not measured */
};

/* One of them with a number of workers: what is measured once a round. */
struct measurement {
    struct subject *subject;
    int workers;
    double cost_ns[ROUNDS_MAX];
    double busy[ROUNDS_MAX]; /* processors that the workers had: fewer than they could use when others were at work, and
                                then the contention was less, too */
};

struct pace {
    int rounds;
    int64_t alone_ns;    /* how long one worker runs in a round */
    int64_t together_ns; /* and how long several do */
    bool pinned;         /* several: each on a processor, so that they meet even while others use one of them */
};

int64_t measure_now_ns(void);

/* One round of one measurement. */
void measure_once(struct measurement *measurement, int round, const struct pace *pace);

/* All rounds of all measurements. Prints its progress on standard error. */
void measure_all(struct measurement *measurements, int count, const struct pace *pace);

double median_of(const double *values, int count);
double least_of(const double *values, int count);

#endif
