/* SPDX-License-Identifier: MIT */
#include "time_value.h"

#include <string.h>

#include "calendar.h"

#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
#define MS_PER_S INT64_C(1000)
#define SECONDS_PER_DAY INT64_C(86400)

/* From here on a number that stands alone is no duration any more: seconds and milliseconds since 1970. */
#define EPOCH_S_MIN INT64_C(1000000000)
#define EPOCH_MS_MIN INT64_C(1000000000000)

/* No time that counts is longer. A number above it stays the same, so that nothing overflows. */
#define WHOLE_MAX INT64_C(1000000000000000)

#define DAYS_DIGITS_MAX 5  /* of 22.14:18:12 */
#define PREPOSITIONS_MAX 6 /* "in about the" and more */
#define WORD_MAX 16        /* longer than any word that is known */

/* What is read, from front to back. No function goes back further than where it began, and none is tried twice at a place. */
struct reader {
    const char *at;
    const char *end;
    bool is_sentence;
    bool meets_end;      /* something was looked for where the text ends */
    bool is_time_of_day; /* "at" stands before it: 14:18:12 is no duration then */
    enum time_unit unit;
    int64_t server_unix_ms;
};

/* A number as written: nothing is lost to binary fractions, so that 11.455 s are 11455 ms. */
struct decimal {
    int64_t whole;
    int64_t billionths; /* rounded up */
};

struct unit_name {
    const char *name;
    int64_t unit_ns;
    bool is_in_values; /* not in sentences only */
};

static const struct unit_name unit_names[] = {
    {"d", SECONDS_PER_DAY *NS_PER_S, true},
    {"h", 3600 * NS_PER_S, true},
    {"m", 60 * NS_PER_S, true},
    {"s", NS_PER_S, true},
    {"ms", NS_PER_MS, true},
    {"us", 1000, true},
    {"ns", 1, true},
    {"day", SECONDS_PER_DAY *NS_PER_S, false},
    {"days", SECONDS_PER_DAY *NS_PER_S, false},
    {"hr", 3600 * NS_PER_S, false},
    {"hrs", 3600 * NS_PER_S, false},
    {"hour", 3600 * NS_PER_S, false},
    {"hours", 3600 * NS_PER_S, false},
    {"min", 60 * NS_PER_S, false},
    {"mins", 60 * NS_PER_S, false},
    {"minute", 60 * NS_PER_S, false},
    {"minutes", 60 * NS_PER_S, false},
    {"sec", NS_PER_S, false},
    {"secs", NS_PER_S, false},
    {"second", NS_PER_S, false},
    {"seconds", NS_PER_S, false},
    {"msec", NS_PER_MS, false},
    {"msecs", NS_PER_MS, false},
    {"millisecond", NS_PER_MS, false},
    {"milliseconds", NS_PER_MS, false},
};

static const char *const month_names[] = {"january", "february", "march",     "april",   "may",      "june",
                                          "july",    "august",   "september", "october", "november", "december"};
