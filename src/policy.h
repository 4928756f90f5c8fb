/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_POLICY_H
#define KEYSHM_POLICY_H

/*
 * The policy of a pool: how marks are understood. Each field is one word of the segment, stored and loaded by itself,
 * so that a change needs no lock, and a process killed in the middle of one has made a part of it.
 */

#include "pool.h"

/* What a duration is, other than a number of milliseconds. */
#define DURATION_UNTIL_MARKED (-1)
#define DURATION_BY_POLICY (-2)

extern const struct keyshm_policy policy_default;

/* The name of the first field that is outside its range; NULL: there is none. */
const char *policy_find_wrong(const struct keyshm_policy *policy);

/* Store all fields in a segment. */
void policy_store(struct layout_header *header, const struct keyshm_policy *policy);

/* And record that. */
void policy_set(const struct keyshm_pool *pool, const struct keyshm_policy *policy);

/* All fields but the size. What the segment has outside its range is read as the nearest value within it. */
void policy_read(const struct keyshm_pool *pool, struct keyshm_policy *ret_policy);

/* The duration of a mark: not negative, DURATION_UNTIL_MARKED, or DURATION_BY_POLICY where that depends on what was
 * marked before. *ret_was_too_long: it was shortened. */
int64_t policy_duration_ms(const struct keyshm_pool *pool, enum keyshm_status status, int64_t duration_ms,
                           bool *ret_was_too_long);

/* Of a rate limit without a Retry-After, the `number`th in a row, from 1 on. */
int64_t policy_cooldown_ms(const struct keyshm_pool *pool, unsigned number);

/* Of an invalid key, and of a quota without a known end. */
int64_t policy_invalid_retry_ms(const struct keyshm_pool *pool);
int64_t policy_quota_retry_ms(const struct keyshm_pool *pool);

/* So many invalid marks in a row are final. */
unsigned policy_invalid_after(const struct keyshm_pool *pool);

uint64_t policy_streak_forget_ms(const struct keyshm_pool *pool);

/* Does each bench end with a probe? */
static inline bool policy_has_probes(const struct keyshm_pool *pool)
{
    return atomic_load_explicit(&pool->header->policy.probe_ms, memory_order_relaxed) != 0;
}

/* How long a probe is waited for. */
uint64_t policy_probe_ms(const struct keyshm_pool *pool);

#endif
