/* SPDX-License-Identifier: MIT */
#include "rule_directory.h"

/* An answer that was cut: a rule that perhaps fits leaves no more of a later one's mark than it would mark itself. */

TestSuite(cut, .init = make_directory, .fini = remove_directory);

static struct keyshm_http_verdict judge(const char *body)
{
    struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    response.status = 400;
    response.body = body;
    response.body_length = strlen(body);
    cr_assert_eq(keyshm_http_judge("acme", &response, &verdict), 0);
    return verdict;
}

/* Of general rules something may always come yet. */
static void take_general_rules_away(FILE *file)
{
    static const char member[] = "\"rule\": \"";
    char *json;
    cr_assert_eq(keyshm_http_describe("general", &json), 0);
    for (const char *at = strstr(json, member); at != NULL; at = strstr(at + 1, member))
        fprintf(file, ", {\"rule\": \"%.*s\", \"means\": \"nothing\"}", (int)strcspn(at + strlen(member), "\""),
                at + strlen(member));
    free(json);
}

/* A rule of this meaning, whose phrase may be there, before one by which the group's keys are dead. */
static void write_rules(const char *meaning)
{
    FILE *file = fopen(path_of("a.json"), "w");
    cr_assert_not_null(file);
    fprintf(file,
            "{\"provider\": \"acme\", \"codes\": [\"code\"], \"messages\": [\"message\"], \"rules\": [{\"rule\": "
            "\"first\", \"when\":"
            " {\"phrase\": [\"^abc def\"]}, \"means\": \"%s\"}, {\"rule\": \"second\", \"when\": {\"code\": [\"gone\"]}, "
            "\"means\":"
            " \"dead\", \"scope\": \"group\"}",
            meaning);
    take_general_rules_away(file);
    fprintf(file, "]}");
    fclose(file);
    cr_assert_eq(load(), 0, "%s", problems[0]);
}

Test(cut, the_weaker_mark)
{
    static const struct {
        const char *meaning;
        enum keyshm_status status;
        int64_t duration_ms;
        enum keyshm_reason reason;
    } cases[] = {
        {"request", KEYSHM_AVAILABLE, KEYSHM_NO_RETRY_AFTER, KEYSHM_REASON_NONE},
        {"billing", KEYSHM_QUOTA_EXCEEDED, KEYSHM_UNTIL_MARKED, KEYSHM_REASON_QUOTA},
        {"quota", KEYSHM_QUOTA_EXCEEDED, KEYSHM_UNTIL_MARKED, KEYSHM_REASON_QUOTA},
        {"dead", KEYSHM_INVALID, KEYSHM_UNTIL_MARKED, KEYSHM_REASON_AUTHENTICATION},
        {"limit", KEYSHM_INVALID, KEYSHM_UNTIL_MARKED, KEYSHM_REASON_AUTHENTICATION}, /* after it */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_rules(cases[i].meaning);
        struct keyshm_http_verdict verdict = judge("{\"code\": \"gone\", \"message\": \"abc d");
        cr_expect_eq(verdict.marks, cases[i].status != KEYSHM_AVAILABLE, "%s", cases[i].meaning);
        cr_expect_eq(verdict.mark.status, cases[i].status, "%s", cases[i].meaning);
        cr_expect_eq(verdict.mark.duration_ms, cases[i].duration_ms, "%s", cases[i].meaning);
        cr_expect_eq(verdict.mark.reason, cases[i].reason, "%s", cases[i].meaning);
        cr_expect_eq(verdict.mark.scope, KEYSHM_SCOPE_GROUP, "%s", cases[i].meaning);
        cr_expect_eq(verdict.scope, KEYSHM_HTTP_SCOPE_GROUP, "%s", cases[i].meaning);
    }
}

Test(cut, what_cannot_come_any_more_weakens_nothing)
{
    static const char *const bodies[] = {
        "{\"code\": \"gone\", \"message\": \"abc d\"}",
        "{\"code\": \"gone\", \"message\": \"abd d",
        "{\"code\": \"gone\", \"message\": \"abc d\", \"more\": \"x",
    };
    write_rules("request");
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        cr_expect_str_eq(judge(bodies[i]).rule, "acme/second", "%s", bodies[i]);
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        cr_expect_eq(judge(bodies[i]).mark.status, KEYSHM_INVALID, "%s", bodies[i]);
    cr_assert_str_eq(judge("{\"code\": \"gone\", \"message\": \"abc def").rule, "acme/first");
}
