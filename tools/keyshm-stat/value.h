/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_VALUE_H
#define KEYSHM_STAT_VALUE_H

/* The kinds of numbers that columns hold, and how each is written. All are sorted as unsigned numbers, so that -1,
 * "never" and "until marked", comes after all times. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define CELL_SIZE 256

struct value_kind {
    void (*to_text)(int64_t number, bool is_exact, char ret_text[CELL_SIZE]);
    json_t *(*to_json)(int64_t number); /* NULL: as an integer */
};

extern const struct value_kind value_count;
extern const struct value_kind value_id;       /* 0 is none */
extern const struct value_kind value_pid;      /* 0 is none; -1 is one in another PID namespace */
extern const struct value_kind value_amount;   /* -1 is none */
extern const struct value_kind value_left;     /* remaining milliseconds; 0 is none, -1 until marked available */
extern const struct value_kind value_ago;      /* milliseconds; -1 is never */
extern const struct value_kind value_duration; /* milliseconds; -1 is none */
extern const struct value_kind value_time;     /* microseconds since 1970 */
extern const struct value_kind value_time_ms;  /* milliseconds since 1970 */
extern const struct value_kind value_reason;   /* enum keyshm_reason; "" is none */
extern const struct value_kind value_status;   /* enum keyshm_status; -1 is none */

#define RATE_SIZE 32

/* How often per second, truncated, not rounded: "0", "0.4", "12.3", "1234", "1.2M". "0" is exactly never. */
void rate_text(double per_s, char ret_text[RATE_SIZE]);

#endif
