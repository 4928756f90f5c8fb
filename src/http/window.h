/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_WINDOW_H
#define KEYSHM_HTTP_WINDOW_H

/* The windows of limits, and how they are called. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From the shortest to the longest. */
enum window { WINDOW_NONE, WINDOW_SECOND, WINDOW_MINUTE, WINDOW_HOUR, WINDOW_DAY, WINDOW_WEEK, WINDOW_MONTH, WINDOWS };

/* WINDOWS if there is none of the name. */
enum window window_from_name(const char *name, size_t length);
const char *window_name(enum window window);

/* In a header's name: "day", "1d". WINDOW_NONE if it is none. */
enum window window_from_header_word(const char *word, size_t length);

/* The one that is as long, or the next shorter one. */
enum window window_of_seconds(uint64_t seconds);

/* 0 for those that end by the calendar. */
int64_t window_ms(enum window window);

/* The longest that is named in a text, which is in lower case. */
enum window window_named_in(const char *lower, size_t length);

#endif
