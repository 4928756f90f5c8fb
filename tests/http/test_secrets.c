/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <keyshm-http.h>
#include <stdio.h>
#include <string.h>

/* Answers repeat keys. A verdict never does. */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Of the forms that providers give, none of them real. */
static const char *const keys[] = {
    "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD",
    "sk-ant-api03-abcdefghijklmnopqrstuvwxyz0123456789-AA",
    "SK-abcdefghijklmnop",
    "sk_live_abcdefghijklmnopqrstuvwx",
    "AIzaSyA0123456789abcdefghijklmnopqrstuv",
    "gsk_abcdefghijklmnopqrstuvwxyz0123456789",
    "hf_abcdefghijklmnopqrstuvwxyz",
    "r8_abcdefghijklmnopqrstuvwxyz",
    "xai-abcdefghijklmnopqrstuvwxyz0123456789",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "github_pat_abcdefghijklmnopqrstuvwxyz",
    "AKIAIOSFODNN7EXAMPLE",
    "pplx-abcdefghijklmnopqrstuvwxyz",
    "nvapi-abcdefghijklmnopqrstuvwxyz",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "0123456789abcdef0123456789abcdef",
    "A1b2C3d4E5f6G7h8I9j0K1l2M3n4",
};

static const struct {
    const char *provider;
    int status;
    const char *format;
} answers[] = {
    {"openai", 401,
     "{\"error\": {\"message\": \"Incorrect API key provided: %s. You can find your API key at x.\", \"code\":"
     " \"invalid_api_key\"}}"},
    {"openai", 401, "{\"error\": {\"message\": \"x\", \"code\": \"%s\"}}"},
    {"openai", 429,
     "{\"error\": {\"message\": \"Rate limit reached for %s in organization org-x on tokens per min (TPM): Limit"
     " 30000, Used 29513, Requested 3400. Please try again in 5.826s.\", \"code\": \"rate_limit_exceeded\"}}"},
    {"openai", 404,
     "{\"error\": {\"message\": \"The model `%s` does not exist or you do not have access to it.\", \"code\":"
     " \"model_not_found\"}}"},
    {"openai", 503, "{\"error\": {\"message\": \"The model %s is at capacity\"}}"},
    {"groq", 429,
     "{\"error\": {\"message\": \"Rate limit reached for model `%s` in organization `org_x` service tier"
     " `on_demand` on tokens per day (TPD): Limit 100000. Please try again in 7m.\"}}"},
    {"gemini", 429,
     "{\"error\": {\"code\": 429, \"status\": \"RESOURCE_EXHAUSTED\", \"message\": \"x\", \"details\": [{\"@type\":"
     " \"type.googleapis.com/google.rpc.QuotaFailure\", \"violations\": [{\"quotaId\": \"PerDay\","
     " \"quotaDimensions\": {\"model\": \"%s\"}}]}]}}"},
    {"openrouter", 429,
     "{\"error\": {\"message\": \"Provider returned error\", \"code\": 429, \"metadata\": {\"raw\": \"%s\","
     " \"provider_name\": \"%s\"}}}"},
    {"unknown", 429, "{\"error\": {\"message\": \"limit\", \"model\": \"%s\"}, \"model\": \"%s\"}"},
    {"unknown", 429, "{\"model\": \"key=%s\", \"message\": \"the key '%s' is over its limit\"}"},
    {"unknown", 401, "%s is no valid key"},
    {"mistral", 429, "{\"message\": \"Service tier capacity exceeded for this model: %s\", \"code\": \"3505\"}"},
};

/* Not even a part of it that could be guessed from. */
static bool holds_part_of(const void *bytes, size_t size, const char *key)
{
    enum { PART = 8 };
    for (size_t i = 4; i + PART <= strlen(key); i++) {
        if (memmem(bytes, size, key + i, PART) != NULL)
            return true;
    }
    return false;
}

static void expect_no_key(const char *provider, const struct keyshm_http_response *response, const char *key)
{
    struct keyshm_http_verdict verdict;
    memset(&verdict, 0, sizeof(verdict));
    keyshm_http_verdict_init(&verdict, sizeof(verdict));
    cr_assert_eq(keyshm_http_judge(provider, response, &verdict), 0);
    cr_expect(!holds_part_of(&verdict, sizeof(verdict), key), "%s: the model is %s", provider, verdict.model);
    cr_expect(verdict.rule == NULL || !holds_part_of(verdict.rule, strlen(verdict.rule), key));
}

Test(secrets, are_in_no_verdict_about_a_body)
{
    for (size_t i = 0; i < COUNT(answers); i++)
        for (size_t k = 0; k < COUNT(keys); k++) {
            char body[2048];
            struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(body, sizeof(body), answers[i].format, keys[k], keys[k]);
#pragma GCC diagnostic pop
            response.status = answers[i].status;
            response.body = body;
            for (response.body_length = 0; response.body_length <= strlen(body); response.body_length++)
                expect_no_key(answers[i].provider, &response, keys[k]);
        }
}

Test(secrets, are_in_no_verdict_about_headers)
{
    static const char *const names[] = {
        "x-ratelimit-resource",       "x-amzn-errortype",      "retry-after",      "ratelimit",
        "stripe-rate-limited-reason", "x-ratelimit-remaining", "x-ratelimit-model"};
    static const char *const providers[] = {"github", "bedrock", "openai", "stripe", "unknown"};
    for (size_t i = 0; i < COUNT(names); i++)
        for (size_t p = 0; p < COUNT(providers); p++)
            for (size_t k = 0; k < COUNT(keys); k++) {
                const struct keyshm_http_header header = {names[i], strlen(names[i]), keys[k], strlen(keys[k])};
                struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
                response.status = 429;
                response.headers = &header;
                response.header_count = 1;
                expect_no_key(providers[p], &response, keys[k]);
            }
}

/* And the names of models are there. */
Test(secrets, models_are_not_taken_for_keys)
{
    static const char *const models[] = {"gpt-4o-mini-2024-07-18",
                                         "claude-3-5-sonnet-20241022",
                                         "skywork-13b",
                                         "gemini-2.5-flash",
                                         "meta-llama/llama-3.3-70b-instruct:free",
                                         "o3",
                                         "accounts/fireworks/models/deepseek-v3",
                                         "mistralai/mixtral-8x22b-instruct-v0.1",
                                         "text-embedding-3-large",
                                         "hfmodel",
                                         "asia-1"};
    for (size_t i = 0; i < COUNT(models); i++) {
        char body[512];
        struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
        struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
        snprintf(body, sizeof(body),
                 "{\"error\": {\"message\": \"Rate limit reached for %s in organization org-x on tokens per min (TPM): "
                 "Limit 3,"
                 " Used 2, Requested 4. Please try again in 5s.\", \"code\": \"rate_limit_exceeded\"}}",
                 models[i]);
        response.status = 429;
        response.body = body;
        response.body_length = strlen(body);
        cr_assert_eq(keyshm_http_judge("openai", &response, &verdict), 0);
        cr_expect_str_eq(verdict.model, models[i], "%s: %s", models[i], verdict.model);
    }
}
