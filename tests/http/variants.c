/* SPDX-License-Identifier: MIT */

/*
 * What must not matter does not: the order of headers, the case of their names, headers that come twice, and such that mean
 * nothing. And a body that was cut, at any byte, makes a verdict weaker at most: never stronger than that of the whole, or, where
 * nothing can be read any more, than that of the same answer without a body. And nothing is read behind the end of a text: there,
 * each ends where a page begins that cannot be read.
 *
 *   variants FILE...
 */

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "answers.h"
#include "expect.h"

static int wrong;

static struct keyshm_http_verdict judge(const char *provider, const struct keyshm_http_response *response)
{
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    EXPECT(keyshm_http_judge(provider, response, &verdict) == 0);
    return verdict;
}

static void expect_same(const struct case_of_answer *answer, const struct keyshm_http_response *response,
                        const char *what)
{
    struct keyshm_http_verdict verdict = judge(answer->provider, response);
    if (case_compare(answer, &verdict) > 0) {
        printf("%s: with headers %s\n", answer->id, what);
        wrong++;
    }
}

/* ---- texts at the end of their memory ---- */

enum { TEXTS_MAX = 2 * ANSWER_FIELDS_MAX + 1, TEXT_BYTES_MAX = 1 << 17, GUARD_BYTES = 1 << 16 };

static char *guarded;

