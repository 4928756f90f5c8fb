/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "json_repair.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MARK "\\u0000" /* of a string that was cut, as json_dumps() writes it */

/* malloc(3) of the modules, not of jansson: counted, and failing if told to. */
static int malloc_count;
static int mallocs_left = INT_MAX;

/* Of jansson's. */
static int jansson_mallocs_left = INT_MAX;

/* What has not been freed, of modules, jansson and test together: a test ends with nothing. */
static int held;

void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void __real_free(void *memory);
void __wrap_free(void *memory);

static void *allocate(size_t bytes, int *left)
{
    if (*left <= 0)
        return NULL;
    --*left;
    held++;
    return __real_malloc(bytes);
}

void *__wrap_malloc(size_t bytes)
{
    malloc_count++;
    return allocate(bytes, &mallocs_left);
}

void __wrap_free(void *memory)
{
    held -= memory != NULL;
    __real_free(memory);
}

static void *allocate_for_jansson(size_t bytes)
{
    return allocate(bytes, &jansson_mallocs_left);
}

static void count_allocations(void)
{
    json_set_alloc_funcs(allocate_for_jansson, free);
}

static void check_that_all_is_freed(void)
{
    cr_assert_eq(held, 0, "%d allocations leak", held);
}

/* The check is a part of each test: what fails in a .fini does not count. */
TestSuite(body, .init = count_allocations);

/* The memory ends where the body does, so that AddressSanitizer sees a look behind it. The caller frees it. */
static char *exact_copy(const char *bytes, size_t length)
{
    char *copy = malloc(length > 0 ? length : 1);
    cr_assert_not_null(copy);
    memcpy(copy, bytes, length);
    return copy;
}

/* What was read, as text: the kind, "cut" and the content. */
static void describe(const struct body *body, char *ret_text, size_t size)
{
    static const char *const kinds[] = {"none", "json", "html", "text", "unreadable"};
    const char *cut = body->is_cut ? " cut" : "";
    const char *error = body->is_error_event ? " error" : "";
    if (body->kind == BODY_JSON) {
        char *dump = json_dumps(body->json, JSON_COMPACT | JSON_ENSURE_ASCII);
        snprintf(ret_text, size, "%s%s%s %s", kinds[body->kind], cut, error, dump);
        free(dump);
    } else {
        snprintf(ret_text, size, "%s%s%s %.*s", kinds[body->kind], cut, error, (int)body->text_length, body->text);
    }
    cr_assert((body->kind == BODY_JSON) == (body->json != NULL));
}

struct reading {
    const char *bytes;
    size_t length;
    const char *expected;
};
#define READING(bytes, expected)           \
    {                                      \
        bytes, sizeof(bytes) - 1, expected \
    }

static void check(const struct reading *readings, size_t count, bool is_stream)
{
    for (size_t i = 0; i < count; i++) {
        char *copy = exact_copy(readings[i].bytes, readings[i].length);
        struct body body;
        int error = is_stream ? body_read_event(&body, copy, readings[i].length)
                              : body_read(&body, copy, readings[i].length, false);
        cr_assert_eq(error, 0);
        char text[1024];
        describe(&body, text, sizeof(text));
        cr_expect_str_eq(text, readings[i].expected, "%s: %s", readings[i].bytes, text);
        body_free(&body);
        free(copy);
    }
}

