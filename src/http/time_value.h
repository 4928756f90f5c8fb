/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_TIME_VALUE_H
#define KEYSHM_HTTP_TIME_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Times as answers write them (keyshm-providers(5), "TIMES"). Nothing here asks the locale or a clock: dates are held against
 * server_unix_ms, what the clock of the server said when it answered. The time is linear in the length of the text, which
 * need not end with a NUL.
 *
 * Both readers return the milliseconds from the server's now on, rounded up: 1 to longest_ms. -1: as if the time had not been said,
 * since it is zero, negative, past, longer than longest_ms or unreadable.
 */

/* Of a number that stands alone. One from 1e9 on is seconds since 1970 all the same, and from 1e12 on milliseconds. */
enum time_unit {
    TIME_UNIT_S,
    TIME_UNIT_MS,
};

/* The whole text is one time, blanks around it aside: the value of a header, or a string of a body. */
int64_t time_value_ms(const char *text, size_t length, enum time_unit unit, int64_t server_unix_ms, int64_t longest_ms);

/*
 * The text goes on after the time, at whose beginning it begins: the rest of a sentence after "try again in ". Of the ways to
 * read it the one that takes most of the text counts. Besides the forms of values there are "about 2 hours and 3 minutes",
 * "2026-12-01 at 00:00 UTC" and "Dec 1, 2026"; a date without a zone is UTC, and without a time its 00:00.
 *
 * is_cut: the text was cut where it ends, so that a time that may go on there is not known ("20" of "20 minutes").
 */
int64_t time_in_sentence_ms(const char *text, size_t length, bool is_cut, enum time_unit unit, int64_t server_unix_ms,
                            int64_t longest_ms);

/*
 * A date of HTTP (RFC 9110, 5.6.7), in any of the three forms, blanks around it aside. A year of two digits is one of 1970 to 2069:
 * there is no clock yet to hold it against.
 */
bool http_date_unix_ms(const char *text, size_t length, int64_t *ret_unix_ms);

#endif
