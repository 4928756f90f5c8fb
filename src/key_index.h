/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_KEY_INDEX_H
#define KEYSHM_KEY_INDEX_H

/*
 * The index: from a key to its slot. A hash table with linear probing, rebuilt from the words after a crash.
 *
 * It is exact for the owner of the mutex. Others may read it at any time: they check what they find against the slot,
 * and what they do not find is truly absent only if the change count shows that no change was under way meanwhile.
 */

#include "slot.h"

/* The id of the key, checked; -ENOENT. */
int index_find(const struct keyshm_pool *pool, const struct slot_key *key, keyshm_id *ret_id);

/* Does a search for this hash meet an entry of the slot? */
bool index_has(const struct keyshm_pool *pool, uint64_t key_hash, uint32_t slot);

/* The number of entries. */
uint32_t index_count(const struct keyshm_pool *pool);

/* For the owner of the mutex, between index_begin_change() and index_end_change(). */
void index_insert(const struct keyshm_pool *pool, uint64_t key_hash, uint32_t slot);
void index_delete(const struct keyshm_pool *pool, uint64_t key_hash, uint32_t slot);
void index_rebuild(const struct keyshm_pool *pool);

void index_begin_change(const struct keyshm_pool *pool);
void index_end_change(const struct keyshm_pool *pool);

/* The change count; odd while a change of keys or groups is under way (or its owner died in it). */
uint64_t index_change_count(const struct keyshm_pool *pool);

#endif
