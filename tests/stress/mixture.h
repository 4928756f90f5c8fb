/* SPDX-License-Identifier: MIT */
#ifndef MIXTURE_H
#define MIXTURE_H

/*
 * Everything at once on one small pool: picks, marks of all kinds, adds, removes, groups, metadata, finds, snapshots. Each worker
 * checks what it sees against records that the workers share; the first one that finds something wrong ends its process
 * with 1. The workers can be threads or processes.
 */

#include <keyshm.h>
#include <stdint.h>

#define MIXTURE_WORKERS 11

struct mixture;

/* The whole of the work of one worker, 0 to MIXTURE_WORKERS - 1. */
void mixture_work(struct mixture *mixture, keyshm_pool *pool, unsigned worker);

/*
 * The main function of a program, with the arguments [ITERATIONS [SEED]]. Runs the mixture twice: once with a key that is
 * never marked, so that every pick must succeed, and once without. `run_workers` starts all workers on the attachment and
 * returns when they have ended.
 */
int mixture_main(int argc, char **argv, const char *name,
                 void (*run_workers)(struct mixture *mixture, keyshm_pool *pool));

#endif
