/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "answer.h"
#include "budgets.h"
#include "calendar.h"
#include "fit.h"
#include "hints.h"
#include "key_forms.h"
#include "rule_store.h"
#include "structs.h"
#include "words.h"

/* ---- the model ---- */

struct model_search {
    const struct word_list *except;
    char *ret_model;
};

static bool note_model(const char *text, size_t length, bool is_cut, void *user)
{
    struct model_search *search = user;
    if (is_cut || length == 0 || length > KEYSHM_NAME_MAX || key_forms_has_key(text, length))
        return true;
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return true;
    }
    for (size_t i = 0; search->except != NULL && i < search->except->count; i++) {
        if (strlen(search->except->words[i]) == length && strncasecmp(search->except->words[i], text, length) == 0)
            return true;
    }
    memcpy(search->ret_model, text, length);
    search->ret_model[length] = '\0';
    return false;
}

static void find_model_in_messages(const struct answer *answer, const struct model_source *source,
                                   struct model_search *search)
{
    for (unsigned i = 0; i < answer->message_count && search->ret_model[0] == '\0'; i++) {
        struct captures captures = {.model = NULL};
        if (pattern_find(&source->pattern, &answer->messages[i], &captures) == CERTAINLY && captures.model != NULL)
            note_model(captures.model, captures.model_length, false, search);
    }
}

/* The first that is named: by the rule's own phrase, or where the provider names it. */
static void find_model(const struct answer *answer, const struct captures *captures, char model[KEYSHM_NAME_MAX + 1])
{
    struct model_search search = {.ret_model = model};
    model[0] = '\0';
    if (captures != NULL && captures->model != NULL)
        note_model(captures->model, captures->model_length, false, &search);
    for (size_t i = 0; i < answer->provider->model_count && model[0] == '\0'; i++) {
        const struct model_source *source = &answer->provider->models[i];
        search.except = &source->except;
        if (source->is_phrase)
            find_model_in_messages(answer, source, &search);
        else
            answer_visit_texts(answer, &source->place, note_model, &search);
    }
}

/* ---- what a rule comes to ---- */

struct decision {
    struct answer *answer;
    const struct rule *rule;
    struct keyshm_http_verdict *verdict;
};

static void set_scope(const struct decision *decision, const struct captures *captures)
{
    struct keyshm_http_verdict *verdict = decision->verdict;
    const struct limits_of_provider *limits = &decision->answer->provider->limits;
    int scope = decision->rule->scope;
    if (scope == SCOPE_OF_LIMITS || scope == KEYSHM_HTTP_SCOPE_MODEL)
        find_model(decision->answer, captures, verdict->model);
    if (scope == SCOPE_OF_LIMITS) {
        bool is_of_model = verdict->model[0] != '\0';
        scope = is_of_model ? KEYSHM_HTTP_SCOPE_MODEL : limits->scope;
    }
    verdict->scope = (enum keyshm_http_scope)scope;
    bool is_of_group = scope == KEYSHM_HTTP_SCOPE_GROUP || scope == KEYSHM_HTTP_SCOPE_MODEL;
    verdict->mark.scope = is_of_group ? KEYSHM_SCOPE_GROUP : KEYSHM_SCOPE_KEY;
}

static void mark(const struct decision *decision, enum keyshm_status status, int64_t duration_ms,
                 enum keyshm_reason reason)
{
    struct keyshm_mark *mark = &decision->verdict->mark;
    decision->verdict->marks = 1;
    mark->status = status;
    mark->duration_ms = duration_ms;
    mark->reason = reason;
}

/* When a quota of a day or a month begins anew by the calendar. */
static int64_t end_by_calendar_ms(struct answer *answer, enum until until)
{
    const struct limits_of_provider *limits = &answer->provider->limits;
    int64_t server_ms = answer_server_ms(answer);
    if (until == UNTIL_MIDNIGHT)
        return calendar_until_day_ms(server_ms, limits->utc_offset_minutes, limits->has_us_daylight_saving);
    return until == UNTIL_MONTH ? calendar_until_month_ms(server_ms) : KEYSHM_UNTIL_MARKED;
}

static enum until until_of_window(const struct answer *answer, enum window window)
{
    if (window == WINDOW_DAY)
        return UNTIL_MIDNIGHT;
    return window == WINDOW_MONTH && answer->provider->limits.month_is_utc ? UNTIL_MONTH : UNTIL_MARKED;
}

