/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "time_value.h"

#define S INT64_C(1000)
#define MIN (60 * S)
#define H (60 * MIN)
#define D (24 * H)
#define LONGEST (32 * D)
#define NOW INT64_C(1795608000000) /* Wed, 25 Nov 2026 12:00:00 GMT */
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct reading {
    const char *text;
    int64_t ms;
};

/* In memory that ends where the text does, so that AddressSanitizer sees a look behind it. */
static char *exact_copy(const char *text, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);
    cr_assert_not_null(copy);
    memcpy(copy, text, length);
    return copy;
}

static int64_t value(const char *text, enum time_unit unit)
{
    char *copy = exact_copy(text, strlen(text));
    int64_t ms = time_value_ms(copy, strlen(text), unit, NOW, LONGEST);
    free(copy);
    return ms;
}

static int64_t sentence_of(const char *text, size_t length, bool is_cut)
{
    char *copy = exact_copy(text, length);
    int64_t ms = time_in_sentence_ms(copy, length, is_cut, TIME_UNIT_S, NOW, 366 * D);
    free(copy);
    return ms;
}

static void check_values(const struct reading *readings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(value(readings[i].text, TIME_UNIT_S), readings[i].ms, "\"%s\": %ld", readings[i].text,
                     (long)value(readings[i].text, TIME_UNIT_S));
}

static void check_sentences(const struct reading *readings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t ms = sentence_of(readings[i].text, strlen(readings[i].text), false);
        cr_expect_eq(ms, readings[i].ms, "\"%s\": %ld", readings[i].text, (long)ms);
    }
}

Test(time_value, numbers)
{
    const struct reading readings[] = {
        {"20", 20 * S},
        {"0.5", 500},
        {"  11 ", 11 * S},
        {"\t7\r\n", 7 * S},
        {"33011.4", 33011400},
        {"11.38", 11380},
        {"0.0001", 1},
        {"1.0000000000001", 1001},
        {".5", 500},
        {"5.", 5 * S},
        {"007", 7 * S},
        {"2764800", LONGEST},
        {"2764800.0", LONGEST},
        {"11.455", 11455},
        {"0.0010000000000000000", 1},
    };
    check_values(readings, COUNT(readings));
    cr_assert_eq(value("1500", TIME_UNIT_MS), 1500);
    cr_assert_eq(value("0.25", TIME_UNIT_MS), 1, "rounded up");
    cr_assert_eq(value("2741.5", TIME_UNIT_MS), 2742);
}

Test(time_value, as_if_absent)
{
    const char *const texts[] = {
        "",
        " ",
        "0",
        "0.0",
        "-5",
        "+5",
        "inf",
        "nan",
        "1e3",
        "0x10",
        ".",
        "1.2.3",
        "1,5",
        "1 2",
        "5 s",
        "5S",
        "5 minutes",
        "2764801",
        "2764800.0001",
        "99999999999999999999999999",
        "1h1h",
        "5s3h",
        "1m1h",
        "h",
        "1hh",
        "1h2",
        "5x",
        "20th",
        "abc",
        "\xc2\xb5",
        "1,000",
        "~5",
        "in 5",
        "a minute",
        "PT20S",
        "5.s.",
        "\xe2\x80\xa6",
        "1\xc2",
        "5\xc2\xb5",
        "12:00",
        "1:02:03",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        cr_expect_eq(value(texts[i], TIME_UNIT_S), -1, "\"%s\"", texts[i]);
        cr_expect_eq(value(texts[i], TIME_UNIT_MS),
                     strcmp(texts[i], "2764801") == 0        ? 2764801
                     : strcmp(texts[i], "2764800.0001") == 0 ? 2764801
                                                             : -1,
                     "\"%s\"", texts[i]);
    }
    cr_assert_eq(time_value_ms("5\0", 2, TIME_UNIT_S, NOW, LONGEST), -1, "a NUL is no blank");
}

