/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_MASK_H
#define KEYSHM_MASK_H

#include <stddef.h>

#include "keyshm.h"

/*
 * The part of a key that may be shown. Of a key of 20 bytes or more: the prefix through the first dash, an ellipsis and
 * the last four bytes; of a shorter one: the ellipsis alone. A prefix longer than 12 bytes or a third of the key is
 * taken for secret text that happens to contain a dash, and is not shown. Bytes that are not printable ASCII become
 * '?'.
 */
void mask_key(const char *key, size_t length, char ret_masked[KEYSHM_MASKED_SIZE]);

#endif
