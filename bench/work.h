/* SPDX-License-Identifier: MIT */
#ifndef WORK_H
#define WORK_H

/* What is measured, and what it is held against. */

#include "measure.h"

/* What is measured, in the order of a round. */
extern struct measurement work_measurements[];
extern const int work_measurements_count;

/* One of them. */
struct place {
    int subject; /* 0: none */
    int workers;
};

/* NULL when there is none, or it was not measured. */
const struct measurement *work_find(struct place place);

enum bar_unit { BAR_TIMES, BAR_NANOSECONDS, BAR_BYTES, BAR_COUNT };

/* A figure, and what it must not exceed. */
struct bar {
    const char *text;    /* what is measured */
    const char *against; /* and the unit it is measured in */
    enum bar_unit unit;
    double limit;
    bool is_aim; /* reported, not required */
    struct place place;
    struct place other;     /* BAR_TIMES: the figure is their ratio */
    unsigned parts;         /* BAR_NANOSECONDS: the figure is that of one of so many; 0: of the whole */
    double (*figure)(void); /* BAR_BYTES, BAR_COUNT: what it is; of the latter, if `place` was measured */
};

extern const struct bar work_bars[];
extern const int work_bars_count;

/* The median of the rounds. NAN when it was not measured. */
double work_figure(const struct bar *bar, int rounds);

/* The costs beside which a table shows others. */
const struct measurement *work_lock(int workers);
const struct measurement *work_fetch_add(int workers);

void work_open(void);
void work_close(void);

#endif
