/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_STATE_RESTORE_H
#define KEYSHM_CTL_STATE_RESTORE_H

/* From a document to a pool: find its keys, check that everything fits, then change the pool. */

#include "arguments.h"
#include "batch.h"
#include "state/document.h"

struct restore {
    const struct arguments *arguments;
    keyshm_pool *pool;
    struct batch *batch; /* keys in the document */
    struct document document;
    const struct keyshm_snapshot *snapshot; /* of the pool, before */
    size_t added, found, not_found, marked, paused;
    bool policy_changed;
};

/* Find the keys that are in the pool, and check that the others, and all metadata, can be added. Changes nothing. Says
 * what is wrong on standard error. Both functions return the exit status. */
enum exit_status restore_plan(struct restore *restore);

/* Change the pool; with --dry-run, only count. Stops at the first failure; what was done by then stays. */
enum exit_status restore_run(struct restore *restore);

#endif
