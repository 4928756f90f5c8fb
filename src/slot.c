/* SPDX-License-Identifier: MIT */
#include "slot.h"

#include <errno.h>
#include <string.h>

#include "availability.h"
#include "hash.h"
#include "mask.h"
#include "registers.h"
#include "tagged.h"

void slot_key_make(struct slot_key *ret_key, const char *bytes, size_t length)
{
    ret_key->length = (uint32_t)length;
    ret_key->hash = hash_bytes(bytes, length);
    if (length > 0)
        ret_key->words[slot_key_words(ret_key->length) - 1] = 0;
    memcpy(ret_key->words, bytes, length);
}

void slot_key_forget(struct slot_key *key)
{
    explicit_bzero(key, offsetof(struct slot_key, words) + (size_t)slot_key_words(key->length) * 8);
    registers_wipe();
}

/* release: pairs with the acquire loads of slot_copy_key() and slot_match_key(). */
static void store(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_release);
}

void slot_fill(const struct keyshm_pool *pool, uint32_t slot, keyshm_id id, const struct slot_key *key)
{
    struct layout_slot *at = pool_slot(pool, slot);
    /* The length first: from here on the slot is dirty, until the word says that it holds a key. */
    store(&at->key_length, key->length);
    store(&at->id, id);
    store(&at->key_hash, key->hash);
    store(&at->picks, tagged_make(id, 0));
    store(&at->last_used_ms, tagged_make(id, 0));
    for (int status = 0; status < KEYSHM_STATUS_COUNT; status++)
        store(&at->marked[status], tagged_make(id, 0));
    for (uint32_t i = 0; i < slot_key_words(key->length); i++)
        store(&at->key[i], key->words[i]);
}

void slot_wipe(const struct keyshm_pool *pool, uint32_t slot)
{
    struct layout_slot *at = pool_slot(pool, slot);
    for (uint32_t i = 0; i < slot_key_words(pool->settings.key_max); i++)
        store(&at->key[i], 0);
    for (uint32_t i = 0; i < LAYOUT_METADATA_WORDS; i++) {
        store(&at->metadata[0][i], 0);
        store(&at->metadata[1][i], 0);
    }
    store(&at->key_hash, 0);
    /* The length last: the next owner of the mutex wipes a slot that still has one (recover.c). */
    store(&at->key_length, 0);
}

bool slot_is_dirty(const struct keyshm_pool *pool, uint32_t slot)
{
    return !word_is_live(atomic_load_explicit(&pool->words[slot], memory_order_relaxed)) &&
           atomic_load_explicit(&pool_slot(pool, slot)->key_length, memory_order_relaxed) != 0;
}

int slot_match_key(const struct keyshm_pool *pool, uint32_t slot, const struct slot_key *key, keyshm_id *ret_id)
{
    const struct layout_slot *at = pool_slot(pool, slot);
    /* The id before the bytes: read after them, it could be the id of the next key in the slot. */
    keyshm_id id = atomic_load_explicit(&at->id, memory_order_acquire);
    if (id_slot(id) != slot || !word_is_live(slot_word_of(pool, id)) ||
        atomic_load_explicit(&at->key_hash, memory_order_acquire) != key->hash ||
        atomic_load_explicit(&at->key_length, memory_order_acquire) != key->length)
        return -ENOENT;
    for (uint32_t i = 0; i < slot_key_words(key->length); i++)
        if (atomic_load_explicit(&at->key[i], memory_order_acquire) != key->words[i])
            return -ENOENT;
    if (!word_is_live(slot_word_of(pool, id)))
        return -ENOENT;
    *ret_id = id;
    return 0;
}

int slot_copy_key(const struct keyshm_pool *pool, uint32_t slot, struct slot_copy *ret_copy, uint64_t *ret_words)
{
    int r = slot_copy_begin(pool, slot, ret_copy);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < slot_key_words(ret_copy->length); i++)
        ret_words[i] = atomic_load_explicit(&ret_copy->at->key[i], memory_order_acquire);
    return slot_copy_end(ret_copy);
}

/* The key of `id`. ret_copy->length is the length to wipe, also on failure. */
static int copy_key_of(const struct keyshm_pool *pool, keyshm_id id, uint64_t ret_words[SLOT_KEY_WORDS_MAX],
                       struct slot_copy *ret_copy)
{
    *ret_copy = (struct slot_copy){.length = pool->settings.key_max};
    int r = id_slot(id) < pool->settings.capacity ? slot_copy_key(pool, id_slot(id), ret_copy, ret_words) : -ESTALE;
    return r == 0 && ret_copy->id != id ? -ESTALE : r;
}

/* The words that a pick whatever the model looks at, but the key's own. */
static struct others load_others(const struct keyshm_pool *pool, keyshm_id id)
{
    struct others others = {.key_group = GROUP_NONE};
    if (id_slot(id) < pool->settings.capacity)
        (void)availability_of_others(pool, 0, id_slot(id), 0, &others);
    return others;
}

int slot_get(const struct keyshm_pool *pool, keyshm_id id, struct keyshm_pick *ret_pick)
{
    uint64_t words[SLOT_KEY_WORDS_MAX];
    struct slot_copy copy;
    /* Before the key is copied: a mark in between is one after this stamp. */
    struct others others = load_others(pool, id);
    int r = copy_key_of(pool, id, words, &copy);
    if (r == 0) {
        memcpy(ret_pick->key, words, copy.length);
        slot_complete_pick(&copy, 0, availability_stamp(copy.word, 0, &others), ret_pick);
    }
    explicit_bzero(words, (size_t)slot_key_words(copy.length) * 8);
    registers_wipe();
    return r;
}

void slot_masked_key(const struct keyshm_pool *pool, keyshm_id id, char ret_masked[KEYSHM_MASKED_SIZE])
{
    uint64_t words[SLOT_KEY_WORDS_MAX];
    struct slot_copy copy;
    ret_masked[0] = '\0';
    if (copy_key_of(pool, id, words, &copy) == 0)
        mask_key((const char *)words, copy.length, ret_masked);
    explicit_bzero(words, (size_t)slot_key_words(copy.length) * 8);
    registers_wipe();
}
