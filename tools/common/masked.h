/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_MASKED_H
#define KEYSHM_COMMON_MASKED_H

#include "keyshm.h"

/* A masked key as the locale can show it: the ellipsis in it is three dots where it is not UTF-8. */
void masked_for_locale(const char *masked_key, char ret_text[KEYSHM_MASKED_SIZE]);

#endif
