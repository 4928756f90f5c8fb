/* SPDX-License-Identifier: MIT */
#ifndef CALLS_H
#define CALLS_H

/*
 * The public calls, each with what it needs, as a table: one row for each way through it. The fixture that a row finds is
 * always the same: a pool with three keys, two of them with metadata, one of them cooling, attached twice.
 */

#include <keyshm.h>
#include <stdbool.h>
#include <stdint.h>

#define FIXTURE_KEYS 3

struct fixture {
    char provider[KEYSHM_PROVIDER_MAX + 1]; /* of the pool that is there */
    char other[KEYSHM_PROVIDER_MAX + 1];    /* of one that is not */
    keyshm_pool *pool, *observer;
    keyshm_id ids[FIXTURE_KEYS];

    /* What a row's prepare() leaves for its run() and release(). */
    keyshm_pool *extra;
    int saved_fd;
    pid_t holder;
    struct keyshm_event_cursor cursor;
    keyshm_id group;
    unsigned model;
    struct keyshm_lease lease;

    /* The output of a call: fixture_untouched before it. */
    union {
        const void *any;
        keyshm_pool *pool;
        struct keyshm_snapshot *snapshot;
        struct keyshm_worker_list *workers;
        struct keyshm_event_list *events;
        struct keyshm_pool_list *pools;
        struct keyshm_owner_list *owners;
        struct keyshm_lease_list *leases;
    } made;
    keyshm_id made_id;
    struct keyshm_pick pick;
};

extern const char fixture_untouched;

/* What kind of call it is. */
enum call_class {
    CALL_PLAIN = 1, /* a pick, a mark, a look at a word */
    CALL_CREATES = 2,
    CALL_ATTACHES = 4,
    CALL_MEMBERSHIP = 8,
    CALL_INSPECTS = 16, /* never changes the pool */
    CALL_LISTS = 32,    /* looks at what is in the directory */
};

struct call {
    const char *function; /* as keyshm.h has it */
    const char *when;     /* "" the usual way */
    enum call_class class;
    int64_t (*run)(struct fixture *fixture);
    int64_t normal; /* what it returns when nothing fails */
    void (*prepare)(struct fixture *fixture);
    void (*release)(struct fixture *fixture); /* what prepare() made, and what a run() made that returned `normal` */
    bool waits;                               /* who waits for the mutex, or for a place, is in the segment's bytes */
};

extern const struct call calls[];
extern const size_t call_count;

void fixture_begin(struct fixture *fixture);
void fixture_end(struct fixture *fixture);

#endif
