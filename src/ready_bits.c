/* SPDX-License-Identifier: MIT */
#include "ready_bits.h"

#include "pool_clock.h"
#include "probe.h"
#include "process_local.h"
#include "state_word.h"
#include "waiters.h"

/*
 * Three operations meet here: making a key available (W: write its word, then set the bit), looking at it (L: clear the
 * bit, lower the due time to the key's deadline, then read the word again), and sweeping a block (S: take its due time,
 * read its words and bits, set the due time to the earliest deadline).
 *
 *   W and L.  The two changes of the bit have an order. If W's set comes second, the bit ends set. If L's clear comes
 *   second, it reads from W's set (both are read-modify-writes, release and acquire), so L's second read of the word sees
 *   what W wrote, and L sets the bit again.
 *
 *   L and S.  S takes a due time by swapping it for a time shortly ahead with READY_IS_SWEPT and a count of such takings,
 *   and in the end swaps that for the time that it has found. If L lowers the due time in between, it takes
 *   READY_IS_SWEPT away, so that S's second swap fails: the block is due again shortly. Another S that takes it then has
 *   another count. If L lowers it before S takes it, the bit was cleared before that, and S sees it as it is. If L
 *   lowers it after S's second swap, it lowers the new time. S loads after it has stored, and L stores and then loads,
 *   so these accesses are seq_cst.
 *
 * The due times of 64 blocks, and of the model, are kept by the same two operations, with due times in the place of
 * words and bits: L lowers them from the bottom up, S takes them from the top down, so what L has lowered below before
 * S took what is above, S sees.
 *
 * Killed in the middle: W before its set leaves a clear bit, and so does L before it has lowered the due time, for
 * READY_SWEEP_INTERVAL_MS at most; S leaves a block that is due after READY_SWEEP_TIMEOUT_MS.
 */

#define LOWER_TRIES_MAX 64

/* The blocks that one pick sweeps, unless it is late: a microsecond or two. */
#define SWEEP_BLOCKS_LEAST 16

/* How many processes that have a probe are looked at in one pass, some 25 us each, and how often by one process. */
#define SWEEP_PROBES_MAX 8
#define SWEEP_PROBES_EVERY_MS 100

#define DUE_NEVER WORD_FOREVER

static uint64_t bit_of(uint32_t slot)
{
    return UINT64_C(1) << (slot % 64);
}

void ready_set(const struct keyshm_pool *pool, unsigned model, uint32_t slot)
{
    /* Its release pairs with the acquire of the fetch_and in ready_clear(), and carries the word written before. */
    atomic_fetch_or_explicit(ready_words(pool, model) + slot / 64, bit_of(slot), memory_order_seq_cst);
}

void ready_set_all(const struct keyshm_pool *pool, unsigned model)
{
    /* relaxed: the model is published with release (models.c). */
    for (uint32_t i = 0; i < layout_ready_words(pool->settings.capacity); i++)
        atomic_store_explicit(ready_words(pool, model) + i, UINT64_MAX, memory_order_relaxed);
}

void ready_set_for(const struct keyshm_pool *pool, unsigned model, uint32_t slot)
{
    ready_set(pool, 0, slot);
    if (model != 0)
        ready_set(pool, model, slot);
}

void ready_set_available(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms)
{
    uint32_t used = pool_slots_used(pool);
    for (uint32_t slot = 0; slot < used; slot++)
        if (availability_at_ms(pool, model, slot) <= now_ms)
            ready_set_for(pool, model, slot);
}

static void count_announcement(const struct keyshm_pool *pool)
{
    /* Its release pairs with the acquire in ready_announced(): a process that reads this count also reads the word.
     * seq_cst: before the load in waiters_are_expected(). */
    atomic_fetch_add_explicit(&pool->header->made_available, 1, memory_order_seq_cst);
}

void ready_count_announcement(const struct keyshm_pool *pool)
{
    count_announcement(pool);
    waiters_wake_one(pool);
}

void ready_count_announcement_to_all(const struct keyshm_pool *pool)
{
    count_announcement(pool);
    waiters_wake_all(pool);
}

void ready_announce(const struct keyshm_pool *pool, unsigned model, uint32_t subject)
{
    if (subject < pool->settings.capacity) {
        ready_set(pool, model, subject);
        ready_count_announcement(pool);
        return;
    }
    /* A group is one word for all its keys, whose bits were cleared as they were looked at. */
    ready_make_all_due(pool, model);
    ready_count_announcement_to_all(pool);
}