Test(body, kinds)
{
    const struct reading readings[] = {
        READING("", "none "),
        READING(" \r\n\t ", "none "),
        READING(": keep-alive\n\n: keep-alive\n\n", "none "),
        READING(": keep-alive", "none "),
        READING("\xef\xbb\xbf", "none "),
        READING("\"\"", "none "),
        READING("Missing API key", "text Missing API key"),
        READING("  Missing API key \r\n", "text Missing API key"),
        READING("\xef\xbb\xbfMissing", "text Missing"),
        READING("429", "text 429"),
        READING("null", "text null"),
        READING("\"Unauthorized\"\n", "text Unauthorized"),
        READING("\"Unauthorized", "text cut Unauthorized"),
        READING("\"a\" is no model", "text \"a\" is no model"),
        READING("na\xc3\xafve", "text na\xc3\xafve"),
        READING("na\xefve", "text na\xefve"),
        READING("na\xefve and na\xc3\xafve", "text na\xefve and na\xc3\xafve"),
        READING("na\xc3", "text cut na"),
        READING("[DONE]", "text [DONE]"),
        READING("[error] too many", "text [error] too many"),
        READING("[429] Too Many Requests", "text [429] Too Many Requests"),
        READING("[note]", "text [note]"),
        READING("a\0b", "unreadable "),
        READING("\x1f\x8b\x08\x00\x00", "unreadable "),
        READING("a\x1b[0m", "unreadable "),
        READING("a\xc2\x85", "unreadable "),
        READING("a\x90", "unreadable "),
        READING("\x7f", "unreadable "),
        READING("{oops}", "unreadable "),
        READING("{\"a\":1,}", "unreadable "),
        READING("{\"a\" 1}", "unreadable "),
        READING("{\"a\":01}", "unreadable "),
        READING("{\"a\":1.}", "unreadable "),
        READING("{\"a\":-}", "unreadable "),
        READING("{\"a\":1e}", "unreadable "),
        READING("{\"a\":+1}", "unreadable "),
        READING("{\"a\":truth}", "unreadable "),
        READING("{\"a\":1]", "unreadable "),
        READING("[1}", "unreadable "),
        READING("[,", "text [,"),
        READING("[1,]", "unreadable "),
        READING("{\"a\":\0}", "unreadable "),
        READING("{\"a\":1\0", "unreadable "),
    };
    check(readings, COUNT(readings), false);
    check_that_all_is_freed();
}

Test(body, pages)
{
    const struct reading readings[] = {
        READING("<html>x", "html <html>x"),
        READING(" <!DOCTYPE html>", "html <!DOCTYPE html>"),
        READING("<!-- c --><HTML lang=en>", "html <!-- c --><HTML lang=en>"),
        READING("<head>", "html <head>"),
        READING("<html/>", "html <html/>"),
        READING("<body class=x>", "html <body class=x>"),
        READING("<title>x", "html <title>x"),
        READING("<?xml version=\"1.0\"?><html >", "html <?xml version=\"1.0\"?><html >"),
        READING("<?xml version=\"1.0\"?><problem><title>x", "text <?xml version=\"1.0\"?><problem><title>x"),
        READING("<Error><Code>SlowDown</Code>", "text <Error><Code>SlowDown</Code>"),
        READING("<header>x", "text <header>x"),
        READING("<html", "text <html"),
        READING("x <html>", "text x <html>"),
        READING("<html>\x90", "html <html>\x90"),
    };
    check(readings, COUNT(readings), false);
    check_that_all_is_freed();
}

Test(body, json)
{
    const struct reading readings[] = {
        READING("{}", "json {}"),
        READING("[]", "json []"),
        READING(" {\"a\":[1,2.5,true,null,\"x\"]}\n", "json {\"a\":[1,2.5,true,null,\"x\"]}"),
        READING("\xef\xbb\xbf{}", "json {}"),
        READING("\n\n: keep-alive\n\n: keep-alive\r\n{\"a\":1}", "json {\"a\":1}"),
        READING("{\"a\":1} trailing {", "json {\"a\":1}"),
        READING("{\"a\":1}{\"b\":2}", "json {\"a\":1}"),
        READING("[{\"a\":1}] x", "json [{\"a\":1}]"),
        READING("[1]\n", "json [1]"),
        READING("{\"a\":\"x\\u0000y\"}", "json {\"a\":\"x\\u0000y\"}"),
    };
    check(readings, COUNT(readings), false);
    check_that_all_is_freed();
}

