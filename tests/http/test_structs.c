/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <keyshm-http.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Structs of earlier and later versions of the interface, and what is wrong with an answer. */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct keyshm_http_header retry_after = {"retry-after", 11, "7", 1};

static struct keyshm_http_response limited(void)
{
    struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
    response.status = 429;
    response.headers = &retry_after;
    response.header_count = 1;
    return response;
}

static int judge(const struct keyshm_http_response *response, struct keyshm_http_verdict *verdict)
{
    const struct keyshm_http_verdict empty = KEYSHM_HTTP_VERDICT_INIT;
    *verdict = empty;
    return keyshm_http_judge("acme", response, verdict);
}

Test(structs, of_this_version)
{
    struct keyshm_http_response response = limited();
    struct keyshm_http_verdict verdict;
    cr_assert_eq(judge(&response, &verdict), 0);
    cr_assert_eq(verdict.size, sizeof(verdict));
    cr_assert_eq(verdict.marks, 1);
    cr_assert_eq(verdict.mark.size, sizeof(verdict.mark));
    cr_assert_eq(verdict.mark.status, KEYSHM_RATE_LIMITED);
    cr_assert_eq(verdict.mark.duration_ms, 7000);
    cr_assert_eq(verdict.mark.model, 0);
    cr_assert_eq(verdict.mark.stamp, 0);
}

Test(structs, a_shorter_response_has_the_rest_by_default)
{
    struct keyshm_http_response response = limited();
    struct keyshm_http_verdict verdict;
    response.size = offsetof(struct keyshm_http_response, headers);
    response.headers = (const struct keyshm_http_header *)8; /* nobody looks */
    cr_assert_eq(judge(&response, &verdict), 0);
    cr_assert_eq(verdict.mark.duration_ms, KEYSHM_NO_RETRY_AFTER);
    response.size = sizeof(response.size);
    cr_assert_eq(judge(&response, &verdict), 0);
    cr_assert_eq(verdict.scope, KEYSHM_HTTP_SCOPE_PROVIDER, "status 0: there was no answer");
    response.size = sizeof(response.size) - 1;
    cr_assert_eq(judge(&response, &verdict), -EINVAL);
    response.size = 0;
    cr_assert_eq(judge(&response, &verdict), -EINVAL);
}

Test(structs, a_longer_response_must_not_say_more)
{
    struct {
        struct keyshm_http_response response;
        char more[16];
    } later = {limited(), {0}};
    struct keyshm_http_verdict verdict;
    later.response.size = sizeof(later.response) + sizeof(later.more);
    cr_assert_eq(judge(&later.response, &verdict), 0);
    cr_assert_eq(verdict.mark.duration_ms, 7000);
    later.more[15] = 1;
    cr_assert_eq(judge(&later.response, &verdict), -E2BIG);
    cr_assert_eq(verdict.marks, 0, "not written on failure");
    later.response.size--;
    cr_assert_eq(judge(&later.response, &verdict), 0);
}

Test(structs, only_so_much_of_a_verdict_is_written)
{
    struct keyshm_http_response response = limited();
    for (size_t size = 0; size <= sizeof(struct keyshm_http_verdict) + 16; size++) {
        struct {
            struct keyshm_http_verdict verdict;
            unsigned char more[32];
        } room;
        memset(&room, 0x5a, sizeof(room));
        room.verdict.size = size;
        int r = keyshm_http_judge("acme", &response, &room.verdict);
        cr_assert_eq(r, size < sizeof(size) ? -EINVAL : 0, "%zu", size);
        cr_assert_eq(room.verdict.size, size);
        const unsigned char *bytes = (const unsigned char *)&room;
        for (size_t i = size > sizeof(size) ? size : sizeof(size); i < sizeof(room); i++)
            cr_assert_eq(bytes[i], 0x5a, "size %zu, byte %zu", size, i);
        if (size > offsetof(struct keyshm_http_verdict, marks) + sizeof(int))
            cr_assert_eq(room.verdict.marks, 1);
    }
}

