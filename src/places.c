/* SPDX-License-Identifier: MIT */
#include "places.h"

#include <errno.h>

#include "pool_clock.h"
#include "workers.h"

/* How often a note is written again, when a late one was there first. */
#define NOTE_TRIES_MAX 100

uint64_t places_new_cell(const struct keyshm_pool *pool)
{
    uint64_t token = workers_token(pool);
    if (token == 0)
        token = workers_enter_surely(pool, pool_now_ms(pool));
    if (token == 0)
        return CELL_FREE;
    uint64_t number = atomic_fetch_add_explicit(&pool->local->next_cell, 1, memory_order_relaxed) & CELL_NUMBER_MASK;
    return cell_owner(token) | (number != 0 ? number : CELL_NUMBER_MASK);
}

static uint64_t load_cell(const struct places *places, uint32_t number)
{
    /* seq_cst: after the note that this process has written, and after it has said that it wants one. */
    return atomic_load_explicit(&places->cells[number], memory_order_seq_cst);
}

/* How many cells may be taken. */
static uint32_t width_of(const struct places *places)
{
    uint32_t width = atomic_load_explicit(&places->head->width, memory_order_seq_cst);
    return width < places->max ? width : places->max;
}

static uint32_t end_of(const struct places *places, unsigned cap)
{
    return cap != 0 && cap < places->max ? cap : places->max;
}

/* Before a cell up to `end` is taken: from then on it is looked at. */
static void widen(const struct places *places, uint32_t end)
{
    uint32_t width = atomic_load_explicit(&places->head->width, memory_order_relaxed);
    while (width < end && !atomic_compare_exchange_weak_explicit(&places->head->width, &width, end, memory_order_seq_cst,
                                                                 memory_order_relaxed))
        continue;
}

static uint32_t count_taken(const struct places *places, uint32_t from, uint32_t end)
{
    uint32_t count = 0;
    for (uint32_t i = from; i < end; i++)
        count += load_cell(places, i) != CELL_FREE;
    return count;
}

unsigned places_count(const struct places *places)
{
    return count_taken(places, 0, width_of(places));
}

unsigned places_count_of_slot(const struct places *places, uint32_t slot)
{
    unsigned count = 0;
    uint32_t width = width_of(places);
    for (uint32_t i = 0; i < width; i++) {
        uint64_t cell = load_cell(places, i);
        uint64_t held = atomic_load_explicit(&places->notes[i].held, memory_order_relaxed);
        uint64_t since = atomic_load_explicit(&places->notes[i].since_ms, memory_order_relaxed);
        count += cell != CELL_FREE && held_is_of(held, cell) && (held & HELD_HAS_KEY_CELL) == 0 &&
                 (since & ID_SLOT_MASK) == slot;
    }
    return count;
}

bool places_have_free(const struct places *places, unsigned cap)
{
    uint32_t end = end_of(places, cap), width = width_of(places);
    for (uint32_t i = 0; i < end; i++)
        if (load_cell(places, i) == CELL_FREE)
            return width <= end || count_taken(places, 0, width) < end;
    return false;
}

bool places_have_room(const struct places *places, unsigned cap)
{
    if (places_have_free(places, cap))
        return true;
    places_want(places);
    return places_have_free(places, cap);
}

void places_want(const struct places *places)
{
    /* seq_cst, as the load in places_give_back(): it finds that one is wanted, or the next look finds that it is free. */
    if (atomic_load_explicit(&places->head->wanted, memory_order_seq_cst) == 0)
        atomic_store_explicit(&places->head->wanted, 1, memory_order_seq_cst);
}

/* ---- taking ---- */

static uint64_t make_held(uint64_t cell, const struct place_note *note)
{
    uint64_t tokens = note->tokens < HELD_TOKENS_MASK ? note->tokens : HELD_TOKENS_MASK;
    return held_hash(cell) | (note->has_key_cell ? HELD_HAS_KEY_CELL : 0) | (uint64_t)note->model << HELD_TOKENS_BITS |
           tokens;
}

/* What was there before the cell was taken is replaced; what came there since is not, unless the cell is still this one. */
static bool write_note(const struct places *places, uint32_t number, uint64_t cell, _Atomic uint64_t *at, uint64_t before,
                       uint64_t after)
{
    for (int i = 0; i < NOTE_TRIES_MAX; i++) {
        if (atomic_compare_exchange_strong_explicit(at, &before, after, memory_order_seq_cst, memory_order_relaxed))
            return true;
        if (load_cell(places, number) != cell)
            return false;
    }
    return false;
}

/* False: it was taken away. */
static bool note_down(const struct places *places, uint32_t number, uint64_t cell, uint64_t held_before,
                      uint64_t since_before, const struct place_note *note)
{
    struct layout_note *at = &places->notes[number];
    uint64_t since = note->now_ms << SINCE_MS_SHIFT | note->slot;
    return write_note(places, number, cell, &at->since_ms, since_before, since) &&
           write_note(places, number, cell, &at->held, held_before, make_held(cell, note)) &&
           load_cell(places, number) == cell;
}

