/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "window.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

Test(window, names)
{
    for (unsigned i = WINDOW_SECOND; i < WINDOWS; i++) {
        const char *name = window_name((enum window)i);
        cr_assert_eq(window_from_name(name, strlen(name)), i);
        cr_assert_eq(window_from_header_word(name, strlen(name)), i);
        cr_assert_eq(window_from_name(name, strlen(name) - 1), WINDOWS);
    }
    cr_assert_eq(window_from_name("none", 4), WINDOWS);
    cr_assert_eq(window_from_name("", 0), WINDOWS);
    cr_assert_eq(window_from_header_word("1d", 2), WINDOW_DAY);
    cr_assert_eq(window_from_header_word("1d", 1), WINDOW_NONE);
    cr_assert_eq(window_from_header_word("year", 4), WINDOW_NONE);
}

Test(window, durations)
{
    static const struct {
        uint64_t seconds;
        enum window window;
    } cases[] = {
        {0, WINDOW_SECOND},          {1, WINDOW_SECOND},       {59, WINDOW_SECOND},           {60, WINDOW_MINUTE},
        {3599, WINDOW_MINUTE},       {3600, WINDOW_HOUR},      {86399, WINDOW_HOUR},          {86400, WINDOW_DAY},
        {7 * 86400 - 1, WINDOW_DAY}, {7 * 86400, WINDOW_WEEK}, {28 * 86400 - 1, WINDOW_WEEK}, {28 * 86400, WINDOW_MONTH},
        {UINT64_MAX, WINDOW_MONTH}};
    for (size_t i = 0; i < COUNT(cases); i++)
        cr_expect_eq(window_of_seconds(cases[i].seconds), cases[i].window, "%lu", (unsigned long)cases[i].seconds);
    cr_assert_eq(window_ms(WINDOW_SECOND), 1000);
    cr_assert_eq(window_ms(WINDOW_MINUTE), 60000);
    cr_assert_eq(window_ms(WINDOW_HOUR), 3600000);
    cr_assert_eq(window_ms(WINDOW_NONE), 0);
    cr_assert_eq(window_ms(WINDOW_DAY), 0, "it ends by the calendar");
    cr_assert_eq(window_ms(WINDOW_MONTH), 0);
}

Test(window, in_texts)
{
    static const struct {
        const char *text;
        enum window window;
    } cases[] = {
        {"", WINDOW_NONE},
        {"limit 5 per second", WINDOW_SECOND},
        {"5 requests per minute", WINDOW_MINUTE},
        {"10 api calls / minute", WINDOW_MINUTE},
        {"3/sec", WINDOW_SECOND},
        {"5/s", WINDOW_SECOND},
        {"50/min", WINDOW_MINUTE},
        {"on tokens per min (tpm): limit 5", WINDOW_MINUTE},
        {"on requests per day (rpd): limit 5", WINDOW_DAY},
        {"(rpm)", WINDOW_MINUTE},
        {"tpd", WINDOW_DAY},
        {"per_day", WINDOW_DAY},
        {"free-models-per-day", WINDOW_DAY},
        {"free-models-per-min", WINDOW_MINUTE},
        {"generaterequestsperdayperprojectpermodel", WINDOW_DAY},
        {"generaterequestsperminuteperproject", WINDOW_MINUTE},
        {"your daily limit", WINDOW_DAY},
        {"daily", WINDOW_DAY},
        {"the monthly allowance", WINDOW_MONTH},
        {"1000 api calls / month", WINDOW_MONTH},
        {"per week", WINDOW_WEEK},
        {"per hour, per day, per minute", WINDOW_DAY},
        {"each hour", WINDOW_HOUR},
        {"per 24 hours", WINDOW_DAY},
        {"per 1 minute", WINDOW_MINUTE},
        {"per days", WINDOW_NONE},
        {"per secret", WINDOW_NONE},
        {"as per your request", WINDOW_NONE},
        {"holiday", WINDOW_NONE},
        {"today", WINDOW_NONE},
        {"xrpd", WINDOW_NONE},
        {"rpdx", WINDOW_NONE},
        {"a/b", WINDOW_NONE},
        {"https://example.com/security", WINDOW_NONE},
        {"per", WINDOW_NONE},
        {"/", WINDOW_NONE},
        {"each", WINDOW_NONE},
        {"per ", WINDOW_NONE},
        {"qps", WINDOW_SECOND},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        /* in memory of its own, so that a read behind the end is seen */
        size_t length = strlen(cases[i].text);
        char *copy = malloc(length > 0 ? length : 1);
        cr_assert_not_null(copy);
        memcpy(copy, cases[i].text, length);
        enum window window = window_named_in(copy, length);
        cr_expect_eq(window, cases[i].window, "%s: %s", cases[i].text, window_name(window));
        free(copy);
    }
}