Test(body, json_that_jansson_refuses)
{
    const struct reading readings[] = {
        READING("{\"a\":\"x\xffy\xe9z\"}", "json {\"a\":\"x?y?z\"}"),
        READING("{\"\xff\":\"\xc3\xa9\"}", "json {\"?\":\"\\u00E9\"}"),
        READING("{\"a\":\"x\ny\tz\x01\0w\"}", "json {\"a\":\"x y z??w\"}"),
        READING("{\"a\":\"\\ud83d\\ude00\\ud83dx\\ude00\\ud83d\\u0041\"}",
                "json {\"a\":\"\\uD83D\\uDE00\\uFFFDx\\uFFFD\\uFFFDA\"}"),
        READING("{\"a\\u0000b\":1}", "json {\"a?b\":1}"),
        READING("{\"a\":\"\\x\\u00g0\"}", "json {\"a\":\"?x?u00g0\"}"),
        READING("{\"a\":9223372036854775808,\"b\":9223372036854775807}\xff",
                "json {\"a\":null,\"b\":9223372036854775807}"),
        READING("{\"a\":-99999999999999999999,\"b\":1e999,\"c\":1.5e-9,\"d\":-0.5E+2}",
                "json {\"a\":null,\"b\":null,\"c\":1.5e-9,\"d\":-50.0}"),
        READING("{\"a\":\"\xed\xa0\x80\xf4\x90\x80\x80\xc0\x80\"}", "json {\"a\":\"?????????\"}"),
        READING("{\"a\":\"\xff\"} \x01", "json {\"a\":\"?\"}"),
        READING("{\"a\":\"\xff\\u0000b\"}", "json {\"a\":\"?\\u0000b\"}"),
        READING("{\"a\":\"\xf5\x80\x80\x80 \xe0\x80\x80 \xf0\x80\x80\x80\"}", "json {\"a\":\"???? ??? ????\"}"),
    };
    check(readings, COUNT(readings), false);
    check_that_all_is_freed();
}

/* Beyond what a double holds, by its digits or by these and an exponent. */
Test(body, long_numbers)
{
    const char *const ends[] = {".0}", "e99}", "}"};
    for (size_t i = 0; i < COUNT(ends); i++) {
        char bytes[512];
        int length = snprintf(bytes, sizeof(bytes), "{\"a\":%0400d%s", 1, ends[i]);
        memset(bytes + 5, '9', 400);
        struct body body;
        cr_assert_eq(body_read(&body, bytes, (size_t)length, false), 0);
        cr_assert(body.kind == BODY_JSON && !body.is_cut && json_is_null(json_object_get(body.json, "a")));
        body_free(&body);
    }
    check_that_all_is_freed();
}

Test(body, json_that_was_cut)
{
    const struct reading readings[] = {
        READING("{", "json cut {}"),
        READING("[", "json cut []"),
        READING("{\"a", "json cut {}"),
        READING("{\"a\"", "json cut {}"),
        READING("{\"a\":", "json cut {}"),
        READING("{\"a\":1", "json cut {}"),
        READING("{\"a\":1 ", "json cut {\"a\":1}"),
        READING("{\"a\":1,", "json cut {\"a\":1}"),
        READING("{\"a\":1,\"b\":-", "json cut {\"a\":1}"),
        READING("{\"a\":1,\"b\":nul", "json cut {\"a\":1}"),
        READING("{\"a\":1,\"b\":null", "json cut {\"a\":1,\"b\":null}"),
        READING("{\"a\":{", "json cut {\"a\":{}}"),
        READING("{\"a\":[{\"b\":[1,2", "json cut {\"a\":[{\"b\":[1]}]}"),
        READING("{\"a\":\"", "json cut {\"a\":\"" MARK "\"}"),
        READING("{\"a\":\"xy", "json cut {\"a\":\"xy" MARK "\"}"),
        READING("{\"a\":\"xy\\", "json cut {\"a\":\"xy" MARK "\"}"),
        READING("{\"a\":\"xy\\u00", "json cut {\"a\":\"xy" MARK "\"}"),
        READING("{\"a\":\"xy\\ud83d", "json cut {\"a\":\"xy" MARK "\"}"),
        READING("{\"a\":\"xy\\ud83d\\ude0", "json cut {\"a\":\"xy" MARK "\"}"),
        READING("{\"a\":\"xy\\ud83dz", "json cut {\"a\":\"xy\\uFFFDz" MARK "\"}"),
        READING("{\"a\":\"xy\xf0\x9f\x98", "json cut {\"a\":\"xy" MARK "\"}"),
        READING("{\"a\":\"xy\"", "json cut {\"a\":\"xy\"}"),
        READING("[{\"a\":1},{\"b", "json cut [{\"a\":1},{}]"),
        READING("[429", "json cut []"),
        READING("{\"a\":9223372036854775808,\"b\":\"\xff", "json cut {\"a\":null,\"b\":\"?" MARK "\"}"),
    };
    check(readings, COUNT(readings), false);
    check_that_all_is_freed();
}

