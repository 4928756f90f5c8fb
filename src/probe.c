/* SPDX-License-Identifier: MIT */
#include "probe.h"

#include "policy.h"
#include "pool_clock.h"
#include "workers.h"

/*
 * Who has the probe:
 *
 *   bits 63..48  number of its row, minus 1
 *   bits 47..16  low half of its token (workers.h)
 *   bits 15..0   of the deadline that it has put in the word
 */
#define PROBER_ROW_SHIFT 48
#define PROBER_OWNER_SHIFT 16
#define PROBER_DEADLINE_MASK UINT64_C(0xffff)
_Static_assert(KEYSHM_WORKERS_MAX <= UINT64_C(1) << (64 - PROBER_ROW_SHIFT), "every row has a number");

/* 0: the process has no row. */
static uint64_t prober_make(uint64_t token, uint64_t word)
{
    if (token == 0)
        return 0;
    return ((token >> 32) - 1) << PROBER_ROW_SHIFT | (token & UINT32_MAX) << PROBER_OWNER_SHIFT |
           (word_deadline_ms(word) & PROBER_DEADLINE_MASK);
}

/* 0: it is not known who has the probe of this word. */
static uint64_t prober_token(uint64_t prober, uint64_t word)
{
    if (prober == 0 || ((prober ^ word_deadline_ms(word)) & PROBER_DEADLINE_MASK) != 0)
        return 0;
    return ((prober >> PROBER_ROW_SHIFT) + 1) << 32 | (uint32_t)(prober >> PROBER_OWNER_SHIFT);
}

/* A word of which a probe is taken, or given up. */
struct turn_of_word {
    unsigned model;
    uint32_t subject;
    uint64_t before;
    uint64_t after;
};

static bool change(const struct keyshm_pool *pool, const struct turn_of_word *turn, uint64_t from, uint64_t to)
{
    /* As change_word() in mark.c. */
    return atomic_compare_exchange_strong_explicit(pool_word(pool, turn->model, turn->subject), &from, to,
                                                   memory_order_seq_cst, memory_order_relaxed);
}

static bool take(const struct keyshm_pool *pool, struct turn_of_word *turn, uint64_t token, uint64_t now_ms)
{
    uint64_t deadline_ms = word_deadline_after(now_ms + 1, policy_probe_ms(pool));
    turn->after = word_with_deadline(word_with_probe(turn->before, WORD_PROBE_TAKEN), deadline_ms);
    if (!change(pool, turn, turn->before, turn->after))
        return false;
    /* relaxed: whoever reads it without the word, or the word without it, does not know the process. */
    atomic_store_explicit(&pool_history(pool, turn->model, turn->subject)->prober, prober_make(token, turn->after),
                          memory_order_relaxed);
    return true;
}

static void add(struct turn_of_word *turns, unsigned *count, unsigned model, uint32_t subject, uint64_t word)
{
    if (word_is_live(word) && word_is_for_probe(word))
        turns[(*count)++] = (struct turn_of_word){.model = model, .subject = subject, .before = word};
}

bool probe_take(const struct keyshm_pool *pool, unsigned model, uint32_t slot, uint64_t key_word,
                const struct others *others, bool *ret_was_taken)
{
    struct turn_of_word turns[4];
    unsigned count = 0, taken = 0;
    /* The group first: it is what most processes want, each by another key, and who does not get it has nothing to give
     * back. */
    if (others->key_group != GROUP_NONE) {
        uint32_t subject = pool_group_subject(pool, group_index(others->key_group));
        add(turns, &count, 0, subject, others->group);
        if (model != 0)
            add(turns, &count, model, subject, others->group_of_model);
    }
    if (model != 0)
        add(turns, &count, model, slot, others->key_of_model);
    add(turns, &count, 0, slot, key_word);
    uint64_t now_ms = pool_now_ms(pool), token = workers_enter(pool, now_ms);
    while (taken < count && take(pool, &turns[taken], token, now_ms))
        taken++;
    *ret_was_taken = taken > 0;
    if (taken == count)
        return true;
    /* Killed here, it has the others until their deadlines. */
    while (taken-- > 0) {
        /* Before another takes it, perhaps within the same millisecond, by the same word. */
        atomic_store_explicit(&pool_history(pool, turns[taken].model, turns[taken].subject)->prober, 0,
                              memory_order_relaxed);
        (void)change(pool, &turns[taken], turns[taken].after, turns[taken].before);
    }
    return false;
}

bool probe_end(const struct keyshm_pool *pool, unsigned model, uint32_t subject, uint64_t word, uint64_t now_ms)
{
    uint64_t prober = atomic_load_explicit(&pool_history(pool, model, subject)->prober, memory_order_relaxed);
    uint64_t token = prober_token(prober, word);
    if (token == 0 || token == workers_token(pool) || !workers_has_ended(pool, token))
        return false;
    const struct turn_of_word turn = {.model = model, .subject = subject};
    return change(pool, &turn, word, word_with_deadline(word_with_probe(word, WORD_PROBE_WANTED), now_ms));
}
