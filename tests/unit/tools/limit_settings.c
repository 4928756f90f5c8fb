/* SPDX-License-Identifier: MIT */
#include "limit_settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "expect.h"
#include "shell_words.h"

/* What keyshm-ctl lets limits be is what the library takes, and comes back from it; what it prints, it reads. */

static keyshm_pool *pool;

static struct keyshm_limits parse(enum limit_setting_id id, const char *text, int expected)
{
    struct limit_changes changes = {.is_given = {false}};
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    int r = limit_changes_parse(id, text, &changes);
    if (r != expected) {
        fprintf(stderr, "%s: %d, expected %d\n", text, r, expected);
        EXPECT(!"as expected");
    }
    EXPECT(limit_changes_are_given(&changes) == (r == 0));
    limit_changes_apply(&changes, &limits);
    return limits;
}

static struct keyshm_limits there_and_back(const struct keyshm_limits *limits, unsigned model)
{
    struct keyshm_limits known = KEYSHM_LIMITS_INIT;
    EXPECT_EQ(keyshm_set_limits(pool, 0, model, limits), 0);
    EXPECT_EQ(keyshm_get_limits(pool, 0, model, &known), 0);
    return known;
}

/* All settings of it as words, and these read again. */
static struct keyshm_limits reread(const struct keyshm_limits *limits)
{
    struct limit_changes changes = {.is_given = {false}};
    struct keyshm_limits again = KEYSHM_LIMITS_INIT;
    char text[LIMIT_SETTING_SIZE];
    for (int i = 0; i < LIMIT_SETTINGS; i++)
        if (limit_setting_format((enum limit_setting_id)i, limits, text))
            EXPECT_EQ(limit_changes_parse((enum limit_setting_id)i, text, &changes), 0);
    limit_changes_apply(&changes, &again);
    return again;
}

static void compare(const struct keyshm_limits *limits)
{
    struct keyshm_limits known = there_and_back(limits, 0), words = reread(&known), read;
    EXPECT(limits_are_equal(&known, &words));
    json_t *json = limits_json(&known);
    EXPECT(limits_from_json(json, &read));
    EXPECT(limits_are_equal(&known, &read));
    json_decref(json);
}

static void compare_times(void)
{
    static const int64_t times[] = {1,        2,        999,      1000,     1001,        1500,       59999,
                                    60000,    60001,    90000,    3600000,  5400000,     3600001,    86399999,
                                    86400000, 86400001, 86460000, 90000000, 31622399999, 31622400000};
    static const uint64_t amounts[] = {1,     5,     6,      999,     1000,    9999,     10000,
                                       10001, 11000, 999999, 1000000, 1001000, 12345678, INT64_MAX};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        for (size_t j = 0; j < sizeof(amounts) / sizeof(amounts[0]); j++)
            for (int charge = KEYSHM_CHARGE_AT_PICK; charge <= KEYSHM_CHARGE_AT_RELEASE; charge++) {
                struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
                limits.requests = (struct keyshm_rate){amounts[j], times[i], 0, KEYSHM_CHARGE_AT_PICK};
                limits.tokens = (struct keyshm_rate){amounts[j], times[i], 20000, (enum keyshm_charge)charge};
                limits.tokens_long.amount = 7;
                limits.in_flight = (unsigned)i % 17;
                compare(&limits);
            }
}

/* The ends of a time's range are those of the library, which refuses what is beside them. */
static void compare_range(void)
{
    EXPECT_EQ(parse(LIMIT_TOKENS, "1/1ms", 0).tokens.per_ms, 1);
    EXPECT_EQ(parse(LIMIT_TOKENS, "1/366day", 0).tokens.per_ms, KEYSHM_DURATION_MAX_MS);
    EXPECT_EQ(parse(LIMIT_TOKENS, "1/31622400000ms", 0).tokens.per_ms, KEYSHM_DURATION_MAX_MS);
    EXPECT_EQ(parse(LIMIT_TOKENS, "9223372036854775k/s", 0).tokens.amount, UINT64_C(9223372036854775000));
    parse(LIMIT_TOKENS, "1/31622400001ms", -ERANGE);
    parse(LIMIT_TOKENS, "1/366.001day", -ERANGE);
    parse(LIMIT_TOKENS, "1/31622400day", -ERANGE);
    parse(LIMIT_TOKENS, "1/0ms", -ERANGE);
    parse(LIMIT_TOKENS, "9223372036854775808/s", -ERANGE);
    parse(LIMIT_TOKENS, "00000000000000000000000000000000000000000000000001/s", -EINVAL);
    parse(LIMIT_TOKENS, "1/00000000000000000000000000000000000000000000000001s", -ERANGE);
    for (int64_t per_ms = 0; per_ms <= KEYSHM_DURATION_MAX_MS + 1; per_ms += KEYSHM_DURATION_MAX_MS + 1) {
        struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
        limits.tokens.amount = 1;
        limits.tokens.per_ms = per_ms;
        EXPECT_EQ(keyshm_set_limits(pool, 0, 0, &limits), -EINVAL);
    }
}

