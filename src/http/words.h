/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_WORDS_H
#define KEYSHM_HTTP_WORDS_H

/* The words of the files of rules. */

#include <stddef.h>
#include <stdint.h>

struct word {
    const char *text; /* NULL: the end of a table */
    int value;
};

extern const struct word words_of_meanings[]; /* enum meaning; "nothing": MEANINGS */
extern const struct word words_of_scopes[];   /* enum keyshm_http_scope, SCOPE_OF_LIMITS */
extern const struct word words_of_retries[];  /* enum keyshm_http_retry */
extern const struct word words_of_windows[];  /* enum window */
extern const struct word words_of_untils[];   /* enum until */

/* "a, b and c", each in quotes; cut where there is no room. */
void words_join(const struct word *words, char *buffer, size_t size);

/* The same for either case. */
uint32_t word_hash(const char *text, size_t length);

#endif