ALWAYS_INLINE uint64_t load_half(const struct keyshm_pool *pool, const struct ready_filter *filter_or_null, uint32_t i)
{
    return ready_load(pool, 0, filter_or_null, i) | ready_load(pool, 0, filter_or_null, i + 1) |
           ready_load(pool, 0, filter_or_null, i + 2) | ready_load(pool, 0, filter_or_null, i + 3);
}

/* Written out: as a loop of eight steps its cost depended on where the linker put it. */
ALWAYS_INLINE bool line_is_empty(const struct keyshm_pool *pool, const struct ready_filter *filter_or_null, uint32_t i)
{
    _Static_assert(READY_LINE_WORDS == 8, "all of the line");
    return (load_half(pool, filter_or_null, i) | load_half(pool, filter_or_null, i + 4)) == 0;
}

/* The first word from `i` on that is worth a look: cache lines that are empty whatever the model are skipped as a whole. */
ALWAYS_INLINE uint32_t skip_empty_lines(const struct keyshm_pool *pool, const struct ready_filter *filter_or_null,
                                        uint32_t i, uint32_t last)
{
    if (i % READY_LINE_WORDS == 0)
        while (i <= last && line_is_empty(pool, filter_or_null, i))
            i += READY_LINE_WORDS;
    return i;
}

ALWAYS_INLINE uint32_t find_bit(const struct keyshm_pool *pool, unsigned model, const struct ready_filter *filter_or_null,
                                uint32_t from, uint32_t end)
{
    if (from >= end)
        return READY_NONE;
    uint32_t last = (end - 1) / 64;
    for (uint32_t i = skip_empty_lines(pool, filter_or_null, from / 64, last); i <= last;
         i = skip_empty_lines(pool, filter_or_null, i + 1, last)) {
        uint64_t bits = ready_load(pool, model, filter_or_null, i);
        if (i == from / 64)
            bits &= ~(bit_of(from) - 1); /* those below `from` */
        if (bits != 0) {
            uint32_t slot = i * 64 + (uint32_t)__builtin_ctzll(bits);
            return slot < end ? slot : READY_NONE;
        }
    }
    return READY_NONE;
}

/* Without a filter it is another function, as the compiler sees it. */
uint32_t ready_find(const struct keyshm_pool *pool, unsigned model, const struct ready_filter *filter_or_null,
                    uint32_t from, uint32_t end)
{
    return filter_or_null == NULL ? find_bit(pool, model, NULL, from, end)
                                  : find_bit(pool, model, filter_or_null, from, end);
}

/* ---- due times ---- */

static _Atomic uint64_t *due_of_block(const struct keyshm_pool *pool, unsigned model, uint32_t block)
{
    return &pool->due[(size_t)model * layout_due_words(pool->settings.capacity) + block];
}

/* Of 64 blocks. */
static _Atomic uint64_t *due_of_blocks(const struct keyshm_pool *pool, unsigned model, uint32_t first_block)
{
    return due_of_block(pool, model, layout_due_blocks(pool->settings.capacity) + first_block / 64);
}

/* Make it due at `due_ms` at the latest, and a sweep that is under way not put it off. False when others kept changing
 * it. */
static bool lower(_Atomic uint64_t *at, uint64_t due_ms)
{
    uint64_t due = atomic_load_explicit(at, memory_order_seq_cst);
    for (int i = 0; i < LOWER_TRIES_MAX; i++) {
        uint64_t lowered = (due & READY_TURN_MASK) | (ready_due_ms(due) < due_ms ? ready_due_ms(due) : due_ms);
        if (lowered == due ||
            atomic_compare_exchange_weak_explicit(at, &due, lowered, memory_order_seq_cst, memory_order_seq_cst))
            return true;
    }
    return false;
}

/* From the bottom up. */
static bool lower_all(const struct keyshm_pool *pool, unsigned model, uint32_t slot, uint64_t due_ms)
{
    return lower(due_of_block(pool, model, slot / 64), due_ms) && lower(due_of_blocks(pool, model, slot / 64), due_ms) &&
           lower(&pool_model(pool, model)->next_due, due_ms);
}

uint64_t ready_slot_due_ms(const struct keyshm_pool *pool, unsigned model, uint32_t slot)
{
    _Atomic uint64_t *const levels[] = {due_of_block(pool, model, slot / 64), due_of_blocks(pool, model, slot / 64),
                                        &pool_model(pool, model)->next_due};
    uint64_t latest_ms = 0;
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        uint64_t due_ms = ready_due_ms(atomic_load_explicit(levels[i], memory_order_seq_cst));
        latest_ms = due_ms > latest_ms ? due_ms : latest_ms;
    }
    return latest_ms;
}

