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
    INTERLEAVED_TWICE = 1 << 5,    /* interleave two, with each of the others that takes no lock */

    /* interleave, where there is something to be picked at any time: a pick, and what leaves it so, by making one key
     * available and then another not. So no pick may fail. */
    ONE_AVAILABLE = 1 << 6, /* of several keys */
    ONE_KEY = 1 << 7,       /* in all of the pool */

    SWEEP_DUE = 1 << 8, /* interleave, where the next pick sweeps */

    /* interleave, where the target is in a group with another key, or is benched for a model; where that bench has just
     * ended; and with two stops. A mark of a key changes another word than one of its group or for a model, and
     * commutes with it: so these meet picks, what inspects, each other, and changes of membership. With two stops only
     * picks meet marks, and marks each other: that is what waits for nobody and stores; and one other word makes no
     * more of it than the key's own. */
    GROUP_COOLING = 1 << 9,
    GROUP_COOLED = 1 << 10,
    GROUP_TWICE = 1 << 11,
    MODEL_COOLING = 1 << 12,
    MODEL_COOLED = 1 << 13,
    MODEL_TWICE = 1 << 14,

    /* interleave, where the target has failed once, and its bench has ended with a probe; and with two stops. What does
     * not look at either meets it elsewhere. */
    COMING_BACK = 1 << 15,
    COMING_BACK_TWICE = 1 << 16,
    /* interleave, in the same place: failures that are carried over, and what ends them or the key. A mark in a row may be
     * counted on top of them without lasting as long, which is said (keyshm.h), and so does not take part. */
    CARRIED = 1 << 19,

    /* interleave, where the target is of a first priority, and benched, and others are of later ones, or of other weights;
     * and with two stops. */
    ORDERED = 1 << 17,
    ORDERED_TWICE = 1 << 18,

    /* interleave, where the target is the only key to be had, and has limits: of requests in flight, with one place left,
     * and of tokens that are held; and with two stops. Where what is in flight is a dead process's. And where there is no
     * cap, but a rate, with one request left. What sets limits, and what asks which there are, meets what depends on them;
     * a mark changes another word, which picks look at as they do where there are no limits. */
    IN_FLIGHT = 1 << 20,
    IN_FLIGHT_TWICE = 1 << 21,
    HELD_BY_DEAD = 1 << 22,
    CHARGED = 1 << 23,
};

#endif
