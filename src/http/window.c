/* SPDX-License-Identifier: MIT */
#include "window.h"

#include <string.h>

static const char *const names[WINDOWS] = {"none", "second", "minute", "hour", "day", "month"};

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
    } words[] = {{"1s", WINDOW_SECOND}, {"1m", WINDOW_MINUTE}, {"min", WINDOW_MINUTE},   {"1h", WINDOW_HOUR},
                 {"1d", WINDOW_DAY},    {"daily", WINDOW_DAY}, {"monthly", WINDOW_MONTH}};
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

/* How answers name them, in lower case. What stands behind must not go on with a letter: "per sec" is not in "per section". */
static const struct {
    enum window window;
    const char *text;
} phrases[] = {
    {WINDOW_MONTH, "per month"},   {WINDOW_MONTH, "permonth"},  {WINDOW_MONTH, "/ month"},
    {WINDOW_MONTH, "/month"},      {WINDOW_MONTH, "monthly"},   {WINDOW_MONTH, "per-month"},
    {WINDOW_MONTH, "a month"},     {WINDOW_MONTH, "(rpmonth)"}, {WINDOW_DAY, "per day"},
    {WINDOW_DAY, "perday"},        {WINDOW_DAY, "/ day"},       {WINDOW_DAY, "/day"},
    {WINDOW_DAY, "day/"},          {WINDOW_DAY, "daily"},       {WINDOW_DAY, "per-day"},
    {WINDOW_DAY, "(rpd)"},         {WINDOW_DAY, "(tpd)"},       {WINDOW_DAY, "per 24 hours"},
    {WINDOW_DAY, "per 1 day"},     {WINDOW_DAY, "a day"},       {WINDOW_HOUR, "per hour"},
    {WINDOW_HOUR, "perhour"},      {WINDOW_HOUR, "/ hour"},     {WINDOW_HOUR, "/hour"},
    {WINDOW_HOUR, "hourly"},       {WINDOW_HOUR, "per-hour"},   {WINDOW_HOUR, "(rph)"},
    {WINDOW_HOUR, "(tph)"},        {WINDOW_MINUTE, "per min"},  {WINDOW_MINUTE, "per minute"},
    {WINDOW_MINUTE, "perminute"},  {WINDOW_MINUTE, "/ minute"}, {WINDOW_MINUTE, "/minute"},
    {WINDOW_MINUTE, "/min"},       {WINDOW_MINUTE, "/ min"},    {WINDOW_MINUTE, "per-min"},
    {WINDOW_MINUTE, "(rpm)"},      {WINDOW_MINUTE, "(tpm)"},    {WINDOW_MINUTE, "per-minute"},
    {WINDOW_MINUTE, "a minute"},   {WINDOW_SECOND, "per sec"},  {WINDOW_SECOND, "per second"},
    {WINDOW_SECOND, "persecond"},  {WINDOW_SECOND, "/ second"}, {WINDOW_SECOND, "/second"},
    {WINDOW_SECOND, "/sec"},       {WINDOW_SECOND, "/ sec"},    {WINDOW_SECOND, "per-sec"},
    {WINDOW_SECOND, "per-second"}, {WINDOW_SECOND, "/s)"},      {WINDOW_SECOND, "(rps)"},
    {WINDOW_SECOND, "a second"},
};

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

/* quotaId's run words together ("PerDayPerProject"), so letters may follow there. */
static bool is_there(const char *lower, size_t length, const char *text)
{
    size_t size = strlen(text);
    bool may_go_on = memcmp(text, "per", 3) == 0 && is_letter(text[3]);
    bool begins_word = is_letter(text[0]) && text[1] == ' ';
    const char *end = lower + length;
    for (const char *at = lower; (at = memmem(at, (size_t)(end - at), text, size)) != NULL; at++) {
        bool goes_on = at + size < end && is_letter(at[size]) && is_letter(text[size - 1]);
        bool is_in_word = begins_word && at > lower && is_letter(at[-1]);
        if ((may_go_on || !goes_on) && !is_in_word)
            return true;
    }
    return false;
}

enum window window_named_in(const char *lower, size_t length)
{
    for (size_t i = 0; i < sizeof(phrases) / sizeof(phrases[0]); i++) {
        if (is_there(lower, length, phrases[i].text))
            return phrases[i].window;
    }
    return WINDOW_NONE;
}
