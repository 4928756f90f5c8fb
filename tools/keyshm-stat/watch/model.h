/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_WATCH_MODEL_H
#define KEYSHM_STAT_WATCH_MODEL_H

/*
 * From the copies of one pool's state, taken one after the other, to what has changed between them. Pure: it neither
 * reads a pool nor a clock. Times are milliseconds of any monotonic clock.
 */

#include <stdbool.h>
#include <stdint.h>

#include "history.h"
#include "keyshm.h"

/* What is known of a key beyond its snapshot. */
struct model_key {
    keyshm_id id;
    uint64_t picks;               /* since it was added, or since the counters were cleared */
    uint64_t errors;              /* marks rate_limited, quota_exceeded and invalid, counted like that */
    uint64_t picks_cleared;       /* what the pool had counted when the counters were cleared */
    uint64_t errors_cleared;      /* the same */
    double picks_per_s;           /* between the last two copies */
    double errors_per_s;          /* the same */
    int64_t cooldown_left_ms;     /* as in the last copy */
    int64_t cooldown_longest_ms;  /* the most that was seen left of the cooldown that runs; 0: none runs */
    struct history picks_history; /* the last minute */
};

struct model {
    struct keyshm_snapshot *snapshot; /* the last one; NULL before there was one */
    struct model_key *keys;           /* one for each of the snapshot's keys, in the same order */
    int64_t taken_ms;                 /* when the last one was taken */
    bool has_rates;                   /* false until a second one was taken */
    double picks_per_s;
    double errors_per_s;
    struct history picks_history;
    int64_t cleared_unix_ms;  /* when the counters were cleared; 0: they were not */
    int error;                /* negative errno: why it cannot be read now; 0: it can */
    int64_t error_unix_ms;    /* since when */
    int64_t replaced_unix_ms; /* when the pool that is there now took the place of another that was shown; 0: none did */
    int64_t replaced_ms;      /* when that was seen */
};

void model_begin(struct model *model);
void model_end(struct model *model);

/* A copy was taken, which belongs to the model from now on. -ENOMEM: it was freed, and is not shown. */
int model_take(struct model *model, struct keyshm_snapshot *snapshot, int64_t now_ms);

/* None could be taken. What was known stays known. */
void model_miss(struct model *model, int error, int64_t unix_ms);

/* Count from now. */
void model_clear(struct model *model, int64_t unix_ms);

/* How much is left of the cooldown of the key at `index`, of the longest that was seen: 0 to 1; 1 until marked. */
double model_cooldown_fraction(const struct model *model, unsigned index);

#endif
