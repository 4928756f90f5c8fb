/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_ROTATION_H
#define KEYSHM_ROTATION_H

/*
 * The rotation of each model: whose turn it is, and which turns a process has claimed.
 *
 * The cursor of the model is the last claim: a range of slots, and the place behind it is where the next claim begins.
 * A pick claims by one compare-and-swap. A range never reaches beyond the end of the round, so every round of the
 * cursor gives each available key one turn.
 *
 * A pick usually claims the slots up to the key that it takes. In a burst (pace.h) it claims a longer range, and the
 * next picks of this process go through it without touching the cursor, so that its cache line moves between processors
 * less often. The range stands in the segment, in one of LAYOUT_TURNS places that a process takes, and gives up when
 * its burst is over. When it closes the pool, or is killed, another one, in a burst or not, takes the place with what
 * is left, before it claims. So a range is never lost, and never given twice.
 *
 * The counts of two keys: a key may lack one turn for each place whose range is not of the claim that is furthest. If
 * that claim is of a process in a burst, it has a place itself. So with n places that were ever taken at the same time
 * they differ by no more than n, or n + 1 when a process in no burst claims beside them.
 *
 * Between the claim and the place there are two stores, and a process may be killed between them. So the cursor says
 * which place the range belongs to, and whoever claims next writes it there first, if it is not there yet
 * (rotation_settle()). A number, which each claim increases, tells a range that was put there from one that was not.
 * When it is there, its process takes the place out of the cursor again, so that nobody needs to look.
 *
 *   cursor      bits 63..38 number of the claim; 37..34 place, from 1; 0: nowhere to put it; 33..30 round; 29..20 length;
 *               19..0 first slot
 *   range       the same, with no place
 *
 * Where the weights of keys differ, a claim is of a round (order.h); it is 0 while they do not, and then all keys have a
 * turn. Where their priorities differ, each has a cursor. Ranges of several turns, places and the cursor of the model are
 * those of the first priority that keys have; of the others, each pick claims one turn.
 *
 * Only a process with a single thread claims ranges, so that a turn is taken by a load and a store.
 */

#include "pool.h"
#include "process_local.h"

#if __has_include(<sys/single_threaded.h>) /* glibc 2.32 and later */
#include <sys/single_threaded.h>
#define ROTATION_SINGLE_THREADED __libc_single_threaded
#else
#define ROTATION_SINGLE_THREADED false
#endif

/* The least number of turns that a range has, if the round has them. */
#define ROTATION_TURNS_PER_CLAIM 16

#define RANGE_SLOT_BITS 20
#define RANGE_LENGTH_BITS 10
#define RANGE_ROUND_BITS 4
#define RANGE_PLACE_BITS 4
#define RANGE_LENGTH_SHIFT RANGE_SLOT_BITS
#define RANGE_ROUND_SHIFT (RANGE_LENGTH_SHIFT + RANGE_LENGTH_BITS)
#define RANGE_PLACE_SHIFT (RANGE_ROUND_SHIFT + RANGE_ROUND_BITS)
#define RANGE_NUMBER_SHIFT (RANGE_PLACE_SHIFT + RANGE_PLACE_BITS)
#define RANGE_SLOT_MASK ((UINT32_C(1) << RANGE_SLOT_BITS) - 1)
#define RANGE_LENGTH_MAX ((UINT32_C(1) << RANGE_LENGTH_BITS) - 1)
#define RANGE_ROUND_MAX ((UINT32_C(1) << RANGE_ROUND_BITS) - 1)

_Static_assert(KEYSHM_CAPACITY_MAX <= UINT32_C(1) << RANGE_SLOT_BITS, "every slot has a number");
_Static_assert(LAYOUT_TURNS < UINT32_C(1) << RANGE_PLACE_BITS, "every place has a number");

/* A claim, unpacked. */
struct claim {
    uint64_t number; /* of its bits, modulo 2^26 */
    uint32_t place;  /* from 1; 0: none */
    uint32_t round;  /* from 1; 0: none */
    uint32_t begin;
    uint32_t end;
};

static inline uint64_t claim_pack(const struct claim *claim)
{
    return claim->number << RANGE_NUMBER_SHIFT | (uint64_t)claim->place << RANGE_PLACE_SHIFT |
           (uint64_t)claim->round << RANGE_ROUND_SHIFT | (uint64_t)(claim->end - claim->begin) << RANGE_LENGTH_SHIFT |
           claim->begin;
}

static inline struct claim claim_unpack(uint64_t word)
{
    uint32_t begin = (uint32_t)word & RANGE_SLOT_MASK;
    return (struct claim){
        .number = word >> RANGE_NUMBER_SHIFT,
        .place = (uint32_t)(word >> RANGE_PLACE_SHIFT) & ((UINT32_C(1) << RANGE_PLACE_BITS) - 1),
        .round = (uint32_t)(word >> RANGE_ROUND_SHIFT) & RANGE_ROUND_MAX,
        .begin = begin,
        .end = begin + ((uint32_t)(word >> RANGE_LENGTH_SHIFT) & RANGE_LENGTH_MAX),
    };
}