Test(body, strings_that_were_cut)
{
    const char *bytes = "{\"a\":\"x\",\"b\":\"\",\"c\":1,\"d\":\"y";
    struct body body;
    cr_assert_eq(body_read(&body, bytes, strlen(bytes), false), 0);
    cr_assert_not(body_string_is_cut(json_object_get(body.json, "a")));
    cr_assert_not(body_string_is_cut(json_object_get(body.json, "b")));
    cr_assert_not(body_string_is_cut(json_object_get(body.json, "c")), "no string");
    cr_assert_not(body_string_is_cut(NULL));
    cr_assert(body_string_is_cut(json_object_get(body.json, "d")));
    cr_assert_eq(json_string_length(json_object_get(body.json, "d")), 2);
    body_free(&body);
    body_free(&body);
    check_that_all_is_freed();
}

Test(body, encoded)
{
    struct body body;
    cr_assert_eq(body_read(&body, "{}", 2, true), 0);
    cr_assert_eq(body.kind, BODY_UNREADABLE);
    cr_assert_eq(body_read(&body, NULL, 0, true), 0);
    cr_assert_eq(body.kind, BODY_NONE);
    cr_assert_eq(body_read(&body, NULL, 0, false), 0);
    cr_assert_eq(body.kind, BODY_NONE);
    cr_assert_eq(body_read_event(&body, NULL, 0), 0);
    cr_assert_eq(body.kind, BODY_NONE);
    check_that_all_is_freed();
}

Test(body, events)
{
    const struct reading readings[] = {
        READING("event: error\ndata: {\"a\":1}\n\n", "json error {\"a\":1}"),
        READING("data: {\"a\":1}\n\nevent: error\ndata: {\"b\":1}\n\n", "json {\"a\":1}"),
        READING("event:error\r\ndata:{\"a\":1}\r\n\r\n", "json error {\"a\":1}"),
        READING("event: error\rdata: {\"a\":1}\r\r", "json error {\"a\":1}"),
        READING("data: {\"a\":1}\nevent: error\n\n", "json error {\"a\":1}"),
        READING("\xef\xbb\xbf: keep-alive\n\nid: 1\nretry: 5\ndata: {\"a\":1}", "json {\"a\":1}"),
        READING("event: error\n\ndata: {}\n\n", "json {}"),
        READING("event: errors\ndata: {}\n\n", "json {}"),
        READING("events: error\ndata: {}\n\n", "json {}"),
        READING("event: ping\ndata:\n\nevent: error\ndata: {}\n\n", "json error {}"),
        READING("data: {\"a\":\ndata: 1,\ndata:\"b\":2}\n\n", "json {\"a\":1,\"b\":2}"),
        READING("data: a\ndata:  b\ndata\ndata:c\n\n", "text a\n b\n\nc"),
        READING("data:\ndata:\n\ndata: a\ndata: b\n\n", "text a\nb"),
        READING("data: [DONE]\n\n", "text [DONE]"),
        READING("data: try again in 2\n\n", "text try again in 2"),
        READING("data: try again in 2", "text cut try again in 2"),
        READING("data: try again in 2\n", "text cut try again in 2"),
        READING("data: {\"a\":\"x", "json cut {\"a\":\"x" MARK "\"}"),
        READING("data: {\"a\":\"x\n\ndata: {}\n\n", "json cut {\"a\":\"x" MARK "\"}"),
        READING("data: {\"a\":1}\n", "json {\"a\":1}"),
        READING("event: error\n", "none "),
        READING("event: error\ndata:", "none "),
        READING(": keep-alive\n\n", "none "),
        READING("dat", "none "),
        READING("datas: 1\nda: 1\n\n", "none "),
        READING(" data: 1\n\n", "none "),
        READING("data: a\0b\n\n", "unreadable "),
        READING("{\"error\":1}", "json {\"error\":1}"),
        READING(": keep-alive\n\n [{\"error\":1", "json cut [{}]"),
    };
    check(readings, COUNT(readings), true);
    check_that_all_is_freed();
}