Test(time_value, numbers_with_units)
{
    const struct reading readings[] = {
        {"1h2m3.5s", H + 2 * MIN + 3500},
        {"6m0s", 6 * MIN},
        {"120ms", 120},
        {"7m12s", 7 * MIN + 12 * S},
        {"1m47.5854s", 107586},
        {"114h18m0s", 114 * H + 18 * MIN},
        {"20.04466179s", 20045},
        {"2d", 2 * D},
        {"1d12h", D + 12 * H},
        {"1.5h", 90 * MIN},
        {"37s", 37 * S},
        {"0s", -1},
        {"18446744073709551621s", -1},
        {"281474976710656d5s", -1},
        {"0.0000001ms", 1},
        {"1.0000001ms", 2},
        {"12.5ms", 13},
        {"800us", 1},
        {"1500\xc2\xb5s", 2},
        {"1500\xce\xbcs", 2},
        {"1ns", 1},
        {"0ns", -1},
        {"1s1ms1us1ns", 1002},
        {"32d", LONGEST},
        {"32d1ns", -1},
        {"999999999999999999h", -1},
        {" 20s ", 20 * S},
        {"106751d23h47m16.854775807s", -1},
        {"106752d", -1},
        {"0.1d", 8640 * S},
        {"1.m", MIN},
    };
    check_values(readings, COUNT(readings));
}

Test(time_value, clock_of_days)
{
    const struct reading readings[] = {
        {"22.14:18:12", 1952292000},
        {"14:18:12", 51492000},
        {"00:00:10", 10 * S},
        {"0.00:00:00", -1},
        {"1.00:00:00.0000001", D + 1},
        {"00:00:00.5000000", 500},
        {"32.00:00:00", LONGEST},
        {"99999.00:00:00", -1},
        {"999999.00:00:00", -1},
        {"1.24:00:00", -1},
        {"1.00:60:00", -1},
        {"1.00:00:61", -1},
        {"1.00:00", -1},
        {"1.2:3:4", -1},
        {"00:00:10.", -1},
        {"14:18:12 UTC", -1},
        {"-1.00:00:00", -1},
    };
    check_values(readings, COUNT(readings));
}

Test(time_value, since_1970)
{
    const struct reading readings[] = {
        {"1795608045", 45 * S},    {"1795608000", -1},         {"1795608000.0001", 1},      {"1795607999", -1},
        {"1795608045000", 45 * S}, {"1795608045000.2", 45001}, {"1000000000", -1},          {"999999999", -1},
        {"1798372800", LONGEST},   {"1798372801", -1},         {"9999999999999999999", -1}, {"18446744073709551621", -1},
    };
    check_values(readings, COUNT(readings));
    cr_assert_eq(value("1795608045", TIME_UNIT_MS), 45 * S);
    cr_assert_eq(value("1795608045000", TIME_UNIT_MS), 45 * S);
    cr_assert_eq(value("999999999", TIME_UNIT_MS), 999999999);
}