static bool take_cell(const struct places *places, uint32_t number, uint64_t cell, const struct place_note *note)
{
    uint64_t expected = CELL_FREE;
    /* acquire: pairs with the release that has freed the cell, so that the notes are as its last owner has left them. */
    if (atomic_load_explicit(&places->cells[number], memory_order_acquire) != CELL_FREE)
        return false;
    uint64_t held_before = atomic_load_explicit(&places->notes[number].held, memory_order_relaxed);
    uint64_t since_before = atomic_load_explicit(&places->notes[number].since_ms, memory_order_relaxed);
    if (!atomic_compare_exchange_strong_explicit(&places->cells[number], &expected, cell, memory_order_seq_cst,
                                                 memory_order_relaxed))
        return false;
    if (note_down(places, number, cell, held_before, since_before, note))
        return true;
    bool is_wanted;
    (void)places_give_back(places, number, cell, &is_wanted);
    return false;
}

int places_take(const struct places *places, unsigned cap, uint64_t cell, const struct place_note *note,
                uint32_t *ret_number)
{
    uint32_t end = end_of(places, cap), from = end != 0 ? cell_row(cell) % end : 0;
    widen(places, end);
    for (uint32_t i = 0; i < end; i++) {
        uint32_t number = from + i < end ? from + i : from + i - end;
        bool is_wanted;
        if (!take_cell(places, number, cell, note))
            continue;
        *ret_number = number;
        /* A cap that was lowered admits none until what is in flight fits. */
        uint32_t width = width_of(places);
        if (width <= end || count_taken(places, 0, width) <= end)
            return 0;
        places_give_back(places, number, cell, &is_wanted);
        return -EAGAIN;
    }
    return -EAGAIN;
}

/* ---- what is held ---- */

/* Was somebody refused? seq_cst: as in places_want(). */
static bool take_wanted(const struct places *places)
{
    bool is_wanted = atomic_load_explicit(&places->head->wanted, memory_order_seq_cst) != 0;
    if (is_wanted)
        atomic_store_explicit(&places->head->wanted, 0, memory_order_seq_cst);
    return is_wanted;
}

uint64_t places_held(const struct places *places, unsigned model, uint64_t own)
{
    uint64_t sum = 0;
    uint32_t width = width_of(places);
    for (uint32_t i = 0; i < width; i++) {
        uint64_t cell = load_cell(places, i);
        if (cell == CELL_FREE || cell == own)
            continue;
        uint64_t held = atomic_load_explicit(&places->notes[i].held, memory_order_seq_cst);
        if (held_is_of(held, cell) && (model == 0 || held_model(held) == model))
            sum += held_tokens(held);
    }
    return sum;
}

bool places_settle(const struct places *places, uint32_t number, uint64_t cell)
{
    _Atomic uint64_t *at = &places->notes[number].held;
    uint64_t held = atomic_load_explicit(at, memory_order_relaxed);
    /* release: pairs with the load in places_held(): who no longer finds the tokens held finds them charged. */
    if (held_is_of(held, cell) && held_tokens(held) != 0)
        atomic_compare_exchange_strong_explicit(at, &held, held & ~HELD_TOKENS_MASK, memory_order_seq_cst,
                                                memory_order_relaxed);
    return take_wanted(places);
}

bool places_give_back(const struct places *places, uint32_t number, uint64_t cell, bool *ret_is_wanted)
{
    *ret_is_wanted = false;
    if (number >= places->max || !atomic_compare_exchange_strong_explicit(&places->cells[number], &cell, CELL_FREE,
                                                                          memory_order_seq_cst, memory_order_relaxed))
        return false;
    *ret_is_wanted = take_wanted(places);
    return true;
}

/* ---- checking them ---- */

bool places_width_is_sound(const struct places *places)
{
    return atomic_load_explicit(&places->head->width, memory_order_relaxed) <= places->max;
}

/* What was noted of it, as far as that is of this request. */
static bool note_is_sound(const struct keyshm_pool *pool, uint64_t cell, uint64_t held, uint64_t since)
{
    /* The clock and the models last: they go on meanwhile. */
    return !held_is_of(held, cell) ||
           (held_model(held) <= pool_models_used(pool) && (since & ID_SLOT_MASK) < pool->settings.capacity &&
            since_ms(since) <= pool_now_ms(pool));
}

/* Its width is looked at after the cell: it was widened before that was taken. */
const char *places_find_wrong(const struct keyshm_pool *pool, const struct places *places, uint32_t number)
{
    uint64_t cell = load_cell(places, number);
    if (cell == CELL_FREE)
        return NULL;
    uint64_t held = atomic_load_explicit(&places->notes[number].held, memory_order_acquire);
    uint64_t since = atomic_load_explicit(&places->notes[number].since_ms, memory_order_acquire);
    if (number >= width_of(places))
        return "a request is in flight where none is looked for";
    if (cell_row(cell) >= pool->settings.worker_rows)
        return "a place belongs to a worker that there is not";
    if ((cell & CELL_NUMBER_MASK) == 0)
        return "a place is taken by a word that is none that keyshm writes";
    if (!note_is_sound(pool, cell, held, since) && load_cell(places, number) == cell)
        return "what is noted of a request in flight is none that keyshm writes";
    return NULL;
}

void places_clear(const struct places *places)
{
    for (uint32_t i = 0; i < places->max; i++)
        if (load_cell(places, i) != CELL_FREE)
            atomic_store_explicit(&places->cells[i], CELL_FREE, memory_order_seq_cst);
}
