/* SPDX-License-Identifier: MIT */
#include "soonest.h"

#include <errno.h>
#include <string.h>

#include "pick.h"
#include "registers.h"
#include "workers.h"

/* A key, and its words when it was looked at. */
struct benched {
    uint32_t slot;
    uint64_t key_word;
    struct others others;
    uint64_t end_ms; /* of the bench; 0: it is available */
};

/* When what the word says ends; WORD_FOREVER: not by itself, or the key is not one to be tried. */
static uint64_t end_of(uint64_t word, uint64_t now_ms)
{
    if (!word_is_live(word) || word_is_paused(word))
        return WORD_FOREVER;
    if (!word_is_benched(word, now_ms))
        return 0;
    return word_status(word) != KEYSHM_INVALID ? word_deadline_ms(word) : WORD_FOREVER;
}

static uint64_t later(uint64_t a_ms, uint64_t b_ms)
{
    return a_ms > b_ms ? a_ms : b_ms;
}

/* False: it is not to be given. */
static bool look(const struct keyshm_pool *pool, unsigned model, uint32_t slot, uint64_t now_ms, struct benched *ret)
{
    *ret = (struct benched){.slot = slot};
    ret->key_word = pair_load_key(pool, 0, slot, memory_order_acquire);
    /* All are loaded if each ends by itself. */
    if (!availability_of_others(pool, model, slot, WORD_FOREVER - 1, &ret->others))
        return false;
    const struct others *others = &ret->others;
    ret->end_ms = end_of(ret->key_word, now_ms);
    if (model != 0)
        ret->end_ms = later(ret->end_ms, end_of(availability_of_model(others->key_of_model), now_ms));
    if (others->key_group != GROUP_NONE)
        ret->end_ms = later(ret->end_ms, end_of(availability_of_model(others->group), now_ms));
    if (others->key_group != GROUP_NONE && model != 0)
        ret->end_ms = later(ret->end_ms, end_of(availability_of_model(others->group_of_model), now_ms));
    return ret->end_ms < WORD_FOREVER;
}

static bool is_admitted(const struct keyshm_pool *pool, unsigned model, uint32_t slot,
                        const struct budget_request *request)
{
    if (!order_is_limited(order_in_use(pool)))
        return true;
    struct budgets budgets;
    budgets_of(pool, model, slot, &budgets);
    struct budget_request asked = {.tokens = request->tokens, .is_lease = true, .is_question = true};
    struct budget_clock clock = budget_exact_clock(pool);
    uint64_t at_ns;
    unsigned obstacles;
    return budgets_admit(pool, &budgets, &asked, &clock, &at_ns, &obstacles);
}

/* -EAGAIN: there is none. */
static int find(const struct keyshm_pool *pool, unsigned model, const struct budget_request *request, uint64_t now_ms,
                struct benched *ret_found)
{
    uint32_t used = pool_slots_used(pool);
    ret_found->end_ms = WORD_FOREVER;
    for (uint32_t slot = 0; slot < used; slot++) {
        struct benched benched;
        if (look(pool, model, slot, now_ms, &benched) && benched.end_ms < ret_found->end_ms &&
            is_admitted(pool, model, slot, request))
            *ret_found = benched;
    }
    return ret_found->end_ms < WORD_FOREVER ? 0 : -EAGAIN;
}

/* Is the key whose bytes were copied the one that was found, and are all words, and its budgets, as they were? */
static bool is_same(const struct keyshm_pool *pool, unsigned model, const struct benched *found,
                    const struct budgets *budgets, struct slot_copy *copy)
{
    return copy->word == found->key_word && availability_others_are_same(pool, model, found->slot, &found->others) &&
           budgets_are_same(pool, budgets, copy->id) && slot_copy_end(copy) == 0 && copy->word == found->key_word;
}

static int take(const struct keyshm_pool *pool, unsigned model, const struct benched *found,
                const struct budgets *budgets, uint64_t now_ms, struct keyshm_pick *ret_pick)
{
    uint64_t words[SLOT_KEY_WORDS_MAX];
    struct slot_copy copy = {.length = pool->settings.key_max};
    int r = slot_copy_key(pool, found->slot, &copy, words);
    if (r == 0 && is_same(pool, model, found, budgets, &copy)) {
        memcpy(ret_pick->key, words, copy.length);
        pick_complete(&copy, model, availability_stamp(copy.word, model, &found->others), now_ms, ret_pick);
        ret_pick->benched_ms = (int64_t)(found->end_ms - now_ms);
        workers_count_pick(pool, now_ms);
    } else {
        r = -EBUSY;
    }
    explicit_bzero(words, (size_t)slot_key_words(pool->settings.key_max) * 8);
    registers_wipe();
    return r;
}

int soonest_pick(const struct keyshm_pool *pool, unsigned model, const struct budget_request *request,
                 struct keyshm_pick *ret_pick, struct budget_charges *ret_charges)
{
    struct budget_request asked = *request;
    struct budget_clock clock = budget_exact_clock(pool);
    uint64_t now_ms = pool_now_ms(pool);
    struct benched found;
    budget_charges_init(ret_charges);
    int r = find(pool, model, request, now_ms, &found);
    if (r < 0)
        return r;
    if (found.end_ms == 0)
        return -EBUSY;
    struct budgets budgets;
    budgets_in_group(pool, model, found.slot, found.others.key_group, &budgets);
    if (!budgets_charge(pool, &budgets, &asked, &clock, ret_charges))
        return -EBUSY;
    r = take(pool, model, &found, &budgets, now_ms, ret_pick);
    if (r < 0)
        budgets_give_back(pool, &budgets, ret_charges);
    return r;
}