Test(time_value, dates_of_http)
{
    const struct reading readings[] = {
        {"Wed, 25 Nov 2026 12:01:30 GMT", 90 * S}, {"Wednesday, 25-Nov-26 12:01:30 GMT", 90 * S},
        {"Wed Nov 25 12:01:30 2026", 90 * S},      {"Tue Dec  1 00:00:00 2026", 475200 * S},
        {"wed, 25 nov 2026 12:01:30 gmt", 90 * S}, {" Wed, 25 Nov 2026 12:01:30 UTC ", 90 * S},
        {"Wed, 25 Nov 2026 12:00:60 GMT", 60 * S}, {"Wed, 21 Oct 2015 07:28:00 GMT", -1},
        {"Wed, 25 Nov 2026 12:00:00 GMT", -1},     {"Wed, 25 Nov 2026 12:01:30", -1},
        {"25 Nov 2026 12:01:30 GMT", -1},          {"Wed, 31 Nov 2026 12:01:30 GMT", -1},
        {"Wed, 25 Nov 2026 24:01:30 GMT", -1},     {"Wed, 25 Nov 2026 12:01 GMT", -1},
        {"Wed, 25 Nov 126 12:01:30 GMT", -1},      {"Wed, 25 Foo 2026 12:01:30 GMT", -1},
        {"Wed, 25 Nov 2026 12:01:30 GMT x", -1},   {"Wednes, 25 Nov 2026 12:01:30 GMT", -1},
        {"We, 25 Nov 2026 12:01:30 GMT", -1},      {"Wed, 25 No 2026 12:01:30 GMT", -1},
        {"Wed, 25-Nov-126 12:01:30 GMT", -1},      {"Nov 25, 2026", -1},
        {"Wed, 25 Nov 2026 12:01:30 +0100", -1},   {"Wed, 25 Nov 2026 11:01:30 -0100", 90 * S},
    };
    check_values(readings, COUNT(readings));
}

/* Counted from 2026-11-25 12:00: a year is at most 50 years ahead. */
Test(time_value, years_of_two_digits)
{
    const struct {
        const char *text;
        int64_t unix_ms;
    } dates[] = {{"Sunday, 06-Nov-94 08:49:37 GMT", INT64_C(784111777000)},
                 {"Wednesday, 25-Nov-76 12:00:00 GMT", INT64_C(3373531200000)},
                 {"Thursday, 25-Nov-76 12:00:01 GMT", INT64_C(217771201000)},
                 {"Friday, 25-Nov-77 12:00:00 GMT", INT64_C(249307200000)},
                 {"Wednesday, 25-Nov-26 12:00:00 GMT", NOW}};
    for (size_t i = 0; i < COUNT(dates); i++) {
        int64_t expected_ms = dates[i].unix_ms > NOW ? dates[i].unix_ms - NOW : -1;
        cr_expect_eq(time_value_ms(dates[i].text, strlen(dates[i].text), TIME_UNIT_S, NOW, INT64_MAX), expected_ms,
                     "%s: %ld", dates[i].text,
                     (long)time_value_ms(dates[i].text, strlen(dates[i].text), TIME_UNIT_S, NOW, INT64_MAX));
    }
    const char *old = "Sunday, 06-Nov-94 08:49:37 GMT";
    cr_assert_eq(time_value_ms(old, strlen(old), TIME_UNIT_S, INT64_C(784111777000) - 5, LONGEST), 5,
                 "in the last century");
}

Test(time_value, rfc3339)
{
    const struct reading readings[] = {
        {"2026-11-25T12:00:25Z", 25 * S},
        {"2026-11-25t12:00:25z", 25 * S},
        {"2026-11-25T13:00:25+01:00", 25 * S},
        {"2026-11-25T07:30:25.5-04:30", 25500},
        {"2026-11-25T12:00:25.0001Z", 25001},
        {"2026-11-25T12:00:25.999999999999Z", 26 * S},
        {"2026-11-25T12:00:00Z", -1},
        {"2026-11-25T12:00:00.000000001Z", 1},
        {"2026-11-25T12:00:25", -1},
        {"2026-11-25 12:00:25Z", -1},
        {"2026-11-25", -1},
        {"2026-11-25T12:00Z", -1},
        {"2026-13-25T12:00:25Z", -1},
        {"2026-02-30T12:00:25Z", -1},
        {"2026-11-25T12:00:25.Z", -1},
        {"2026-11-25T12:00:25-25:00", -1},
        {"2026-11-25T12:00:25+01", -1},
        {"12026-11-25T12:00:25Z", -1},
        {"2026-11-25T12:00:25Zulu", -1},
        {"2026-11-255T12:00:25Z", -1},
        {"2026-11-26T00:00:00-12:00", D},
        {"0000-11-25T12:00:25Z", -1},
        {"9999-12-31T23:59:59Z", -1},
    };
    check_values(readings, COUNT(readings));
}

