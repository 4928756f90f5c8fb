/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <string.h>

#include "pattern.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct arena arena;

static void free_arena(void)
{
    arena_free(&arena);
}

TestSuite(pattern, .fini = free_arena);

enum cut { WHOLE, CUT, MAY_BE_CUT };

/* Finds the pattern in a message that is in memory of its own. */
static enum certainty find(const char *text, const char *message, enum cut cut, struct captures *ret_captures)
{
    static char copy[8192], lower[8192];
    static uint64_t seen[SEEN_WORDS];
    struct pattern pattern;
    const char *wrong = pattern_read(&pattern, text, &arena);
    cr_assert_null(wrong, "%s %s", text, wrong);
    size_t length = strlen(message);
    memcpy(copy, message, length + 1);
    for (size_t i = 0; i < length; i++)
        lower[i] = to_lower(copy[i]);
    memset(seen, 0, sizeof(seen));
    pattern_note_fingerprints(lower, length, seen);
    const struct message found = {copy, lower, length, cut == CUT, cut == MAY_BE_CUT, seen};
    *ret_captures = (struct captures){.model = NULL};
    return pattern_find(&pattern, &found, ret_captures);
}

static bool fits(const char *text, const char *message)
{
    struct captures captures;
    return find(text, message, WHOLE, &captures) == CERTAINLY;
}

Test(pattern, text)
{
    cr_assert(fits("rate limit", "Your RATE LIMIT was reached"));
    cr_assert(fits("RATE limit", "rate limit"));
    cr_assert(fits("a", "bab"), "too short for fingerprints");
    cr_assert_not(fits("rate limit", "rate  limit"));
    cr_assert_not(fits("rate limit", "rate limi"));
    cr_assert_not(fits("rate limit", ""));
    cr_assert_not(fits("\xc3\xa4", "\xc3\x84"), "case is that of ASCII");
    cr_assert(fits("\xc3\xa4", "\xc3\xa4"));
}

Test(pattern, at_the_beginning_and_the_end)
{
    cr_assert(fits("^invalid key", "Invalid key: x"));
    cr_assert_not(fits("^invalid key", " Invalid key"));
    cr_assert_not(fits("^invalid key", "An invalid key"));
    cr_assert(fits("is invalid$", "The key is invalid"));
    cr_assert_not(fits("is invalid$", "The key is invalid."));
    cr_assert(fits("is invalid$", "is invalid, is invalid"), "not the first of them");
    cr_assert(fits("^exactly$", "Exactly"));
    cr_assert_not(fits("^exactly$", "exactly so"));
    cr_assert(fits("costs $5", "it costs $5 more"), "a '$' that is not the last is one");
    cr_assert(fits("a^b", "xa^b"));
}

Test(pattern, anything_between)
{
    cr_assert(fits("limit*reached", "limit of 5 reached"));
    cr_assert(fits("limit*reached", "limitreached"));
    cr_assert_not(fits("limit*reached", "reached the limit"));
    cr_assert(fits("a*b*c", "a b b c"));
    cr_assert(fits("^key*invalid$", "key x is invalid, really invalid"), "the last of them is the end");
    cr_assert_not(fits("^key*invalid$", "key x is invalid!"));
    cr_assert(fits("a**b", "a, b"));
    cr_assert(fits("^*b", "a, b"));
    cr_assert(fits("ends*", "ends"));
    cr_assert_not(fits("abcd*abcd$", "abcd"), "not the same twice");
}

Test(pattern, a_later_place_that_fits)
{
    cr_assert(fits("model {model} is busy", "model x is new, model y is busy"));
    cr_assert(fits("abcd", "abc abc abc abc abc abc abc abc abc abc abc abc abc abc abc abcd"));
    cr_assert(fits("abc{model}!", "abc? abc1!"));
}

static void expect_model(const char *text, const char *message, const char *model)
{
    struct captures captures;
    enum certainty certainty = find(text, message, WHOLE, &captures);
    if (model == NULL) {
        cr_expect_eq(certainty, CERTAINLY_NOT, "%s in %s", text, message);
        return;
    }
    cr_expect_eq(certainty, CERTAINLY, "%s in %s", text, message);
    cr_expect(captures.model != NULL && captures.model_length == strlen(model) &&
                  memcmp(captures.model, model, strlen(model)) == 0,
              "%s in %s: %.*s", text, message, (int)captures.model_length, captures.model);
}