void ready_clear(const struct keyshm_pool *pool, unsigned model, uint32_t slot, const struct pair *pair)
{
    atomic_fetch_and_explicit(ready_words(pool, model) + slot / 64, ~bit_of(slot), memory_order_seq_cst);
    uint64_t due_ms = pair_available_at_ms(pair);
    bool will_be_swept = due_ms == DUE_NEVER || lower_all(pool, model, slot, due_ms);
    struct pair now = pair_load(pool, model, slot, memory_order_seq_cst);
    if (!will_be_swept || now.key != pair->key || now.group != pair->group)
        ready_set(pool, model, slot);
}

/* ---- sweeping ---- */

/* A pass over the blocks by this process. */
struct sweep {
    const struct keyshm_pool *pool;
    unsigned model;
    uint64_t now_ms;
    uint32_t blocks_left; /* that it may still sweep */
    uint32_t probes_left; /* that it may still look after */
};

/* A due time that this process has taken: until it gives it back, it sweeps what is below, and the others use the bits
 * as they are. */
struct taking {
    _Atomic uint64_t *at;
    uint64_t word;
    uint64_t due_ms; /* when it was due */
};

static uint64_t load_due_ms(const _Atomic uint64_t *at)
{
    return ready_due_ms(atomic_load_explicit(at, memory_order_seq_cst));
}

/* Take it if it is due. */
static bool take(const struct sweep *sweep, _Atomic uint64_t *at, uint64_t timeout_ms, struct taking *ret_taking)
{
    uint64_t due = atomic_load_explicit(at, memory_order_seq_cst);
    uint64_t turn = (due + READY_TURN_STEP) & READY_TURN_MASK;
    *ret_taking = (struct taking){
        .at = at, .word = READY_IS_SWEPT | turn | (sweep->now_ms + timeout_ms), .due_ms = ready_due_ms(due)};
    return ret_taking->due_ms <= sweep->now_ms &&
           atomic_compare_exchange_strong_explicit(at, &due, ret_taking->word, memory_order_seq_cst,
                                                   memory_order_seq_cst);
}

/* It is due next at `due_ms`, unless somebody relies on the time that it has now. Returns when it is due. */
static uint64_t give_back(const struct sweep *sweep, const struct taking *taking, uint64_t due_ms)
{
    uint64_t word = taking->word, latest_ms = sweep->now_ms + READY_SWEEP_INTERVAL_MS;
    due_ms = due_ms < latest_ms ? due_ms : latest_ms;
    return atomic_compare_exchange_strong_explicit(taking->at, &word, (word & READY_TURN_MASK) | due_ms,
                                                   memory_order_seq_cst, memory_order_seq_cst)
               ? due_ms
               : ready_due_ms(word);
}

/* If the process that has the probe of this word has ended, another one gets it. */
static bool sweep_probe(struct sweep *sweep, uint32_t subject, uint64_t word)
{
    if (sweep->probes_left == 0 || !probe_is_under_way(word, sweep->now_ms))
        return false;
    sweep->probes_left--;
    atomic_store_explicit(&sweep->pool->local->next_probes_ms, sweep->now_ms + SWEEP_PROBES_EVERY_MS,
                          memory_order_relaxed);
    if (!probe_end(sweep->pool, sweep->model, subject, word, sweep->now_ms))
        return false;
    ready_announce(sweep->pool, sweep->model, subject);
    return true;
}

static void sweep_probes_of_groups(struct sweep *sweep)
{
    for (uint32_t group = 0; group < pool_groups_used(sweep->pool) && sweep->probes_left > 0; group++)
        (void)sweep_probe(sweep, pool_group_subject(sweep->pool, group),
                          key_group_word(sweep->pool, sweep->model, group));
}

static uint32_t probes_for(const struct sweep *sweep)
{
    struct process_local *local = sweep->pool->local;
    if (local == NULL || sweep->now_ms < atomic_load_explicit(&local->next_probes_ms, memory_order_relaxed))
        return 0;
    return SWEEP_PROBES_MAX;
}

/* Set the missing bits of a block. Returns its earliest deadline. */
static uint64_t sweep_bits(struct sweep *sweep, uint32_t block)
{
    const struct keyshm_pool *pool = sweep->pool;
    uint32_t used = pool_slots_used(pool), first = block * 64, last = first + 64 < used ? first + 64 : used;
    uint64_t available = 0, earliest_ms = DUE_NEVER;
    for (uint32_t slot = first; slot < last; slot++) {
        /* seq_cst: after the due time was taken. A word that is older than that could be one of before a look at it. */
        struct pair pair = pair_load(pool, sweep->model, slot, memory_order_seq_cst);
        if (sweep_probe(sweep, slot, pair.key))
            pair = pair_load(pool, sweep->model, slot, memory_order_seq_cst);
        uint64_t due_ms = pair_available_at_ms(&pair);
        bool is_available = due_ms <= sweep->now_ms;
        available |= (uint64_t)is_available << (slot - first);
        earliest_ms = !is_available && due_ms < earliest_ms ? due_ms : earliest_ms;
    }
    _Atomic uint64_t *bits_at = ready_words(pool, sweep->model) + block;
    uint64_t missing = available & ~atomic_load_explicit(bits_at, memory_order_seq_cst);
    if (missing != 0)
        atomic_fetch_or_explicit(bits_at, missing, memory_order_seq_cst);
    return earliest_ms;
}

