/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_TEXT_H
#define KEYSHM_COMMON_TEXT_H

#include <jansson.h>
#include <stddef.h>

/* At most `size` bytes up to a NUL as a JSON string; what is not UTF-8 in them becomes U+FFFD. NULL: out of memory. */
json_t *text_to_json(const char *text, size_t size);

#endif
