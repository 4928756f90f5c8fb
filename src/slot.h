/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_SLOT_H
#define KEYSHM_SLOT_H

/* One slot: the state word of its key, and the key's bytes written, wiped, compared and copied. */

#include <errno.h>
#include <string.h>

#include "pool.h"
#include "registers.h"
#include "state_word.h"

#define SLOT_KEY_WORDS_MAX (KEYSHM_KEY_MAX / 8)

/* A key as a slot stores it: words, the last one padded with zeros. It is a secret: slot_key_forget() it. */
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

/* Does the slot hold bytes that belong to no key? A process was killed while filling or wiping it. */
bool slot_is_dirty(const struct keyshm_pool *pool, uint32_t slot);

/* The id of this key, if it is in the slot and still was at the end of the comparison; otherwise -ENOENT. Lock-free. */
int slot_match_key(const struct keyshm_pool *pool, uint32_t slot, const struct slot_key *key, keyshm_id *ret_id);

/* As keyshm_get(). */
int slot_get(const struct keyshm_pool *pool, keyshm_id id, struct keyshm_pick *ret_pick);

/* The masked key of `id`, "" when it is gone. Lock-free. */
void slot_masked_key(const struct keyshm_pool *pool, keyshm_id id, char ret_masked[KEYSHM_MASKED_SIZE]);

/*
 * The word of the key `id`, or a free one when it is not, or no longer, in the pool.
 *
 * Loaded again after what belongs to a key was read, it shows that the key was there all the time.
 */
ALWAYS_INLINE uint64_t slot_word_at(const _Atomic uint64_t *word_at, const _Atomic uint64_t *id_at, keyshm_id id)
{
    /* acquire: pairs with the release that published the word in membership.c, so the slot's id is at least as new as
     * the word: if it is still this one, so was the key. */
    uint64_t word = atomic_load_explicit(word_at, memory_order_acquire);
    if (!word_is_live(word) || atomic_load_explicit(id_at, memory_order_relaxed) != id)
        return word_make_free(0);
    return word;
}

static inline uint64_t slot_word_of(const struct keyshm_pool *pool, keyshm_id id)
{
    uint32_t slot = id_slot(id);
    return slot < pool->settings.capacity ? slot_word_at(&pool->words[slot], &pool_slot(pool, slot)->id, id)
                                          : word_make_free(0);
}

/* A key, copied from a slot. */
struct slot_copy {
    struct layout_slot *at;
    const _Atomic uint64_t *word_at;
    keyshm_id id;
    uint64_t word;   /* the state word, loaded before the bytes, and in the end after them */
    uint32_t length; /* bytes */
};

/*
 * A reader must notice when a wipe or a fill writes the bytes that it copies. It does, because the loads of a copy
 * (acquire) pair with the stores in slot.c (release): a reader of a byte that was written after the word became free
 * also reads a word at least that new at the end.
 *
 * begin: -ESTALE when there is no key. end: -ESTALE when it was removed meanwhile; the copy is then worthless.
 */
static inline int slot_copy_begin(const struct keyshm_pool *pool, uint32_t slot, struct slot_copy *ret_copy)
{
    struct layout_slot *at = pool_slot(pool, slot);
    const _Atomic uint64_t *word_at = &pool->words[slot];
    keyshm_id id = atomic_load_explicit(&at->id, memory_order_acquire);
    /* Published already? A slot that is being filled has its id before its bytes, and may be published while they are
     * read: the check at the end alone would then pass. */
    uint64_t word = id_slot(id) == slot ? slot_word_at(word_at, &at->id, id) : word_make_free(0);
    if (!word_is_live(word))
        return -ESTALE;
    uint64_t length = atomic_load_explicit(&at->key_length, memory_order_acquire);
    if (length == 0 || length > pool->settings.key_max)
        return -ESTALE;
    *ret_copy = (struct slot_copy){.at = at, .word_at = word_at, .id = id, .word = word, .length = (uint32_t)length};
    return 0;
}

ALWAYS_INLINE int slot_copy_end(struct slot_copy *copy)
{
    copy->word = slot_word_at(copy->word_at, &copy->at->id, copy->id);
    return word_is_live(copy->word) ? 0 : -ESTALE;
}

/* All of *ret_pick but the key's bytes. */
__attribute__((always_inline)) static inline void slot_complete_pick(const struct slot_copy *copy, unsigned model,
                                                                     uint64_t stamp, struct keyshm_pick *ret_pick)
{
    ret_pick->id = copy->id;
    ret_pick->key_length = copy->length;
    ret_pick->stamp = stamp;
    ret_pick->benched_ms = 0;
    ret_pick->model = model;
    ret_pick->reserve_32 = 0;
    ret_pick->reserve[0] = ret_pick->reserve[1] = ret_pick->reserve[2] = 0;
    ret_pick->key[copy->length] = '\0';
}

