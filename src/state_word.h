/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STATE_WORD_H
#define KEYSHM_STATE_WORD_H

/*
 * The state word of a slot: pack, unpack, and the rules by which it changes. Pure functions: no memory, no clock.
 *
 *   bits 63..61  what is in the slot: 0 nothing, otherwise 1 + enum keyshm_status
 *   bits 60..57  enum keyshm_reason
 *   bit  56      paused
 *   bits 55..54  enum word_probe
 *   bits 53..52  what the last change meant for the streak: streak.h
 *   bits 51..38  marks: how often a key came, or was marked with another status than AVAILABLE, modulo 16,383 and from 1 on
 *   bits 37..0   deadline in milliseconds of the pool's time (pool_clock.h); 0: none; all ones: until marked available
 *
 *            add                    rate limited                  quota exceeded               invalid
 *   FREE ──────────▶ AVAILABLE ──────────────────▶ RATE_LIMITED ────────────────▶ QUOTA ────────────────▶ INVALID
 *     ▲                 ▲  ▲                            │                           │                        │
 *     │ remove,         │  └── the deadline passes ─────┴───────────────────────────┘                        │
 *     │ from any        └───────────────────── marked available, from any ───────────────────────────────────┘
 *
 * Where a probe is wanted, the deadline does not make it AVAILABLE: it then is for one pick, which puts the deadline off
 * (probe.h).
 *
 * 38 bits of milliseconds are 8.7 years of a pool's life. The count of marks makes each word differ from all that were
 * in the slot before, so that a compare-and-swap fails that was prepared for one of them; and a pick keeps it as its
 * stamp, which tells whether something bad was marked since. Which key the word belongs to is said by the slot's id.
 */

#include <stdbool.h>
#include <stdint.h>

#include "compiler.h"
#include "keyshm.h"

#define WORD_DEADLINE_BITS 38
#define WORD_MARKS_BITS 14
#define WORD_MARKS_SHIFT WORD_DEADLINE_BITS
#define WORD_STREAK_SHIFT 52
#define WORD_PROBE_SHIFT 54
#define WORD_PAUSED_SHIFT 56
#define WORD_REASON_SHIFT 57
#define WORD_CONTENT_SHIFT 61

#define WORD_DEADLINE_MASK ((UINT64_C(1) << WORD_DEADLINE_BITS) - 1)
#define WORD_MARKS_MASK ((UINT64_C(1) << WORD_MARKS_BITS) - 1)
#define WORD_STREAK_MASK (UINT64_C(3) << WORD_STREAK_SHIFT)
#define WORD_PROBE_MASK (UINT64_C(3) << WORD_PROBE_SHIFT)
#define WORD_PAUSED (UINT64_C(1) << WORD_PAUSED_SHIFT)
#define WORD_REASON_MASK UINT64_C(15)
_Static_assert(KEYSHM_REASON_COUNT <= WORD_REASON_MASK + 1, "room for every reason");

/* What goes with a bench that ends at its deadline. */
enum word_probe {
    WORD_PROBE_NONE,   /* then the key is open to all */
    WORD_PROBE_WANTED, /* then one pick gets it */
    WORD_PROBE_TAKEN,  /* one pick has it; from the deadline on, another one gets it */
};

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

static inline uint64_t word_make(enum keyshm_status status, enum keyshm_reason reason, uint64_t marks,
                                 uint64_t deadline_ms)
{
    return ((uint64_t)status + 1) << WORD_CONTENT_SHIFT | (uint64_t)reason << WORD_REASON_SHIFT |
           (marks & WORD_MARKS_MASK) << WORD_MARKS_SHIFT | deadline_ms;
}

static inline uint64_t word_make_available(uint64_t marks)
{
    return word_make(KEYSHM_AVAILABLE, KEYSHM_REASON_NONE, marks, WORD_NO_DEADLINE);
}

static inline uint64_t word_make_free(uint64_t marks)
{
    return (marks & WORD_MARKS_MASK) << WORD_MARKS_SHIFT;
}

static inline uint64_t word_deadline_ms(uint64_t word)
{
    return word & WORD_DEADLINE_MASK;
}

static inline uint64_t word_marks(uint64_t word)
{
    return word >> WORD_MARKS_SHIFT & WORD_MARKS_MASK;
}

/* The count after one more. Never 0, which would be a stamp that is not known. */
static inline uint64_t word_marks_next(uint64_t word)
{
    return word_marks(word) % WORD_MARKS_MASK + 1;
}

/* Is there a key in the slot? A content that no version writes counts as none. */
ALWAYS_INLINE bool word_is_live(uint64_t word)
{
    return (word >> WORD_CONTENT_SHIFT) - 1 < KEYSHM_STATUS_COUNT;
}

/* The status as it was written; of a live word only. */
static inline enum keyshm_status word_status(uint64_t word)
{
    return (enum keyshm_status)((word >> WORD_CONTENT_SHIFT) - 1);
}

static inline enum keyshm_reason word_reason(uint64_t word)
{
    return (enum keyshm_reason)(word >> WORD_REASON_SHIFT & WORD_REASON_MASK);
}

static inline enum word_probe word_probe(uint64_t word)
{
    return (enum word_probe)(word >> WORD_PROBE_SHIFT & 3);
}

static inline uint64_t word_with_probe(uint64_t word, enum word_probe probe)
{
    return (word & ~WORD_PROBE_MASK) | (uint64_t)probe << WORD_PROBE_SHIFT;
}

static inline uint64_t word_with_deadline(uint64_t word, uint64_t deadline_ms)
{
    return (word & ~WORD_DEADLINE_MASK) | deadline_ms;
}

