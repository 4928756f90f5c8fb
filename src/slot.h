/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_SLOT_H
#define KEYSHM_SLOT_H

/* One slot: its key's bytes, and the counters that lock-free writers keep in it. */

#include <errno.h>

#include "pool.h"
#include "state_word.h"

#define SLOT_KEY_WORDS_MAX (KEYSHM_KEY_MAX / 8)

/* A key as it lies in a slot: words, the last one padded with zeros. Holds a secret: slot_key_forget() it. */
struct slot_key {
    uint32_t length; /* bytes */
    uint64_t hash;
    uint64_t words[SLOT_KEY_WORDS_MAX];
};

static inline uint32_t slot_key_words(uint32_t length)
{
    return (length + 7) / 8;
}

void slot_key_make(struct slot_key *ret_key, const char *bytes, size_t length);
void slot_key_forget(struct slot_key *key);

/* For the owner of the mutex, of a slot whose word is free. */
void slot_fill(const struct keyshm_pool *pool, uint32_t slot, keyshm_id id, const struct slot_key *key);
void slot_wipe(const struct keyshm_pool *pool, uint32_t slot);

/* The slot holds bytes that belong to no key: somebody died while filling or wiping it. */
bool slot_is_dirty(const struct keyshm_pool *pool, uint32_t slot);

/* This key is in the slot, and still was at the end of the comparison: its id. -ENOENT when not. Lock-free. */
int slot_match_key(const struct keyshm_pool *pool, uint32_t slot, const struct slot_key *key, keyshm_id *ret_id);

/* The masked key of `id`, "" when it is gone. Lock-free. */
void slot_masked_key(const struct keyshm_pool *pool, keyshm_id id, char ret_masked[KEYSHM_MASKED_SIZE]);

/*
 * The word of the key `id`, or a free one when it is not, or no longer, in the pool. The whole id is compared, so that a
 * full turn of the word's generation does not pass.
 *
 * After reading what belongs to a key, this tells that it was that key's all the time.
 */
static inline uint64_t slot_word_of(const struct keyshm_pool *pool, keyshm_id id)
{
    uint32_t slot = id_slot(id);
    if (slot >= pool->settings.capacity)
        return word_make_free(0);
    /* acquire: pairs with the release that published the word in table.c; then the slot's id is at least as new. */
    uint64_t word = atomic_load_explicit(&pool->words[slot], memory_order_acquire);
    if (!word_is_of(word, id) || atomic_load_explicit(&pool_slot(pool, slot)->id, memory_order_relaxed) != id)
        return word_make_free(0);
    return word;
}

/* A key, copied from a slot. */
struct slot_copy {
    keyshm_id id;
    uint64_t word;   /* the state word, loaded after the bytes */
    uint32_t length; /* bytes */
};

/*
 * Copy the key that is in the slot. -ESTALE when there is none, or it went away meanwhile; then what was copied is
 * nothing. Lock-free. Writes at most the words of the copied length.
 *
 * A reader that reads bytes which a wipe or a fill is writing must notice. It does, because the loads here (acquire) pair
 * with the stores in slot.c (release): whoever reads a byte written after the word became free, also reads a word at
 * least that new at the end.
 */
static inline int slot_copy_key(const struct keyshm_pool *pool, uint32_t slot, struct slot_copy *ret_copy,
                                uint64_t *ret_words)
{
    const struct layout_slot *at = pool_slot(pool, slot);
    keyshm_id id = atomic_load_explicit(&at->id, memory_order_acquire);
    /* Published already? A slot that is being filled has its id before its bytes, and may be published while they are
     * read: the check at the end alone would then pass. */
    if (id_slot(id) != slot || !word_is_live(slot_word_of(pool, id)))
        return -ESTALE;
    uint64_t length = atomic_load_explicit(&at->key_length, memory_order_acquire);
    if (length == 0 || length > pool->settings.key_max)
        return -ESTALE;
    for (uint32_t i = 0; i < slot_key_words((uint32_t)length); i++)
        ret_words[i] = atomic_load_explicit(&at->key[i], memory_order_acquire);

    uint64_t word = slot_word_of(pool, id);
    if (!word_is_live(word))
        return -ESTALE;
    *ret_copy = (struct slot_copy){.id = id, .word = word, .length = (uint32_t)length};
    return 0;
}

/*
 * A tagged word: 24 bits of generation, 40 of a value. A process that was stopped between looking at a key and counting
 * it can go on when the slot holds another key; the tag makes its store miss.
 */
#define TAG_VALUE_BITS 40
#define TAG_VALUE_MASK ((UINT64_C(1) << TAG_VALUE_BITS) - 1)

static inline uint64_t tagged_make(keyshm_id id, uint64_t value)
{
    return id_generation(id) << TAG_VALUE_BITS | (value & TAG_VALUE_MASK);
}

static inline bool tagged_is_of(uint64_t tagged, keyshm_id id)
{
    return tagged_make(id, tagged) == tagged;
}

/* The value, or 0 when it is another key's. */
static inline uint64_t tagged_value(uint64_t tagged, keyshm_id id)
{
    return tagged_is_of(tagged, id) ? tagged & TAG_VALUE_MASK : 0;
}

void tagged_set(_Atomic uint64_t *tagged, keyshm_id id, uint64_t value);
void tagged_increment(_Atomic uint64_t *tagged, keyshm_id id);

#endif
