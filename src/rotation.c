/* SPDX-License-Identifier: MIT */
#include "rotation.h"

#include "workers.h"

/* How often a process in a burst looks for turns that killed processes have left behind; and, without a place, for a free one. */
#define LOOK_EVERY_MS 1000
#define TRY_EVERY_MS 10

static uint64_t load_range(const struct layout_turns *turns)
{
    return atomic_load_explicit(&turns->range, memory_order_relaxed);
}

static bool is_left(uint64_t range)
{
    return (range >> RANGE_LENGTH_SHIFT & RANGE_LENGTH_MAX) != 0;
}

/* Is `a` a later claim than `b`? The numbers go round. */
static bool is_later(uint64_t a, uint64_t b)
{
    return (int64_t)((a - b) << RANGE_NUMBER_SHIFT) > 0;
}

void rotation_settle_range(const struct keyshm_pool *pool, uint64_t cursor)
{
    struct claim claim = claim_unpack(cursor);
    if (claim.place > LAYOUT_TURNS)
        return;
    struct layout_turns *turns = &pool->header->turns[claim.place - 1];
    uint64_t range = load_range(turns);
    claim.place = 0;
    /* One try: if the range has changed, it was put there by another process, and may be in use. */
    if (is_later(claim.number, range >> RANGE_NUMBER_SHIFT))
        atomic_compare_exchange_strong_explicit(&turns->range, &range, claim_pack(&claim), memory_order_relaxed,
                                                memory_order_relaxed);
}

/* A search for a place. */
struct search {
    const struct keyshm_pool *pool;
    uint64_t token;       /* of this process */
    bool may_ask;         /* whether owners are alive: some 25 us each */
    bool must_have_turns; /* that its last owner has left */
};

static bool is_free(const struct search *search, uint64_t owner)
{
    return owner == 0 || (search->may_ask && workers_has_ended(search->pool, owner));
}

/* The turns of an ended process whose last claim is not settled are not seen here, but they are once the place was taken. */
static bool try_place(const struct search *search, uint32_t place)
{
    struct layout_turns *turns = &search->pool->header->turns[place - 1];
    /* acquire: pairs with the release in give_up(). What a killed process has stored is in memory since its end. */
    uint64_t owner = atomic_load_explicit(&turns->owner, memory_order_acquire);
    if (owner == search->token || (search->must_have_turns && !is_left(load_range(turns))) || !is_free(search, owner))
        return false;
    return atomic_compare_exchange_strong_explicit(&turns->owner, &owner, search->token, memory_order_acq_rel,
                                                   memory_order_relaxed);
}

/* From 1; 0: none. */
static uint32_t find_place(const struct search *search)
{
    for (uint32_t place = 1; place <= LAYOUT_TURNS; place++)
        if (try_place(search, place))
            return place;
    return 0;
}

static void give_up(const struct keyshm_pool *pool, uint32_t place)
{
    /* release: pairs with the acquire in try_place(). */
    atomic_store_explicit(&pool->header->turns[place - 1].owner, 0, memory_order_release);
}

/* Is it time for a search? */
static bool is_due(const struct keyshm_pool *pool, uint64_t now_ms)
{
    struct process_local *local = pool->local;
    return atomic_load_explicit(&pool->header->turns_left, memory_order_relaxed) != 0 ||
           now_ms >= atomic_load_explicit(&local->next_look_ms, memory_order_relaxed) ||
           (rotation_place(pool) == 0 && now_ms >= atomic_load_explicit(&local->next_try_ms, memory_order_relaxed));
}

static struct search begin_search(const struct keyshm_pool *pool, uint64_t now_ms)
{
    struct process_local *local = pool->local;
    struct search search = {
        .pool = pool,
        .token = workers_token(pool),
        .may_ask = now_ms >= atomic_load_explicit(&local->next_look_ms, memory_order_relaxed),
        .must_have_turns = true,
    };
    if (search.may_ask)
        atomic_store_explicit(&local->next_look_ms, now_ms + LOOK_EVERY_MS, memory_order_relaxed);
    atomic_store_explicit(&local->next_try_ms, now_ms + TRY_EVERY_MS, memory_order_relaxed);
    /* Bits that lead nowhere are cleared when somebody follows them. */
    if (atomic_load_explicit(&pool->header->turns_left, memory_order_relaxed) != 0)
        atomic_store_explicit(&pool->header->turns_left, 0, memory_order_relaxed);
    return search;
}

bool rotation_take_place(const struct keyshm_pool *pool, uint64_t now_ms)
{
    uint32_t own = rotation_place(pool);
    if (workers_token(pool) == 0)
        return false;
    if (!is_due(pool, now_ms))
        return own != 0;
    struct search search = begin_search(pool, now_ms);
    uint32_t place = find_place(&search);
    if (place == 0 && own == 0) {
        search.must_have_turns = false;
        place = find_place(&search);
    }
    if (place == 0)
        return own != 0;
    if (own != 0)
        give_up(pool, own);
    rotation_use(pool, place);
    return true;
}

void rotation_leave(const struct keyshm_pool *pool)
{
    struct process_local *local = pool->local;
    uint32_t place = local != NULL ? atomic_load_explicit(&local->place, memory_order_relaxed) : 0;
    /* Another thread may do the same. */
    if (place == 0 || !atomic_compare_exchange_strong_explicit(&local->place, &place, place & PLACE_IS_IN_USE,
                                                               memory_order_relaxed, memory_order_relaxed))
        return;
    place &= ~PLACE_IS_IN_USE;
    if (place == 0)
        return;
    bool has_turns = is_left(load_range(&pool->header->turns[place - 1]));
    give_up(pool, place);
    if (has_turns)
        atomic_fetch_or_explicit(&pool->header->turns_left, UINT64_C(1) << (place - 1), memory_order_relaxed);
}
