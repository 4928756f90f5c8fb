/* SPDX-License-Identifier: MIT */
#include "window.h"

#include <string.h>

static const char *const names[WINDOWS] = {"none", "second", "minute", "hour", "day", "week", "month"};

static bool equals(const char *name, const char *text, size_t length)
{
    return strlen(name) == length && memcmp(name, text, length) == 0;
}

const char *window_name(enum window window)
{
    return names[window];
}

enum window window_from_name(const char *name, size_t length)
{
    for (unsigned i = WINDOW_SECOND; i < WINDOWS; i++) {
        if (equals(names[i], name, length))
            return (enum window)i;
    }
    return WINDOWS;
}

enum window window_from_header_word(const char *word, size_t length)
{
    static const struct {
        const char *word;
        enum window window;
    } words[] = {{"1s", WINDOW_SECOND}, {"1m", WINDOW_MINUTE}, {"min", WINDOW_MINUTE}, {"1h", WINDOW_HOUR},
                 {"1d", WINDOW_DAY},    {"daily", WINDOW_DAY}, {"1w", WINDOW_WEEK},    {"monthly", WINDOW_MONTH}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (equals(words[i].word, word, length))
            return words[i].window;
    }
    enum window window = window_from_name(word, length);
    return window != WINDOWS ? window : WINDOW_NONE;
}

enum window window_of_seconds(uint64_t seconds)
{
    if (seconds >= UINT64_C(28) * 86400)
        return WINDOW_MONTH;
    if (seconds >= UINT64_C(7) * 86400)
        return WINDOW_WEEK;
    if (seconds >= 86400)
        return WINDOW_DAY;
    if (seconds >= 3600)
        return WINDOW_HOUR;
    return seconds >= 60 ? WINDOW_MINUTE : WINDOW_SECOND;
}

int64_t window_ms(enum window window)
{
    static const int64_t durations_ms[WINDOWS] = {
        [WINDOW_SECOND] = 1000, [WINDOW_MINUTE] = 60 * 1000, [WINDOW_HOUR] = 60 * 60 * 1000};
    return durations_ms[window];
}

/* ---- in texts ---- */

enum { WORD_BYTES_MAX = sizeof("monthly") - 1 };

struct text {
    const char *begin, *end;
};

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool stands_at(const struct text *text, const char *at, const char *word)
{
    size_t length = strlen(word);
    return at >= text->begin && (size_t)(text->end - at) >= length && memcmp(at, word, length) == 0;
}

static bool is_word_at(const struct text *text, const char *at, const char *word)
{
    const char *end = at + strlen(word);
    return stands_at(text, at, word) && (at == text->begin || !is_letter(at[-1])) &&
           (end == text->end || !is_letter(*end));
}

/* "hourly", and "(RPD)" for requests, tokens or images a day. */
static enum window window_of_word(const struct text *text, const char *at)
{
    static const struct {
        const char *word;
        enum window window;
    } words[] = {{"monthly", WINDOW_MONTH}, {"weekly", WINDOW_WEEK}, {"daily", WINDOW_DAY},  {"rpd", WINDOW_DAY},
                 {"tpd", WINDOW_DAY},       {"ipd", WINDOW_DAY},     {"asd", WINDOW_DAY},    {"hourly", WINDOW_HOUR},
                 {"rph", WINDOW_HOUR},      {"tph", WINDOW_HOUR},    {"ash", WINDOW_HOUR},   {"rpm", WINDOW_MINUTE},
                 {"tpm", WINDOW_MINUTE},    {"ipm", WINDOW_MINUTE},  {"rps", WINDOW_SECOND}, {"tps", WINDOW_SECOND},
                 {"qps", WINDOW_SECOND},    {"qpm", WINDOW_MINUTE}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].word[0] == *at && is_word_at(text, at, words[i].word))
            return words[i].window;
    }
    return WINDOW_NONE;
}

/* What stands after "per": the length of the unit's word, or 0. Of "PerDayPerProject" the words run together. */
static enum window window_of_unit(const struct text *text, const char *at, bool may_go_on)
{
    static const struct {
        const char *word;
        enum window window;
    } units[] = {{"second", WINDOW_SECOND},   {"sec", WINDOW_SECOND},  {"minute", WINDOW_MINUTE},
                 {"min", WINDOW_MINUTE},      {"hour", WINDOW_HOUR},   {"24 hours", WINDOW_DAY},
                 {"24h", WINDOW_DAY},         {"hr", WINDOW_HOUR},     {"day", WINDOW_DAY},
                 {"1 day", WINDOW_DAY},       {"week", WINDOW_WEEK},   {"month", WINDOW_MONTH},
                 {"1 minute", WINDOW_MINUTE}, {"1 hour", WINDOW_HOUR}, {"1 second", WINDOW_SECOND}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        const char *end = at + strlen(units[i].word);
        if (stands_at(text, at, units[i].word) && (may_go_on || end == text->end || !is_letter(*end)))
            return units[i].window;
    }
    return WINDOW_NONE;
}

/* "per day", "per-min", "per_day", "PerDay", "/ month", "3/sec", "each hour". */
static enum window window_of_phrase(const struct text *text, const char *at)
{
    static const char *const beginnings[] = {"per", "/", "each"};
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
        const char *unit = at + strlen(beginnings[i]);
        if (!stands_at(text, at, beginnings[i]))
            continue;
        bool is_apart = unit < text->end && strchr(" -_", *unit) != NULL && *unit != '\0';
        enum window window = window_of_unit(text, unit + is_apart, !is_apart && i == 0);
        bool is_of_seconds = i == 1 && is_word_at(text, unit, "s");
        if (window != WINDOW_NONE || is_of_seconds)
            return is_of_seconds ? WINDOW_SECOND : window;
    }
    return WINDOW_NONE;
}

/* Of "each hour", "per day", and of "requestsperdayperproject", where several words run together. */
static enum window window_in_word(const struct text *text, const char *word, const char *end)
{
    enum window longest = WINDOW_NONE;
    if (*word == '/' || *word == 'p' || *word == 'e')
        longest = window_of_phrase(text, word);
    if (end - word <= WORD_BYTES_MAX) {
        /* Most words are neither abbreviations ("rpm", "ash") nor end as "daily" does. */
        bool may_be_one = end - word == 3 ? word[1] == 'p' || word[1] == 's' : end[-1] == 'y';
        return longest != WINDOW_NONE || !may_be_one ? longest : window_of_word(text, word);
    }
    for (const char *at = word; (at = memmem(at, (size_t)(end - at), "per", 3)) != NULL; at++) {
        enum window window = window_of_phrase(text, at);
        longest = window > longest ? window : longest;
    }
    return longest;
}

enum window window_named_in(const char *lower, size_t length)
{
    struct text text = {lower, lower + length};
    enum window longest = WINDOW_NONE;
    for (const char *at = lower; at < text.end;) {
        const char *end = at + 1;
        while (end < text.end && is_letter(*at) && is_letter(*end))
            end++;
        bool may_name = *at == '/' || (is_letter(*at) && end - at >= 3);
        enum window window = may_name ? window_in_word(&text, at, end) : WINDOW_NONE;
        longest = window > longest ? window : longest;
        at = end;
    }
    return longest;
}
