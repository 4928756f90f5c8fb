/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "calendar.h"

#define HOUR_MS INT64_C(3600000)

static int64_t utc_ms(int year, int month, int day, int hour, int minute)
{
    struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute};
    return timegm(&tm) * INT64_C(1000);
}

Test(calendar, each_day_of_four_centuries_is_as_libc_says)
{
    for (int64_t days = 0; days < 146097; days++) {
        time_t seconds = days * 86400;
        struct tm tm;
        gmtime_r(&seconds, &tm);
        struct calendar_date date = calendar_date_at(days * CALENDAR_DAY_MS + CALENDAR_DAY_MS - 1);
        cr_assert(date.year == tm.tm_year + 1900 && date.month == tm.tm_mon + 1 && date.day == tm.tm_mday, "day %ld",
                  days);
        cr_assert_eq(calendar_days(&date), days);
        cr_assert(calendar_is_valid(&date));
    }
}

Test(calendar, days_that_are_none)
{
    const struct calendar_date bad[] = {{2026, 2, 29}, {2100, 2, 29}, {2026, 4, 31}, {2026, 13, 1}, {2026, 0, 1},
                                        {2026, 1, 0},  {0, 1, 1},     {10000, 1, 1}, {2026, 1, 32}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_assert_not(calendar_is_valid(&bad[i]), "%d-%d-%d", bad[i].year, bad[i].month, bad[i].day);
    cr_assert(calendar_is_valid(&(struct calendar_date){2000, 2, 29}));
    cr_assert(calendar_is_valid(&(struct calendar_date){2028, 2, 29}));
    cr_assert_eq(calendar_days(&(struct calendar_date){1969, 12, 31}), -1);
    cr_assert_eq(calendar_days(&(struct calendar_date){1, 1, 1}), -719162);
}

Test(calendar, midnight_in_utc)
{
    cr_assert_eq(calendar_until_day_ms(utc_ms(2026, 11, 25, 6, 0), 0, false), 18 * HOUR_MS);
    cr_assert_eq(calendar_until_day_ms(utc_ms(2026, 11, 25, 0, 0), 0, false), 24 * HOUR_MS, "at midnight: the next");
    cr_assert_eq(calendar_until_day_ms(utc_ms(2026, 11, 25, 0, 0) - 1, 0, false), 1);
}

Test(calendar, midnight_elsewhere)
{
    cr_assert_eq(calendar_until_day_ms(utc_ms(2026, 11, 25, 19, 0), -480, false), 13 * HOUR_MS, "11:00 there");
    cr_assert_eq(calendar_until_day_ms(utc_ms(2026, 11, 25, 17, 0), 480, false), 23 * HOUR_MS, "01:00 there");
    cr_assert_eq(calendar_until_day_ms(utc_ms(2026, 11, 25, 18, 0), 330, false), 30 * 60000, "23:30 there");
    cr_assert_eq(calendar_until_day_ms(utc_ms(2026, 7, 1, 7, 0), -480, false), HOUR_MS, "no daylight saving");
    cr_assert_eq(calendar_until_day_ms(utc_ms(2026, 7, 1, 7, 0), -480, true), 24 * HOUR_MS);
}

Test(calendar, days_on_which_clocks_change)
{
    cr_assert_eq(calendar_until_day_ms(utc_ms(2026, 3, 8, 8, 0), -480, true), 23 * HOUR_MS);
    cr_assert_eq(calendar_until_day_ms(utc_ms(2026, 11, 1, 7, 0), -480, true), 25 * HOUR_MS);
    cr_assert_eq(calendar_until_day_ms(utc_ms(2026, 11, 1, 8, 59), -480, true), 23 * HOUR_MS + 60000, "01:59, first");
    cr_assert_eq(calendar_until_day_ms(utc_ms(2026, 11, 1, 9, 59), -480, true), 22 * HOUR_MS + 60000, "01:59, second");
}

/* What libc makes of the same rule: the next midnight from each of the quarter hours around the changes of many years. */
static void check_against_libc(time_t from, time_t until)
{
    for (time_t now = from; now < until; now += 900) {
        struct tm tm;
        localtime_r(&now, &tm);
        tm.tm_mday++;
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_isdst = -1;
        int64_t expected_ms = (mktime(&tm) - now) * INT64_C(1000);
        cr_assert_eq(calendar_until_day_ms(now * INT64_C(1000), -480, true), expected_ms, "%ld", (long)now);
        cr_assert_eq(calendar_until_day_ms(now * INT64_C(1000) + 1, -480, true), expected_ms - 1, "%ld", (long)now);
    }
}

Test(calendar, us_daylight_saving_is_as_libc_says)
{
    setenv("TZ", "PST8PDT,M3.2.0/2,M11.1.0/2", 1);
    tzset();
    for (int year = 2007; year < 2100; year++) {
        check_against_libc(utc_ms(year, 3, 7, 0, 0) / 1000, utc_ms(year, 3, 17, 0, 0) / 1000);
        check_against_libc(utc_ms(year, 10, 31, 0, 0) / 1000, utc_ms(year, 11, 10, 0, 0) / 1000);
    }
    check_against_libc(utc_ms(2026, 1, 1, 0, 0) / 1000, utc_ms(2027, 1, 2, 0, 0) / 1000);
}

Test(calendar, month)
{
    cr_assert_eq(calendar_until_month_ms(utc_ms(2026, 11, 25, 12, 0)), 475200000);
    cr_assert_eq(calendar_until_month_ms(utc_ms(2026, 12, 31, 23, 59)), 60000);
    cr_assert_eq(calendar_until_month_ms(utc_ms(2026, 12, 1, 0, 0)), 31 * CALENDAR_DAY_MS);
    cr_assert_eq(calendar_until_month_ms(utc_ms(2028, 2, 1, 0, 0)), 29 * CALENDAR_DAY_MS);
}

Test(calendar, instants_far_away_are_bounded)
{
    const int64_t instants[] = {INT64_MIN, -1, 0, 1, INT64_MAX - 1, INT64_MAX};
    for (size_t i = 0; i < sizeof(instants) / sizeof(instants[0]); i++)
        for (int offset = -1439; offset <= 1439; offset += 1439) {
            int64_t until_ms = calendar_until_day_ms(instants[i], offset, true);
            cr_assert(until_ms > 0 && until_ms <= 25 * HOUR_MS);
            int64_t until_month_ms = calendar_until_month_ms(instants[i]);
            cr_assert(until_month_ms > 0 && until_month_ms <= 31 * CALENDAR_DAY_MS);
        }
}
