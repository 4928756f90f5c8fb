/* SPDX-License-Identifier: MIT */
#ifndef CONTENDER_H
#define CONTENDER_H

/*
 * What is measured: keyshm, and what people use instead of it. All do the same work, which is a whole pick: find the next
 * available key in order, copy out its bytes, stamp when it was last used, and count it.
 */

#include <stdint.h>

#include "expect.h"

enum { WORKERS_MAX = 8 };

/* The available keys are spread evenly among the others, which cool down for longer than the benchmark runs. */
struct load {
    unsigned keys;
    unsigned available;
};

bool load_is_cooling(const struct load *load, unsigned key);
#define LOAD_COOLDOWN_MS 3600000

/* Keys as long as real ones. */
#define LOAD_KEY_LENGTH 51
void load_key(unsigned key, char ret_text[LOAD_KEY_LENGTH + 1]);

struct contender {
    const char *name;
    unsigned batch; /* operations between two looks at the clock */
    bool is_p99;    /* its cost is that of the 99th of 100 operations, and not of the mean one; the batch is 1 */
    bool is_lease;  /* an operation is a request from its pick to its release, counted */

    /* Before processes are forked. Returns what the others are given; NULL when it cannot be used here. A contender
     * without it could not be built here. */
    void *(*open)(const struct load *load);

    void (*enter)(void *state, int worker);        /* in a worker, before it runs; may be NULL */
    void (*prepare)(void *state);                  /* before each batch, not timed; one worker only; may be NULL */
    void (*run)(void *state, unsigned operations); /* timed */
    void (*run_beside)(void *state);               /* in a process of its own, until it is killed; may be NULL */

    /* In place of all these: the cost, in nanoseconds, measured in its own way and by processes of its own. Or NULL. */
    double (*measure)(void *state, int64_t duration_ns);

    void (*close)(void *state); /* after the last worker has ended */
};

extern const struct contender bare_fetch_add, bare_lock, bare_hand_over, peer_table, peer_tdb, peer_lmdb, peer_redis,
    peer_apcu;

/* What counts requests in Redis: a script for each pick and release, and the counter of a minute. */
extern const struct contender peer_redis_limits, peer_redis_counter;

extern const struct contender keyshm_pick, keyshm_pick_p99, keyshm_pick_for_model, keyshm_pick_grouped,
    keyshm_pick_grouped_for_model, keyshm_pick_weighted, keyshm_pick_second_priority, keyshm_pick_inspected,
    keyshm_bursts, keyshm_bursts_marked, keyshm_snapshots, keyshm_adds, keyshm_mark_as_rate_limited,
    keyshm_mark_as_quota_exceeded, keyshm_mark_as_invalid, keyshm_mark_as_available;

/* In a pool with limits. */
extern const struct contender keyshm_leases_capped, keyshm_pick_rated, keyshm_pick_rated_idle, keyshm_leases_whole,
    keyshm_leases_whole_of_group, keyshm_refused, keyshm_refused_first, keyshm_hand_over;

/* How often a process that waited was woken for each lease that was handed over, once it was measured. */
double keyshm_wakes_per_hand_over(void);

/* Bytes of shared memory that a key takes at the default settings. */
double keyshm_bytes_per_key(void);

/* The same of a pool that cannot have groups and models. */
double keyshm_bytes_per_key_alone(void);

#endif
