/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STATE_WORD_H
#define KEYSHM_STATE_WORD_H

/*
 * The state word of a slot: pack, unpack, and the rules by which it changes. Pure functions: no memory, no clock.
 *
 *   bits 63..61  what is in the slot: 0 nothing, otherwise 1 + enum keyshm_status
 *   bits 60..59  flags, 0 so far
 *   bits 58..38  the low 21 bits of the key's generation; a free slot keeps those of the key it had
 *   bits 37..0   deadline in milliseconds of CLOCK_MONOTONIC; 0: none; all ones: until marked available
 *
 *            add                    rate limited                  quota exceeded               invalid
 *   FREE ──────────▶ AVAILABLE ──────────────────▶ RATE_LIMITED ────────────────▶ QUOTA ────────────────▶ INVALID
 *     ▲                 ▲  ▲                            │                           │                        │
 *     │ remove,         │  └── the deadline passes ─────┴───────────────────────────┘                        │
 *     │ from any        └───────────────────── marked available, from any ───────────────────────────────────┘
 *
 * 38 bits of milliseconds are 8.7 years of uptime. The 21 bits of generation only have to differ between a load and the
 * compare-and-swap that follows it; two keys of one slot are told apart by their ids, which have 40 bits of it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "keyshm.h"

#define WORD_DEADLINE_BITS 38
#define WORD_GENERATION_BITS 21
#define WORD_GENERATION_SHIFT WORD_DEADLINE_BITS
#define WORD_CONTENT_SHIFT 61

#define WORD_DEADLINE_MASK ((UINT64_C(1) << WORD_DEADLINE_BITS) - 1)
#define WORD_GENERATION_MASK ((UINT64_C(1) << WORD_GENERATION_BITS) - 1)

/* Deadlines that are not times. */
#define WORD_NO_DEADLINE UINT64_C(0)
#define WORD_FOREVER WORD_DEADLINE_MASK

#define ID_SLOT_BITS 24
#define ID_SLOT_MASK ((UINT64_C(1) << ID_SLOT_BITS) - 1)

_Static_assert(KEYSHM_CAPACITY_MAX < ID_SLOT_MASK, "every slot has an id, and ID_SLOT_MASK is no slot");

static inline keyshm_id id_make(uint64_t generation, uint32_t slot)
{
    return generation << ID_SLOT_BITS | slot;
}

static inline uint32_t id_slot(keyshm_id id)
{
    return (uint32_t)(id & ID_SLOT_MASK);
}

static inline uint64_t id_generation(keyshm_id id)
{
    return id >> ID_SLOT_BITS;
}

static inline uint64_t word_make(enum keyshm_status status, uint64_t generation, uint64_t deadline_ms)
{
    return ((uint64_t)status + 1) << WORD_CONTENT_SHIFT | (generation & WORD_GENERATION_MASK) << WORD_GENERATION_SHIFT |
           deadline_ms;
}

static inline uint64_t word_make_free(uint64_t generation)
{
    return (generation & WORD_GENERATION_MASK) << WORD_GENERATION_SHIFT;
}

static inline uint64_t word_deadline_ms(uint64_t word)
{
    return word & WORD_DEADLINE_MASK;
}

static inline uint64_t word_generation(uint64_t word)
{
    return word >> WORD_GENERATION_SHIFT & WORD_GENERATION_MASK;
}

/* Is there a key in the slot? A content that no version writes counts as none. */
static inline bool word_is_live(uint64_t word)
{
    return (word >> WORD_CONTENT_SHIFT) - 1 < KEYSHM_STATUS_COUNT;
}

/* Is there a key in the slot, of this id's generation? */
static inline bool word_is_of(uint64_t word, keyshm_id id)
{
    return word_is_live(word) && word_generation(word) == (id_generation(id) & WORD_GENERATION_MASK);
}

/* The status as it was written; of a live word only. */
static inline enum keyshm_status word_status(uint64_t word)
{
    return (enum keyshm_status)((word >> WORD_CONTENT_SHIFT) - 1);
}

/* Will the key become available by itself? */
static inline bool word_is_cooling(uint64_t word)
{
    return word_is_live(word) && word_status(word) != KEYSHM_AVAILABLE && word_deadline_ms(word) != WORD_FOREVER;
}

/* The rule of availability: AVAILABLE, or a deadline that has passed. */
static inline bool word_is_available(uint64_t word, uint64_t now_ms)
{
    return word_is_live(word) &&
           (word_status(word) == KEYSHM_AVAILABLE || (word_is_cooling(word) && word_deadline_ms(word) <= now_ms));
}

/* The status as a pick sees it: a cooldown that has ended is over. Of a live word only. */
static inline enum keyshm_status word_status_at(uint64_t word, uint64_t now_ms)
{
    return word_is_available(word, now_ms) ? KEYSHM_AVAILABLE : word_status(word);
}

/*
 * The word after a mark that the key is `status` until deadline_ms (WORD_FOREVER: until marked available).
 *
 * The higher status and the later deadline win, independently. This is the join of a semilattice (commutative,
 * associative, idempotent), so the order in which marks arrive does not matter, and a stale mark cannot weaken a newer
 * one. A cooldown that has expired takes no part.
 */
static inline uint64_t word_join(uint64_t word, enum keyshm_status status, uint64_t deadline_ms, uint64_t now_ms)
{
    if (!word_is_available(word, now_ms)) {
        if (word_status(word) > status)
            status = word_status(word);
        if (word_deadline_ms(word) > deadline_ms)
            deadline_ms = word_deadline_ms(word);
    }
    return word_make(status, word_generation(word), deadline_ms);
}

/* The deadline `duration_ms` from now, below WORD_FOREVER. */
static inline uint64_t word_deadline_after(uint64_t now_ms, uint64_t duration_ms)
{
    uint64_t deadline_ms = now_ms + duration_ms;
    return deadline_ms < WORD_FOREVER ? deadline_ms : WORD_FOREVER - 1;
}

#endif
