/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_PROBE_H
#define KEYSHM_PROBE_H

/*
 * What comes back from a bench is given to one request first, where the policy has probes, or where it was final: the
 * probe. A word of which a probe is wanted (WORD_PROBE_WANTED) is available when its deadline has passed, but whoever is
 * given a key by it puts the deadline off, and says so in the word (WORD_PROBE_TAKEN), by one compare-and-swap. So the
 * others find it benched as before, and when nothing is heard of the probe until then, one other is the next.
 *
 *   RATE_LIMITED, wanted ── deadline passes, a pick ──▶ RATE_LIMITED, taken ── success ──▶ AVAILABLE
 *            ▲                                           │      ▲      │
 *            └────────────── a mark that it failed ──────┘      └──────┘ deadline passes, or its process is dead; a pick
 *
 * Which process has the probe stands beside the word, with the end of the deadline: a late store of another one does not
 * fit. A process that is killed in between has it until the deadline. The sweeps of the ready bits look whether it has
 * ended.
 */

#include "availability.h"

/* Of an available key, do the words beside its own want a probe? */
ALWAYS_INLINE bool probe_is_wanted_by(unsigned model, const struct others *others)
{
    if (model != 0 && word_is_for_probe(availability_of_model(others->key_of_model)))
        return true;
    if (others->key_group == GROUP_NONE)
        return false;
    return word_is_for_probe(availability_of_model(others->group)) ||
           (model != 0 && word_is_for_probe(availability_of_model(others->group_of_model)));
}

/* Take the probes of the words of the key in the slot, as they were loaded, that want one. False: another process was
 * faster, or a word has changed. *ret_was_taken: others may have found some of the words benched meanwhile. */
bool probe_take(const struct keyshm_pool *pool, unsigned model, uint32_t slot, uint64_t key_word,
                const struct others *others, bool *ret_was_taken);

/* Has the process ended that has the probe of this word, as it was loaded? Then the next pick gets it: true. */
bool probe_end(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint64_t word, uint64_t now_ms);

/* Is one under way? */
static inline bool probe_is_under_way(uint64_t word, uint64_t now_ms)
{
    return word_is_live(word) && word_probe(word) == WORD_PROBE_TAKEN && word_is_benched(word, now_ms);
}

#endif