/* A limit of a day or longer is a quota, which ends when the answer says or by the calendar. */
static void decide_limit_of_days(const struct decision *decision, enum window window, int64_t hint_ms, int64_t reset_ms)
{
    struct answer *answer = decision->answer;
    if (window == WINDOW_DAY && hint_ms < answer->provider->limits.day_delay_min_ms)
        hint_ms = -1;
    int64_t end_ms = hint_ms > 0 ? hint_ms : hints_end_of_quota_ms(answer);
    end_ms = end_ms > 0 ? end_ms : reset_ms;
    enum until until = decision->rule->until != UNTIL_DEFAULT ? decision->rule->until : until_of_window(answer, window);
    if (end_ms <= 0)
        end_ms = end_by_calendar_ms(answer, until);
    mark(decision, KEYSHM_QUOTA_EXCEEDED, end_ms, KEYSHM_REASON_QUOTA);
}

static void decide_limit(const struct decision *decision)
{
    struct answer *answer = decision->answer;
    enum window used_up_window, window = decision->rule->window;
    int64_t hint_ms = hints_ms(answer), reset_ms = budgets_used_up_ms(answer, &used_up_window);
    if (window == WINDOW_NONE) {
        enum window named = hints_window(answer);
        window = named > used_up_window ? named : used_up_window;
    }
    if (window >= WINDOW_DAY) {
        decide_limit_of_days(decision, window, hint_ms, reset_ms);
        return;
    }
    int64_t duration_ms = hint_ms > 0 ? hint_ms : reset_ms > 0 ? reset_ms : window_ms(window);
    mark(decision, KEYSHM_RATE_LIMITED, duration_ms > 0 ? duration_ms : KEYSHM_NO_RETRY_AFTER, decision->rule->reason);
}

/* By what the rule says that tells it, the first that can be read. */
static int64_t end_by_sources_ms(struct answer *answer, const struct rule *rule)
{
    int64_t end_ms = -1;
    for (size_t i = 0; i < rule->end_count && end_ms <= 0; i++) {
        enum window ignored;
        if (rule->ends[i].kind == END_BY_HINTS)
            end_ms = hints_ms(answer);
        else if (rule->ends[i].kind == END_BY_RESETS)
            end_ms = budgets_used_up_ms(answer, &ignored);
        else
            end_ms = hints_of_header_ms(answer, rule->ends[i].header);
    }
    return end_ms;
}

/* Money, and allowances that a rule knows to be long. */
static void decide_quota(const struct decision *decision)
{
    struct answer *answer = decision->answer;
    const struct rule *rule = decision->rule;
    int64_t end_ms = hints_end_of_quota_ms(answer);
    end_ms = end_ms > 0 ? end_ms : end_by_sources_ms(answer, rule);
    enum until until = rule->until;
    if (until == UNTIL_DEFAULT && rule->means == MEANS_QUOTA)
        until = until_of_window(answer, rule->window != WINDOW_NONE ? rule->window : hints_window(answer));
    mark(decision, KEYSHM_QUOTA_EXCEEDED, end_ms > 0 ? end_ms : end_by_calendar_ms(answer, until), rule->reason);
}

static void decide(const struct decision *decision, const struct captures *captures)
{
    struct keyshm_http_verdict *verdict = decision->verdict;
    const struct rule *rule = decision->rule;
    verdict->rule = rule->name;
    verdict->retry = rule->retry;
    verdict->is_success = rule->means == MEANS_SUCCESS || rule->succeeds;
    if (rule->succeeds)
        verdict->retry = KEYSHM_HTTP_RETRY_NONE;
    set_scope(decision, captures);
    if (rule->means == MEANS_LIMIT)
        decide_limit(decision);
    else if (rule->means == MEANS_BILLING || rule->means == MEANS_QUOTA)
        decide_quota(decision);
    else if (rule->means == MEANS_DEAD)
        mark(decision, KEYSHM_INVALID, KEYSHM_UNTIL_MARKED, rule->reason);
    else if (rule->retry == KEYSHM_HTTP_RETRY_LATER)
        verdict->wait_ms = hints_ms(decision->answer);
}

/* ---- an answer that was cut ---- */

/* What a rule that perhaps fits would mark is the most that is certain. */
static void weaken(struct keyshm_http_verdict *verdict, enum keyshm_status most)
{
    static const struct keyshm_mark weaker[] = {
        [KEYSHM_AVAILABLE] = KEYSHM_MARK_INIT,
        [KEYSHM_RATE_LIMITED] = {.status = KEYSHM_RATE_LIMITED,
                                 .duration_ms = KEYSHM_NO_RETRY_AFTER,
                                 .reason = KEYSHM_REASON_RATE_LIMIT},
        [KEYSHM_QUOTA_EXCEEDED] = {.status = KEYSHM_QUOTA_EXCEEDED,
                                   .duration_ms = KEYSHM_UNTIL_MARKED,
                                   .reason = KEYSHM_REASON_QUOTA},
    };
    if (!verdict->marks || verdict->mark.status <= most)
        return;
    verdict->marks = most != KEYSHM_AVAILABLE;
    verdict->mark.status = weaker[most].status;
    verdict->mark.duration_ms = weaker[most].duration_ms;
    verdict->mark.reason = weaker[most].reason;
}

