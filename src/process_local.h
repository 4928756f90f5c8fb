/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_PROCESS_LOCAL_H
#define KEYSHM_PROCESS_LOCAL_H

/* What a process remembers of one attachment, for itself alone, as a thread does in thread-local memory. A child that
 * inherits the attachment finds it all zero (MADV_WIPEONFORK, madvise(2)), and so knows that it is another process. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PROCESS_ALIVE 256
#define PROCESS_UNNOTED 8

struct process_local {
    _Atomic uint64_t pace;               /* pace.h: calls in this tick << 48 | the tick, in milliseconds */
    _Atomic bool is_in_rotation;         /* rotation.h: a pick uses a place, or takes one */
    _Atomic uint64_t token;              /* workers.h: of its row; 0: none */
    _Atomic uint64_t next_entry_ms;      /* workers.h: when it may try again to get a row */
    _Atomic uint64_t next_sure_entry_ms; /* workers.h: and by a look at every row */
    _Atomic uint32_t pid;                /* workers.h; 0: not read yet */
    _Atomic uint64_t pid_namespace;      /* workers.h; 0: not known */
    _Atomic uint64_t next_probes_ms;     /* ready_bits.c: when it may look again after processes that have a probe */
    _Atomic bool has_created;            /* lock.c: this process has created the pool */
    _Atomic uint32_t next_cell;          /* places.c: the number of the next cell */
    _Atomic uint64_t next_reap_ms;       /* reap.c: when it may look again after those that are in flight */
    _Atomic uint64_t unnoted[PROCESS_UNNOTED]; /* reap.c: since when which cell without a note was seen */
    _Atomic uint64_t alive[PROCESS_ALIVE];     /* reap.c: when which owner was found alive */
    struct process_rotation {
        _Atomic uint32_t place;        /* rotation.h: from 1; 0: none */
        _Atomic uint64_t next_look_ms; /* rotation.c */
        _Atomic uint64_t next_try_ms;  /* rotation.c */
        /* next_turn.c: so many of the first priorities have no key available, until this time, and as long as the two
         * numbers are unchanged. For whoever is in the rotation. */
        struct process_search {
            uint64_t order_in_use;
            uint64_t until_ms;
            uint32_t announced;
            unsigned empty;
            unsigned priority; /* the one after them, of which a key was found */
        } search;
        /* turn.c: nothing can be had for so many tokens until this time, as long as the number is unchanged. The same. */
        struct process_refusal {
            uint64_t until_ms;
            uint64_t tokens;
            uint32_t announced;
            bool is_lease;
        } refusal;
    } rotations[]; /* of each model, from model 0 on */
};

/* For so many models, model 0 included. NULL when the system refuses: turns are then claimed one at a time, and the
 * process is not listed. */
struct process_local *process_local_new(uint32_t models);
void process_local_free(struct process_local *local_or_null, uint32_t models);

#endif
