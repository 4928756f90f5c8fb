/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_METADATA_H
#define KEYSHM_METADATA_H

/*
 * The notes kept with a key. A slot has two copies of them and a version whose low bit says which one is valid. A change
 * writes the other copy and then the version: that store is the commit point, and there is nothing to recover.
 *
 * A copy is a sequence of NAME NUL VALUE NUL, sorted by name and padded with zeros.
 */

#include "slot.h"

union metadata_copy {
    uint64_t words[LAYOUT_METADATA_WORDS];
    char bytes[KEYSHM_METADATA_BYTES_MAX];
};

bool metadata_name_is_valid(const char *name);
bool metadata_value_is_valid(const char *value);

/* The valid copy of a slot. Lock-free; -EAGAIN when it kept changing. */
int metadata_read(const struct keyshm_pool *pool, uint32_t slot, union metadata_copy *ret_copy);

/* For the owner of the mutex: replace the valid copy. */
void metadata_write(const struct keyshm_pool *pool, uint32_t slot, const union metadata_copy *copy);

/* Set, replace or (value NULL) delete one entry. -ENOSPC when it does not fit, -ENOENT when there is none to delete. */
int metadata_edit(union metadata_copy *copy, const char *name, const char *value_or_null);

/* The entry at *position, which starts at 0 and is advanced. False at the end, and at anything that is not well
 * formed. */
bool metadata_next(const union metadata_copy *copy, size_t *position, const char **ret_name, const char **ret_value);

/* As keyshm_get_metadata(). */
int metadata_get(const struct keyshm_pool *pool, keyshm_id id, const char *name, char *buffer, size_t size);

#endif