Test(time_value, longest)
{
    cr_assert_eq(time_value_ms("10", 2, TIME_UNIT_S, NOW, 10000), 10000);
    cr_assert_eq(time_value_ms("10", 2, TIME_UNIT_S, NOW, 9999), -1);
}

Test(time_value, clocks_far_away)
{
    const char *const texts[] = {"2026-11-25T12:00:25Z", "Wednesday, 25-Nov-26 12:01:30 GMT", "1795608045",
                                 "1795608045000", "5"};
    const int64_t clocks[] = {INT64_MIN, -1, 0, INT64_C(253402300799999), INT64_MAX};
    for (size_t i = 0; i < COUNT(texts); i++)
        for (size_t k = 0; k < COUNT(clocks); k++) {
            int64_t ms = time_value_ms(texts[i], strlen(texts[i]), TIME_UNIT_S, clocks[k], LONGEST);
            cr_assert_eq(ms, strcmp(texts[i], "5") == 0 ? 5000 : -1, "%s", texts[i]);
        }
}

Test(time_value, date_alone)
{
    int64_t unix_ms = -7;
    cr_assert(http_date_unix_ms("Wed, 25 Nov 2026 12:00:00 GMT", 29, &unix_ms));
    cr_assert_eq(unix_ms, NOW);
    cr_assert(http_date_unix_ms(" Sun Nov  6 08:49:37 1994 ", 26, &unix_ms));
    cr_assert_eq(unix_ms, INT64_C(784111777000));
    cr_assert(http_date_unix_ms("Tuesday, 31-Dec-69 00:00:00 GMT", 31, &unix_ms));
    cr_assert_eq(unix_ms, INT64_C(3155673600000));
    cr_assert(http_date_unix_ms("Thursday, 01-Jan-70 00:00:01 GMT", 32, &unix_ms));
    cr_assert_eq(unix_ms, 1000);
    const char *const bad[] = {
        "", "5", "2026-11-25T12:00:25Z", "Wed", "Wed, 25 Nov 2026 12:00:00 GMT, 5", "Nov  6 08:49:37 1994"};
    unix_ms = -7;
    for (size_t i = 0; i < COUNT(bad); i++)
        cr_assert_not(http_date_unix_ms(bad[i], strlen(bad[i]), &unix_ms), "%s", bad[i]);
    cr_assert_eq(unix_ms, -7, "left alone");
}

Test(time_in_sentence, durations)
{
    const struct reading readings[] = {
        {"20s.", 20 * S},
        {"6ms. Visit https://", 6},
        {"1m12.5s.", 72500},
        {"114h18m0s. ", 114 * H + 18 * MIN},
        {"20.04466179s.", 20045},
        {"3 seconds.", 3 * S},
        {"5 minutes", 5 * MIN},
        {"1 hour.", H},
        {"2 hours and 3 minutes.", 2 * H + 3 * MIN},
        {"1 hour, 2 minutes", H + 2 * MIN},
        {"1 hour, 2 minutes, and 3 seconds", H + 2 * MIN + 3 * S},
        {"1 hour 2 minutes 3 seconds", H + 2 * MIN + 3 * S},
        {"1h 2m 3s", H + 2 * MIN + 3 * S},
        {"2 days", 2 * D},
        {"1 day, 3 hrs", D + 3 * H},
        {"1 hr", H},
        {"10 sec", 10 * S},
        {"10 secs", 10 * S},
        {"10 min.", 10 * MIN},
        {"10 mins", 10 * MIN},
        {"250 milliseconds", 250},
        {"250 ms", 250},
        {"1 millisecond", 1},
        {"5 Minutes", 5 * MIN},
        {"20S", 20 * S},
        {"20 second(s)", 20 * S},
        {"1 hour(s) 5 minute(s)", H + 5 * MIN},
        {"1,200 seconds", 1200 * S},
        {"1,200,000 ms", 1200 * S},
        {"1,20 seconds", 1 * S},
        {"1,2000 seconds", 1 * S},
        {"a minute", MIN},
        {"an hour and 5 minutes", H + 5 * MIN},
        {"one day", D},
        {"5 minutes, 3 requests left", 5 * MIN},
        {"5 minutes and a bit", 5 * MIN},
        {"5 minutes, 2 hours", 5 * MIN},
        {"0.5 seconds", 500},
        {"22.14:18:12.", 1952292000},
        {"14:18:12.", 51492000},
        {"5 minutes\xe2\x80\xa6", 5 * MIN},
        {"5\xc2\xb5s", 1},
        {"1500 \xce\xbcs", 2},
    };
    check_sentences(readings, COUNT(readings));
}

