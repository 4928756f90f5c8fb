/* SPDX-License-Identifier: MIT */
#include "answer_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"

/* What is read of an answer as curl -i prints it, and what is refused. */

static struct answer_input input;
static uint64_t line_number;

/* In a block of its own, so that a sanitizer sees whoever reads beyond it. */
static const char *parse_bytes(const char *text, size_t length)
{
    answer_free(&input);
    input = (struct answer_input){.text = malloc(length > 0 ? length : 1), .length = length};
    EXPECT(input.text != NULL);
    memcpy(input.text, text, length);
    return answer_parse(&input, &line_number);
}

static const char *parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void expect_answer(const char *text, int status, size_t header_count, const char *body)
{
    EXPECT(parse(text) == NULL);
    EXPECT_EQ(input.response.status, status);
    EXPECT_EQ(input.response.header_count, header_count);
    EXPECT_EQ(input.response.body_length, strlen(body));
    EXPECT(memcmp(input.response.body != NULL ? input.response.body : "", body, strlen(body)) == 0);
    EXPECT_EQ(input.response.transport, KEYSHM_HTTP_TRANSPORT_OK);
    EXPECT_EQ(input.response.now_unix_ms, 0);
}

static void expect_field(size_t number, const char *name, const char *value)
{
    EXPECT(number < input.response.header_count);
    const struct keyshm_http_header *header = &input.response.headers[number];
    EXPECT_EQ(header->name_length, strlen(name));
    EXPECT(memcmp(header->name, name, header->name_length) == 0);
    EXPECT_EQ(header->value_length, strlen(value));
    EXPECT(memcmp(header->value, value, header->value_length) == 0);
}

static void expect_refusal(const char *text, uint64_t line, const char *word)
{
    const char *wrong = parse(text);
    EXPECT(wrong != NULL && strstr(wrong, word) != NULL);
    EXPECT_EQ(line_number, line);
}

