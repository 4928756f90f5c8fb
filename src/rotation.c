/* SPDX-License-Identifier: MIT */
#include "rotation.h"

#include "workers.h"

/* How often a process in a burst looks for turns that killed processes have left behind; and, without a place, for a
 * free one. */
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

void rotation_settle_range(const struct keyshm_pool *pool, unsigned model, uint64_t cursor)
{
    struct claim claim = claim_unpack(cursor);
    if (claim.place > LAYOUT_TURNS)
        return;
    struct layout_turns *turns = &pool_model(pool, model)->turns[claim.place - 1];
    /* acquire: pairs with the release below, so that the cursor is read no older than it was for this range. */
    uint64_t range = atomic_load_explicit(&turns->range, memory_order_acquire);
    /* Whoever has moved the cursor since has settled this claim before. If nobody has, no later claim is in the place,
     * so what is there is this one or an earlier one. One that is a multiple of 2^26 claims earlier is taken for this one,
     * which is then lost. */
    if (range >> RANGE_NUMBER_SHIFT == claim.number ||
        atomic_load_explicit(&pool_model(pool, model)->cursor, memory_order_relaxed) != cursor)
        return;
    claim.place = 0;
    /* One try: if the range has changed, it was put there by another process, and may be in use. release: see above. */
    atomic_compare_exchange_strong_explicit(&turns->range, &range, claim_pack(&claim), memory_order_release,
                                            memory_order_relaxed);
}

/* A search for a place. */
struct search {
    const struct keyshm_pool *pool;
    unsigned model;
    uint64_t token;       /* of this process */
    bool may_ask;         /* whether owners are alive: some 25 us each */
    bool must_have_turns; /* that its last owner has left */
};

static bool is_free(const struct search *search, uint64_t owner)
{
    return owner == 0 || (search->may_ask && workers_has_ended(search->pool, owner));
}

static bool try_place(const struct search *search, uint32_t place)
{
    struct layout_turns *turns = &pool_model(search->pool, search->model)->turns[place - 1];
    /* acquire: pairs with the release in give_up(). What a killed process has stored is in memory since its end. */
    uint64_t owner = atomic_load_explicit(&turns->owner, memory_order_acquire);
    if (owner == search->token || !is_free(search, owner))
        return false;
    if (search->must_have_turns && !is_left(load_range(turns))) {
        /* Nobody else frees the place of a process that was killed, and a search in a burst may not be one that asks. */
        if (owner != 0)
            atomic_compare_exchange_strong_explicit(&turns->owner, &owner, 0, memory_order_acq_rel, memory_order_relaxed);
        return false;
    }
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

static void give_up(const struct keyshm_pool *pool, unsigned model, uint32_t place)
{
    /* release: pairs with the acquire in try_place(). */
    atomic_store_explicit(&pool_model(pool, model)->turns[place - 1].owner, 0, memory_order_release);
}

/* Is it time for a search? In a burst without a place, for any. */
static bool is_due(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms, bool is_burst)
{
    return rotation_is_due(pool, model, now_ms) ||
           (is_burst && rotation_place(pool, model) == 0 &&
            now_ms >= atomic_load_explicit(&pool->local->rotations[model].next_try_ms, memory_order_relaxed));
}

static struct search begin_search(const struct keyshm_pool *pool, unsigned model, uint64_t token, uint64_t now_ms)
{
    struct process_rotation *local = &pool->local->rotations[model];
    struct search search = {
        .pool = pool,
        .model = model,
        .token = token,
        .may_ask = now_ms >= atomic_load_explicit(&local->next_look_ms, memory_order_relaxed),
        .must_have_turns = true,
    };
    if (search.may_ask)
        atomic_store_explicit(&local->next_look_ms, now_ms + LOOK_EVERY_MS, memory_order_relaxed);
    /* Bits that lead nowhere are cleared when somebody follows them. */
    if (atomic_load_explicit(&pool_model(pool, model)->turns_left, memory_order_relaxed) != 0)
        atomic_store_explicit(&pool_model(pool, model)->turns_left, 0, memory_order_relaxed);
    /* The last claim may be of a process that was killed before it was in its place. */
    rotation_settle(pool, model, atomic_load_explicit(&pool_model(pool, model)->cursor, memory_order_relaxed));
    return search;
}

/* Returns whether this process has taken another place than it had. */
static bool search_place(const struct keyshm_pool *pool, unsigned model, uint64_t token, uint64_t now_ms, bool is_burst)
{
    struct search search = begin_search(pool, model, token, now_ms);
    uint32_t own = rotation_place(pool, model), place = find_place(&search);
    if (place == 0 && own == 0 && is_burst) {
        search.must_have_turns = false;
        place = find_place(&search);
    }
    if (place == 0 && own == 0 && is_burst)
        atomic_store_explicit(&pool->local->rotations[model].next_try_ms, now_ms + TRY_EVERY_MS, memory_order_relaxed);
    if (place == 0)
        return false;
    if (search.must_have_turns) /* and others may have left more: look again when these are used up */
        atomic_store_explicit(&pool->local->rotations[model].next_look_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->local->rotations[model].place, place, memory_order_relaxed);
    if (own != 0)
        give_up(pool, model, own);
    return true;
}

bool rotation_take_place(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms, bool is_burst)
{
    if (is_due(pool, model, now_ms, is_burst)) {
        uint64_t token = workers_enter(pool, now_ms);
        if (token != 0 && search_place(pool, model, token, now_ms, is_burst))
            return true;
    }
    return is_burst && rotation_place(pool, model) != 0;
}

void rotation_leave(const struct keyshm_pool *pool, unsigned model)
{
    /* Another thread may do the same. */
    uint32_t place =
        pool->local != NULL ? atomic_exchange_explicit(&pool->local->rotations[model].place, 0, memory_order_relaxed) : 0;
    if (place == 0)
        return;
    bool has_turns = is_left(load_range(&pool_model(pool, model)->turns[place - 1]));
    give_up(pool, model, place);
    if (has_turns)
        atomic_fetch_or_explicit(&pool_model(pool, model)->turns_left, UINT64_C(1) << (place - 1), memory_order_relaxed);
}

void rotation_leave_all(const struct keyshm_pool *pool)
{
    for (unsigned model = 0; model <= pool->settings.models_max; model++)
        rotation_leave(pool, model);
}
