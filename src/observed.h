/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_OBSERVED_H
#define KEYSHM_OBSERVED_H

/*
 * What a provider has said is left, of requests or of tokens, until it counts anew.
 *
 * A rate drains all the time; a provider that counts in windows gives nothing back until the window ends. So what it says is
 * left is used up by charges beside the rate, and nothing drains from it. From a window's end until the next answer, charges are
 * counted, since the answer does not know of requests that are still under way.
 *
 * A provider that counts as a rate does, too, says a later end with each answer; for that the rate alone will do.
 *
 *   word   bits 63..62 enum observed_state; 61..24 until when, in milliseconds of the pool's time; 23..0 units
 *
 * The word is looked at where a rate has been observed (RATE_IS_OBSERVED); pure functions, but for the last.
 */

#include "limit_sets.h"

enum observed_state {
    OBSERVED_NOTHING = 0,
    OBSERVED_OPEN = 1,  /* nothing is known; so many units were charged since the last window ended */
    OBSERVED_LEFT = 2,  /* so many units are left */
    OBSERVED_MOVES = 3, /* the end moves: this says nothing */
};

#define OBSERVED_UNITS_MASK UINT64_C(0xffffff)
#define OBSERVED_UNTIL_SHIFT 24
#define OBSERVED_STATE_SHIFT 62

static inline uint64_t observed_make(enum observed_state state, uint64_t until_ms, uint64_t units)
{
    return (uint64_t)state << OBSERVED_STATE_SHIFT | (until_ms & WORD_DEADLINE_MASK) << OBSERVED_UNTIL_SHIFT |
           (units < OBSERVED_UNITS_MASK ? units : OBSERVED_UNITS_MASK);
}

static inline uint64_t observed_until_ms(uint64_t word)
{
    return word >> OBSERVED_UNTIL_SHIFT & WORD_DEADLINE_MASK;
}

static inline uint64_t observed_units(uint64_t word)
{
    return word & OBSERVED_UNITS_MASK;
}

/* What is true of it now. */
static inline enum observed_state observed_state_at(uint64_t word, uint64_t now_ms)
{
    enum observed_state state = (enum observed_state)(word >> OBSERVED_STATE_SHIFT);
    bool is_over = (state == OBSERVED_LEFT || state == OBSERVED_MOVES) && observed_until_ms(word) <= now_ms;
    return is_over ? OBSERVED_NOTHING : state;
}

/* When it admits so many units: 0: now. */
static inline uint64_t observed_admits_at_ms(uint64_t word, uint64_t units, uint64_t now_ms)
{
    bool is_short = observed_state_at(word, now_ms) == OBSERVED_LEFT && observed_units(word) < (units != 0 ? units : 1);
    return is_short ? observed_until_ms(word) : 0;
}

/* So many units are left; UINT64_MAX: that is not known. */
static inline uint64_t observed_left_at(uint64_t word, uint64_t now_ms)
{
    return observed_state_at(word, now_ms) == OBSERVED_LEFT ? observed_units(word) : UINT64_MAX;
}

/* The word after a charge that it admits. */
static inline uint64_t observed_charged(uint64_t word, uint64_t units, uint64_t now_ms)
{
    switch (observed_state_at(word, now_ms)) {
    case OBSERVED_LEFT:
        return word - (units < observed_units(word) ? units : observed_units(word));
    case OBSERVED_MOVES:
        return word;
    case OBSERVED_OPEN:
        return observed_make(OBSERVED_OPEN, 0, observed_units(word) + units);
    default:
        return observed_make(OBSERVED_OPEN, 0, units);
    }
}

static inline _Atomic uint64_t *observed_word(const struct keyshm_pool *pool, uint32_t subject, bool is_of_tokens)
{
    return &pool->observed[subject].left[is_of_tokens ? LAYOUT_OBSERVED_TOKENS : LAYOUT_OBSERVED_REQUESTS];
}

/* A provider's answer, of requests or of tokens. */
struct observation {
    bool is_of_tokens;
    uint64_t left;
    int64_t reset_ms; /* -1: not said */
};

/* It is joined to what is known of the key or group, whatever the model or for one. Only ever makes less of it. */
void observed_join(const struct keyshm_pool *pool, unsigned model, uint32_t subject,
                   const struct observation *observation);

#endif