static void test_status_lines(void)
{
    expect_answer("HTTP/1.1 429 Too Many Requests\r\n\r\n", 429, 0, "");
    expect_answer("HTTP/1.0 429 Too Many Requests\n\n", 429, 0, "");
    expect_answer("HTTP/2 429 \r\n\r\n", 429, 0, "");
    expect_answer("HTTP/2 429\r\n\r\nbody", 429, 0, "body");
    expect_answer("HTTP/3 999", 999, 0, "");
    static const char *const wrong[] = {"HTTP/1.1 42",   "HTTP/1.1 099 x", "HTTP/1.1 4290",  "HTTP/1.1\t429",
                                        "HTTP/ 429",     "http/1.1 429",   "HTTP/1.1",       "HTTP/1. 429",
                                        "HTTP/11 429",   "HTTP/1.1 4x9",   "{\"error\": 1}", "\n",
                                        " HTTP/1.1 429", "HTTP",           "HTTP/"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect_refusal(wrong[i], 1, "curl -i");
    expect_refusal("", 0, "empty");
}

static void test_fields(void)
{
    expect_answer("HTTP/1.1 200 OK\r\nretry-after: 5\r\nX-Empty:\r\nA:\t b : c \t\r\n\r\n", 200, 3, "");
    expect_field(0, "retry-after", "5");
    expect_field(1, "X-Empty", "");
    expect_field(2, "A", "b : c");
    expect_answer("HTTP/1.1 200 OK\nA: b\r\nC: d\n\nbody\r\n\r\nA: b\n", 200, 2, "body\r\n\r\nA: b\n");
    expect_answer("HTTP/1.1 200 OK\r\nA: b\r\n  c\r\n\td\r\nE: \r\n f\r\n\r\nx", 200, 2, "x");
    expect_field(0, "A", "b    c  \td");
    expect_field(1, "E", "f");
    expect_answer("HTTP/1.1 200 OK\nA: b\n \n\nx", 200, 1, "x");
    expect_field(0, "A", "b");
    expect_refusal("HTTP/1.1 200 OK\r\n folded: 1\r\n\r\n", 2, "header field");
    expect_refusal("HTTP/1.1 200 OK\r\nA: b\r\n: c\r\n\r\n", 3, "header field");
    expect_refusal("HTTP/1.1 200 OK\r\nA : b\r\n\r\n", 2, "header field");
    expect_refusal("HTTP/1.1 200 OK\r\nA: b\r\nno field\r\n\r\n", 3, "header field");
    EXPECT(parse_bytes("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", 24) != NULL);
    EXPECT(parse_bytes("HTTP/1.1 200 OK\r\nA\0: b\r\n\r\n", 25) != NULL);
    EXPECT(parse_bytes("HTTP/1.1 200 OK\r\nA: b\r\n \0\r\n\r\n", 28) != NULL);
    EXPECT(parse_bytes("HTTP/1.1 200 OK\r\n\r\n\0x", 21) == NULL);
    EXPECT_EQ(input.response.body_length, 2);
}

/* What was cut counts as far as it is certain. */
static void test_cut(void)
{
    static const char whole[] = "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3600\r\nX: y\r\n\r\n{\"error\"";
    for (size_t length = 12; length < sizeof(whole); length++) {
        EXPECT(parse_bytes(whole, length) == NULL);
        EXPECT_EQ(input.response.status, 429);
        EXPECT_EQ(input.response.header_count, (length >= 51) + (length >= 57));
        EXPECT_EQ(input.response.body_length, length > 59 ? length - 59 : 0);
    }
    for (size_t length = 0; length < 12; length++)
        EXPECT(parse_bytes(whole, length) != NULL);
}

static void test_several(void)
{
    static const char last[] = "HTTP/2 429 \r\nretry-after: 5\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    static const char *const before[] = {
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.1 200 OK\r\nVia: proxy\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 307 Temporary Redirect\r\nRetry-After: 9\r\nX: y\r\n\r\n",
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 407 Proxy Authentication Required\n\n",
    };
    for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
        char text[256];
        snprintf(text, sizeof(text), "%s%s", before[i], last);
        expect_answer(text, 429, 1, "HTTP/1.1 200 OK\r\n\r\n"); /* a body, whatever it looks like */
        expect_field(0, "retry-after", "5");
    }
    expect_answer("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nHTTP/1.1 401 x\r\n\r\n", 200, 1,
                  "HTTP/1.1 401 x\r\n\r\n");
    expect_answer("HTTP/1.1 301 Moved\r\n\r\nHTTP/1.1 4", 301, 0, "HTTP/1.1 4");
    expect_refusal("HTTP/1.1 100 Continue\r\n\r\n", 2, "interim");
    expect_refusal("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 x\r\nbad\r\n", 4, "header field");
}

/* A text of a status line, a field of a value of so many bytes, the end of the header if wanted, and a body. */
static const char *parse_long(size_t value_length, const char *end, size_t body_length)
{
    static const char begin[] = "HTTP/1.1 200 OK\r\nA:";
    size_t begin_length = sizeof(begin) - 1, end_length = strlen(end);
    size_t length = begin_length + value_length + end_length + body_length;
    char *text = malloc(length);
    EXPECT(text != NULL);
    memset(text, 'x', length);
    memcpy(text, begin, begin_length);
    mempcpy(text + begin_length + value_length, end, end_length);
    const char *wrong = parse_bytes(text, length);
    free(text);
    return wrong;
}

static void test_long(void)
{
    size_t most = ANSWER_HEAD_MAX - strlen("HTTP/1.1 200 OK\r\nA:\r\n\r\n");
    EXPECT(parse_long(most, "\r\n\r\n", 0) == NULL);
    EXPECT_EQ(input.response.headers[0].value_length, most);
    EXPECT(parse_long(most, "\r\n\r\n", 2 * KEYSHM_HTTP_BODY_MAX) == NULL);
    EXPECT_EQ(input.response.body_length, KEYSHM_HTTP_BODY_MAX);
    static const char *const ends[] = {"\r\n\r\n", ""};
    for (size_t i = 0; i < 2; i++) {
        const char *wrong = parse_long(most + 5, ends[i], 0);
        EXPECT(wrong != NULL && strstr(wrong, "256 KiB") != NULL);
    }
    EXPECT(parse_long(most, "", 0) == NULL); /* cut */
    EXPECT_EQ(input.response.header_count, 0);
}

int main(void)
{
    test_status_lines();
    test_fields();
    test_cut();
    test_several();
    test_long();
    answer_free(&input);
    return 0;
}
