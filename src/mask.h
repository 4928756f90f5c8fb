/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_MASK_H
#define KEYSHM_MASK_H

#include <stddef.h>

#include "keyshm.h"

/*
 * What of a key may be shown: of at least 20 bytes, the prefix to the first dash, an ellipsis and the last four; of a
 * shorter one the ellipsis alone. A "prefix" longer than 12 bytes or a third of the key is no prefix but a part of the
 * secret that happens to have a dash in it, and is not shown. Bytes that are not printable ASCII become '?'.
 */
void mask_key(const char *key, size_t length, char ret_masked[KEYSHM_MASKED_SIZE]);

#endif