Test(time_in_sentence, numbers_alone)
{
    const struct reading readings[] = {
        {"20", 20 * S},     {"20.", 20 * S},           {"20. Then", 20 * S}, {"20.5.", 20500},
        {"20, or", 20 * S}, {"20 requests", 20 * S},   {"20)", 20 * S},      {"1795608045.", 45 * S},
        {"20th", -1},       {"20\xc2\xa0minutes", -1}, {"2weeks", -1},       {"20x", -1},
    };
    check_sentences(readings, COUNT(readings));
    cr_assert_eq(time_in_sentence_ms("20.", 3, false, TIME_UNIT_MS, NOW, LONGEST), 20);
}

Test(time_in_sentence, what_stands_before)
{
    const struct reading readings[] = {
        {"~5s.", 5 * S},
        {"about 5 minutes", 5 * MIN},
        {"in 5 minutes", 5 * MIN},
        {"in about 5 minutes", 5 * MIN},
        {" in  5s", 5 * S},
        {"at 1795608045", 45 * S},
        {"on 2026-12-01", 475200 * S},
        {"the 2026-12-01", 475200 * S},
        {"After 5s", 5 * S},
        {"\"2026-11-25T12:00:25Z\"", 25 * S},
        {"in ~ 5s", 5 * S},
        {"in5s", -1},
        {"a few minutes", -1},
        {"a moment", -1},
        {"later", -1},
        {"", -1},
        {"in in in in in in in 5s", -1},
        {"in", -1},
        {"again in 5s", -1},
    };
    check_sentences(readings, COUNT(readings));
}

Test(time_in_sentence, dates)
{
    const struct reading readings[] = {
        {"2026-12-01 at 00:00 UTC.", 475200 * S},
        {"2026-12-01 00:00:00 UTC", 475200 * S},
        {"2026-12-01", 475200 * S},
        {"2026-12-01.", 475200 * S},
        {"2026-12-01, 00:00 UTC", 475200 * S},
        {"2026-12-01 at 06:30 UTC", 498600 * S},
        {"2026-12-01T06:30:00Z.", 498600 * S},
        {"2026-12-01T06:30:00", 498600 * S},
        {"2026-12-01T06:30:00.25Z", 498600 * S + 250},
        {"2026-12-01 06:30:00 GMT", 498600 * S},
        {"2026-12-01 06:30:00.", 498600 * S},
        {"2026-12-01 06:30:00+01:00", 495000 * S},
        {"2026-12-01 06:30 +0100", 495000 * S},
        {"2026-12-01 06:30 pm UTC", 541800 * S},
        {"2026-12-01 at 12:30 AM", 477000 * S},
        {"2026-12-01 at 12:30 PM UTC", 520200 * S},
        {"2026-12-01 at 13:30 PM UTC", -1},
        {"2026-12-01 at noon", 475200 * S},
        {"2026-12-01 3 requests", 475200 * S},
        {"2026-12-01 at 25:00", 475200 * S},
        {"2026-02-30", -1},
        {"2026-11-25 12:00 UTC", -1},
        {"2026-11-25 11:00 UTC", -1},
        {"2026-11-25 12:01 UTC", MIN},
        {"Tue, 01 Dec 2026 00:00:00 GMT.", 475200 * S},
        {"Tuesday, 01-Dec-26 00:00:00 GMT.", 475200 * S},
        {"Tue Dec  1 00:00:00 2026.", 475200 * S},
        {"Dec 1, 2026.", 475200 * S},
        {"December 1, 2026 at 06:30 UTC", 498600 * S},
        {"December 1 2026", 475200 * S},
        {"Tuesday, December 1, 2026", 475200 * S},
        {"1 December 2026", 475200 * S},
        {"1 Dec 2026 06:30 UTC", 498600 * S},
        {"1 December", -1},
        {"December 1", -1},
        {"Tuesday", -1},
        {"the 1 December 2026", 475200 * S},
        {"December 1, 20266", -1},
        {"at 14:18:12", -1},
        {"14:18:12 UTC", -1},
        {"14:18:12 pm", -1},
        {"15:00 UTC", -1},
        {"2027-11-26T12:00:00Z", 366 * D},
        {"2027-11-26T12:00:01Z", -1},
    };
    check_sentences(readings, COUNT(readings));
}

