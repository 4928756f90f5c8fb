/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_LABEL_H
#define KEYSHM_LABEL_H

/* The name of a group or a model: its length, and words padded with zeros, which do not change while it is there. */

#include "layout.h"

struct label {
    uint64_t length; /* bytes */
    uint64_t words[LAYOUT_NAME_WORDS];
};

/* -EINVAL: not as KEYSHM_NAME_MAX says. */
int label_make(struct label *ret_label, const char *name);

/* For the owner of the mutex. The length comes first, and when it is wiped last: a name with a length may be in part. */
void label_store(_Atomic uint64_t *length, _Atomic uint64_t *words, const struct label *label);
void label_wipe(_Atomic uint64_t *length, _Atomic uint64_t *words);

/* Bounded, whatever the segment says. */
void label_load(const _Atomic uint64_t *length, const _Atomic uint64_t *words, struct label *ret_label);

/* Is it as KEYSHM_NAME_MAX says? */
bool label_is_valid(const struct label *label);

bool label_is_equal(const struct label *a, const struct label *b);

/* Copy it, NUL-terminated, into a buffer of `size` bytes. Its length, or -ERANGE. A control character, which only a damaged
 * segment has, becomes a question mark: logs and terminals get the copy. */
int label_copy(const struct label *label, char *buffer, size_t size);

#endif
