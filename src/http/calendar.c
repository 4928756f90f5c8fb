/* SPDX-License-Identifier: MIT */
#include "calendar.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS INT64_C(3600000)
#define UNIX_MS_MAX INT64_C(253402300799999) /* the last of the year 9999 */

static int64_t clamp(int64_t unix_ms)
{
    if (unix_ms < 0)
        return 0;
    return unix_ms > UNIX_MS_MAX ? UNIX_MS_MAX : unix_ms;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && is_leap);
}

bool calendar_is_valid(const struct calendar_date *date)
{
    return date->year >= 1 && date->year <= 9999 && date->month >= 1 && date->month <= 12 && date->day >= 1 &&
           date->day <= days_in_month(date->year, date->month);
}

/* Years begin in March here, so that the leap day is the last of its year: then days before a month are a linear formula. */
int64_t calendar_days(const struct calendar_date *date)
{
    int64_t year = date->month > 2 ? date->year : date->year - 1;
    int64_t month = (date->month + 9) % 12; /* since March */
    int64_t day_of_year = (153 * month + 2) / 5 + date->day - 1;
    int64_t since_year_0 = 365 * year + year / 4 - year / 100 + year / 400 + day_of_year;
    return since_year_0 - 719468; /* 1970-01-01, counted from 0000-03-01 */
}

static struct calendar_date date_of_days(int64_t days)
{
    int64_t since_year_0 = days + 719468;
    int64_t era = since_year_0 / 146097; /* of 400 years */
    int64_t day_of_era = since_year_0 % 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* since March */
    return (struct calendar_date){
        .year = (int)(era * 400 + year_of_era + (month >= 10)),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
    };
}

struct calendar_date calendar_date_at(int64_t unix_ms)
{
    return date_of_days(clamp(unix_ms) / CALENDAR_DAY_MS);
}

/* The nth Sunday of a month, in days since 1970-01-01, which was a Thursday. */
static int64_t sunday(int year, int month, int nth)
{
    int64_t first = calendar_days(&(struct calendar_date){year, month, 1});
    int64_t weekday = (first + 4) % 7; /* 0: Sunday */
    return first + (7 - weekday) % 7 + 7 * (nth - 1);
}

/* standard_ms: local time without daylight saving. The hour that is repeated in November is told apart by that. */
static bool is_daylight_saving(int64_t standard_ms)
{
    int year = date_of_days(standard_ms / CALENDAR_DAY_MS).year;
    int64_t begin_ms = sunday(year, 3, 2) * CALENDAR_DAY_MS + 2 * HOUR_MS;
    int64_t end_ms = sunday(year, 11, 1) * CALENDAR_DAY_MS + 1 * HOUR_MS; /* 02:00 daylight time */
    return standard_ms >= begin_ms && standard_ms < end_ms;
}

int64_t calendar_until_day_ms(int64_t unix_ms, int utc_offset_minutes, bool us_daylight_saving)
{
    int64_t standard_ms = clamp(unix_ms) + utc_offset_minutes * MINUTE_MS;
    if (standard_ms < 0) /* still 1969 there */
        return -standard_ms;
    bool is_summer = us_daylight_saving && is_daylight_saving(standard_ms);
    int64_t local_ms = standard_ms + (is_summer ? HOUR_MS : 0);
    int64_t midnight_ms = (local_ms / CALENDAR_DAY_MS + 1) * CALENDAR_DAY_MS;
    /* Clocks change at 02:00, never at midnight, so that this tells on which side of a change the midnight is. */
    bool ends_in_summer = us_daylight_saving && is_daylight_saving(midnight_ms - HOUR_MS);
    return midnight_ms - (ends_in_summer ? HOUR_MS : 0) - standard_ms;
}

int64_t calendar_until_month_ms(int64_t unix_ms)
{
    struct calendar_date next = calendar_date_at(unix_ms);
    next.day = 1;
    next.year += next.month == 12;
    next.month = next.month % 12 + 1;
    return calendar_days(&next) * CALENDAR_DAY_MS - clamp(unix_ms);
}