Test(pattern, model)
{
    char longest[160] = "for ";
    memset(longest + 4, 'm', 128);
    expect_model("for {model}", longest, longest + 4);
    longest[132] = 'm';
    expect_model("for {model}", longest, NULL);
    expect_model("for {model}", "limit for GPT-4o", "GPT-4o");
    expect_model("for {model} in", "for gpt-4o in organization", "gpt-4o");
    expect_model("for {model}", "for `llama-3.3-70b:free`.", "llama-3.3-70b:free");
    expect_model("for {model}", "for \"a/b_c@d+e:f.g\"", "a/b_c@d+e:f.g");
    expect_model("for {model}.", "for 'x'.", "x");
    expect_model("for {model}", "for x.", "x");
    expect_model("for {model}", "for x:", "x");
    expect_model("for {model}", "for x/-..", "x");
    expect_model("for {model}", "for ...", NULL);
    expect_model("for {model}", "for ", NULL);
    expect_model("for {model}", "for \xc3\xa4", NULL);
    expect_model("^{model} is", "x-1 is at capacity", "x-1");
}

Test(pattern, time)
{
    struct captures captures;
    cr_assert_eq(find("again in {time}", "Try again in 20s. Bye", WHOLE, &captures), CERTAINLY);
    cr_assert_str_eq(captures.time, "20s. Bye");
    cr_assert_eq(find("for {model} until {time}", "for X until noon", WHOLE, &captures), CERTAINLY);
    cr_assert_str_eq(captures.time, "noon");
    cr_assert_eq(captures.model_length, 1);
    cr_assert_eq(find("again in {time}", "again in ", WHOLE, &captures), CERTAINLY);
    cr_assert_str_eq(captures.time, "");
}

Test(pattern, of_a_message_that_was_cut)
{
    static const struct {
        const char *pattern, *message;
        enum certainty expected;
    } cases[] = {
        {"^invalid key", "Invalid", PERHAPS},
        {"^invalid key", "Invalid key x", CERTAINLY},
        {"^invalid key", "Invalit", CERTAINLY_NOT},
        {"^invalid key", "", PERHAPS},
        {"invalid key", "anything", PERHAPS},
        {"invalid key", "an invalid key, or", CERTAINLY},
        {"is invalid$", "It is invalid", PERHAPS},
        {"is invalid$", "It is", PERHAPS},
        {"for {model}", "for gpt-4", PERHAPS},
        {"for {model} is", "for gpt-4 is", CERTAINLY},
        {"a*b", "a", PERHAPS},
        {"^a*b", "c", CERTAINLY_NOT},
        {"^a*b$", "a b", PERHAPS},
        {"^for {model} is", "for x was", CERTAINLY_NOT},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct captures captures;
        enum certainty certainty = find(cases[i].pattern, cases[i].message, CUT, &captures);
        cr_expect_eq(certainty, cases[i].expected, "%s in %s: %d", cases[i].pattern, cases[i].message, certainty);
    }
}

/* A body that is plain text does not say where it ends: it may be the beginning of a longer one. */
Test(pattern, of_a_message_that_may_have_been_cut)
{
    struct captures captures;
    cr_assert_eq(find("^invalid key", "Invalid k", MAY_BE_CUT, &captures), PERHAPS);
    cr_assert_eq(find("invalid key", "Invalid k", MAY_BE_CUT, &captures), PERHAPS);
    cr_assert_eq(find("invalid key", "Invalid key", MAY_BE_CUT, &captures), CERTAINLY);
    cr_assert_eq(find("invalid key", "An invalid k", MAY_BE_CUT, &captures), CERTAINLY_NOT);
    cr_assert_eq(find("is {model}", "is x", MAY_BE_CUT, &captures), CERTAINLY);
}

Test(pattern, that_is_none)
{
    static const struct {
        const char *text, *wrong;
    } cases[] = {
        {"", "does not begin"},           {"^", "does not begin"},          {"*a", "does not begin"},
        {"{model} a", "does not begin"},  {"$", "does not begin"},          {"a*b*c*d*e", "more than 8"},
        {"a{time}b", "goes on"},          {"a*{model}", "no text between"}, {"a{model}{model}", "no text between"},
        {"a{model}*", "no text between"}, {"^*{time}", "no text between"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pattern pattern;
        const char *wrong = pattern_read(&pattern, cases[i].text, &arena);
        cr_expect(wrong != NULL && strstr(wrong, cases[i].wrong) != NULL, "%s: %s", cases[i].text, wrong);
    }
    struct pattern pattern;
    cr_assert_null(pattern_read(&pattern, "a*b*c*d*", &arena), "eight parts");
    cr_assert_null(pattern_read(&pattern, "{nothing}", &arena), "only known places are places");
}

/* Fingerprints leave out nothing: every text of a message is found in it. */
Test(pattern, whatever_stands_in_a_message_is_found)
{
    static const char message[] = "rate limit reached for gpt-4o in organization org-x on tokens per min (tpm)";
    char part[sizeof(message)];
    for (size_t begin = 0; begin < sizeof(message) - 1; begin++)
        for (size_t length = 1; begin + length < sizeof(message); length++) {
            memcpy(part, message + begin, length);
            part[length] = '\0';
            cr_assert(part[0] == '*' || fits(part, message), "'%s'", part);
        }
}