static inline bool word_is_paused(uint64_t word)
{
    return (word & WORD_PAUSED) != 0;
}

/* Will the bench of the key end by itself? */
static inline bool word_is_cooling(uint64_t word)
{
    return word_is_live(word) && word_status(word) != KEYSHM_AVAILABLE && word_deadline_ms(word) != WORD_FOREVER;
}

/* Is the key kept back by its status, whether it is paused or not? Of a live word only. */
ALWAYS_INLINE bool word_is_benched(uint64_t word, uint64_t now_ms)
{
    return word_status(word) != KEYSHM_AVAILABLE &&
           (word_deadline_ms(word) == WORD_FOREVER || word_deadline_ms(word) > now_ms);
}

/* The usual word: AVAILABLE, for no reason, not paused. */
ALWAYS_INLINE bool word_is_plain(uint64_t word)
{
    return word >> WORD_PAUSED_SHIFT == word_make_available(0) >> WORD_PAUSED_SHIFT;
}

/* The rule of availability: not paused, and AVAILABLE, or a deadline that has passed. */
ALWAYS_INLINE bool word_is_available(uint64_t word, uint64_t now_ms)
{
    return word_is_plain(word) || (word_is_live(word) && !word_is_paused(word) && !word_is_benched(word, now_ms));
}

/* The same, and nobody has to take a probe first. */
ALWAYS_INLINE bool word_is_open(uint64_t word, uint64_t now_ms)
{
    return word_is_plain(word) ||
           (word_is_live(word) && (word & (WORD_PAUSED | WORD_PROBE_MASK)) == 0 && !word_is_benched(word, now_ms));
}

/* Whoever is given an available key by this word has to take its probe first. */
ALWAYS_INLINE bool word_is_for_probe(uint64_t word)
{
    return !word_is_plain(word) && (word & WORD_PROBE_MASK) != 0;
}

/* When the key is available, if nothing is marked: 0: it is; WORD_FOREVER: never. */
ALWAYS_INLINE uint64_t word_available_at_ms(uint64_t word)
{
    if (!word_is_live(word) || word_is_paused(word))
        return WORD_FOREVER;
    return word_status(word) == KEYSHM_AVAILABLE ? 0 : word_deadline_ms(word);
}

/* The status as a pick sees it: a cooldown that has ended is over. Of a live word only. */
static inline enum keyshm_status word_status_at(uint64_t word, uint64_t now_ms)
{
    return word_is_benched(word, now_ms) ? word_status(word) : KEYSHM_AVAILABLE;
}

static inline enum keyshm_reason word_reason_at(uint64_t word, uint64_t now_ms)
{
    return word_is_benched(word, now_ms) ? word_reason(word) : KEYSHM_REASON_NONE;
}

/* The same state, however many marks there were, and how many in a row. */
static inline bool word_is_same_state(uint64_t a, uint64_t b)
{
    return ((a ^ b) & ~(WORD_MARKS_MASK << WORD_MARKS_SHIFT | WORD_STREAK_MASK)) == 0;
}

/* Is the key kept back by a mark, rather than by a probe that is under way? Of a live word only. */
static inline bool word_is_benched_by_mark(uint64_t word, uint64_t now_ms)
{
    return word_is_benched(word, now_ms) && word_probe(word) != WORD_PROBE_TAKEN;
}

/* What a mark that a key is not available says. */
struct word_bench {
    enum keyshm_status status;
    enum keyshm_reason reason;
    uint64_t deadline_ms; /* WORD_FOREVER: until marked available */
    bool is_probe_wanted;
    bool is_of_before; /* it answers a pick that was made before the last mark */
};

/*
 * The word after a mark.
 *
 * The higher status with the later reason, as one number, the later deadline, and that a probe is wanted win,
 * independently. This is the join of a semilattice (commutative, associative, idempotent), so the order in which marks
 * arrive does not matter, and a stale mark cannot weaken a newer one; only the marks are counted. A cooldown that has
 * expired takes no part. Neither has the time of a probe, unless the mark answers a request of before: then the probe goes
 * on. A pause stays.
 */
static inline uint64_t word_join(uint64_t word, struct word_bench bench, uint64_t now_ms)
{
    enum word_probe probe = WORD_PROBE_NONE;
    if (bench.is_of_before ? word_is_benched(word, now_ms) : word_is_benched_by_mark(word, now_ms)) {
        if (word_status(word) > bench.status || (word_status(word) == bench.status && word_reason(word) > bench.reason)) {
            bench.status = word_status(word);
            bench.reason = word_reason(word);
        }
        probe = word_probe(word);
        if (word_deadline_ms(word) > bench.deadline_ms)
            bench.deadline_ms = word_deadline_ms(word);
    }
    bool goes_on = probe == WORD_PROBE_TAKEN && bench.deadline_ms == word_deadline_ms(word);
    if (!goes_on && (bench.is_probe_wanted || probe != WORD_PROBE_NONE))
        probe = WORD_PROBE_WANTED;
    return word_with_probe(word_make(bench.status, bench.reason, word_marks_next(word), bench.deadline_ms), probe) |
           (word & (WORD_PAUSED | WORD_STREAK_MASK));
}

/* The word after a mark that the key is available. */
static inline uint64_t word_release(uint64_t word)
{
    return word_make_available(word_marks(word)) | (word & (WORD_PAUSED | WORD_STREAK_MASK));
}

/* The deadline `duration_ms` from now, below WORD_FOREVER. */
static inline uint64_t word_deadline_after(uint64_t now_ms, uint64_t duration_ms)
{
    uint64_t deadline_ms = now_ms + duration_ms;
    return deadline_ms < WORD_FOREVER ? deadline_ms : WORD_FOREVER - 1;
}

#endif
