/* SPDX-License-Identifier: MIT */
#include "wall_time.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/* The rest of `text` after a date, and a time if there is one; NULL: it is neither. */
static const char *parse_day_and_time(const char *text, struct tm *time)
{
    static const char *const formats[] = {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M",
                                          "%Y-%m-%d"};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        *time = (struct tm){.tm_isdst = -1};
        const char *rest = strptime(text, formats[i], time);
        if (rest != NULL)
            return rest;
    }
    return NULL;
}

/* strptime(3) takes a 31st of February for one. */
static bool has_day(const struct tm *time)
{
    struct tm day = {.tm_year = time->tm_year, .tm_mon = time->tm_mon, .tm_mday = time->tm_mday};
    timegm(&day);
    return day.tm_mday == time->tm_mday;
}

int wall_time_parse(const char *text, int64_t *ret_unix_ms)
{
    struct tm time, zone = {.tm_gmtoff = 0};
    const char *rest = parse_day_and_time(text, &time);
    if (rest == NULL || !has_day(&time))
        return -EINVAL;
    time_t seconds;
    if (*rest == '\0') {
        seconds = mktime(&time);
    } else {
        const char *end = strptime(rest, "%z", &zone);
        if (end == NULL || *end != '\0' || strchr("Z+-", *rest) == NULL)
            return -EINVAL;
        seconds = timegm(&time) - zone.tm_gmtoff;
    }
    *ret_unix_ms = (int64_t)seconds * 1000;
    return 0;
}