Test(structs, answers_that_are_none)
{
    static const struct {
        int status, transport;
        int64_t now_unix_ms;
        bool is_good;
    } cases[] = {{100, 0, 0, true},         {999, 0, 0, true},   {0, 0, 0, true},    {0, 6, 0, true},
                 {200, 6, INT64_MAX, true}, {99, 0, 0, false},   {1, 0, 0, false},   {1000, 0, 0, false},
                 {-1, 0, 0, false},         {-429, 0, 0, false}, {200, 7, 0, false}, {200, -1, 0, false},
                 {200, 0, -1, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
        struct keyshm_http_verdict verdict;
        response.status = cases[i].status;
        response.transport = (enum keyshm_http_transport)cases[i].transport;
        response.now_unix_ms = cases[i].now_unix_ms;
        cr_expect_eq(judge(&response, &verdict), cases[i].is_good ? 0 : -EINVAL, "%d %d %lld", cases[i].status,
                     cases[i].transport, (long long)cases[i].now_unix_ms);
    }
}

Test(structs, pointers_to_nothing)
{
    struct keyshm_http_response response = limited();
    struct keyshm_http_verdict verdict;
    cr_assert_eq(judge(NULL, &verdict), -EINVAL);
    cr_assert_eq(keyshm_http_judge("acme", &response, NULL), -EINVAL);
    response.headers = NULL;
    cr_assert_eq(judge(&response, &verdict), -EINVAL);
    response.header_count = 0;
    cr_assert_eq(judge(&response, &verdict), 0);
    response.body_length = 1;
    cr_assert_eq(judge(&response, &verdict), -EINVAL);
    response.body = "";
    response.body_length = 0;
    cr_assert_eq(judge(&response, &verdict), 0);
    struct keyshm_http_header headers[] = {{NULL, 0, NULL, 0}, {NULL, 1, "7", 1}};
    response.headers = headers;
    response.header_count = 1;
    cr_assert_eq(judge(&response, &verdict), 0);
    response.header_count = 2;
    cr_assert_eq(judge(&response, &verdict), -EINVAL);
    headers[1] = (struct keyshm_http_header){"retry-after", 11, NULL, 1};
    cr_assert_eq(judge(&response, &verdict), -EINVAL);
    headers[1].value_length = 0;
    cr_assert_eq(judge(&response, &verdict), 0);
}

/* As many headers as nobody sends: the first of them are read. */
Test(structs, many_headers)
{
    enum { MANY = 100000 };
    struct keyshm_http_header *headers = calloc(MANY, sizeof(*headers));
    struct keyshm_http_response response = limited();
    struct keyshm_http_verdict verdict;
    cr_assert_not_null(headers);
    for (int i = 0; i < MANY; i++)
        headers[i] =
            (struct keyshm_http_header){i % 2 == 0 ? "x-ratelimit-remaining" : "x-nothing", i % 2 == 0 ? 21 : 9, "5", 1};
    headers[511] = retry_after;
    headers[512] = (struct keyshm_http_header){"retry-after", 11, "9", 1};
    response.headers = headers;
    response.header_count = MANY;
    cr_assert_eq(judge(&response, &verdict), 0);
    cr_assert_eq(verdict.mark.duration_ms, 7000);
    cr_assert_eq(verdict.requests.remaining, 5);
    free(headers);
}

/* A header of more than 16 KiB is as if it had not come. */
Test(structs, long_headers)
{
    static char value[16386];
    memset(value, ' ', sizeof(value));
    value[0] = '7';
    struct keyshm_http_header header = {"retry-after", 11, value, 16384};
    struct keyshm_http_response response = limited();
    struct keyshm_http_verdict verdict;
    response.headers = &header;
    cr_assert_eq(judge(&response, &verdict), 0);
    cr_assert_eq(verdict.mark.duration_ms, 7000);
    header.value_length = 16385;
    cr_assert_eq(judge(&response, &verdict), 0);
    cr_assert_eq(verdict.mark.duration_ms, KEYSHM_NO_RETRY_AFTER);
}

Test(structs, init_functions_do_as_the_macros)
{
    const struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
    const struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    unsigned char room[sizeof(verdict) + 32], expected[sizeof(room)];
    for (int which = 0; which < 2; which++) {
        size_t known = which == 0 ? sizeof(response) : sizeof(verdict);
        const void *defaults = which == 0 ? (const void *)&response : (const void *)&verdict;
        for (size_t size = 0; size <= known + 16; size++) {
            memset(room, 0x5a, sizeof(room));
            memset(expected, 0x5a, sizeof(expected));
            memset(expected, 0, size);
            memcpy(expected, defaults, size < known ? size : known);
            if (size >= sizeof(size))
                memcpy(expected, &size, sizeof(size));
            if (which == 0)
                keyshm_http_response_init((struct keyshm_http_response *)(void *)room, size);
            else
                keyshm_http_verdict_init((struct keyshm_http_verdict *)(void *)room, size);
            /* padding has no value */
            cr_assert(size < sizeof(size) || memcmp(room, expected, sizeof(size)) == 0, "%zu", size);
            cr_assert_eq(memcmp(room + size, expected + size, sizeof(room) - size), 0, "%zu", size);
        }
    }
    struct keyshm_http_verdict made;
    keyshm_http_verdict_init(&made, sizeof(made));
    cr_assert_eq(made.requests.remaining, -1);
    cr_assert_eq(made.wait_ms, -1);
    cr_assert_eq(made.mark.duration_ms, KEYSHM_NO_RETRY_AFTER);
    cr_assert_null(made.rule);
}
