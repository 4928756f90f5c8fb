/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_MODEL_H
#define KEYSHM_STAT_WATCH_MODEL_H

/*
 * From copies of one pool's state, taken one after the other, to what has changed between them. Pure: it reads neither a
 * pool nor a clock. Times are milliseconds of any monotonic clock.
 */

#include <stdbool.h>
#include <stdint.h>

#include "history.h"
#include "keyshm.h"
#include "reading.h"

/* The counters of a key. */
struct model_counts {
    uint64_t picks;
    uint64_t errors; /* as keyshm.h has it: how often it was marked invalid */
    uint64_t marked[KEYSHM_STATUS_COUNT];
};

/* What is known of a key beyond its snapshot. */
struct model_key {
    keyshm_id id;
    struct model_counts counted;  /* by the pool, at the last copy */
    struct model_counts cleared;  /* by the pool, when the counters were cleared; else 0 */
    double picks_per_s;           /* between the last two copies */
    double marks_per_s;           /* the same: marks rate_limited, quota_exceeded and invalid */
    int64_t cooldown_left_ms;     /* at the last copy */
    int64_t cooldown_longest_ms;  /* the longest that was seen of the current cooldown; 0: there is none */
    struct history picks_history; /* the last minute */
};

struct model {
    struct reading *reading;          /* the last copy; NULL: none yet */
    struct keyshm_snapshot *snapshot; /* its snapshot, with counters since they were cleared; NULL: none yet */
    struct model_key *keys;           /* one for each of the snapshot's keys, in the same order */
    int64_t taken_ms;                 /* when the last one was taken */
    bool has_rates;                   /* false until a second one was taken */
    double picks_per_s;
    double marks_per_s;
    struct history picks_history;
    int64_t cleared_unix_ms;  /* when the counters were cleared; 0: never */
    int error;                /* negative errno: why it cannot be read now; 0: it can */
    int64_t error_unix_ms;    /* since when */
    int64_t replaced_unix_ms; /* when this pool was created in place of another that was shown; 0: it was not */
    int64_t replaced_ms;      /* when that was noticed */
};

void model_begin(struct model *model);
void model_end(struct model *model);

/* Take over a new copy. -ENOMEM: it was freed, and is not shown. */
int model_take(struct model *model, struct reading *reading, int64_t now_ms);

/* No copy could be taken; the last one stays. */
void model_miss(struct model *model, int error, int64_t unix_ms);

/* Counters begin at 0 now. */
void model_clear(struct model *model, int64_t unix_ms);

/* What is left of the cooldown of the key at `index`, as a part of the longest that was seen: 0 to 1; 1: until marked. */
double model_cooldown_fraction(const struct model *model, unsigned index);

#endif