/* The first rule that fits. False: none does. */
static bool judge_by_rules(struct answer *answer, struct keyshm_http_verdict *verdict)
{
    enum keyshm_status most = KEYSHM_INVALID;
    for (size_t i = 0; i < answer->provider->rule_count; i++) {
        struct captures captures;
        struct decision decision = {answer, answer->provider->rules[i], verdict};
        enum certainty fits = fit_rule(answer, decision.rule, &captures);
        enum keyshm_status mark_of_rule = meaning_defaults[decision.rule->means].mark;
        if (fits == PERHAPS && mark_of_rule < most)
            most = mark_of_rule;
        if (fits != CERTAINLY)
            continue;
        decide(&decision, &captures);
        weaken(verdict, most);
        return true;
    }
    return false;
}

/* ---- the order of decisions ---- */

static void conclude(struct keyshm_http_verdict *verdict, enum keyshm_http_scope scope, enum keyshm_http_retry retry,
                     const char *rule)
{
    verdict->scope = scope;
    verdict->retry = retry;
    verdict->rule = rule;
}

static void code_in_stream(struct answer *answer, const struct answer_code *code)
{
    for (size_t i = 0; i < answer->provider->stream_status_count; i++) {
        const struct stream_status *known = &answer->provider->stream_statuses[i];
        if (strlen(known->code) == code->length && strncasecmp(known->code, code->text, code->length) == 0)
            answer->status = known->status;
    }
    /* A number is the status itself. */
    bool is_status = code->length == 3 && answer_is_number(code->text, 3) && code->text[0] >= '4' && code->text[0] <= '5';
    if (answer->status == 0 && is_status)
        answer->status = atoi(code->text);
}

/* A number, or three digits. */
static bool status_in_body(json_t *value, void *user)
{
    struct answer *answer = user;
    const char *text = json_string_value(value);
    bool is_text = text != NULL && strlen(text) == 3 && answer_is_number(text, 3);
    json_int_t status = is_text ? atoi(text) : json_integer_value(value);
    if (status >= 400 && status <= 599)
        answer->status = (int)status;
    return true;
}

static void read_status_of_body(struct answer *answer)
{
    for (size_t i = 0; i < answer->provider->statuses.count && answer->document != NULL; i++)
        answer_visit_path(answer, &answer->provider->statuses.paths[i], status_in_body, answer);
}

static bool is_error_event(const struct answer *answer)
{
    json_t *error = json_object_get(answer->document, "error");
    const char *type = json_string_value(json_object_get(answer->document, "type"));
    return answer->body.is_error_event || json_is_object(error) || json_is_string(error) ||
           (type != NULL && strcmp(type, "error") == 0);
}

/* The first event of a stream is an error: it is judged as if it had that status. */
static void set_status_of_event(struct answer *answer)
{
    answer->status = 0;
    for (unsigned i = 0; i < answer->code_count && answer->status == 0; i++)
        code_in_stream(answer, &answer->codes[i]);
    if (answer->status == 0)
        read_status_of_body(answer);
    if (answer->status == 0)
        answer->status = 429;
}

static int read_body(struct answer *answer, bool is_stream)
{
    int r = answer_read_body(answer, is_stream);
    if (r == 0)
        budgets_read_body(answer);
    return r;
}

static int judge_success(struct answer *answer, struct keyshm_http_verdict *verdict)
{
    bool is_stream = answer_is_stream(answer);
    verdict->is_success = 1;
    answer->status = 200;
    if (!is_stream && !answer->provider->success_is_judged)
        return 0;
    int r = read_body(answer, is_stream);
    if (r != 0)
        return r;
    if (is_stream && is_error_event(answer) && !answer_is_readable(answer)) {
        verdict->is_success = 0;
        conclude(verdict, KEYSHM_HTTP_SCOPE_PROVIDER, KEYSHM_HTTP_RETRY_LATER, "stream");
        return 0;
    }
    if (is_stream && is_error_event(answer))
        set_status_of_event(answer);
    else if (answer->provider->success_is_judged)
        read_status_of_body(answer);
    judge_by_rules(answer, verdict);
    return 0;
}

static int judge_refusal(struct answer *answer, struct keyshm_http_verdict *verdict)
{
    int r = read_body(answer, answer_is_stream(answer));
    if (r != 0)
        return r;
    if (!judge_by_rules(answer, verdict))
        conclude(verdict, KEYSHM_HTTP_SCOPE_PROVIDER, KEYSHM_HTTP_RETRY_LATER, NULL);
    return 0;
}