/* Bodies as providers send them. */
static const char *const real_bodies[] = {
    "{\"error\": {\"message\": \"Rate limit reached for gpt-4o in organization org-EXAMPLE on requests per min (RPM): "
    "Limit 3, Used 3, "
    "Requested 1. Please try again in 20s.\", \"type\": \"requests\", \"param\": null, \"code\": "
    "\"rate_limit_exceeded\"}}",
    "{\"error\": {\"code\": 429, \"message\": \"Quota exceeded for metric: x, limit: 0, model: gemini-2.5-pro\\nPlease "
    "retry in "
    "20.04466179s.\", \"status\": \"RESOURCE_EXHAUSTED\", \"details\": [{\"@type\": "
    "\"type.googleapis.com/google.rpc.QuotaFailure\", "
    "\"violations\": [{\"quotaId\": \"PerDay\", \"quotaDimensions\": {\"location\": \"global\"}, \"quotaValue\": "
    "\"250\"}]}, "
    "{\"@type\": \"RetryInfo\", \"retryDelay\": \"37s\"}]}}",
    "{\"error\": {\"message\": \"Rate limit exceeded: free-models-per-day\", \"code\": 429, \"metadata\": {\"headers\": "
    "{\"X-RateLimit-Limit\": \"50\", \"X-RateLimit-Reset\": \"1795651200000\"}, \"is_byok\": false}}, \"user_id\": "
    "\"user_EXAMPLE\"}",
    "[{\"error\": {\"code\": 429, \"message\": \"Quota exceeded\", \"status\": \"RESOURCE_EXHAUSTED\"}}]",
    "{\"error\": \"Model example/tiny is currently loading\", \"estimated_time\": 20.25, \"n\": [1, -2e3, true, [], {}]}",
    "{\"error\":{\"message\":\"gpt\\u002d4o \\ud83d\\ude00 \\\"x\\\" caf\xc3\xa9 \xf0\x9f\x98\x80.\",\"param\":null}}",
};

static bool is_beginning(json_t *cut, json_t *whole);

static bool is_beginning_of_string(json_t *cut, json_t *whole)
{
    size_t length = json_string_length(cut) - body_string_is_cut(cut);
    return body_string_is_cut(cut) ? length <= json_string_length(whole) &&
                                         memcmp(json_string_value(cut), json_string_value(whole), length) == 0
                                   : json_equal(cut, whole);
}

static bool is_beginning_of_array(json_t *cut, json_t *whole)
{
    size_t size = json_array_size(cut);
    if (size > json_array_size(whole))
        return false;
    for (size_t i = 0; i + 1 < size; i++)
        if (!json_equal(json_array_get(cut, i), json_array_get(whole, i)))
            return false;
    return size == 0 || is_beginning(json_array_get(cut, size - 1), json_array_get(whole, size - 1));
}

/* The members in their order; all but the last are whole. */
static bool is_beginning_of_object(json_t *cut, json_t *whole)
{
    void *at_whole = json_object_iter(whole);
    for (void *at = json_object_iter(cut); at != NULL; at = json_object_iter_next(cut, at)) {
        bool is_last = json_object_iter_next(cut, at) == NULL;
        if (at_whole == NULL || strcmp(json_object_iter_key(at), json_object_iter_key(at_whole)) != 0)
            return false;
        json_t *value = json_object_iter_value(at);
        json_t *whole_value = json_object_iter_value(at_whole);
        if (is_last ? !is_beginning(value, whole_value) : !json_equal(value, whole_value))
            return false;
        at_whole = json_object_iter_next(whole, at_whole);
    }
    return true;
}

