/* SPDX-License-Identifier: MIT */
#ifndef PROOF_H
#define PROOF_H

/* The proofs in which an operation (operations.h) can take part. */

enum proof {
    KILLED = 1 << 0,               /* kill kill */
    KILLED_AND_RECOVERED = 1 << 1, /* kill recovery: killed, and then the process that recovers is killed */
    READY_IN_TIME = 1 << 2,        /* kill ready: a key becomes available, or will shortly */
    FROZEN = 1 << 3,               /* freeze */
    INTERLEAVED = 1 << 4,          /* interleave, with each of the others */
    INTERLEAVED_TWICE = 1 << 5,    /* interleave two: takes no lock */

    /* interleave, where there is something to be picked at any time: a pick, and what leaves it so, by making one key available and
     * then another not. So no pick may fail. */
    ONE_AVAILABLE = 1 << 6, /* of several keys */
    ONE_KEY = 1 << 7,       /* in all of the pool */

    SWEEP_DUE = 1 << 8, /* interleave, where the next pick sweeps */
};

#endif