/* Returns when the block is due. */
static uint64_t sweep_block(struct sweep *sweep, uint32_t block)
{
    struct taking taking;
    _Atomic uint64_t *at = due_of_block(sweep->pool, sweep->model, block);
    if (sweep->blocks_left == 0 || !take(sweep, at, READY_SWEEP_TIMEOUT_MS, &taking))
        return load_due_ms(at);
    sweep->blocks_left--;
    return give_back(sweep, &taking, sweep_bits(sweep, block));
}

/* Of 64 blocks, those that are due. Returns when one of them is. */
static uint64_t sweep_blocks(struct sweep *sweep, uint32_t first)
{
    struct taking taking;
    _Atomic uint64_t *at = due_of_blocks(sweep->pool, sweep->model, first);
    uint64_t earliest_ms = DUE_NEVER;
    if (sweep->blocks_left == 0 || !take(sweep, at, READY_PASS_TIMEOUT_MS, &taking))
        return load_due_ms(at);
    /* Counted after it was taken: a look at a key in a later block lowers what it finds then. */
    uint32_t used = layout_due_blocks(pool_slots_used(sweep->pool));
    for (uint32_t block = first; block < first + 64 && block < used; block++) {
        uint64_t due_ms = sweep_block(sweep, block);
        earliest_ms = due_ms < earliest_ms ? due_ms : earliest_ms;
    }
    return give_back(sweep, &taking, earliest_ms);
}

/* How many blocks a pass sweeps that is so late: as large a part of all as its delay is of the interval. So each has its
 * turn in time, however seldom a key is picked. */
static uint32_t blocks_for(const struct sweep *sweep, uint32_t used, uint64_t due_ms)
{
    uint64_t late_ms = due_ms != 0 && sweep->now_ms > due_ms ? sweep->now_ms - due_ms : 0;
    uint64_t blocks = SWEEP_BLOCKS_LEAST + used * late_ms / READY_SWEEP_INTERVAL_MS;
    return blocks < used ? (uint32_t)blocks : used;
}

void ready_sweep(const struct keyshm_pool *pool, unsigned model, uint64_t now_ms)
{
    struct sweep sweep = {.pool = pool, .model = model, .now_ms = now_ms};
    struct taking taking;
    uint64_t earliest_ms = DUE_NEVER;
    if (!take(&sweep, &pool_model(pool, model)->next_due, READY_PASS_TIMEOUT_MS, &taking))
        return;
    uint32_t used = layout_due_blocks(pool_slots_used(pool));
    sweep.blocks_left = blocks_for(&sweep, used, taking.due_ms);
    sweep.probes_left = probes_for(&sweep);
    sweep_probes_of_groups(&sweep);
    for (uint32_t first = 0; first < used; first += 64) {
        uint64_t due_ms = sweep_blocks(&sweep, first);
        earliest_ms = due_ms < earliest_ms ? due_ms : earliest_ms;
    }
    /* What is due without a time has been late since this pass was due, or is from now on: blocks_for(). */
    uint64_t since_ms = taking.due_ms != 0 ? taking.due_ms : now_ms;
    give_back(&sweep, &taking, earliest_ms != 0 ? earliest_ms : since_ms);
}

/* 0, and no sweep that is under way puts it off. */
static void make_due(_Atomic uint64_t *at)
{
    atomic_fetch_and_explicit(at, READY_TURN_MASK, memory_order_seq_cst);
}

/* From the bottom up, as a look lowers them. A pass that is late already stays as late, or others that are made due again
 * and again would keep it from the last blocks. By the coarse clock, as picks in a burst go by it. */
void ready_make_all_due(const struct keyshm_pool *pool, unsigned model)
{
    for (uint32_t i = 0; i < layout_due_words(pool->settings.capacity); i++)
        make_due(due_of_block(pool, model, i));
    if (!lower(&pool_model(pool, model)->next_due, pool_ms_of_coarse(pool, clock_coarse_ms())))
        make_due(&pool_model(pool, model)->next_due);
}
