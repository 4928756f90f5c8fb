/* SPDX-License-Identifier: MIT */
#ifndef OPERATIONS_H
#define OPERATIONS_H

/*
 * The operations of the proof: each call of the library, in each way that it can go. One row in one table, in the file
 * of its call (operations_pick.c, operations_mark.c, operations_membership.c, operations_observe.c, and what is about
 * groups and models in operations_groups.c and operations_models.c, how a key comes back in operations_probe.c, whose turn
 * it is in operations_order.c, limits and leases in operations_limits.c, and what a provider says in operations_provider.c), says all of an operation: how a victim does it,
 * how a survivor finds out whether it has happened (settle.h), how two processes interleave it, and which proofs it
 * takes part in.
 */

#include <stddef.h>

#include "meeting.h"
#include "proof.h"
#include "world.h"

enum { STEPS_MAX = 2 };

struct operation {
    const char *name;
    unsigned proofs; /* bits of enum proof */

    /* Done in a world (world.h), by a victim. */
    void (*prepare)(void);        /* changes the world first; may be NULL */
    void (*act)(void);            /* the one call, in the victim */
    enum outcome (*settle)(void); /* finds out from the pool whether the call has happened, and updates the model */
    void (*complete)(void);       /* of a call that is done in steps: a survivor makes it again; may be NULL */
    bool is_without_effect;       /* so that its outcome is always OLD */
    bool is_named;                /* the world is a pool with a name */
    bool maps;                    /* a segment of its own, or unmaps the one of the world */
    bool is_burst;                /* it claims several turns (rotation.h) */
    bool allocates;               /* memory of its own: malloc(3) goes another way when the heap is another */
    unsigned
        model; /* its picks are for this one, and so are those by which it is judged whether keys are ready in time */

    /* Done in a meeting (meeting.h), by one of two processes: one call, or two that others may come between. */
    struct result (*steps[STEPS_MAX])(const struct meeting *meeting);
    bool takes_mutex;
    bool is_pick;
    bool ends_lease;     /* that of the meeting. Two that do, and meet, may charge it twice, as after a death */
    bool forgets_use;    /* of what was used; whoever charges meanwhile may be forgotten or not */
    bool may_be_refused; /* while another charges what it has held, and holds it still */
    bool is_only_a;      /* it is the first of the two that meet */
};

struct operation_list {
    const struct operation *operations;
    size_t count;
};

/* The list of an array of operations. */
#define OPERATION_LIST(array)                                              \
    {                                                                      \
        .operations = (array), .count = sizeof(array) / sizeof((array)[0]) \
    }

extern const struct operation_list pick_operations, mark_operations, membership_operations, observing_operations,
    group_operations, model_operations, probe_operations, order_operations, limit_operations, provider_operations;

/* Those that take part in one of the proofs, in the order of the tables. */
enum { OPERATIONS_MAX = 140 };
unsigned operations_in(unsigned proofs, const struct operation *ret_operations[OPERATIONS_MAX]);

/* Is it one of those that an argument of a program means: the one of that name, or with "next," all whose name begins
 * so, or with NULL every one? */
bool operation_is_meant(const struct operation *operation, const char *name_or_null);

/* What the second of two victims does: it has to recover first. */
extern const struct operation recovering_operation;

/* A victim adds a key, and the handler of a signal that arrives meanwhile does what the second of two victims does, if
 * it may. */
extern const struct operation signalled_operation;

/* A victim picks in a burst, and so does the handler. */
extern const struct operation signalled_pick;

/* How many of the victims may take another way than recorded, so that they cannot be stopped where they should. */
static inline long operation_strays_max(const struct operation *operation, long victims)
{
    return 1 + victims / (operation->allocates ? 25 : 100);
}

/* There was a sweep just now, so the next one is as far away as it can be. */
void prepare_just_swept(void);

/* A round begins. */
void prepare_round(void);

#endif
