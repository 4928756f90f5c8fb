/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_HTTP_CALENDAR_H
#define KEYSHM_HTTP_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Dates of the Gregorian calendar, and when a day or a month is over. There is no access to the time zones of the machine: the
 * limits of a provider begin anew by its own clock. Instants are milliseconds since 1970; such before 1970 or after the year 9999
 * count as the first or the last in between.
 */

struct calendar_date {
    int year;
    int month; /* 1 to 12 */
    int day;   /* 1 to 31 */
};

#define CALENDAR_DAY_MS INT64_C(86400000)

/* Years 1 to 9999, and days that their months have. */
bool calendar_is_valid(const struct calendar_date *date);

/* Days since 1970-01-01, of a valid date. */
int64_t calendar_days(const struct calendar_date *date);

/* The date in UTC. */
struct calendar_date calendar_date_at(int64_t unix_ms);

/*
 * Until the next midnight where clocks are utc_offset_minutes (-1439 to 1439) ahead of UTC, and with us_daylight_saving an hour
 * more from 02:00 on the second Sunday of March until 02:00 on the first Sunday of November. At midnight: the whole day.
 */
int64_t calendar_until_day_ms(int64_t unix_ms, int utc_offset_minutes, bool us_daylight_saving);

/* Until 00:00 UTC on the first day of the next month. */
int64_t calendar_until_month_ms(int64_t unix_ms);

#endif
