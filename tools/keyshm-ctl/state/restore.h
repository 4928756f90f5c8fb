/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_STATE_RESTORE_H
#define KEYSHM_CTL_STATE_RESTORE_H

/* From a document to a pool: find its keys and groups, check that everything fits, then change the pool (restore_run.c). */

#include "arguments.h"
#include "batch.h"
#include "state/document.h"

struct restore {
    const struct arguments *arguments;
    keyshm_pool *pool;
    struct batch *batch; /* keys in the document */
    struct document document;
    const struct keyshm_snapshot *snapshot; /* of the pool, before */
    size_t added, found, not_found;         /* keys */
    size_t marked, paused;                  /* keys and groups */
    size_t groups_added, moved;             /* groups; keys that were put in one */
    size_t limited;                         /* keys and groups that got limits, and the pool */
    size_t reordered;                       /* keys that got another priority or weight */
    size_t models_added, models_left_out;
    struct keyshm_policy policy; /* that the pool gets */
    bool policy_changed;
};

/* Find the keys that are in the pool, and check that the others, and all metadata and names, can be added. Changes
 * nothing. Says what is wrong on standard error. Both functions return the exit status. */
enum exit_status restore_plan(struct restore *restore);

/* Change the pool; with --dry-run, only count. Stops at the first failure; what was done by then stays. */
enum exit_status restore_run(struct restore *restore);

#endif
