/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <keyshm-http.h>
#include <stdio.h>
#include <string.h>

/* What headers say is left. */

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOW_UNIX_MS INT64_C(1764590400000)

enum { FIELDS_MAX = 8 };

/* The budgets of an answer with these headers ("name: value", one a line), as text: what is not said is left out. */
static const char *budgets_of(const char *provider, int status, const char *lines)
{
    static char text[512];
    struct keyshm_http_header headers[FIELDS_MAX];
    struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    response.status = status;
    response.headers = headers;
    response.now_unix_ms = NOW_UNIX_MS;
    for (const char *line = lines; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
        const char *colon = strchr(line, ':');
        size_t length = strcspn(line, "\n");
        cr_assert(colon != NULL && response.header_count < FIELDS_MAX);
        headers[response.header_count++] =
            (struct keyshm_http_header){line, (size_t)(colon - line), colon + 1, length - (size_t)(colon + 1 - line)};
    }
    cr_assert_eq(keyshm_http_judge(provider, &response, &verdict), 0);
    const struct {
        const char *name;
        const struct keyshm_http_budget *budget;
    } budgets[] = {
        {"r", &verdict.requests}, {"t", &verdict.tokens}, {"i", &verdict.input_tokens}, {"o", &verdict.output_tokens}};
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < COUNT(budgets); i++) {
        const struct keyshm_http_budget *budget = budgets[i].budget;
        if (budget->limit >= 0 || budget->remaining >= 0 || budget->reset_ms >= 0)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s:%lld/%lld/%lld", used > 0 ? " " : "",
                                     budgets[i].name, (long long)budget->limit, (long long)budget->remaining,
                                     (long long)budget->reset_ms);
    }
    cr_assert_eq(verdict.budget_scope != KEYSHM_HTTP_SCOPE_NONE, used > 0);
    return text;
}

struct headers_case {
    const char *headers, *budgets;
};

static void check(const char *provider, const struct headers_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (int status = 200; status <= 429; status += 229) {
            const char *budgets = budgets_of(provider, status, cases[i].headers);
            cr_expect_str_eq(budgets, cases[i].budgets, "%s, %d: %s is %s", provider, status, cases[i].headers, budgets);
        }
}

/* draft-ietf-httpapi-ratelimit-headers: -03 (fields), -07 (one field), -08 and later (structured, with a policy). */
Test(budgets, of_the_ietf)
{
    static const struct headers_case cases[] = {
        {"RateLimit-Limit: 100\nRateLimit-Remaining: 0\nRateLimit-Reset: 50", "r:100/0/50000"},
        {"RateLimit-Limit: 100, 100;w=60\nRateLimit-Remaining: 7\nRateLimit-Reset: 50", "r:100/7/50000"},
        {"ratelimit: limit=100, remaining=50, reset=5", "r:100/50/5000"},
        {"RateLimit: remaining=50,reset=5 , limit=100", "r:100/50/5000"},
        {"RateLimit: limit=100, reset=5", ""},
        {"RateLimit: \"default\";r=50;t=30", "r:-1/50/30000"},
        {"RateLimit: \"default\";r=50;t=30\nRateLimit-Policy: \"default\";q=100;w=60", "r:100/50/30000"},
        {"RateLimit: \"a\";r=50;t=30, \"b\";r=2;t=3000\nRateLimit-Policy: \"a\";q=100;w=60,\"b\";q=1000;w=86400",
         "r:1000/2/3000000"},
        {"RateLimit: \"b\";r=2\nRateLimit-Policy: \"a\";q=100;w=60,\"b\";q=1000;w=3600", "r:1000/2/-1"},
        {"RateLimit: \"c\";r=2;t=1\nRateLimit-Policy: \"a\";q=100;w=60,\"b\";q=1000;w=3600", "r:-1/2/1000"},
        {"RateLimit: \"c\";r=2;t=1\nRateLimit-Policy: \"a\";q=100;w=60", "r:100/2/1000"},
        {"RateLimit: \"api\" ; r=0 ; t=55", "r:-1/0/55000"},
        {"RateLimit: \"api\";r=9;t=55\nRateLimit: \"page\";r=3;t=5", "r:-1/3/55000"},
        {"RateLimit-Policy: \"a\";q=100;w=60", ""},
        {"RateLimit: \"a\";r=0;t=0", "r:-1/0/-1"},
        {"RateLimit: \"a\";r=0;t=99999999999", "r:-1/0/-1"},
        {"RateLimit: \"a\";r=-1;t=5", ""},
        {"RateLimit: \"a\";r=x;t=5", ""},
        {"RateLimit: ", ""},
        {"RateLimit: ;;,,;=;", ""},
        {"RateLimit: r=5", "r:-1/5/-1"},
        {"RateLimit: \"a\";r=5;r=4;t=1", "r:-1/4/1000"},
    };
    check("unknown", cases, COUNT(cases));
}

