/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_PLACES_H
#define KEYSHM_PLACES_H

/*
 * Requests in flight. Each key and each group has so many cells as may be in flight at once, and a request that is counted
 * there takes one, by one compare-and-swap of a word that names its owner. So there is no count that could be wrong: what
 * is in flight is the cells that are not free, and whose they are is in them.
 *
 *   cell    bits 63..46 the number of the owner's row (workers.h); 45..30 the low bits of how many owners that row has had;
 *           29..0 a number of its own, never 0. All zero: free
 *   held    bits 63..52 a hash of the cell, without which the rest is of another one; 51 the same request has a cell of its
 *           key as well; 50..40 its model; 39..0 the tokens that it holds
 *   since   bits 63..24 when it was taken, in milliseconds of the pool's time; 23..0 the slot of its key
 *
 * A cell is free again when its owner has put 0 there, or whoever has found that its owner has ended (reap.c), each by a
 * compare-and-swap of the very cell: so it is given back once. The note is written after the cell was taken, by a
 * compare-and-swap of what was there before that: a process that was stopped in between, and whose cell was taken away,
 * then misses.
 */

#include "key_group.h"
#include "pool.h"
#include "state_word.h"

#define CELL_FREE UINT64_C(0)
#define CELL_NUMBER_BITS 30
#define CELL_NUMBER_MASK ((UINT64_C(1) << CELL_NUMBER_BITS) - 1)
#define CELL_COUNT_MASK UINT64_C(0xffff)
#define CELL_ROW_SHIFT 46
_Static_assert(KEYSHM_WORKERS_MAX <= 1 << (64 - CELL_ROW_SHIFT), "room for every row");

#define HELD_TOKENS_BITS 40
#define HELD_TOKENS_MASK ((UINT64_C(1) << HELD_TOKENS_BITS) - 1)
#define HELD_MODEL_MASK UINT64_C(0x7ff)
#define HELD_HAS_KEY_CELL (UINT64_C(1) << 51)
#define HELD_HASH_SHIFT 52
_Static_assert(KEYSHM_MODELS_MAX <= HELD_MODEL_MASK, "room for every model");

#define SINCE_MS_SHIFT ID_SLOT_BITS

/* Those of a key or a group. */
struct places {
    struct layout_places *head;
    _Atomic uint64_t *cells;
    struct layout_note *notes;
    uint32_t max; /* so many cells */
};

static inline struct places places_of(const struct keyshm_pool *pool, uint32_t subject)
{
    uint64_t first = layout_first_cell(&pool->settings, subject);
    bool is_group = subject >= layout_group_subject(pool->settings.capacity, 0);
    return (struct places){
        .head = &pool->places[subject],
        .cells = &pool->cells[first],
        .notes = &pool->notes[first],
        .max = is_group ? pool->settings.group_in_flight_max : pool->settings.in_flight_max,
    };
}

/* The part of a cell that is the owner's, by its token (workers.h). */
static inline uint64_t cell_owner(uint64_t token)
{
    return ((token >> 32) - 1) << CELL_ROW_SHIFT | (token >> 3 & CELL_COUNT_MASK) << CELL_NUMBER_BITS;
}

static inline uint32_t cell_row(uint64_t cell)
{
    return (uint32_t)(cell >> CELL_ROW_SHIFT);
}

static inline uint64_t cell_count(uint64_t cell)
{
    return cell >> CELL_NUMBER_BITS & CELL_COUNT_MASK;
}

static inline uint64_t held_hash(uint64_t cell)
{
    return cell * UINT64_C(0x9e3779b97f4a7c15) >> HELD_HASH_SHIFT << HELD_HASH_SHIFT;
}

static inline bool held_is_of(uint64_t held, uint64_t cell)
{
    return (held ^ held_hash(cell)) >> HELD_HASH_SHIFT == 0;
}

static inline unsigned held_model(uint64_t held)
{
    return (unsigned)(held >> HELD_TOKENS_BITS & HELD_MODEL_MASK);
}

static inline uint64_t held_tokens(uint64_t held)
{
    return held & HELD_TOKENS_MASK;
}

static inline uint64_t since_ms(uint64_t since)
{
    return since >> SINCE_MS_SHIFT;
}

/* What is noted of a request. */
struct place_note {
    unsigned model;
    uint64_t tokens; /* that it holds */
    bool has_key_cell;
    uint32_t slot;
    uint64_t now_ms;
};

/* One that this process can put in a place; CELL_FREE: it has no row. */
uint64_t places_new_cell(const struct keyshm_pool *pool);

/* How many requests are in flight here. */
unsigned places_count(const struct places *places);

/* Of these of a group, those of requests with the key in the slot that have no cell of their key as well. */
unsigned places_count_of_slot(const struct places *places, uint32_t slot);

/* Is there room for one more, as the next says, and nothing more? */
bool places_have_free(const struct places *places, unsigned cap);

/* Is there room for one more, where `cap` may be in flight? 0: as many as there are cells. If not, whoever gives one back
 * will announce that. */
bool places_have_room(const struct places *places, unsigned cap);

/* Take one. -EAGAIN: there is none. */
int places_take(const struct places *places, unsigned cap, uint64_t cell, const struct place_note *note,
                uint32_t *ret_number);

/* The tokens that requests for the model hold, or with model 0 all of them, but for `own`, a cell. seq_cst: of two that note
 * what they hold, and then look, one sees the other. */
uint64_t places_held(const struct places *places, unsigned model, uint64_t own);

/* Somebody is refused for what is in the cells: whoever gives one back, or settles, will announce that. Look once more. */
void places_want(const struct places *places);

/* It holds no tokens any longer. True: somebody was refused. */
bool places_settle(const struct places *places, uint32_t number, uint64_t cell);

/* Give it back. False: it is no longer in the cell. *ret_is_wanted: somebody was refused. */
bool places_give_back(const struct places *places, uint32_t number, uint64_t cell, bool *ret_is_wanted);

/* Is it still there? */
static inline bool places_is_taken(const struct places *places, uint32_t number, uint64_t cell)
{
    return number < places->max && atomic_load_explicit(&places->cells[number], memory_order_acquire) == cell;
}

/* What is wrong with a place that is taken; NULL: nothing. */
const char *places_find_wrong(const struct keyshm_pool *pool, const struct places *places, uint32_t number);

/* So many places are looked at, and is that as many as there can be? */
bool places_width_is_sound(const struct places *places);

/* For the owner of the mutex: what was in flight belongs to nobody any longer. */
void places_clear(const struct places *places);

#endif