/* Copy the key that is in the slot, all of it. Lock-free. Writes at most the words of the copied length. */
int slot_copy_key(const struct keyshm_pool *pool, uint32_t slot, struct slot_copy *ret_copy, uint64_t *ret_words);

/* The first eight words of a slot's key, in registers: a key of up to 64 bytes, as most are, is copied without leaving
 * a trace in memory. No slot is shorter (layout.h), and the bytes after the key are zero. Between begin and end. */
#define SLOT_HEAD_BYTES 64

typedef uint64_t slot_pair __attribute__((vector_size(16)));

struct slot_head {
    slot_pair first, second, third, fourth;
};

/*
 * The words come from memory to the vector register by no other register, so that there is nothing else to wipe, and
 * nothing that the compiler might put on the stack. Each is loaded at once (on AArch64: "Single-copy atomicity" in the
 * Arm Architecture Reference Manual), and ordered as by acquire: on x86-64 any load is, on AArch64 the fence in
 * slot_load_head() makes them so; the compiler is told by "memory". ThreadSanitizer sees neither, and gets loads that
 * it knows, as do other machines.
 */
#if defined(__SANITIZE_THREAD__)
#define SLOT_LOADS_PAIRS 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLOT_LOADS_PAIRS 0
#endif
#endif
#ifndef SLOT_LOADS_PAIRS
#if defined(__x86_64__) || defined(__AARCH64EL__)
#define SLOT_LOADS_PAIRS 1
#else
#define SLOT_LOADS_PAIRS 0
#endif
#endif

ALWAYS_INLINE slot_pair slot_load_pair(const _Atomic uint64_t *words)
{
#if !SLOT_LOADS_PAIRS
    slot_pair pair = {atomic_load_explicit(&words[0], memory_order_acquire),
                      atomic_load_explicit(&words[1], memory_order_acquire)};
#elif defined(__x86_64__)
    slot_pair pair;
    __asm__ volatile("movq %1, %0\n\tmovhps %2, %0" : "=x"(pair) : "m"(words[0]), "m"(words[1]) : "memory");
#else
    slot_pair pair;
    __asm__ volatile("ldr %d0, %1\n\tld1 {%0.d}[1], %2" : "=&w"(pair) : "m"(words[0]), "Q"(words[1]) : "memory");
#endif
    return pair;
}

/* Wipe the register that a pair was in. */
ALWAYS_INLINE void slot_forget_pair(slot_pair pair)
{
#if !SLOT_LOADS_PAIRS
    (void)pair;
#elif defined(__x86_64__)
    __asm__ volatile("pxor %0, %0" : "+x"(pair));
#else
    __asm__ volatile("movi %0.2d, #0" : "+w"(pair));
#endif
}

/* Store a pair, and wipe the register. In one statement, or the compiler may wipe a copy that it made before the store. */
/* NOLINTNEXTLINE(readability-non-const-parameter): the assembler writes to it. */
ALWAYS_INLINE void slot_give_pair(slot_pair pair, char *ret_bytes)
{
#if !SLOT_LOADS_PAIRS
    memcpy(ret_bytes, &pair, sizeof(pair));
#elif defined(__x86_64__)
    __asm__ volatile("movups %1, %0\n\tpxor %1, %1" : "=m"(*(char(*)[sizeof(pair)])ret_bytes), "+x"(pair));
#else
    __asm__ volatile("str %q1, %0\n\tmovi %1.2d, #0" : "=Q"(*(char(*)[sizeof(pair)])ret_bytes), "+w"(pair));
#endif
}

ALWAYS_INLINE struct slot_head slot_load_head(const struct slot_copy *copy)
{
    const _Atomic uint64_t *words = copy->at->key;
    struct slot_head head = {slot_load_pair(words), slot_load_pair(words + 2), slot_load_pair(words + 4),
                             slot_load_pair(words + 6)};
#if SLOT_LOADS_PAIRS
    /* acquire: the loads above pair with the stores in slot.c, as those of any copy. */
    atomic_thread_fence(memory_order_acquire);
#endif
    return head;
}

/* Where other registers were used, all that may have been are wiped instead. */
ALWAYS_INLINE void slot_forget_others(void)
{
#if !SLOT_LOADS_PAIRS
    registers_wipe();
#endif
}

ALWAYS_INLINE void slot_forget_head(struct slot_head head)
{
    slot_forget_pair(head.first);
    slot_forget_pair(head.second);
    slot_forget_pair(head.third);
    slot_forget_pair(head.fourth);
    slot_forget_others();
}

/* Pair by pair: a copy of the whole would pass through memory. Afterwards the registers are wiped. */
ALWAYS_INLINE void slot_give_head(struct slot_head head, char *ret_key)
{
    slot_give_pair(head.first, ret_key);
    slot_give_pair(head.second, ret_key + 16);
    slot_give_pair(head.third, ret_key + 32);
    slot_give_pair(head.fourth, ret_key + 48);
    slot_forget_others();
}

#endif
