/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_STATE_RESTORE_H
#define KEYSHM_CTL_STATE_RESTORE_H

/* From a state to a pool: look where its keys are, check that all of it has room, then change the pool. */

#include "arguments.h"
#include "batch.h"
#include "state/document.h"

struct restore {
    const struct arguments *arguments;
    keyshm_pool *pool;
    struct batch *batch; /* keys of the state */
    struct document document;
    const struct keyshm_snapshot *snapshot; /* of the pool, before */
    size_t added, found, not_found, marked;
};

/* Which keys of the state are in the pool, and whether the others, and all metadata, can come to it. Changes nothing.
 * Says what is wrong on standard error. Returns the exit status, as the next one does. */
enum exit_status restore_plan(struct restore *restore);

/* With --dry-run, it only counts. Stops at what fails for a reason outside of the state; what was done by then stays. */
enum exit_status restore_run(struct restore *restore);

#endif