/* So deep as the bodies of this test. */
static bool is_beginning(json_t *cut, json_t *whole)
{
    if (json_typeof(cut) != json_typeof(whole))
        return false;
    switch (json_typeof(cut)) {
    case JSON_OBJECT:
        return is_beginning_of_object(cut, whole);
    case JSON_ARRAY:
        return is_beginning_of_array(cut, whole);
    case JSON_STRING:
        return is_beginning_of_string(cut, whole);
    default:
        return json_equal(cut, whole);
    }
}

/* So deep as the bodies of this test. */
static size_t value_count(json_t *json)
{
    size_t count = 1;
    for (size_t i = 0; i < json_array_size(json); i++)
        count += value_count(json_array_get(json, i));
    for (void *at = json_object_iter(json); at != NULL; at = json_object_iter_next(json, at))
        count += value_count(json_object_iter_value(at));
    return count;
}

static void check_each_cut(const char *bytes)
{
    struct body whole;
    cr_assert_eq(body_read(&whole, bytes, strlen(bytes), false), 0);
    cr_assert(whole.kind == BODY_JSON && !whole.is_cut);
    size_t count_before = 0;
    for (size_t length = 1; length < strlen(bytes); length++) {
        char *copy = exact_copy(bytes, length);
        struct body body;
        cr_assert_eq(body_read(&body, copy, length, false), 0);
        cr_assert_eq(body.kind, BODY_JSON, "%.*s", (int)length, bytes);
        cr_assert(body.is_cut);
        cr_assert(is_beginning(body.json, whole.json), "%.*s", (int)length, bytes);
        size_t count = value_count(body.json);
        cr_assert_geq(count, count_before, "nothing gets lost again: %.*s", (int)length, bytes);
        count_before = count;
        if (length + 1 == strlen(bytes))
            cr_assert(json_equal(body.json, whole.json), "only the last bracket is missing: %s", bytes);
        body_free(&body);
        free(copy);
    }
    body_free(&whole);
}

Test(body, cut_anywhere)
{
    for (size_t i = 0; i < COUNT(real_bodies); i++)
        check_each_cut(real_bodies[i]);
    check_that_all_is_freed();
}

static void check_each_cut_of_event(const char *body_bytes)
{
    char stream[1024];
    size_t head = (size_t)snprintf(stream, sizeof(stream), ": keep-alive\n\nevent: error\ndata: ");
    size_t whole_length = head + (size_t)snprintf(stream + head, sizeof(stream) - head, "%s\n\n", body_bytes);
    for (size_t length = 0; length <= whole_length; length++) {
        struct body body;
        cr_assert_eq(body_read_event(&body, stream, length), 0);
        cr_assert_eq(body.kind, length <= head ? BODY_NONE : BODY_JSON, "%zu", length);
        cr_assert_eq(body.is_error_event, length > head);
        cr_assert_eq(body.is_cut, length > head && length < whole_length - 2);
        body_free(&body);
    }
}

Test(body, events_cut_anywhere)
{
    for (size_t i = 0; i < COUNT(real_bodies); i++)
        check_each_cut_of_event(real_bodies[i]);
    check_that_all_is_freed();
}

/* Each byte of a body made another one, each of some: whatever comes of it, what was repaired is JSON for jansson. */
Test(body, broken_anywhere)
{
    static const char others[] = "\0\x01\x80\xff\"\\{}[],:0-e.u \n";
    for (size_t i = 0; i < COUNT(real_bodies); i++)
        for (size_t at = 0; at < strlen(real_bodies[i]); at++)
            for (size_t k = 0; k < sizeof(others) - 1; k++) {
                size_t length = strlen(real_bodies[i]) - (at + k) % 7;
                char *copy = exact_copy(real_bodies[i], strlen(real_bodies[i]));
                copy[at] = others[k];
                struct body body;
                cr_assert_eq(body_read(&body, copy, length, false), 0, "%zu %zu %zu", i, at, k);
                body_free(&body);
                free(copy);
            }
    check_that_all_is_freed();
}

static void fill(char *bytes, size_t length, const char *pattern)
{
    for (size_t i = 0; i < length; i++)
        bytes[i] = pattern[i % strlen(pattern)];
}

