/* SPDX-License-Identifier: MIT */
/*
 * That the time is linear, whatever comes: the modules are compiled into this test with -finstrument-functions, and the
 * calls of their functions are counted, of which there is one or more for each byte that is looked at, and bytes that are copied.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "time_value.h"

#define LENGTH_MAX 32768
#define CALLS_PER_BYTE_MAX 60

#define NOT_COUNTED __attribute__((no_instrument_function))

static unsigned long calls;
void __cyg_profile_func_enter(void *function, void *caller);
void __cyg_profile_func_exit(void *function, void *caller);

NOT_COUNTED void __cyg_profile_func_enter(void *function, void *caller)
{
    (void)function;
    (void)caller;
    calls++;
}

NOT_COUNTED void __cyg_profile_func_exit(void *function, void *caller)
{
    (void)function;
    (void)caller;
}

void *__real_memcpy(void *to, const void *from, size_t bytes);
void *__wrap_memcpy(void *to, const void *from, size_t bytes);
NOT_COUNTED void *__wrap_memcpy(void *to, const void *from, size_t bytes)
{
    calls += bytes;
    return __real_memcpy(to, from, bytes);
}

static unsigned long calls_of_body(const char *bytes, size_t length)
{
    struct body body;
    calls = 0;
    cr_assert_eq(body_read(&body, bytes, length, false), 0);
    body_free(&body);
    return calls;
}

static unsigned long calls_of_event(const char *bytes, size_t length)
{
    struct body body;
    calls = 0;
    cr_assert_eq(body_read_event(&body, bytes, length), 0);
    body_free(&body);
    return calls;
}

static unsigned long calls_of_value(const char *bytes, size_t length)
{
    calls = 0;
    time_value_ms(bytes, length, TIME_UNIT_S, 0, INT64_MAX);
    return calls;
}

static unsigned long calls_of_sentence(const char *bytes, size_t length)
{
    calls = 0;
    time_in_sentence_ms(bytes, length, true, TIME_UNIT_S, 0, INT64_MAX);
    return calls;
}

static unsigned long calls_of_date(const char *bytes, size_t length)
{
    int64_t unix_ms;
    calls = 0;
    http_date_unix_ms(bytes, length, &unix_ms);
    return calls;
}

/* What begins with `head` and goes on with `pattern`: twice as long costs at most about twice as much. */
static void check_linear(const char *head, const char *pattern)
{
    static unsigned long (*const readers[])(const char *, size_t) = {calls_of_body, calls_of_event, calls_of_value,
                                                                     calls_of_sentence, calls_of_date};
    char *bytes = malloc(LENGTH_MAX);
    cr_assert_not_null(bytes);
    for (size_t i = 0; i < LENGTH_MAX; i++)
        bytes[i] = i < strlen(head) ? head[i] : pattern[(i - strlen(head)) % strlen(pattern)];
    for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++) {
        unsigned long half = readers[i](bytes, LENGTH_MAX / 2);
        unsigned long whole = readers[i](bytes, LENGTH_MAX);
        cr_expect_lt(whole, 5 * half / 2 + 1000, "reader %zu, %s%s...: %lu, then %lu", i, head, pattern, half, whole);
        cr_expect_lt(whole, CALLS_PER_BYTE_MAX * LENGTH_MAX, "reader %zu, %s%s...: %lu", i, head, pattern, whole);
    }
    free(bytes);
}

Test(cost, is_counted)
{
    cr_assert_gt(calls_of_body("abc", 3), 3);
    cr_assert_gt(calls_of_value("abc", 3), 3);
}

Test(cost, of_bodies)
{
    const char *const patterns[] = {"[",
                                    "{\"a\":",
                                    "\"",
                                    "\"\\u0000",
                                    "\\ud83d",
                                    "\xc3",
                                    "\xff",
                                    " ",
                                    "\n",
                                    ":\n",
                                    ": x\n",
                                    "<",
                                    "x",
                                    "[1,",
                                    "{},",
                                    "1",
                                    "-",
                                    "\r\n",
                                    "data: a\n",
                                    "data:\n\n",
                                    "data:\ndata:\n\n",
                                    "event: error\n",
                                    "\"a\":{},",
                                    "nul",
                                    "<h",
                                    "\xef\xbb\xbf"};
    const char *const heads[] = {"", "{\"a\":", "[", "{\"", "{\"a\":\"", "{\"a\":\"\xff", "data: ", "<", "\""};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        for (size_t k = 0; k < sizeof(heads) / sizeof(heads[0]); k++)
            check_linear(heads[k], patterns[i]);
}

Test(cost, of_times)
{
    const char *const patterns[] = {"0",   "1", ".", "1h",  "1,000", "1 ", " and ", ",",       "in ",
                                    "at ", "~", "a", "1 a", "00:",   "-",  "2026-", "\xc2\xb5"};
    const char *const heads[] = {
        "",    "1",    "1.",    "1h",    "1h ",         "in ", "2026-12-01", "2026-12-01T00:00:00.",
        "Nov", "Nov ", "Wed, ", "Nov 1", "1 hour and ", "1."};
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        for (size_t k = 0; k < sizeof(heads) / sizeof(heads[0]); k++)
            check_linear(heads[k], patterns[i]);
}
