/* SPDX-License-Identifier: MIT */
#include "verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "mark_rules.h"
#include "program.h"
#include "text.h"

/* ---- found ---- */

const char *verdict_provider(const char *name_or_null, keyshm_pool *pool)
{
    return name_or_null != NULL ? name_or_null : keyshm_provider_rules(pool);
}

enum exit_status verdict_find(const char *provider, const struct keyshm_http_response *response,
                              struct keyshm_http_verdict *ret_verdict)
{
    keyshm_http_verdict_init(ret_verdict, sizeof(*ret_verdict));
    int r = keyshm_http_judge(provider, response, ret_verdict);
    return r < 0 ? refuse("the answer cannot be judged: %s; nothing was marked", keyshm_strerror(r)) : EXIT_FINE;
}

/* ---- words ---- */

/* As keyshm-providers(5) has them. */
static const char *scope_name(enum keyshm_http_scope scope)
{
    static const char *const names[] = {
        [KEYSHM_HTTP_SCOPE_NONE] = "none",         [KEYSHM_HTTP_SCOPE_KEY] = "key",
        [KEYSHM_HTTP_SCOPE_GROUP] = "group",       [KEYSHM_HTTP_SCOPE_MODEL] = "model",
        [KEYSHM_HTTP_SCOPE_PROVIDER] = "provider",
    };
    return names[scope];
}

static const char *retry_name(enum keyshm_http_retry retry)
{
    static const char *const names[] = {
        [KEYSHM_HTTP_RETRY_NONE] = "none",
        [KEYSHM_HTTP_RETRY_OTHER_KEY] = "other_key",
        [KEYSHM_HTTP_RETRY_LATER] = "later",
        [KEYSHM_HTTP_RETRY_NEVER] = "never",
    };
    return names[retry];
}

/* ---- for people ---- */

#define LABEL_WIDTH 13 /* of "output tokens" */

static void print_label(const char *label)
{
    printf("%-*s  ", LABEL_WIDTH, label);
}

static void print_line(const char *label, const char *text)
{
    print_label(label);
    puts(text);
}

static void print_time_of_mark(const struct keyshm_mark *mark)
{
    char time[TEXT_DURATION_SIZE];
    text_duration(mark->duration_ms, time);
    if (!mark_takes_duration(mark->status))
        return;
    if (mark->duration_ms == KEYSHM_UNTIL_MARKED)
        fputs(" until it is marked available", stdout);
    else if (mark->duration_ms == KEYSHM_NO_RETRY_AFTER)
        fputs(" for as long as the pool's policy says", stdout);
    else
        printf(" for %s", time);
}

static void print_mark(const struct keyshm_http_verdict *verdict)
{
    print_label("verdict");
    if (verdict->is_success)
        fputs(verdict->marks ? "success, " : "success", stdout);
    else if (!verdict->marks)
        fputs("no mark", stdout);
    if (verdict->marks) {
        fputs(keyshm_status_name(verdict->mark.status), stdout);
        print_time_of_mark(&verdict->mark);
        printf(" (%s)", keyshm_reason_name(verdict->mark.reason));
    }
    putchar('\n');
}

static void print_budget(const char *label, const struct keyshm_http_budget *budget, enum keyshm_http_scope scope)
{
    char time[TEXT_DURATION_SIZE];
    const char *between = "";
    if (budget->limit < 0 && budget->remaining < 0 && budget->reset_ms < 0)
        return;
    print_label(label);
    if (budget->remaining >= 0 && budget->limit >= 0)
        printf("%" PRId64 " of %" PRId64 " left", budget->remaining, budget->limit);
    else if (budget->remaining >= 0)
        printf("%" PRId64 " left", budget->remaining);
    else if (budget->limit >= 0)
        printf("%" PRId64 " at most", budget->limit);
    if (budget->remaining >= 0 || budget->limit >= 0)
        between = ", ";
    text_duration(budget->reset_ms, time);
    if (budget->reset_ms >= 0)
        printf("%sreset in %s", between, time);
    printf(" (%s)\n", scope_name(scope));
}

void verdict_print(const struct keyshm_http_verdict *verdict)
{
    char model[TEXT_PRINTABLE_SIZE(sizeof(verdict->model))], wait[TEXT_DURATION_SIZE];
    text_printable(verdict->model, model, sizeof(model));
    text_duration(verdict->wait_ms, wait);
    print_mark(verdict);
    print_line("scope", scope_name(verdict->scope));
    print_line("retry", retry_name(verdict->retry));
    if (verdict->wait_ms >= 0)
        print_line("wait", wait);
    if (model[0] != '\0')
        print_line("model", model);
    print_budget("requests", &verdict->requests, verdict->budget_scope);
    print_budget("tokens", &verdict->tokens, verdict->budget_scope);
    print_budget("input tokens", &verdict->input_tokens, verdict->budget_scope);
    print_budget("output tokens", &verdict->output_tokens, verdict->budget_scope);
    print_line("rule", verdict->rule != NULL ? verdict->rule : "none");
}

/* ---- as JSON ---- */

static json_t *mark_json(const struct keyshm_http_verdict *verdict)
{
    const struct keyshm_mark *mark = &verdict->mark;
    bool is_until_marked = mark->duration_ms == KEYSHM_UNTIL_MARKED;
    bool has_duration = !is_until_marked && mark->duration_ms != KEYSHM_NO_RETRY_AFTER;
    if (!verdict->marks)
        return json_null();
    return json_pack("{s:s, s:o, s:b, s:s, s:s}", "status", keyshm_status_name(mark->status), "duration_ms",
                     has_duration ? json_integer((json_int_t)mark->duration_ms) : json_null(), "until_marked",
                     (int)is_until_marked, "scope", mark->scope == KEYSHM_SCOPE_GROUP ? "group" : "key", "reason",
                     keyshm_reason_name(mark->reason));
}

static json_t *budget_json(const struct keyshm_http_budget *budget)
{
    return json_pack("{s:I, s:I, s:I}", "limit", (json_int_t)budget->limit, "remaining", (json_int_t)budget->remaining,
                     "reset_ms", (json_int_t)budget->reset_ms);
}

json_t *verdict_json(const struct keyshm_http_verdict *verdict)
{
    bool has_model = verdict->model[0] != '\0';
    return json_pack("{s:b, s:o, s:s, s:s, s:I, s:o, s:o, s:o, s:o, s:o, s:s, s:s?}", "is_success", verdict->is_success,
                     "mark", mark_json(verdict), "scope", scope_name(verdict->scope), "retry", retry_name(verdict->retry),
                     "wait_ms", (json_int_t)verdict->wait_ms, "model",
                     has_model ? text_to_json(verdict->model, sizeof(verdict->model)) : json_null(), "requests",
                     budget_json(&verdict->requests), "tokens", budget_json(&verdict->tokens), "input_tokens",
                     budget_json(&verdict->input_tokens), "output_tokens", budget_json(&verdict->output_tokens),
                     "budget_scope", scope_name(verdict->budget_scope), "rule", verdict->rule);
}
