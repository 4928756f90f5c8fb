/* SPDX-License-Identifier: MIT */
#ifndef MIXTURE_H
#define MIXTURE_H

/*
 * Everything at once on one small pool: picks, marks of all kinds, adds, removes, metadata, finds, snapshots. Each worker
 * checks what it sees as it goes, by records that the workers share; the first who finds something wrong ends its process
 * with 1. The workers can be threads or processes.
 */

#include <keyshm.h>
#include <stdbool.h>
#include <stdint.h>

#define MIXTURE_WORKERS 10

/* The most iterations there is room to record. */
#define MIXTURE_ITERATIONS_MAX 60000

struct mixture;

/* Creates the pool too, named expect_name, and attaches to it. When `evergreen`, one key is never marked, so that every
 * pick must succeed. */
struct mixture *mixture_begin(keyshm_pool **ret_pool, uint64_t seed, unsigned iterations, bool evergreen);

/* The whole of the work of one worker, 0 to MIXTURE_WORKERS - 1. */
void mixture_work(struct mixture *mixture, keyshm_pool *pool, unsigned worker);

/* After all workers have ended: everything that should be in the pool is, and nothing else. Removes the pool. */
void mixture_end(struct mixture *mixture, keyshm_pool *pool);

/* The arguments of the programs: [ITERATIONS [SEED]]. Prints both, for whoever has to replay a failure. */
void mixture_arguments(int argc, char **argv, unsigned *ret_iterations, uint64_t *ret_seed);

#endif
