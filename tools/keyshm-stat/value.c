/* SPDX-License-Identifier: MIT */
#include "value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "keyshm.h"
#include "text.h"

_Static_assert(CELL_SIZE >= KEYSHM_MASKED_SIZE && CELL_SIZE >= TEXT_DURATION_SIZE + sizeof(" ago"),
               "a cell holds it all");

#define NOTHING "-"
#define TENTHS_OF_A_MILLION 10000000

static void integer_text(int64_t number, char ret_text[CELL_SIZE])
{
    snprintf(ret_text, CELL_SIZE, "%" PRId64, number);
}

static void count_text(int64_t number, bool is_exact, char ret_text[CELL_SIZE])
{
    (void)is_exact;
    snprintf(ret_text, CELL_SIZE, "%" PRIu64, (uint64_t)number);
}

static void id_text(int64_t number, bool is_exact, char ret_text[CELL_SIZE])
{
    if (number == 0 && !is_exact)
        snprintf(ret_text, CELL_SIZE, NOTHING);
    else
        count_text(number, is_exact, ret_text);
}

static void pid_text(int64_t number, bool is_exact, char ret_text[CELL_SIZE])
{
    if (number == 0 && !is_exact)
        snprintf(ret_text, CELL_SIZE, NOTHING);
    else
        integer_text(number, ret_text);
}

static void amount_text(int64_t number, bool is_exact, char ret_text[CELL_SIZE])
{
    if (number < 0 && !is_exact)
        snprintf(ret_text, CELL_SIZE, NOTHING);
    else
        integer_text(number, ret_text);
}

static void left_text(int64_t number, bool is_exact, char ret_text[CELL_SIZE])
{
    if (is_exact)
        integer_text(number, ret_text);
    else if (number == 0)
        snprintf(ret_text, CELL_SIZE, NOTHING);
    else if (number < 0)
        snprintf(ret_text, CELL_SIZE, "until marked");
    else
        text_duration(number + 99, ret_text); /* upwards: never "0.0s" while it lasts */
}

static void ago_text(int64_t number, bool is_exact, char ret_text[CELL_SIZE])
{
    char ago[TEXT_DURATION_SIZE];
    text_duration(number, ago);
    if (is_exact)
        integer_text(number, ret_text);
    else if (number < 0)
        snprintf(ret_text, CELL_SIZE, "never");
    else
        snprintf(ret_text, CELL_SIZE, "%s ago", ago);
}

static void duration_or_nothing(int64_t number, bool is_exact, char ret_text[CELL_SIZE])
{
    if (is_exact)
        integer_text(number, ret_text);
    else if (number < 0)
        snprintf(ret_text, CELL_SIZE, NOTHING);
    else
        text_duration(number, ret_text);
}

/* ISO 8601, in the user's time zone: one word, and it says which zone. */
static void instant_text(int64_t number, int64_t per_second, int digits, char ret_text[CELL_SIZE])
{
    char zone[sizeof("+hhmm")], day[sizeof("-2147483648-mm-ddThh:mm:ss")];
    time_t seconds = number / per_second;
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL || strftime(day, sizeof(day), "%FT%T", &local) == 0 ||
        strftime(zone, sizeof(zone), "%z", &local) == 0)
        integer_text(number, ret_text);
    else
        snprintf(ret_text, CELL_SIZE, "%s.%0*" PRId64 "%.3s:%s", day, digits, number % per_second, zone, zone + 3);
}

static void time_text(int64_t number, bool is_exact, char ret_text[CELL_SIZE])
{
    if (is_exact)
        integer_text(number, ret_text);
    else
        instant_text(number, 1000000, 6, ret_text);
}

static void time_ms_text(int64_t number, bool is_exact, char ret_text[CELL_SIZE])
{
    if (is_exact)
        integer_text(number, ret_text);
    else
        instant_text(number, 1000, 3, ret_text);
}

static const char *status_name(int64_t number)
{
    return number >= 0 && number < KEYSHM_STATUS_COUNT ? keyshm_status_name((enum keyshm_status)number) : NULL;
}

static void status_text(int64_t number, bool is_exact, char ret_text[CELL_SIZE])
{
    (void)is_exact;
    const char *name = status_name(number);
    snprintf(ret_text, CELL_SIZE, "%s", name != NULL ? name : NOTHING);
}

static json_t *status_json(int64_t number)
{
    const char *name = status_name(number);
    return name != NULL ? json_string(name) : json_null();
}

static const char *reason_name(int64_t number)
{
    const char *name = keyshm_reason_name((enum keyshm_reason)number);
    return name != NULL ? name : "unknown";
}

static void reason_text(int64_t number, bool is_exact, char ret_text[CELL_SIZE])
{
    (void)is_exact;
    snprintf(ret_text, CELL_SIZE, "%s", number == KEYSHM_REASON_NONE ? "" : reason_name(number));
}

static json_t *reason_json(int64_t number)
{
    return json_string(reason_name(number));
}

const struct value_kind value_count = {count_text, NULL};
const struct value_kind value_id = {id_text, NULL};
const struct value_kind value_pid = {pid_text, NULL};
const struct value_kind value_amount = {amount_text, NULL};
const struct value_kind value_left = {left_text, NULL};
const struct value_kind value_ago = {ago_text, NULL};
const struct value_kind value_duration = {duration_or_nothing, NULL};
const struct value_kind value_time = {time_text, NULL};
const struct value_kind value_time_ms = {time_ms_text, NULL};
const struct value_kind value_reason = {reason_text, reason_json};
const struct value_kind value_status = {status_text, status_json};

void rate_text(double per_s, char ret_text[RATE_SIZE])
{
    /* Not as floating point, whose decimal point depends on the locale. 1e-6 makes up for rounding errors. */
    uint64_t tenths = (uint64_t)(per_s * 10 + 1e-6);
    if (per_s > 0 && tenths == 0)
        snprintf(ret_text, RATE_SIZE, "<0.1");
    else if (tenths == 0)
        snprintf(ret_text, RATE_SIZE, "0");
    else if (tenths < 1000)
        snprintf(ret_text, RATE_SIZE, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
    else if (tenths < TENTHS_OF_A_MILLION)
        snprintf(ret_text, RATE_SIZE, "%" PRIu64, tenths / 10);
    else
        snprintf(ret_text, RATE_SIZE, "%" PRIu64 ".%" PRIu64 "M", tenths / TENTHS_OF_A_MILLION,
                 tenths % TENTHS_OF_A_MILLION / (TENTHS_OF_A_MILLION / 10));
}