/* What was not given stays, and a new rate begins with its default burst. */
static void change(void)
{
    struct limit_changes changes = {.is_given = {false}};
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    limits.requests = (struct keyshm_rate){600, 1000, 7, KEYSHM_CHARGE_AT_PICK};
    limits.tokens = (struct keyshm_rate){600, 1000, 7, KEYSHM_CHARGE_AT_PICK};
    EXPECT_EQ(limit_changes_parse(LIMIT_TOKENS, "5/h", &changes), 0);
    limit_changes_apply(&changes, &limits);
    EXPECT(limits.requests.amount == 600 && limits.requests.burst == 7);
    EXPECT(limits.tokens.amount == 5 && limits.tokens.per_ms == 3600000 && limits.tokens.burst == 0);
    EXPECT_EQ(limits.tokens.charge, KEYSHM_CHARGE_AT_PICK);
    EXPECT(limit_changes_find_useless(&changes, &limits) == LIMIT_SETTINGS);
    EXPECT_EQ(limit_changes_parse(LIMIT_TOKENS_LONG_BURST, "5", &changes), 0);
    EXPECT(limit_changes_find_useless(&changes, &limits) == LIMIT_TOKENS_LONG_BURST);
    EXPECT_EQ(limit_changes_parse(LIMIT_TOKENS_LONG, "5/day", &changes), 0);
    limit_changes_apply(&changes, &limits);
    EXPECT(limit_changes_find_useless(&changes, &limits) == LIMIT_SETTINGS);
    EXPECT(limits.tokens_long.burst == 5 && limits.tokens_long.charge == KEYSHM_CHARGE_AT_RELEASE);
}

/* Each of its members is looked at. */
static void differ(void)
{
    const struct keyshm_limits limits = {.requests = {5, 1000, 1, KEYSHM_CHARGE_AT_PICK},
                                         .tokens_long = {5, 1000, 1, KEYSHM_CHARGE_AT_RELEASE}};
    struct keyshm_limits other = limits;
    other.tokens.per_ms = 5; /* there is no such rate */
    EXPECT(limits_are_equal(&limits, &other));
    struct keyshm_limits others[] = {limits, limits, limits, limits, limits, limits};
    others[0].requests.amount = 6;
    others[1].requests.per_ms = 6;
    others[2].tokens_long.burst = 6;
    others[3].tokens_long.charge = KEYSHM_CHARGE_AT_PICK;
    others[4].in_flight = 6;
    others[5].tokens.amount = 6;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        EXPECT(!limits_are_equal(&limits, &others[i]));
}

static void split(const char *line, int expected, const char *first, const char *last)
{
    char copy[128];
    const char *words[4];
    snprintf(copy, sizeof(copy), "%s", line);
    int count = shell_split(copy, words, 4);
    if (count != expected || (count > 0 && (strcmp(words[0], first) != 0 || strcmp(words[count - 1], last) != 0))) {
        fprintf(stderr, "%s: %d words\n", line, count);
        EXPECT(!"as expected");
    }
}

static void split_lines(void)
{
    split("", 0, "", "");
    split(" \t # a 'b", 0, "", "");
    split("a b\tc", 3, "a", "c");
    split(" a#b #c", 1, "a#b", "a#b");
    split("'a b'c \"d 'e\" ''", 3, "a bc", "");
    split("a\\ b \\#", 2, "a b", "#");
    split("'a\\' \"\\\"\\$\\`\\\\\\a\"", 2, "a\\", "\"$`\\\\a");
    split("'it'\\''s'", 1, "it's", "it's");
    split("a\\", 1, "a\\", "a\\");
    split("a b c d", 4, "a", "d");
    split("a b c d #", 4, "a", "d");
    split("a b c d e", -E2BIG, "", "");
    split("a 'b", -EINVAL, "", "");
    split("a \"b\\\"", -EINVAL, "", "");
}

static void quote(void)
{
    static const char *const texts[] = {"",   "a",  "m/1", "a b", "it's", "'", "\"",
                                        "\\", "#a", "a#",  "$x",  "--x",  "ä", "\t"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char line[64];
        shell_quote(texts[i], line);
        split(line, 1, texts[i], texts[i]);
    }
}

int main(void)
{
    EXPECT_EQ(keyshm_create_anonymous(&pool, "test", NULL), 0);
    compare_times();
    compare_range();
    change();
    differ();
    split_lines();
    quote();
    keyshm_close(pool);
    return 0;
}
