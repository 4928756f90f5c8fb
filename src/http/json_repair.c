/* SPDX-License-Identifier: MIT */
#include "json_repair.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define ESCAPE_LENGTH 6 /* \u0000 */
#define CUT_MARK "\\u0000\""

#define INTEGER_MAX "9223372036854775807"
#define INTEGER_DIGITS (sizeof(INTEGER_MAX) - 1)
/* A double with fewer digits before the point, and an exponent of two digits, is none too large. */
#define REAL_DIGITS_MAX 200
#define EXPONENT_DIGITS_MAX 2

/* What comes next. */
enum expect {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END, /* after '[' */
    EXPECT_KEY,
    EXPECT_KEY_OR_END, /* after '{' */
    EXPECT_COLON,
    EXPECT_COMMA_OR_END,
    EXPECT_NOTHING, /* the first value is complete */
};

enum step {
    STEP_DONE,
    STEP_CUT, /* the text ends within it */
    STEP_BROKEN,
};

struct repair {
    const char *at;
    const char *end;
    char *out;     /* has room: nothing that is written is longer than what it stands for, but the last string's mark */
    size_t length; /* of what is written */
    size_t closed_length; /* after so much the brackets can be closed: after a value, and after a bracket that opens */
    enum expect expect;
    size_t depth;
    char closing[JSON_REPAIR_DEPTH_MAX]; /* the brackets that close what is open */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_of_number(char c)
{
    return is_digit(c) || c == '+' || c == '-' || c == '.' || c == 'e' || c == 'E';
}

static size_t left(const struct repair *repair)
{
    return (size_t)(repair->end - repair->at);
}

static void put(struct repair *repair, char c)
{
    repair->out[repair->length++] = c;
}

static void put_text(struct repair *repair, const char *text, size_t length)
{
    memcpy(repair->out + repair->length, text, length);
    repair->length += length;
}

/* Take so many bytes as they are. */
static void copy(struct repair *repair, size_t length)
{
    put_text(repair, repair->at, length);
    repair->at += length;
}

/* Take so many bytes as something else. */
static void replace(struct repair *repair, size_t length, const char *by)
{
    put_text(repair, by, strlen(by));
    repair->at += length;
}

static enum step end_value(struct repair *repair)
{
    repair->closed_length = repair->length;
    repair->expect = repair->depth > 0 ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
    return STEP_DONE;
}

static enum step open_bracket(struct repair *repair)
{
    if (repair->depth == JSON_REPAIR_DEPTH_MAX)
        return STEP_CUT;
    bool is_object = *repair->at == '{';
    repair->closing[repair->depth++] = is_object ? '}' : ']';
    copy(repair, 1);
    repair->closed_length = repair->length;
    repair->expect = is_object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    return STEP_DONE;
}

static enum step close_bracket(struct repair *repair)
{
    repair->depth--;
    copy(repair, 1);
    return end_value(repair);
}

/* The code unit of the escape \uXXXX at the beginning; -1: there is none; -2: the text ends within it. */
static int escaped_unit(const char *text, size_t length)
{
    int unit = 0;
    for (size_t i = 0; i < ESCAPE_LENGTH; i++) {
        if (i == length)
            return -2;
        char c = text[i];
        char letter = (char)(c | 0x20);
        if (i < 2 && c != "\\u"[i])
            return -1;
        if (i >= 2 && !is_digit(c) && (letter < 'a' || letter > 'f'))
            return -1;
        if (i >= 2)
            unit = unit * 16 + (is_digit(c) ? c - '0' : letter - 'a' + 10);
    }
    return unit;
}

static enum step take_unicode_escape(struct repair *repair, bool is_key)
{
    int unit = escaped_unit(repair->at, left(repair));
    if (unit == -2)
        return STEP_CUT;
    if (unit == -1) {
        replace(repair, 1, "?");
        return STEP_DONE;
    }
    bool is_high = unit >= 0xd800 && unit <= 0xdbff;
    int next = is_high ? escaped_unit(repair->at + ESCAPE_LENGTH, left(repair) - ESCAPE_LENGTH) : -1;
    if (next == -2)
        return STEP_CUT;
    if (next >= 0xdc00 && next <= 0xdfff)
        copy(repair, 2 * (size_t)ESCAPE_LENGTH);
    else if (unit >= 0xd800 && unit <= 0xdfff)
        replace(repair, ESCAPE_LENGTH, "\\ufffd");
    else if (unit == 0 && is_key) /* jansson allows it in values only */
        replace(repair, ESCAPE_LENGTH, "?");
    else
        copy(repair, ESCAPE_LENGTH);
    return STEP_DONE;
}

static enum step take_escape(struct repair *repair, bool is_key)
{
    if (left(repair) < 2)
        return STEP_CUT;
    if (repair->at[1] == 'u')
        return take_unicode_escape(repair, is_key);
    if (repair->at[1] != '\0' && strchr("\"\\/bfnrt", repair->at[1]) != NULL)
        copy(repair, 2);
    else
        replace(repair, 1, "?");
    return STEP_DONE;
}

static enum step take_character(struct repair *repair, bool is_key)
{
    char c = *repair->at;
    if (c == '\\')
        return take_escape(repair, is_key);
    if (c == '\t' || c == '\n' || c == '\r')
        replace(repair, 1, " ");
    else if ((unsigned char)c < ' ')
        replace(repair, 1, "?");
    else {
        int length = utf8_length(repair->at, left(repair));
        if (length < 0)
            return STEP_CUT;
        if (length == 0)
            replace(repair, 1, "?");
        else
            copy(repair, (size_t)length);
    }
    return STEP_DONE;
}

/* A string with its quotation marks. */
static enum step take_string(struct repair *repair, bool is_key)
{
    enum step step = STEP_DONE;
    copy(repair, 1);
    while (step == STEP_DONE && left(repair) > 0 && *repair->at != '"')
        step = take_character(repair, is_key);
    if (step == STEP_DONE && left(repair) > 0) {
        copy(repair, 1);
        return STEP_DONE;
    }
    if (!is_key) {
        put_text(repair, CUT_MARK, sizeof(CUT_MARK) - 1);
        end_value(repair);
    }
    return STEP_CUT;
}

static size_t digit_count(const char *text, size_t length)
{
    size_t count = 0;
    while (count < length && is_digit(text[count]))
        count++;
    return count;
}

/* Whether it is JSON's form of a number; and whether it is too large for jansson, perhaps. */
static bool check_number(const char *text, size_t length, bool *ret_is_large)
{
    size_t at = text[0] == '-' ? 1 : 0;
    const char *whole = text + at;
    size_t digits = digit_count(whole, length - at);
    if (digits == 0 || (digits > 1 && whole[0] == '0'))
        return false;
    at += digits;
    if (at == length) {
        *ret_is_large = digits > INTEGER_DIGITS || (digits == INTEGER_DIGITS && memcmp(whole, INTEGER_MAX, digits) > 0);
        return true;
    }
    *ret_is_large = digits > REAL_DIGITS_MAX;
    if (text[at] == '.') {
        size_t decimals = digit_count(text + at + 1, length - at - 1);
        if (decimals == 0)
            return false;
        at += 1 + decimals;
    }
    if (at < length && (text[at] | 0x20) == 'e') {
        at += at + 1 < length && (text[at + 1] == '+' || text[at + 1] == '-') ? 2 : 1;
        size_t exponent = digit_count(text + at, length - at);
        *ret_is_large |= exponent > EXPONENT_DIGITS_MAX;
        at += exponent;
        if (exponent == 0)
            return false;
    }
    return at == length;
}

static enum step take_number(struct repair *repair)
{
    size_t length = 0;
    while (length < left(repair) && is_of_number(repair->at[length]))
        length++;
    if (length == left(repair)) /* more digits may follow */
        return STEP_CUT;
    bool is_large = false;
    if (!check_number(repair->at, length, &is_large))
        return STEP_BROKEN;
    if (is_large)
        replace(repair, length, "null");
    else
        copy(repair, length);
    return end_value(repair);
}

static enum step take_literal(struct repair *repair)
{
    static const char *const literals[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof(literals) / sizeof(literals[0]); i++) {
        size_t length = strlen(literals[i]);
        size_t known = left(repair) < length ? left(repair) : length;
        if (memcmp(repair->at, literals[i], known) != 0)
            continue;
        if (known < length)
            return STEP_CUT;
        copy(repair, length);
        return end_value(repair);
    }
    return STEP_BROKEN;
}

static enum step take_value(struct repair *repair)
{
    char c = *repair->at;
    if (c == '{' || c == '[')
        return open_bracket(repair);
    if (c == '-' || is_digit(c))
        return take_number(repair);
    if (c != '"')
        return take_literal(repair);
    enum step step = take_string(repair, false);
    return step == STEP_DONE ? end_value(repair) : step;
}

static enum step take_key(struct repair *repair)
{
    if (*repair->at != '"')
        return STEP_BROKEN;
    enum step step = take_string(repair, true);
    repair->expect = EXPECT_COLON;
    return step;
}

static enum step take_mark(struct repair *repair, char mark, enum expect next)
{
    if (*repair->at != mark)
        return STEP_BROKEN;
    copy(repair, 1);
    repair->expect = next;
    return STEP_DONE;
}

/* The next value, key, bracket, colon or comma. */
static enum step take_next(struct repair *repair)
{
    bool may_close = repair->expect == EXPECT_VALUE_OR_END || repair->expect == EXPECT_KEY_OR_END ||
                     repair->expect == EXPECT_COMMA_OR_END;
    while (left(repair) > 0 && (*repair->at == ' ' || *repair->at == '\t' || *repair->at == '\n' || *repair->at == '\r'))
        repair->at++;
    if (left(repair) == 0)
        return STEP_CUT;
    if (may_close && *repair->at == repair->closing[repair->depth - 1])
        return close_bracket(repair);
    switch (repair->expect) {
    case EXPECT_KEY:
    case EXPECT_KEY_OR_END:
        return take_key(repair);
    case EXPECT_COLON:
        return take_mark(repair, ':', EXPECT_VALUE);
    case EXPECT_COMMA_OR_END:
        return take_mark(repair, ',', repair->closing[repair->depth - 1] == '}' ? EXPECT_KEY : EXPECT_VALUE);
    default:
        return take_value(repair);
    }
}

int json_repair(const char *text, size_t length, struct json_repaired *ret_repaired)
{
    struct repair repair = {.at = text, .end = text + length, .expect = EXPECT_VALUE};
    repair.out = malloc(length + sizeof(CUT_MARK) + JSON_REPAIR_DEPTH_MAX);
    if (repair.out == NULL)
        return -ENOMEM;
    enum step step = STEP_DONE;
    while (step == STEP_DONE && repair.expect != EXPECT_NOTHING)
        step = take_next(&repair);
    if (step == STEP_BROKEN) {
        bool is_bare_bracket = repair.length == 1 && repair.out[0] == '[';
        free(repair.out);
        return is_bare_bracket ? -ENOMSG : -EBADMSG;
    }
    repair.length = repair.closed_length;
    while (repair.depth > 0)
        put(&repair, repair.closing[--repair.depth]);
    *ret_repaired = (struct json_repaired){
        .text = repair.out,
        .length = repair.length,
        .read_length = (size_t)(repair.at - text),
        .is_cut = step == STEP_CUT,
    };
    return 0;
}