static const char *const weekday_names[] = {"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char lower(char c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

static bool is_letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

/* The character `ahead` from here; NUL where there is none. */
static char peek(struct reader *reader, size_t ahead)
{
    if (ahead < (size_t)(reader->end - reader->at))
        return reader->at[ahead];
    reader->meets_end = true;
    return '\0';
}

static bool take(struct reader *reader, char c)
{
    if (lower(peek(reader, 0)) != c)
        return false;
    reader->at++;
    return true;
}

static bool take_blanks(struct reader *reader)
{
    const char *from = reader->at;
    while (is_blank(peek(reader, 0)))
        reader->at++;
    return reader->at != from;
}

/* The letters from here on, in lower case; "" if there are none, or too many for any word that is known. */
static size_t peek_word(struct reader *reader, char ret_word[WORD_MAX])
{
    size_t length = 0;
    while (length < WORD_MAX && is_letter(peek(reader, length))) {
        ret_word[length] = lower(reader->at[length]);
        length++;
    }
    if (length == WORD_MAX)
        length = 0;
    ret_word[length] = '\0';
    return length;
}

static bool take_word(struct reader *reader, const char *word)
{
    char found[WORD_MAX];
    size_t length = peek_word(reader, found);
    if (strcmp(found, word) != 0)
        return false;
    reader->at += length;
    return true;
}

/* One to count_max digits. */
static bool take_digits(struct reader *reader, int count_min, int count_max, int *ret_number)
{
    int number = 0;
    int count = 0;
    for (; count < count_max && is_digit(peek(reader, 0)); count++)
        number = 10 * number + (*reader->at++ - '0');
    *ret_number = number;
    return count >= count_min;
}

/* The index of a name, in full or its first three letters; -1. */
static int name_index(const char *word, size_t length, const char *const *names, int count)
{
    for (int i = 0; i < count; i++)
        if (strncmp(word, names[i], length) == 0 && (length == 3 || names[i][length] == '\0'))
            return i;
    return -1;
}

static bool take_month(struct reader *reader, int *ret_month)
{
    char word[WORD_MAX];
    size_t length = peek_word(reader, word);
    int index = name_index(word, length, month_names, 12);
    if (index < 0)
        return false;
    reader->at += length;
    *ret_month = index + 1;
    return true;
}

static bool take_weekday(struct reader *reader)
{
    char word[WORD_MAX];
    size_t length = peek_word(reader, word);
    if (name_index(word, length, weekday_names, 7) < 0)
        return false;
    reader->at += length;
    return true;
}

/* A time of the day, with which an instant is made of a date. */
struct clock_time {
    int64_t seconds;
    int64_t ns; /* of a second, rounded up */
    int offset_minutes;
};

static int64_t ms_rounded_up(int64_t ns)
{
    return ns / NS_PER_MS + (ns % NS_PER_MS != 0);
}

static bool unix_ms_of(const struct calendar_date *date, const struct clock_time *time, int64_t *ret_unix_ms)
{
    if (!calendar_is_valid(date))
        return false;
    int64_t seconds = calendar_days(date) * SECONDS_PER_DAY + time->seconds - time->offset_minutes * INT64_C(60);
    *ret_unix_ms = seconds * MS_PER_S + ms_rounded_up(time->ns);
    return true;
}

/* The digits after a point, as billionths. What is behind the ninth rounds up. */
static int64_t take_billionths(struct reader *reader)
{
    int64_t billionths = 0;
    int64_t weight = NS_PER_S;
    bool is_more = false;
    for (; is_digit(peek(reader, 0)); reader->at++) {
        weight /= 10;
        billionths += (*reader->at - '0') * weight;
        is_more |= weight == 0 && *reader->at != '0';
    }
    return billionths + is_more;
}

/* Of a second, if there is one. The point at the end of a sentence is none. */
static void take_fraction(struct reader *reader, int64_t *ret_ns)
{
    if (peek(reader, 0) != '.' || !is_digit(peek(reader, 1)))
        return;
    reader->at++;
    *ret_ns = take_billionths(reader);
}

/* hh:mm:ss, and in sentences hh:mm and h:mm. Second 60 is a leap second. */
static bool take_clock(struct reader *reader, bool needs_seconds, struct clock_time *ret_time)
{
    int hour;
    int minute;
    int second = 0;
    if (!take_digits(reader, reader->is_sentence ? 1 : 2, 2, &hour) || hour > 23 || !take(reader, ':') ||
        !take_digits(reader, 2, 2, &minute) || minute > 59)
        return false;
    bool has_seconds = peek(reader, 0) == ':' && is_digit(peek(reader, 1));
    if (has_seconds) {
        reader->at++;
        if (!take_digits(reader, 2, 2, &second) || second > 60)
            return false;
    }
    *ret_time = (struct clock_time){.seconds = hour * 3600 + minute * 60 + second};
    return has_seconds || !needs_seconds;
}

static bool back_to(struct reader *reader, const char *at)
{
    reader->at = at;
    return false;
}

/* +hh:mm, -hh:mm, +hhmm */
static bool take_offset(struct reader *reader, int *ret_minutes)
{
    const char *from = reader->at;
    bool is_west = take(reader, '-');
    int hours;
    int minutes;
    if (!is_west && !take(reader, '+'))
        return false;
    if (!take_digits(reader, 2, 2, &hours) || hours > 23)
        return back_to(reader, from);
    take(reader, ':');
    if (!take_digits(reader, 2, 2, &minutes) || minutes > 59)
        return back_to(reader, from);
    *ret_minutes = (is_west ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

static bool take_zone(struct reader *reader, int *ret_offset_minutes)
{
    *ret_offset_minutes = 0;
    return take_word(reader, "z") || take_word(reader, "gmt") || take_word(reader, "utc") ||
           take_offset(reader, ret_offset_minutes);
}

/* " am" and " pm", and a zone: UTC if there is none. */
static bool take_zone_of_sentence(struct reader *reader, struct clock_time *time)
{
    const char *from = reader->at;
    take_blanks(reader);
    bool is_am = take_word(reader, "am");
    bool is_pm = !is_am && take_word(reader, "pm");
    int64_t hour = time->seconds / 3600;
    if ((is_am || is_pm) && (hour < 1 || hour > 12))
        return false;
    if (is_am || is_pm) {
        time->seconds += ((is_pm ? 12 : 0) - (hour == 12 ? 12 : 0)) * INT64_C(3600);
        from = reader->at;
        take_blanks(reader);
    }
    if (!take_zone(reader, &time->offset_minutes))
        reader->at = from;
    return true;
}

/* What may follow a date in a sentence: " at 00:00 UTC", ", 00:00:00". Without it the date is a whole one: 00:00 UTC. */
static bool take_clock_of_sentence(struct reader *reader, struct clock_time *ret_time)
{
    const char *from = reader->at;
    struct clock_time time;
    *ret_time = (struct clock_time){0};
    take(reader, ',');
    take_blanks(reader);
    if (take_word(reader, "at"))
        take_blanks(reader);
    if (!take_clock(reader, false, &time)) {
        reader->at = from;
        return true;
    }
    *ret_time = time;
    take_fraction(reader, &ret_time->ns);
    return take_zone_of_sentence(reader, ret_time);
}

/* After the date of a value: RFC 3339 from its 'T' on. */
static bool take_clock_of_rfc3339(struct reader *reader, struct clock_time *ret_time)
{
    if (!take(reader, 't') || !take_clock(reader, true, ret_time))
        return false;
    take_fraction(reader, &ret_time->ns);
    return take_zone(reader, &ret_time->offset_minutes);
}

static bool take_iso_date(struct reader *reader, int64_t *ret_unix_ms)
{
    struct calendar_date date;
    struct clock_time time;
    if (!take_digits(reader, 4, 4, &date.year) || !take(reader, '-') || !take_digits(reader, 2, 2, &date.month) ||
        !take(reader, '-') || !take_digits(reader, 2, 2, &date.day) || is_digit(peek(reader, 0)))
        return false;
    if (reader->is_sentence) {
        take(reader, 't');
        return take_clock_of_sentence(reader, &time) && unix_ms_of(&date, &time, ret_unix_ms);
    }
    return take_clock_of_rfc3339(reader, &time) && unix_ms_of(&date, &time, ret_unix_ms);
}

/* After the date of a value: " 08:49:37 GMT". */
static bool take_clock_of_http(struct reader *reader, struct clock_time *ret_time)
{
    return take_blanks(reader) && take_clock(reader, true, ret_time) && take_blanks(reader) &&
           take_zone(reader, &ret_time->offset_minutes);
}

/* Of the years with these last two digits, the last in which the instant is no more than 50 years after the server's now. */
static bool unix_ms_of_short_year(struct reader *reader, struct calendar_date *date, const struct clock_time *time,
                                  int64_t *ret_unix_ms)
{
    struct calendar_date now = calendar_date_at(reader->server_unix_ms);
    struct calendar_date last = {now.year + 50, now.month, now.month == 2 && now.day == 29 ? 28 : now.day};
    int64_t of_day_ms = reader->server_unix_ms % CALENDAR_DAY_MS;
    int64_t last_ms = calendar_days(&last) * CALENDAR_DAY_MS + (of_day_ms > 0 ? of_day_ms : 0);
    int short_year = date->year;
    for (int century = last.year / 100; century >= last.year / 100 - 1; century--) {
        date->year = century * 100 + short_year;
        if (unix_ms_of(date, time, ret_unix_ms) && *ret_unix_ms <= last_ms)
            return true;
    }
    return false;
}

/* 06 Nov 1994 08:49:37 GMT, 06-Nov-94 08:49:37 GMT. In sentences the clock may be missing. */
static bool take_day_first(struct reader *reader, int64_t *ret_unix_ms)
{
    struct calendar_date date;
    struct clock_time time;
    if (!take_digits(reader, reader->is_sentence ? 1 : 2, 2, &date.day))
        return false;
    bool has_dashes = take(reader, '-');
    if ((!has_dashes && !take_blanks(reader)) || !take_month(reader, &date.month) ||
        !(has_dashes ? take(reader, '-') : take_blanks(reader)))
        return false;
    const char *year_at = reader->at;
    if (!take_digits(reader, 2, 4, &date.year))
        return false;
    bool is_short = reader->at - year_at == 2;
    if (!is_short && reader->at - year_at != 4)
        return false;
    if (!(reader->is_sentence ? take_clock_of_sentence(reader, &time) : take_clock_of_http(reader, &time)))
        return false;
    return is_short ? unix_ms_of_short_year(reader, &date, &time, ret_unix_ms) : unix_ms_of(&date, &time, ret_unix_ms);
}

/* Nov  6 08:49:37 1994; in sentences also Nov 6, 1994, and perhaps a clock. */
static bool take_month_first(struct reader *reader, int64_t *ret_unix_ms)
{
    struct calendar_date date;
    struct clock_time time;
    if (!take_month(reader, &date.month) || !take_blanks(reader) || !take_digits(reader, 1, 2, &date.day))
        return false;
    const char *after_day = reader->at;
    if (take_blanks(reader) && take_clock(reader, true, &time))
        return take_blanks(reader) && take_digits(reader, 4, 4, &date.year) && unix_ms_of(&date, &time, ret_unix_ms);
    if (!reader->is_sentence)
        return false;
    reader->at = after_day;
    take(reader, ',');
    return take_blanks(reader) && take_digits(reader, 4, 4, &date.year) && !is_digit(peek(reader, 0)) &&
           take_clock_of_sentence(reader, &time) && unix_ms_of(&date, &time, ret_unix_ms);
}

/* Which day of the week it is said to be does not matter. */
static bool take_named_date(struct reader *reader, int64_t *ret_unix_ms)
{
    bool has_weekday = take_weekday(reader);
    if (has_weekday) {
        take(reader, ',');
        if (!take_blanks(reader))
            return false;
    }
    if (!has_weekday && !reader->is_sentence)
        return false;
    return is_digit(peek(reader, 0)) ? take_day_first(reader, ret_unix_ms) : take_month_first(reader, ret_unix_ms);
}

/* A comma of thousands: three digits, and no more, stand behind it. */
static bool is_grouping(struct reader *reader)
{
    return reader->is_sentence && peek(reader, 0) == ',' && is_digit(peek(reader, 1)) && is_digit(peek(reader, 2)) &&
           is_digit(peek(reader, 3)) && !is_digit(peek(reader, 4));
}

static bool take_decimal(struct reader *reader, struct decimal *ret_number)
{
    const char *from = reader->at;
    *ret_number = (struct decimal){0};
    for (; is_digit(peek(reader, 0)) || (reader->at != from && is_grouping(reader)); reader->at++)
        if (*reader->at != ',' && ret_number->whole < WHOLE_MAX)
            ret_number->whole = ret_number->whole * 10 + (*reader->at - '0');
    bool has_digits = reader->at != from;
    if (peek(reader, 0) != '.')
        return has_digits;
    /* The point at the end of a sentence is none of the number, though one at the end of a value is. */
    bool has_fraction = is_digit(peek(reader, 1));
    if (has_fraction || !reader->is_sentence)
        reader->at++;
    ret_number->billionths = take_billionths(reader);
    return has_digits || has_fraction;
}

static bool add_ns(const struct decimal *number, int64_t unit_ns, int64_t *total_ns)
{
    int64_t whole_ns;
    int64_t parts_per_unit = NS_PER_S / unit_ns; /* of units shorter than a second: 1 ns rounded up is enough */
    int64_t fraction_ns = unit_ns >= NS_PER_S
                              ? number->billionths * (unit_ns / NS_PER_S)
                              : number->billionths / parts_per_unit + (number->billionths % parts_per_unit != 0);
    return !__builtin_mul_overflow(number->whole, unit_ns, &whole_ns) &&
           !__builtin_add_overflow(*total_ns, whole_ns, total_ns) &&
           !__builtin_add_overflow(*total_ns, fraction_ns, total_ns);
}

/* Go's "µs", with a micro sign or a Greek mu. */
static bool take_micro(struct reader *reader)
{
    unsigned char first = (unsigned char)peek(reader, 0);
    unsigned char second = first >= 0x80 ? (unsigned char)peek(reader, 1) : 0;
    bool is_micro = ((first == 0xc2 && second == 0xb5) || (first == 0xce && second == 0xbc)) && peek(reader, 2) == 's';
    if (is_micro)
        reader->at += 3;
    return is_micro;
}

/* The length of a unit in ns; 0: there is none here. */
static int64_t take_unit(struct reader *reader)
{
    char word[WORD_MAX];
    if (take_micro(reader))
        return 1000;
    size_t length = peek_word(reader, word);
    for (size_t i = 0; i < sizeof(unit_names) / sizeof(unit_names[0]); i++) {
        if (strcmp(word, unit_names[i].name) != 0)
            continue;
        /* Values come from programs, which write small letters. */
        if (!reader->is_sentence && (!unit_names[i].is_in_values || memcmp(reader->at, word, length) != 0))
            return 0;
        reader->at += length;
        if (reader->is_sentence && peek(reader, 0) == '(' && peek(reader, 1) == 's' && peek(reader, 2) == ')')
            reader->at += 3;
        return unit_names[i].unit_ns;
    }
    return 0;
}

/* A number and its unit, shorter than the one before. */
static bool take_quantity(struct reader *reader, int64_t *unit_ns, int64_t *total_ns)
{
    struct decimal number;
    if (!take_decimal(reader, &number))
        return false;
    if (reader->is_sentence)
        take_blanks(reader);
    int64_t next_ns = take_unit(reader);
    if (next_ns == 0 || next_ns >= *unit_ns)
        return false;
    *unit_ns = next_ns;
    return add_ns(&number, next_ns, total_ns);
}

/* What stands between two quantities: nothing, and in sentences " ", ", ", " and ". */
static void take_separator(struct reader *reader)
{
    if (!reader->is_sentence)
        return;
    take_blanks(reader);
    take(reader, ',');
    take_blanks(reader);
    if (take_word(reader, "and"))
        take_blanks(reader);
}

/* What follows the first quantity: 2m3.5s, " and 3 minutes". What is none of it is left, and a value that has such is none. */
static void take_more_quantities(struct reader *reader, int64_t unit_ns, int64_t *total_ns)
{
    const char *from = reader->at;
    int64_t next_ns = *total_ns;
    for (take_separator(reader); take_quantity(reader, &unit_ns, &next_ns); take_separator(reader)) {
        *total_ns = next_ns;
        from = reader->at;
    }
    reader->at = from;
}

static bool ms_until(struct reader *reader, int64_t unix_ms, int64_t *ret_ms)
{
    return !__builtin_sub_overflow(unix_ms, reader->server_unix_ms, ret_ms);
}

/* A number without a unit. */
static bool ms_of_number(struct reader *reader, const struct decimal *number, int64_t *ret_ms)
{
    bool is_ms = number->whole >= EPOCH_MS_MIN || (number->whole < EPOCH_S_MIN && reader->unit == TIME_UNIT_MS);
    int64_t ns = 0;
    if (!add_ns(&(struct decimal){0, number->billionths}, is_ms ? NS_PER_MS : NS_PER_S, &ns))
        return false;
    int64_t ms = number->whole * (is_ms ? 1 : MS_PER_S) + ms_rounded_up(ns);
    if (number->whole >= EPOCH_S_MIN)
        return ms_until(reader, ms, ret_ms);
    *ret_ms = ms;
    return true;
}

static bool take_duration(struct reader *reader, int64_t *ret_ms)
{
    struct decimal number;
    if (!take_decimal(reader, &number))
        return false;
    const char *after_number = reader->at;
    if (reader->is_sentence)
        take_blanks(reader);
    int64_t unit_ns = take_unit(reader);
    if (unit_ns == 0) {
        reader->at = after_number;
        char next = peek(reader, 0); /* "20th" is no number of seconds, nor is 20 with a unit that is not known */
        return !is_letter(next) && (unsigned char)next < 0x80 && ms_of_number(reader, &number, ret_ms);
    }
    int64_t total_ns = 0;
    if (!add_ns(&number, unit_ns, &total_ns))
        return false;
    take_more_quantities(reader, unit_ns, &total_ns);
    *ret_ms = ms_rounded_up(total_ns);
    return true;
}

/* "a minute", "an hour", "one day": a word for one, and a unit. */
static bool take_one(struct reader *reader, int64_t *ret_ms)
{
    if (!take_word(reader, "a") && !take_word(reader, "an") && !take_word(reader, "one"))
        return false;
    take_blanks(reader);
    int64_t total_ns = take_unit(reader);
    take_more_quantities(reader, total_ns, &total_ns);
    *ret_ms = ms_rounded_up(total_ns);
    return total_ns != 0;
}

/* 22.14:18:12, 14:18:12: days, hours, minutes and seconds, if it is not said to be a time of the day. */
static bool take_colons(struct reader *reader, bool has_days, int64_t *ret_ms)
{
    int days = 0;
    struct clock_time time;
    int zone;
    if (has_days && (!take_digits(reader, 1, DAYS_DIGITS_MAX, &days) || !take(reader, '.')))
        return false;
    if (!take_clock(reader, true, &time))
        return false;
    take_fraction(reader, &time.ns);
    const char *after = reader->at;
    take_blanks(reader);
    if (reader->is_sentence && !has_days &&
        (reader->is_time_of_day || take_word(reader, "am") || take_word(reader, "pm") || take_zone(reader, &zone)))
        return false;
    reader->at = after;
    *ret_ms = days * CALENDAR_DAY_MS + time.seconds * MS_PER_S + ms_rounded_up(time.ns);
    return true;
}

static size_t digits_ahead(struct reader *reader, size_t ahead, size_t count_max)
{
    size_t count = 0;
    while (count < count_max && is_digit(peek(reader, ahead + count)))
        count++;
    return count;
}

static bool is_day_of_month(struct reader *reader, size_t digits)
{
    const char *from = reader->at;
    int month;
    reader->at += digits;
    bool is_followed = (take(reader, '-') || take_blanks(reader)) && take_month(reader, &month);
    reader->at = from;
    return is_followed;
}

static bool take_number_first(struct reader *reader, int64_t *ret_ms)
{
    int64_t unix_ms;
    size_t digits = digits_ahead(reader, 0, DAYS_DIGITS_MAX + 1);
    char next = peek(reader, digits);
    if (digits == 4 && next == '-')
        return take_iso_date(reader, &unix_ms) && ms_until(reader, unix_ms, ret_ms);
    if (reader->is_sentence && (digits == 1 || digits == 2) && is_day_of_month(reader, digits))
        return take_day_first(reader, &unix_ms) && ms_until(reader, unix_ms, ret_ms);
    if (next == ':')
        return take_colons(reader, false, ret_ms);
    size_t hours = next == '.' ? digits_ahead(reader, digits + 1, 2) : 0;
    if (digits > 0 && hours > 0 && peek(reader, digits + 1 + hours) == ':')
        return take_colons(reader, true, ret_ms);
    return take_duration(reader, ret_ms);
}

static bool take_time(struct reader *reader, int64_t *ret_ms)
{
    int64_t unix_ms;
    if (!is_letter(peek(reader, 0)))
        return take_number_first(reader, ret_ms);
    const char *from = reader->at;
    if (take_named_date(reader, &unix_ms))
        return ms_until(reader, unix_ms, ret_ms);
    reader->at = from;
    return reader->is_sentence && take_one(reader, ret_ms);
}

/* An empty text may be NULL, to which nothing may be added. */
static const char *end_of(const char *text, size_t length)
{
    return length > 0 ? text + length : text;
}

static int64_t in_bounds(int64_t ms, int64_t longest_ms)
{
    return ms >= 1 && ms <= longest_ms ? ms : -1;
}

int64_t time_value_ms(const char *text, size_t length, enum time_unit unit, int64_t server_unix_ms, int64_t longest_ms)
{
    struct reader reader = {.at = text, .end = end_of(text, length), .unit = unit, .server_unix_ms = server_unix_ms};
    int64_t ms;
    take_blanks(&reader);
    if (!take_time(&reader, &ms))
        return -1;
    take_blanks(&reader);
    return reader.at == reader.end ? in_bounds(ms, longest_ms) : -1;
}

/* "about ", "at ", "~", a quotation mark: what may stand before a time, several of them too. */
static bool take_preposition(struct reader *reader)
{
    static const char *const words[] = {"about", "after", "approximately", "around", "at", "in", "on", "the"};
    const char *from = reader->at;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (!take_word(reader, words[i]))
            continue;
        reader->is_time_of_day |= strcmp(words[i], "at") == 0;
        return take_blanks(reader) || back_to(reader, from);
    }
    if (!take(reader, '~') && !take(reader, '"') && !take(reader, '\'') && !take(reader, '`') && !take(reader, '('))
        return false;
    take_blanks(reader);
    return true;
}

int64_t time_in_sentence_ms(const char *text, size_t length, bool is_cut, enum time_unit unit, int64_t server_unix_ms,
                            int64_t longest_ms)
{
    struct reader reader = {
        .at = text, .end = end_of(text, length), .is_sentence = true, .unit = unit, .server_unix_ms = server_unix_ms};
    int64_t ms;
    take_blanks(&reader);
    for (int i = 0; i < PREPOSITIONS_MAX && take_preposition(&reader); i++)
        ;
    if (!take_time(&reader, &ms) || (is_cut && reader.meets_end))
        return -1;
    return in_bounds(ms, longest_ms);
}

bool http_date_unix_ms(const char *text, size_t length, int64_t *ret_unix_ms)
{
    /* The last day from which years of two digits go on to 2069. */
    struct calendar_date pivot = {2019, 12, 31};
    struct reader reader = {
        .at = text, .end = end_of(text, length), .server_unix_ms = (calendar_days(&pivot) + 1) * CALENDAR_DAY_MS - 1};
    int64_t unix_ms;
    take_blanks(&reader);
    if (!take_named_date(&reader, &unix_ms))
        return false;
    take_blanks(&reader);
    if (reader.at != reader.end)
        return false;
    *ret_unix_ms = unix_ms;
    return true;
}