/* Bytes of JSON in any order. */
Test(body, random_bytes)
{
    static const char *const parts[] = {"{",       "}",       "[",    "]",      ",",    ":",   "\"",
                                        "\"a\":",  "\"b\"",   "1",    "-1.5e3", "true", "nul", "\\",
                                        "\\u0000", "\\ud83d", "\xc3", "\xa9",   "\n",   " ",   "99999999999999999999",
                                        "data: ",  ": x\n"};
    unsigned state = 1;
    for (int i = 0; i < 200000; i++) {
        char text[256] = "";
        size_t length = 0;
        for (int k = 0; k < 12; k++) {
            state = state * 1664525U + 1013904223U;
            const char *part = parts[(state >> 10) % COUNT(parts)];
            fill(text + length, strlen(part), part);
            length += strlen(part);
        }
        char *copy = exact_copy(text, length);
        struct body body;
        cr_assert_eq(body_read(&body, copy, length, false), 0, "%s", text);
        body_free(&body);
        cr_assert_eq(body_read_event(&body, copy, length), 0, "%s", text);
        body_free(&body);
        free(copy);
    }
    check_that_all_is_freed();
}

static size_t depth_of(const json_t *json)
{
    size_t depth = 0;
    while (json != NULL && (json_is_array(json) || json_is_object(json))) {
        depth++;
        json = json_is_array(json) ? json_array_get(json, 0) : json_object_get(json, "a");
    }
    return depth;
}

Test(body, depth_is_bounded)
{
    static char bytes[BODY_MAX + 10];
    const char *const patterns[] = {"[", "{\"a\":"};
    for (size_t i = 0; i < COUNT(patterns); i++) {
        fill(bytes, sizeof(bytes), patterns[i]);
        struct body body;
        cr_assert_eq(body_read(&body, bytes, sizeof(bytes), false), 0);
        cr_assert_eq(body.kind, BODY_JSON);
        cr_assert(body.is_cut);
        cr_assert_eq(depth_of(body.json), JSON_REPAIR_DEPTH_MAX);
        body_free(&body);
    }
    check_that_all_is_freed();
}

/* A whole one, too, which jansson would read to its own bound. */
Test(body, depth_of_a_whole_one_is_bounded)
{
    char bytes[1600];
    fill(bytes, 800, "[");
    fill(bytes + 800, 800, "]");
    struct body body;
    cr_assert_eq(body_read(&body, bytes, sizeof(bytes), false), 0);
    cr_assert(body.kind == BODY_JSON && body.is_cut);
    cr_assert_eq(depth_of(body.json), JSON_REPAIR_DEPTH_MAX);
    body_free(&body);
    size_t depth = JSON_REPAIR_DEPTH_MAX;
    cr_assert_eq(body_read(&body, bytes + 800 - depth, 2 * depth, false), 0);
    cr_assert(body.kind == BODY_JSON && !body.is_cut);
    cr_assert_eq(depth_of(body.json), depth);
    body_free(&body);
    check_that_all_is_freed();
}

Test(body, many_brackets_side_by_side)
{
    char bytes[1501] = "";
    fill(bytes, sizeof(bytes), "[{},");
    for (size_t i = 4; i < sizeof(bytes); i += 4)
        bytes[i] = ' ';
    bytes[sizeof(bytes) - 2] = ']';
    struct body body;
    cr_assert_eq(body_read(&body, bytes, sizeof(bytes) - 1, false), 0);
    cr_assert(body.kind == BODY_JSON && !body.is_cut);
    cr_assert_eq(json_array_size(body.json), 375);
    body_free(&body);
    check_that_all_is_freed();
}

