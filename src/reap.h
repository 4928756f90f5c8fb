/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_REAP_H
#define KEYSHM_REAP_H

/*
 * What dead workers hold is given back: by whoever is refused for it, or by keyshm_reap(). A cell is given back when its
 * owner has closed its attachment or ended, and in any case after the policy's lease_max_ms, so that a process that is
 * stopped does not keep a place for ever.
 *
 * First what it holds is charged, then the cell is freed, by a compare-and-swap of the very cell. Killed in between, or
 * where two do so at once, it is charged twice, which drains; no cell is freed that is another's.
 */

#include "pool.h"

/* So often at most a process looks, when it is refused. */
#define REAP_EVERY_MS 10

/* Of the places that somebody was refused for. Looks at some processes only, and at none that was found alive shortly before:
 * each place is looked at within half a second, if it is called again and again. True: something was given back. */
bool reap_wanted(const struct keyshm_pool *pool);

/* As keyshm_reap(), of a writable attachment, and keyshm_leases(). */
int reap_all(const struct keyshm_pool *pool, pid_t pid_or_0);
int reap_list(const struct keyshm_pool *pool, struct keyshm_lease_list **ret_list);

#endif