/* The place behind a claim, where the next one begins to look. */
static inline uint32_t claim_end(uint64_t word)
{
    return claim_unpack(word).end;
}

/* Of a claim after another one, the number. */
static inline uint64_t claim_number_after(uint64_t word)
{
    return (word >> RANGE_NUMBER_SHIFT) + 1;
}

/* The cursor of the priority that is the first, second, ... of those that keys have, from 0. */
static inline _Atomic uint64_t *rotation_cursor(const struct keyshm_pool *pool, unsigned model, unsigned rank)
{
    struct layout_model *at = pool_model(pool, model);
    return rank == 0 ? &at->cursor : &at->more_cursors[rank - 1];
}

/* The place of this process, from 1; 0: none. */
static inline uint32_t rotation_place(const struct keyshm_pool *pool, unsigned model)
{
    return pool->local != NULL ? atomic_load_explicit(&pool->local->rotations[model].place, memory_order_relaxed) : 0;
}

/* Give up the place of this process, with what is left of its range. */
void rotation_leave(const struct keyshm_pool *pool, unsigned model);
void rotation_leave_all(const struct keyshm_pool *pool);

/* Could a pick take a place for this process? */
static inline bool rotation_is_due(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms)
{
    return atomic_load_explicit(&pool_model(pool, model)->turns_left, memory_order_relaxed) != 0 ||
           now_ms >= atomic_load_explicit(&pool->local->rotations[model].next_look_ms, memory_order_relaxed);
}

/* False: a pick is in the rotation already, which a signal handler has interrupted with this one. Read what this
 * process knows of its place only when it is true: until then, a handler may change it. Between a handler and what it
 * has interrupted, the order of the program is enough (atomic_signal_fence()). */
static inline bool rotation_enter(const struct keyshm_pool *pool)
{
    if (atomic_load_explicit(&pool->local->is_in_rotation, memory_order_relaxed))
        return false;
    atomic_store_explicit(&pool->local->is_in_rotation, true, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    return true;
}

static inline void rotation_end(const struct keyshm_pool *pool)
{
    atomic_signal_fence(memory_order_seq_cst);
    atomic_store_explicit(&pool->local->is_in_rotation, false, memory_order_relaxed);
}

/* Begin to take a turn of the range of this process. Returns its place; 0: it has none, or other threads, or a pick is
 * in the rotation. */
static inline uint32_t rotation_begin_turn(const struct keyshm_pool *pool, unsigned model)
{
    if (!ROTATION_SINGLE_THREADED || !rotation_enter(pool))
        return 0;
    uint32_t place = rotation_place(pool, model);
    if (place != 0)
        return place;
    rotation_end(pool);
    return 0;
}

/* Begin a pick that may take turns of a range, and in a burst claim one. False: it takes a turn from the cursor. */
static inline bool rotation_begin(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms, bool is_burst)
{
    if (pool->local == NULL || !(is_burst || rotation_place(pool, model) != 0 || rotation_is_due(pool, model, now_ms)))
        return false;
    if (ROTATION_SINGLE_THREADED)
        return rotation_enter(pool);
    rotation_leave(pool, model);
    return false;
}

/* The word of the range of this process, which has a place. Only its owner changes it while it is not empty. */
static inline _Atomic uint64_t *rotation_range(const struct keyshm_pool *pool, unsigned model, uint32_t place)
{
    return &pool_model(pool, model)->turns[place - 1].range;
}

/* The range in its word. One that is not of slots, as only damage makes it, has an end before its beginning: it is empty. */
static inline struct claim rotation_unpack_range(const struct keyshm_pool *pool, uint64_t word)
{
    struct claim range = claim_unpack(word);
    if (range.end > pool->settings.capacity)
        range.end = 0;
    return range;
}

/* What is left of a range after the turn of `slot`, which is in it. */
static inline uint64_t claim_after(uint64_t word, uint32_t slot)
{
    uint64_t slots = RANGE_SLOT_MASK, taken = slot + 1 - (word & slots);
    /* Behind the last slot that there can be is no number: the empty range then begins at 0. */
    return ((word - (taken << RANGE_LENGTH_SHIFT)) & ~slots) | ((word + taken) & slots);
}

/* Put a range that was claimed where it belongs, if it is not there yet. */
void rotation_settle_range(const struct keyshm_pool *pool, unsigned model, uint64_t cursor);

/* The same of the last claim, `cursor`, which may be of a single turn. */
static inline void rotation_settle(const struct keyshm_pool *pool, unsigned model, uint64_t cursor)
{
    if ((cursor >> RANGE_PLACE_SHIFT & ((UINT64_C(1) << RANGE_PLACE_BITS) - 1)) != 0)
        rotation_settle_range(pool, model, cursor);
}

/* Call it while the range of this process is empty: take a place with turns that another process has left in it, if it
 * is time to look for one. In a burst, take any. True: this process has a place now. */
bool rotation_take_place(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms, bool is_burst);

#endif