Test(body, long_ones_are_cut)
{
    static char bytes[BODY_MAX + 10];
    const struct {
        const char *pattern;
        enum body_kind kind;
        size_t text_length;
    } cases[] = {{"\"", BODY_TEXT, BODY_MAX}, {"x", BODY_TEXT, BODY_MAX}, {"\\", BODY_TEXT, BODY_MAX},
                 {"[1", BODY_UNREADABLE, 0},  {" ", BODY_NONE, 0},        {"<html>", BODY_HTML, BODY_MAX},
                 {":", BODY_NONE, 0},         {"<", BODY_TEXT, BODY_MAX}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        fill(bytes, sizeof(bytes), cases[i].pattern);
        struct body body;
        cr_assert_eq(body_read(&body, bytes, sizeof(bytes), false), 0);
        cr_assert_eq(body.kind, cases[i].kind, "%s", cases[i].pattern);
        cr_assert_eq(body.text_length, cases[i].text_length, "%s", cases[i].pattern);
        cr_assert_eq(body.is_cut, cases[i].kind != BODY_UNREADABLE, "%s", cases[i].pattern);
        body_free(&body);
    }
    memset(bytes, 'x', sizeof(bytes));
    fill(bytes, 6, "{\"a\":\"");
    struct body body;
    cr_assert_eq(body_read(&body, bytes, sizeof(bytes), false), 0);
    cr_assert(body.is_cut && body_string_is_cut(json_object_get(body.json, "a")));
    cr_assert_eq(json_string_length(json_object_get(body.json, "a")), BODY_MAX - 6 + 1);
    body_free(&body);
    fill(bytes, 7, "{\"a\":1}");
    cr_assert_eq(body_read(&body, bytes, sizeof(bytes), false), 0);
    cr_assert(body.kind == BODY_JSON && !body.is_cut, "what is behind it does not count");
    body_free(&body);
    check_that_all_is_freed();
}

Test(body, a_whole_one_is_not_copied)
{
    struct body body;
    for (size_t i = 0; i < COUNT(real_bodies); i++) {
        malloc_count = 0;
        cr_assert_eq(body_read(&body, real_bodies[i], strlen(real_bodies[i]), false), 0);
        cr_assert_eq(malloc_count, 0);
        body_free(&body);
        cr_assert_eq(body_read(&body, real_bodies[i], strlen(real_bodies[i]) - 1, false), 0);
        cr_assert_eq(malloc_count, 1);
        body_free(&body);
    }
    malloc_count = 0;
    cr_assert_eq(body_read(&body, "{\"a\":1} }", 9, false), 0);
    cr_assert_eq(malloc_count, 0, "nor one with something behind it");
    body_free(&body);
    cr_assert_eq(body_read_event(&body, "data: {\"a\":1}\n\n", 15), 0);
    cr_assert_eq(malloc_count, 0);
    body_free(&body);
    cr_assert_eq(body_read_event(&body, "data: a\ndata: b\ndata: c\n\n", 25), 0);
    cr_assert_eq(malloc_count, 1);
    body_free(&body);
    check_that_all_is_freed();
}

Test(body, no_memory_of_its_own)
{
    struct body body = {.text_length = 77};
    mallocs_left = 0;
    cr_assert_eq(body_read(&body, "{\"a\":", 5, false), -ENOMEM);
    cr_assert_eq(body_read_event(&body, "data: a\ndata: b\n\n", 17), -ENOMEM);
    cr_assert_eq(body_read_event(&body, "data: {\"a\":\n\n", 13), -ENOMEM);
    mallocs_left = 1;
    cr_assert_eq(body_read_event(&body, "data: {\ndata: \"a\":\n\n", 22), -ENOMEM, "joined, but not repaired");
    cr_assert_eq(body.text_length, 77, "left alone");
    check_that_all_is_freed();
}

/* Each of jansson's allocations fails, with all after it. */
Test(body, no_memory_for_jansson)
{
    for (size_t i = 0; i < COUNT(real_bodies); i++)
        for (size_t cut = 0; cut < 2; cut++) {
            int error = -ENOMEM;
            for (int count = 0; error == -ENOMEM; count++) {
                struct body body;
                jansson_mallocs_left = count;
                error = body_read(&body, real_bodies[i], strlen(real_bodies[i]) - cut, false);
                cr_assert(error == -ENOMEM || (error == 0 && body.kind == BODY_JSON), "%d", count);
                if (error == 0)
                    body_free(&body);
                cr_assert_lt(count, 1000);
            }
        }
    check_that_all_is_freed();
}