Test(budgets, of_usual_names)
{
    static const struct headers_case cases[] = {
        {"X-RateLimit-Limit: 60\nX-RateLimit-Remaining: 59\nX-RateLimit-Reset: 30", "r:60/59/30000"},
        {"x-ratelimit-remaining-requests: 5\nx-ratelimit-remaining-tokens: 7", "r:-1/5/-1 t:-1/7/-1"},
        {"x-ratelimit-limit-requests: 10\nx-ratelimit-reset-requests: 6m0s", "r:10/-1/360000"},
        {"x-ratelimit-reset-requests: 6ms\nx-ratelimit-reset-tokens: 1h2m3.5s", "r:-1/-1/6 t:-1/-1/3723500"},
        {"x-ratelimit-reset: 1764590460", "r:-1/-1/60000"},
        {"x-ratelimit-reset: 1764590460000", "r:-1/-1/60000"},
        {"x-ratelimit-reset: Mon, 01 Dec 2025 12:01:00 GMT", "r:-1/-1/60000"},
    };
    check("unknown", cases, COUNT(cases));
}

Test(budgets, of_anthropic)
{
    static const struct headers_case cases[] = {
        {"anthropic-ratelimit-requests-limit: 50\nanthropic-ratelimit-requests-remaining: 0\n"
         "anthropic-ratelimit-requests-reset: 2025-12-01T12:00:07Z",
         "r:50/0/7000"},
        {"anthropic-ratelimit-input-tokens-remaining: 3\nanthropic-ratelimit-output-tokens-remaining: 4\n"
         "anthropic-ratelimit-tokens-remaining: 7",
         "t:-1/7/-1 i:-1/3/-1 o:-1/4/-1"},
    };
    check("anthropic", cases, COUNT(cases));
    cr_assert_str_eq(budgets_of("openai", 429, "anthropic-ratelimit-requests-remaining: 0"), "",
                     "another's names say nothing");
}

Test(budgets, nonsense_has_not_been_said)
{
    static const struct headers_case cases[] = {
        {"x-ratelimit-remaining: -1\nx-ratelimit-limit: -5", ""},
        {"x-ratelimit-remaining: many", ""},
        {"x-ratelimit-remaining: ", ""},
        {"x-ratelimit-remaining: 5x", ""},
        {"x-ratelimit-remaining: 0x5", ""},
        {"x-ratelimit-remaining: +5", ""},
        {"x-ratelimit-remaining: 1e3", ""},
        {"x-ratelimit-remaining: 99999999999999999999", ""},
        {"x-ratelimit-remaining: 922337203685477579", "r:-1/922337203685477579/-1"},
        {"x-ratelimit-remaining: 5.9", "r:-1/5/-1"},
        {"x-ratelimit-remaining:   7\t", "r:-1/7/-1"},
        {"x-ratelimit-remaining: 7, 9", "r:-1/7/-1"},
        {"x-ratelimit-remaining: .5", ""},
        {"x-ratelimit-reset: 0", ""},
        {"x-ratelimit-reset: soon", ""},
        {"x-ratelimit-reset: 1", "r:-1/-1/1000"},
        {"x-ratelimit-reset: 1764590399", ""},
        {"x-ratelimit-bananas: 7", ""},
        {"ratelimit-remaining-of-it: 7", ""},
    };
    check("unknown", cases, COUNT(cases));
}

Test(budgets, that_come_several_times)
{
    static const struct headers_case cases[] = {
        {"x-ratelimit-remaining: 7\nx-ratelimit-remaining: 5\nX-RateLimit-Remaining: 9", "r:-1/5/-1"},
        {"x-ratelimit-reset: 5\nx-ratelimit-reset: 9\nx-ratelimit-reset: 7", "r:-1/-1/9000"},
        {"x-ratelimit-remaining: x\nx-ratelimit-remaining: 9", "r:-1/9/-1"},
        {"x-ratelimit-limit: 7\nx-ratelimit-limit: 9", "r:7/-1/-1"},
    };
    check("unknown", cases, COUNT(cases));
}

/* Of several windows the one of which the least is left; of equals the one that is longer used up. */
Test(budgets, of_several_windows)
{
    static const struct headers_case cases[] = {
        {"x-ratelimit-remaining-requests-minute: 3\nx-ratelimit-reset-requests-minute: 30\n"
         "x-ratelimit-remaining-requests-day: 1\nx-ratelimit-reset-requests-day: 3000",
         "r:-1/1/3000000"},
        {"x-ratelimit-remaining-requests-day: 3\nx-ratelimit-reset-requests-day: 3000\n"
         "x-ratelimit-remaining-requests-minute: 1\nx-ratelimit-reset-requests-minute: 30",
         "r:-1/1/30000"},
        {"x-ratelimit-remaining-requests-minute: 0\nx-ratelimit-reset-requests-minute: 30\n"
         "x-ratelimit-remaining-requests-day: 0\nx-ratelimit-reset-requests-day: 3000",
         "r:-1/0/3000000"},
        {"x-ratelimit-limit-requests-minute: 5\nx-ratelimit-remaining-requests-day: 9", "r:-1/9/-1"},
    };
    check("unknown", cases, COUNT(cases));
}

Test(budgets, times_are_held_against_the_answers_own_date)
{
    cr_assert_str_eq(budgets_of("unknown", 429, "date: Mon, 01 Dec 2025 11:00:00 GMT\nx-ratelimit-reset: 1764586860"),
                     "r:-1/-1/60000");
    cr_assert_str_eq(
        budgets_of("unknown", 429, "x-ratelimit-reset: 1764586890\ndate: Mon, 01 Dec 2025 11:00:00 GMT\nage: 30"),
        "r:-1/-1/60000", "wherever it stands");
}