/* Whatever is read of a sentence that was cut is what is read of the whole: or nothing. */
Test(time_in_sentence, cut_anywhere)
{
    const char *const texts[] = {
        "20 minutes. Then go on",
        "1m12.5s. Visit",
        "2 hours and 3 minutes. x",
        "2026-12-01 at 06:30 UTC. See",
        "1,200 seconds. More",
        "2026-12-01T06:30:00.25+01:00. x",
        "Tue, 01 Dec 2026 06:30:00 GMT. x",
        "December 1, 2026 at 06:30 pm UTC. x",
        "about 20 seconds, or so",
        "22.14:18:12. x",
        "20. Then",
        "an hour and 5 minutes. x",
        "1 hour(s) 5 minute(s). x",
        "14:18:12. See",
        "1795608045000. x",
        "Tue Dec  1 00:00:00 2026. x",
        "1500\xc2\xb5s. x",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        int64_t whole_ms = sentence_of(texts[i], strlen(texts[i]), false);
        cr_assert_gt(whole_ms, 0, "%s", texts[i]);
        for (size_t length = 0; length <= strlen(texts[i]); length++) {
            int64_t ms = sentence_of(texts[i], length, true);
            cr_expect(ms == -1 || ms == whole_ms, "%.*s: %ld", (int)length, texts[i], (long)ms);
        }
        cr_expect_eq(sentence_of(texts[i], strlen(texts[i]), true), whole_ms, "the cut is far enough behind: %s",
                     texts[i]);
    }
}

/* Nothing is read behind the end (AddressSanitizer), whatever the bytes are. */
Test(time_value, random_bytes)
{
    static const char bytes[] = "0123456789..::--  ,+TZhmsdatnovMonwedgmt\xc2\xb5(\0a";
    unsigned state = 1;
    for (int i = 0; i < 300000; i++) {
        char text[24] = "";
        state = state * 1664525U + 1013904223U;
        size_t length = (state >> 8) % sizeof(text);
        for (size_t k = 0; k < length; k++) {
            state = state * 1664525U + 1013904223U;
            text[k] = bytes[(state >> 8) % (sizeof(bytes) - 1)];
        }
        char *copy = exact_copy(text, length);
        int64_t ms = time_value_ms(copy, length, TIME_UNIT_S, NOW, LONGEST);
        int64_t in_sentence_ms = time_in_sentence_ms(copy, length, (i & 1) != 0, TIME_UNIT_MS, NOW, LONGEST);
        cr_assert(ms == -1 || (ms >= 1 && ms <= LONGEST));
        cr_assert(in_sentence_ms == -1 || (in_sentence_ms >= 1 && in_sentence_ms <= LONGEST));
        free(copy);
    }
}
