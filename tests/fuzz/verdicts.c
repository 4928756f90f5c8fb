/* SPDX-License-Identifier: MIT */
#include "verdicts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key_forms.h"

#define DAY_MS (INT64_C(24) * 60 * 60 * 1000)
#define HINT_MAX_MS (32 * DAY_MS)
#define EXPECT(condition) ((condition) ? (void)0 : fail(#condition, verdict))

static _Noreturn void fail(const char *condition, const struct keyshm_http_verdict *verdict)
{
    fprintf(stderr, "not so: %s, by the rule %s\n", condition, verdict->rule != NULL ? verdict->rule : "(none)");
    abort();
}

static bool says_something(const struct keyshm_http_budget *budget)
{
    return budget->limit >= 0 || budget->remaining >= 0 || budget->reset_ms >= 0;
}

static void check_budget(const struct keyshm_http_verdict *verdict, const struct keyshm_http_budget *budget)
{
    EXPECT(budget->limit >= -1 && budget->remaining >= -1);
    EXPECT(budget->reset_ms == -1 || (budget->reset_ms > 0 && budget->reset_ms <= HINT_MAX_MS));
}

static void check_budgets(const struct keyshm_http_verdict *verdict)
{
    const struct keyshm_http_budget *const budgets[] = {&verdict->requests, &verdict->tokens, &verdict->input_tokens,
                                                        &verdict->output_tokens};
    bool is_said = false;
    for (int i = 0; i < 4; i++) {
        check_budget(verdict, budgets[i]);
        is_said = is_said || says_something(budgets[i]);
    }
    EXPECT(verdict->budget_scope != KEYSHM_HTTP_SCOPE_PROVIDER);
    EXPECT((verdict->budget_scope != KEYSHM_HTTP_SCOPE_NONE) == is_said);
}

static void check_model(const struct keyshm_http_verdict *verdict)
{
    size_t length = strnlen(verdict->model, sizeof(verdict->model));
    EXPECT(length < sizeof(verdict->model));
    EXPECT(length == 0 || verdict->scope == KEYSHM_HTTP_SCOPE_MODEL);
    for (size_t i = 0; i < length; i++)
        EXPECT((unsigned char)verdict->model[i] >= 0x20 && verdict->model[i] != 0x7f);
    EXPECT(!key_forms_has_key(verdict->model, length));
}

static void check_mark(const struct keyshm_http_verdict *verdict)
{
    const struct keyshm_mark *mark = &verdict->mark;
    bool is_of_group = verdict->scope == KEYSHM_HTTP_SCOPE_GROUP || verdict->scope == KEYSHM_HTTP_SCOPE_MODEL;
    EXPECT(mark->size == sizeof(*mark) && mark->model == 0 && mark->stamp == 0);
    EXPECT(mark->scope == (is_of_group ? KEYSHM_SCOPE_GROUP : KEYSHM_SCOPE_KEY));
    if (!verdict->marks) {
        EXPECT(mark->status == KEYSHM_AVAILABLE && mark->duration_ms == KEYSHM_NO_RETRY_AFTER);
        EXPECT(mark->reason == KEYSHM_REASON_NONE);
        return;
    }
    bool is_time = mark->duration_ms > 0 && mark->duration_ms <= 366 * DAY_MS;
    EXPECT(mark->status != KEYSHM_RATE_LIMITED || is_time || mark->duration_ms == KEYSHM_NO_RETRY_AFTER);
    EXPECT(mark->status != KEYSHM_QUOTA_EXCEEDED || is_time || mark->duration_ms == KEYSHM_UNTIL_MARKED);
    EXPECT(mark->status != KEYSHM_INVALID || mark->duration_ms == KEYSHM_UNTIL_MARKED);
    EXPECT(mark->status > KEYSHM_AVAILABLE && mark->status <= KEYSHM_INVALID);
    EXPECT(mark->reason > KEYSHM_REASON_NONE && mark->reason < KEYSHM_REASON_COUNT);
}

static void check(const struct keyshm_http_verdict *verdict)
{
    EXPECT(verdict->size == sizeof(*verdict));
    EXPECT((verdict->is_success | 1) == 1 && (verdict->marks | 1) == 1);
    EXPECT((unsigned)verdict->scope <= KEYSHM_HTTP_SCOPE_PROVIDER && (unsigned)verdict->retry <= KEYSHM_HTTP_RETRY_NEVER);
    EXPECT(verdict->wait_ms == -1 || (verdict->wait_ms > 0 && verdict->wait_ms <= HINT_MAX_MS && !verdict->marks));
    EXPECT(verdict->rule == NULL || strlen(verdict->rule) > 0);
    check_mark(verdict);
    check_model(verdict);
    check_budgets(verdict);
}

static bool is_same_budget(const struct keyshm_http_budget *a, const struct keyshm_http_budget *b)
{
    return a->limit == b->limit && a->remaining == b->remaining && a->reset_ms == b->reset_ms;
}

static bool is_same(const struct keyshm_http_verdict *a, const struct keyshm_http_verdict *b)
{
    return a->is_success == b->is_success && a->marks == b->marks && a->mark.status == b->mark.status &&
           a->mark.duration_ms == b->mark.duration_ms && a->mark.reason == b->mark.reason && a->scope == b->scope &&
           a->retry == b->retry && a->wait_ms == b->wait_ms && strcmp(a->model, b->model) == 0 &&
           is_same_budget(&a->requests, &b->requests) && is_same_budget(&a->tokens, &b->tokens) &&
           is_same_budget(&a->input_tokens, &b->input_tokens) && is_same_budget(&a->output_tokens, &b->output_tokens) &&
           a->budget_scope == b->budget_scope && a->rule == b->rule;
}

int verdicts_judge(const char *provider, const struct keyshm_http_response *response)
{
    struct keyshm_http_verdict verdicts[2];
    for (int i = 0; i < 2; i++) {
        memset(&verdicts[i], 0, sizeof(verdicts[i]));
        keyshm_http_verdict_init(&verdicts[i], sizeof(verdicts[i]));
        int r = keyshm_http_judge(provider, response, &verdicts[i]);
        if (r == -EINVAL && i == 0)
            return r;
        const struct keyshm_http_verdict *verdict = &verdicts[i];
        EXPECT(r == 0);
        check(verdict);
    }
    const struct keyshm_http_verdict *verdict = &verdicts[0];
    EXPECT(response->now_unix_ms == 0 || is_same(&verdicts[0], &verdicts[1]));
    return 0;
}