static void make_guarded(void)
{
    size_t step = TEXT_BYTES_MAX + GUARD_BYTES;
    guarded = mmap(NULL, TEXTS_MAX * step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    EXPECT(guarded != MAP_FAILED);
    for (size_t i = 0; i < TEXTS_MAX; i++)
        EXPECT_EQ(mprotect(guarded + i * step + TEXT_BYTES_MAX, GUARD_BYTES, PROT_NONE), 0);
}

/* A copy of the text, of which there is one for each number. */
static const char *guard(size_t number, const char *text, size_t length)
{
    char *end = guarded + number * (TEXT_BYTES_MAX + GUARD_BYTES) + TEXT_BYTES_MAX;
    EXPECT(number < TEXTS_MAX && length <= TEXT_BYTES_MAX);
    return memcpy(end - length, text, length);
}

/* With the header that has a code, which every provider may send. */
static void try_guarded(const struct case_of_answer *answer)
{
    static const struct keyshm_http_header codes[] = {{"x-error-code", 12, "1015", 4}, {"x-error-code", 12, "quota", 5}};
    struct keyshm_http_header headers[ANSWER_FIELDS_MAX];
    struct keyshm_http_response response = answer->response;
    size_t count = response.header_count;
    EXPECT(count < ANSWER_FIELDS_MAX);
    response.headers = headers;
    response.body = guard(2 * ANSWER_FIELDS_MAX, answer->body, response.body_length);
    for (size_t code = 0; code < 2; code++) {
        memcpy(headers, answer->headers, count * sizeof(headers[0]));
        headers[count] = codes[code];
        for (size_t i = 0; i <= count; i++) {
            headers[i].name = guard(2 * i, headers[i].name, headers[i].name_length);
            headers[i].value = guard(2 * i + 1, headers[i].value, headers[i].value_length);
        }
        response.header_count = count + 1;
        judge(answer->provider, &response);
    }
    response.header_count = count;
    expect_same(answer, &response, "and body at the end of their memory");
}

/* ---- headers ---- */

/* Of one name, the order stays: it is a list. */
static void reverse(const struct case_of_answer *answer, struct keyshm_http_header *ret_headers)
{
    size_t count = answer->response.header_count;
    for (size_t i = 0; i < count; i++)
        ret_headers[i] = answer->headers[count - 1 - i];
}

static void try_headers(const struct case_of_answer *answer)
{
    static const struct keyshm_http_header nonsense[] = {
        {"x-\xff\x80", 4, "\x01\x02", 2},
        {"", 0, "7", 1},
        {"x-ratelimit-", 12, "0", 1},
        {"retry-after-that", 16, "1", 1},
        {"retry-afte", 10, "1", 1},
        {"x-ratelimit-limit-bananas", 25, "0", 1},
        {"x-ratelimit-reset-requests-", 27, "9", 1},
        {"via", 3, "1.1 example", 11},
    };
    enum { NONSENSE = sizeof(nonsense) / sizeof(nonsense[0]) };
    struct keyshm_http_header headers[2 * ANSWER_FIELDS_MAX + NONSENSE];
    struct keyshm_http_response response = answer->response;
    size_t count = response.header_count;
    char names[ANSWER_FIELDS_MAX][128];
    response.headers = headers;

    reverse(answer, headers);
    expect_same(answer, &response, "in reverse order");

    for (size_t i = 0; i < count; i++) {
        EXPECT(answer->headers[i].name_length < sizeof(names[i]));
        for (size_t j = 0; j < answer->headers[i].name_length; j++)
            names[i][j] = (char)((i + j) % 3 == 0 ? toupper((unsigned char)answer->headers[i].name[j])
                                                  : tolower((unsigned char)answer->headers[i].name[j]));
        headers[i] = answer->headers[i];
        headers[i].name = names[i];
    }
    expect_same(answer, &response, "in other case");

    memcpy(headers, answer->headers, count * sizeof(headers[0]));
    memcpy(headers + count, answer->headers, count * sizeof(headers[0]));
    response.header_count = 2 * count;
    expect_same(answer, &response, "that come twice");

    memcpy(headers, nonsense, sizeof(nonsense));
    memcpy(headers + NONSENSE, answer->headers, count * sizeof(headers[0]));
    response.header_count = count + NONSENSE;
    expect_same(answer, &response, "and nonsense");
}

/* ---- bodies that are cut ---- */

static int strength(const struct keyshm_http_verdict *verdict)
{
    return verdict->marks ? (int)verdict->mark.status : 0;
}

/* A string that is a value has begun; of a page, it can be seen that it is one; of a text, anything. */
static bool can_be_read(const char *body, size_t length)
{
    const char *end = body + length;
    if (length > 0 && body[0] == '<')
        return length >= sizeof("<!doctype html");
    bool is_json = memchr(body, '{', length) != NULL;
    for (const char *at = body; is_json && (at = memchr(at, ':', (size_t)(end - at))) != NULL; at++) {
        const char *value = at + 1;
        while (value < end && *value == ' ')
            value++;
        if (value + 1 < end && *value == '"' && value[1] != '"')
            return true;
    }
    return !is_json && length > 0;
}

static void try_cuts(const struct case_of_answer *answer)
{
    struct keyshm_http_response response = answer->response;
    struct keyshm_http_verdict whole = judge(answer->provider, &response);
    response.body_length = 0;
    struct keyshm_http_verdict without = judge(answer->provider, &response);
    for (size_t length = 0; length < answer->response.body_length; length++) {
        response.body = guard(2 * ANSWER_FIELDS_MAX, answer->body, length);
        response.body_length = length;
        struct keyshm_http_verdict cut = judge(answer->provider, &response);
        int most = can_be_read(response.body, length) || strength(&whole) > strength(&without) ? strength(&whole)
                                                                                               : strength(&without);
        if (strength(&cut) > most) {
            printf("%s: cut after %zu bytes it is %s by %s, of the whole %s by %s\n", answer->id, length,
                   keyshm_status_name(cut.mark.status), cut.rule, keyshm_status_name(whole.mark.status), whole.rule);
            wrong++;
            return;
        }
    }
}

int main(int argc, char **argv)
{
    int cases = 0;
    make_guarded();
    for (int i = 1; i < argc; i++) {
        struct case_of_answer answer;
        FILE *file = fopen(argv[i], "r");
        EXPECT(file != NULL);
        while (case_read(file, &answer)) {
            try_headers(&answer);
            try_guarded(&answer);
            try_cuts(&answer);
            cases++;
            case_free(&answer);
        }
        fclose(file);
    }
    printf("%d cases, %d wrong\n", cases, wrong);
    return cases == 0 || wrong > 0;
}
