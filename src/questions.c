/* SPDX-License-Identifier: MIT */
#include "questions.h"

#include <errno.h>
#include <string.h>

#include "budget.h"
#include "pool_clock.h"
#include "slot.h"

/* A question about the pool. */
struct question {
    const struct keyshm_pool *pool;
    unsigned model;
    uint64_t tokens;
    bool is_limited;
    struct budget_clock clock;
    struct budget_scan scan;
};

static struct question ask(const struct keyshm_pool *pool, unsigned model, uint64_t tokens)
{
    struct question question = {.pool = pool,
                                .model = model,
                                .tokens = tokens,
                                .is_limited = order_is_limited(order_in_use(pool)),
                                .clock = budget_exact_clock(pool)};
    budget_scan_begin(&question.scan);
    return question;
}

/* When the budgets of the key in the slot admit the request; WORD_FOREVER: that is not known. */
static uint64_t admitted_at_ms(struct question *question, uint32_t slot)
{
    if (!question->is_limited)
        return 0;
    struct budget_request request = {.tokens = question->tokens, .is_question = true, .is_lease = true};
    const struct rate_time *now = &question->clock.time;
    uint64_t at_ns;
    if (!budget_scan(question->pool, question->model, slot, &request, now, &question->scan, &at_ns)) {
        struct budgets budgets;
        unsigned obstacles;
        budgets_of(question->pool, question->model, slot, &budgets);
        (void)budgets_admit(question->pool, &budgets, &request, &question->clock, &at_ns, &obstacles);
    }
    return at_ns <= now->early_ns ? 0 : budget_ms_of_ns(at_ns);
}

uint64_t questions_first_at_ms(const struct keyshm_pool *pool, unsigned model, uint64_t tokens)
{
    struct question question = ask(pool, model, tokens);
    uint64_t now_ms = pool_now_ms(pool), earliest_ms = AVAILABILITY_NO_KEY;
    uint32_t used = pool_slots_used(pool);
    for (uint32_t slot = 0; slot < used && earliest_ms > 0; slot++) {
        uint64_t at_ms = availability_at_ms(pool, model, slot);
        uint64_t admitted_ms = at_ms < WORD_FOREVER ? admitted_at_ms(&question, slot) : 0;
        at_ms = at_ms > admitted_ms ? at_ms : admitted_ms;
        at_ms = at_ms <= now_ms ? 0 : at_ms;
        earliest_ms = at_ms < earliest_ms ? at_ms : earliest_ms;
    }
    return earliest_ms;
}

int64_t questions_wait_hint_ms(const struct keyshm_pool *pool, unsigned model, uint64_t tokens)
{
    uint64_t earliest_ms = questions_first_at_ms(pool, model, tokens), now_ms = pool_now_ms(pool);
    if (earliest_ms <= now_ms)
        return 0;
    return earliest_ms < WORD_FOREVER ? (int64_t)(earliest_ms - now_ms) : -1;
}

int64_t questions_next_ms(const struct keyshm_pool *pool, unsigned model)
{
    return questions_wait_hint_ms(pool, model, 0);
}

int questions_is_available(const struct keyshm_pool *pool, keyshm_id id, unsigned model)
{
    /* First and last: the key is there all the time. */
    if (!word_is_live(slot_word_of(pool, id)))
        return -ESTALE;
    struct question question = ask(pool, model, 0);
    bool is_available =
        availability_at_ms(pool, model, id_slot(id)) <= pool_now_ms(pool) && admitted_at_ms(&question, id_slot(id)) == 0;
    return word_is_live(slot_word_of(pool, id)) ? is_available : -ESTALE;
}

/* What was seen of the groups, each once. */
struct seen_groups {
    uint32_t key_groups[KEYSHM_GROUPS_MAX]; /* which group was seen: what its keys have there; GROUP_NONE: none yet */
    bool is_available[KEYSHM_GROUPS_MAX];
};

/* The words are of the group of the slot or of a later one in its place, and then the slot's key is no longer in it. */
static bool is_in_available_group(const struct keyshm_pool *pool, unsigned model, uint32_t slot, uint64_t now_ms,
                                  struct seen_groups *seen)
{
    uint32_t key_group = key_group_of_slot(pool, slot);
    if (key_group == GROUP_NONE)
        return true;
    uint32_t group = group_index(key_group);
    if (seen->key_groups[group] != key_group) {
        seen->key_groups[group] = key_group;
        struct others words = {.key_group = key_group};
        seen->is_available[group] = availability_of_group(pool, model, now_ms, &words);
    }
    return seen->is_available[group];
}

/* The group before and after the words: a key that is removed leaves it after they are free, and one that is added is
 * in it before. */
static bool is_available_in_group(const struct keyshm_pool *pool, unsigned model, uint32_t slot, uint64_t now_ms,
                                  struct seen_groups *seen)
{
    bool was_available = is_in_available_group(pool, model, slot, now_ms, seen);
    /* acquire: pairs with the release that publishes the word, so that the second look at the group is of that key or a
     * later one. */
    struct pair words = {pair_load_key(pool, 0, slot, memory_order_acquire), word_make_available(0)};
    if (model != 0)
        words.group = pair_load_key(pool, model, slot, memory_order_acquire);
    return was_available && pair_is_available(&words, now_ms) && is_in_available_group(pool, model, slot, now_ms, seen);
}

/* Each group's word is read once, so that a mark of a group is seen for all its keys or for none. */
int questions_count(const struct keyshm_pool *pool, unsigned model)
{
    uint64_t now_ms = pool_now_ms(pool);
    uint32_t used = pool_slots_used(pool);
    struct question question = ask(pool, model, 0);
    struct seen_groups seen;
    int count = 0;
    memset(seen.key_groups, 0, pool->settings.groups_max * sizeof(*seen.key_groups));
    for (uint32_t slot = 0; slot < used; slot++)
        count += is_available_in_group(pool, model, slot, now_ms, &seen) && admitted_at_ms(&question, slot) == 0;
    return count;
}