static int judge(struct answer *answer, struct keyshm_http_verdict *verdict)
{
    const struct keyshm_http_response *response = answer->response;
    int r = 0;
    if (response->transport != KEYSHM_HTTP_TRANSPORT_OK || response->status == 0)
        conclude(verdict, KEYSHM_HTTP_SCOPE_PROVIDER, KEYSHM_HTTP_RETRY_LATER, "transport");
    else if (answer_is_success(response->status))
        r = judge_success(answer, verdict);
    else if (response->status < 400)
        conclude(verdict, KEYSHM_HTTP_SCOPE_NONE, KEYSHM_HTTP_RETRY_NEVER, "redirect");
    else
        r = judge_refusal(answer, verdict);
    return r;
}

static bool says_something(const struct keyshm_http_budget *budget)
{
    return budget->limit >= 0 || budget->remaining >= 0 || budget->reset_ms >= 0;
}

/* Whose the budgets are. A model that only the body of a success would name is not looked for. */
static enum keyshm_http_scope budget_scope(const struct answer *answer, const struct keyshm_http_verdict *verdict)
{
    char model[KEYSHM_NAME_MAX + 1];
    if (!says_something(&verdict->requests) && !says_something(&verdict->tokens) &&
        !says_something(&verdict->input_tokens) && !says_something(&verdict->output_tokens))
        return KEYSHM_HTTP_SCOPE_NONE;
    find_model(answer, NULL, model);
    bool is_of_model = answer->provider->limits.is_per_model || model[0] != '\0';
    return is_of_model ? KEYSHM_HTTP_SCOPE_MODEL : answer->provider->limits.scope;
}

/* ---- the call ---- */

static bool is_response(const struct keyshm_http_response *response)
{
    if ((response->status != 0 && response->status < 100) || response->status > 999 || response->status < 0)
        return false;
    if ((unsigned)response->transport >= KEYSHM_HTTP_TRANSPORT_COUNT || response->now_unix_ms < 0)
        return false;
    return (response->headers != NULL || response->header_count == 0) &&
           (response->body != NULL || response->body_length == 0);
}

static bool has_headers(const struct keyshm_http_response *response)
{
    for (size_t i = 0; i < response->header_count && i < ANSWER_HEADERS_MAX; i++) {
        if (!answer_is_header(&response->headers[i]))
            return false;
    }
    return true;
}

/* By all that it says. Kept out of the way of the answers that say nothing. */
static __attribute__((noinline)) int judge_answer(const struct rule_set *set, const struct provider *provider,
                                                  const struct keyshm_http_response *response,
                                                  struct keyshm_http_verdict *ret_verdict)
{
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    struct answer answer;
    answer_init(&answer, set, provider, response);
    budgets_read_headers(&answer);
    int r = judge(&answer, &verdict);
    if (r == 0) {
        budgets_tell(&answer, &verdict);
        verdict.budget_scope = budget_scope(&answer, &verdict);
        verdict_give(&verdict, ret_verdict);
    }
    answer_free(&answer);
    return r;
}

/* What judge_answer() says of a success that says nothing. */
static void give_success(struct keyshm_http_verdict *ret_verdict)
{
    static const struct keyshm_http_verdict nothing = KEYSHM_HTTP_VERDICT_INIT;
    verdict_give(&nothing, ret_verdict);
    if (ret_verdict->size >= offsetof(struct keyshm_http_verdict, is_success) + sizeof(ret_verdict->is_success))
        ret_verdict->is_success = 1;
}

/* The response is one of this version of the interface. */
static int judge_response(const char *name, const struct keyshm_http_response *response,
                          struct keyshm_http_verdict *ret_verdict)
{
    const struct rule_set *set;
    const struct provider *provider;
    int r = ret_verdict != NULL && is_response(response) ? verdict_check(ret_verdict) : -EINVAL;
    r = r == 0 ? rule_store_find(name, &set, &provider) : r;
    if (r != 0)
        return r;
    bool is_success = response->transport == KEYSHM_HTTP_TRANSPORT_OK && answer_is_success(response->status);
    if (is_success && answer_says_nothing(set, provider, response)) {
        give_success(ret_verdict);
        return 0;
    }
    return has_headers(response) ? judge_answer(set, provider, response, ret_verdict) : -EINVAL;
}

int keyshm_http_judge(const char *provider, const struct keyshm_http_response *response,
                      struct keyshm_http_verdict *ret_verdict)
{
    struct keyshm_http_response own;
    if (provider == NULL || !rule_store_is_provider_name(provider))
        return -EINVAL;
    if (response != NULL && response_is_known(response))
        return judge_response(provider, response, ret_verdict);
    int r = response_read(response, &own);
    return r == 0 ? judge_response(provider, &own, ret_verdict) : r;
}
