/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_NUMBER_H
#define KEYSHM_COMMON_NUMBER_H

#include <stdint.h>

/* Numbers as people type them: digits and nothing else, whatever the locale. -EINVAL: something else; -ERANGE: too
 * large. */

/* 0 to `max`. */
int number_parse(const char *text, uint64_t max, uint64_t *ret_value);

/* Seconds, with a decimal fraction if need be ("30", "1.5"), up to KEYSHM_DURATION_MAX_MS. What is less than a
 * millisecond counts as one: 0 has a meaning of its own. */
int number_parse_seconds(const char *text, int64_t *ret_ms);

#endif
