/* SPDX-License-Identifier: MIT */
#include "availability.h"

#include <errno.h>
#include <string.h>

#include "pool_clock.h"
#include "slot.h"

/* As in pair_load(), both pairs are to be of one group. */
static __attribute__((noinline)) uint64_t all_at_ms(const struct keyshm_pool *pool, unsigned model, uint32_t slot)
{
    /* acquire: as in available_at_ms(). */
    struct pair pair, of_model = {.key = word_make_available(0), .group = word_make_available(0)};
    uint32_t key_group, again = key_group_of_slot(pool, slot);
    int tries = 0;
    do {
        key_group = again;
        pair = pair_load_in(pool, 0, slot, key_group, memory_order_acquire);
        if (model != 0)
            of_model = pair_load_in(pool, model, slot, key_group, memory_order_acquire);
        again = key_group_of_slot(pool, slot);
    } while (again != key_group && ++tries < GROUP_TRIES_MAX);
    if (!word_is_live(pair.key))
        return AVAILABILITY_NO_KEY;
    uint64_t at_ms = pair_available_at_ms(&pair), model_ms = pair_available_at_ms(&of_model);
    return at_ms > model_ms ? at_ms : model_ms;
}

/* The same, faster for a key that has one word to look at. */
ALWAYS_INLINE uint64_t available_at_ms(const struct keyshm_pool *pool, unsigned model, uint32_t slot)
{
    if (availability_is_simple(model, key_group_of_slot(pool, slot))) {
        /* acquire: pairs with the release in ready_announce() by way of the count, where that is read before and after
         * (pick.c). */
        uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_acquire);
        if (key_group_of_slot(pool, slot) == GROUP_NONE)
            return word_is_live(word) ? word_available_at_ms(word) : AVAILABILITY_NO_KEY;
    }
    return all_at_ms(pool, model, slot);
}

uint64_t availability_at_ms(const struct keyshm_pool *pool, unsigned model, uint32_t slot)
{
    return available_at_ms(pool, model, slot);
}

uint64_t availability_first_at_ms(const struct keyshm_pool *pool, unsigned model)
{
    uint64_t earliest_ms = AVAILABILITY_NO_KEY;
    uint32_t used = pool_slots_used(pool);
    for (uint32_t slot = 0; slot < used && earliest_ms > 0; slot++) {
        uint64_t at_ms = available_at_ms(pool, model, slot);
        earliest_ms = at_ms < earliest_ms ? at_ms : earliest_ms;
    }
    return earliest_ms;
}

int64_t availability_next_ms(const struct keyshm_pool *pool, unsigned model)
{
    uint64_t now_ms = pool_now_ms(pool), earliest_ms = availability_first_at_ms(pool, model);
    if (earliest_ms <= now_ms)
        return 0;
    return earliest_ms < WORD_FOREVER ? (int64_t)(earliest_ms - now_ms) : -1;
}

int availability_of_key(const struct keyshm_pool *pool, keyshm_id id, unsigned model)
{
    /* First and last: the key is there all the time. */
    if (!word_is_live(slot_word_of(pool, id)))
        return -ESTALE;
    bool is_available = available_at_ms(pool, model, id_slot(id)) <= pool_now_ms(pool);
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
int availability_count(const struct keyshm_pool *pool, unsigned model)
{
    uint64_t now_ms = pool_now_ms(pool);
    uint32_t used = pool_slots_used(pool);
    struct seen_groups seen;
    int count = 0;
    memset(seen.key_groups, 0, pool->settings.groups_max * sizeof(*seen.key_groups));
    for (uint32_t slot = 0; slot < used; slot++)
        count += is_available_in_group(pool, model, slot, now_ms, &seen);
    return count;
}
