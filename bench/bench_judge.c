/* SPDX-License-Identifier: MIT */

/*
 * What a verdict costs, beside what anybody who reads the error in a body pays at least: jansson's parse of it. The least of many
 * rounds of each, in turn.
 *
 *   bench_judge [quick]
 */

#include <jansson.h>
#include <keyshm-http.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "expect.h"

enum { ROUNDS = 200, QUICK_ROUNDS = 40, CALLS = 200 };

#define HEADER(name, value)                              \
    {                                                    \
        name, sizeof(name) - 1, value, sizeof(value) - 1 \
    }

/* As OpenAI answers: 20 headers, six of which are limits. */
static const struct keyshm_http_header headers[] = {
    HEADER("date", "Wed, 25 Nov 2026 12:00:00 GMT"),
    HEADER("content-type", "application/json"),
    HEADER("content-length", "600"),
    HEADER("connection", "keep-alive"),
    HEADER("access-control-expose-headers", "X-Request-ID"),
    HEADER("openai-organization", "example"),
    HEADER("openai-processing-ms", "412"),
    HEADER("openai-version", "2020-10-01"),
    HEADER("x-ratelimit-limit-requests", "10000"),
    HEADER("x-ratelimit-limit-tokens", "30000000"),
    HEADER("x-ratelimit-remaining-requests", "9999"),
    HEADER("x-ratelimit-remaining-tokens", "29999967"),
    HEADER("x-ratelimit-reset-requests", "6ms"),
    HEADER("x-ratelimit-reset-tokens", "0s"),
    HEADER("x-request-id", "req_00000000000000000000000000000000"),
    HEADER("strict-transport-security", "max-age=31536000; includeSubDomains; preload"),
    HEADER("cf-cache-status", "DYNAMIC"),
    HEADER("x-content-type-options", "nosniff"),
    HEADER("server", "cloudflare"),
    HEADER("cf-ray", "0000000000000000-FRA"),
};

static const char body[] = "{\n    \"error\": {\n        \"message\": \"Rate limit reached for gpt-4o in organization "
                           "org-EXAMPLE0000000000000001 on tokens "
                           "per min (TPM): Limit 30000, Used 29513, Requested 3400. Please try again in 5.826s. Visit "
                           "https://platform.openai.com/account/rate-limits to learn more. You can increase your rate "
                           "limit by adding a payment method "
                           "to your account at https://platform.openai.com/account/billing, or by sending fewer and "
                           "shorter requests; a request counts "
                           "with the tokens that it may use at most, not with those that it has used.\",\n        "
                           "\"type\": \"tokens\",\n        \"param\": "
                           "null,\n        \"code\": \"rate_limit_exceeded\"\n    }\n}\n";

static int64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void judge(int status)
{
    struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    response.status = status;
    response.headers = headers;
    response.header_count = sizeof(headers) / sizeof(headers[0]);
    response.body = body;
    response.body_length = sizeof(body) - 1;
    EXPECT_EQ(keyshm_http_judge("openai", &response, &verdict), 0);
    EXPECT_EQ(verdict.requests.remaining, 9999);
    EXPECT_EQ(verdict.marks, status == 429);
}

static void judge_429(void)
{
    judge(429);
}

static void judge_200(void)
{
    judge(200);
}

static void parse(void)
{
    json_t *json = json_loadb(body, sizeof(body) - 1, 0, NULL);
    EXPECT(json != NULL);
    json_decref(json);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*call)(void);
        double bar_ns, bar_times;
    } subjects[] = {{"jansson's parse of the body", parse, 0, 0},
                    {"judge a 429", judge_429, 20000, 3},
                    {"judge a 200", judge_200, 1000, 0.3}};
    enum { SUBJECTS = sizeof(subjects) / sizeof(subjects[0]) };
    int rounds = argc > 1 && strcmp(argv[1], "quick") == 0 ? QUICK_ROUNDS : ROUNDS;
    double least_ns[SUBJECTS] = {0};
    EXPECT_EQ(keyshm_http_load(NULL, NULL, NULL), 0);
    expect_end_in_time();
    for (int round = 0; round < rounds; round++) {
        for (int i = 0; i < SUBJECTS; i++) {
            int64_t start_ns = now_ns();
            for (int call = 0; call < CALLS; call++)
                subjects[i].call();
            double taken_ns = (double)(now_ns() - start_ns) / CALLS;
            least_ns[i] = round == 0 || taken_ns < least_ns[i] ? taken_ns : least_ns[i];
        }
    }
    printf("a body of %zu bytes, %zu headers\n", sizeof(body) - 1, sizeof(headers) / sizeof(headers[0]));
    printf("%-28s %8.0f ns\n", subjects[0].name, least_ns[0]);
    for (int i = 1; i < SUBJECTS; i++) {
        double times = least_ns[i] / least_ns[0];
        bool is_met = least_ns[i] <= subjects[i].bar_ns && times <= subjects[i].bar_times;
        printf("%-28s %8.0f ns, %5.2f x a parse; bar %5.0f ns and %.1f x: %s\n", subjects[i].name, least_ns[i], times,
               subjects[i].bar_ns, subjects[i].bar_times, is_met ? "met" : "missed");
    }
    return 0;
}
