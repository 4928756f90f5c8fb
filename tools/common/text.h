/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_COMMON_TEXT_H
#define KEYSHM_COMMON_TEXT_H

/* How both programs read and write values that are not numbers, for people and as JSON strings. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "keyshm.h"

/* The size of a buffer for a printable text: each of `size` bytes, the NUL included, may become four. */
#define TEXT_PRINTABLE_SIZE(size) (4 * (size))

#define TEXT_ELEMENT_SIZE 64 /* more than any name of a status or of a column takes */

/* Take the first element of a list with commas between, and move *list behind it. What does not fit is cut off. False:
 * there is none left. */
bool text_next_element(const char **list, char ret_element[TEXT_ELEMENT_SIZE]);

/* What another process has written, as a terminal may have it: each byte of a control character, and each that is not
 * part of valid UTF-8, becomes \xNN. No name or value that keyshm.h allows has a control character. */
void text_printable(const char *text, char *ret_text, size_t size);

/* A masked key as the locale can show it: the ellipsis becomes three dots unless the locale is UTF-8. */
void text_masked(const char *masked_key, char ret_text[KEYSHM_MASKED_SIZE]);

/* Where the ellipsis of a masked key is, or the dots in its place, which are as long; NULL: there is neither. */
#define TEXT_ELLIPSIS_BYTES 3
const char *text_find_ellipsis(const char *text);

/* The state of a process, a letter of /proc/PID/stat (proc(5)), in words; "" for '\0', which is not known. */
const char *text_process_state(char state);

#define TEXT_DURATION_SIZE 32

/* Truncated, not rounded: "59.2s", "1m 03s", "2h 05m", "3d 04h". A negative duration is "0.0s". */
void text_duration(int64_t duration_ms, char ret_text[TEXT_DURATION_SIZE]);

#define TEXT_MUTEX_HOLDER_SIZE 160

/* The process that holds the mutex, its state and for how long it has held it: "pid 17 (worker), stopped, for 12.3s", or
 * as much of that as is known. False: nobody holds it. */
bool text_mutex_holder(const struct keyshm_snapshot *snapshot, char ret_text[TEXT_MUTEX_HOLDER_SIZE]);

/* Up to `size` bytes, or to a NUL, as a JSON string. Each byte that is not part of valid UTF-8 becomes U+FFFD. NULL: out
 * of memory. */
json_t *text_to_json(const char *text, size_t size);

#endif
