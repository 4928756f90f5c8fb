/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answers.h"
#include "expect.h"

/* ---- reading ---- */

static void add_header(struct case_of_answer *answer, const char *name, const char *value)
{
    EXPECT(name != NULL && value != NULL && answer->response.header_count < ANSWER_FIELDS_MAX);
    answer->headers[answer->response.header_count++] =
        (struct keyshm_http_header){name, strlen(name), value, strlen(value)};
}

static void read_headers(struct case_of_answer *answer)
{
    json_t *pairs = json_object_get(answer->json, "raw_headers"), *pair, *value;
    const char *name;
    size_t i;
    json_array_foreach(pairs, i, pair)
    {
        add_header(answer, json_string_value(json_array_get(pair, 0)), json_string_value(json_array_get(pair, 1)));
    }
    if (pairs != NULL)
        return;
    json_object_foreach(json_object_get(answer->json, "headers"), name, value)
    {
        if (json_is_string(value))
            add_header(answer, name, json_string_value(value));
        json_array_foreach(value, i, pair)
        {
            add_header(answer, name, json_string_value(pair));
        }
    }
}

static int value_of_base64(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

static size_t decode_base64(const char *text, char *ret_bytes)
{
    size_t length = 0;
    unsigned bits = 0, value = 0;
    for (; value_of_base64(*text) >= 0; text++) {
        value = value << 6 | (unsigned)value_of_base64(*text);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            ret_bytes[length++] = (char)(value >> bits & 0xff);
        }
    }
    return length;
}

static void read_body(struct case_of_answer *answer)
{
    json_t *body = json_object_get(answer->json, "body");
    const char *encoded = json_string_value(json_object_get(answer->json, "body_b64"));
    size_t length = json_is_string(body) ? json_string_length(body) : encoded != NULL ? strlen(encoded) : 0;
    EXPECT((answer->body = malloc(length + 1)) != NULL);
    if (json_is_string(body))
        memcpy(answer->body, json_string_value(body), length);
    else if (encoded != NULL)
        length = decode_base64(encoded, answer->body);
    answer->response.body = answer->body;
    answer->response.body_length = length;
}

static enum keyshm_http_transport transport_of(const char *name)
{
    static const char *const names[KEYSHM_HTTP_TRANSPORT_COUNT] = {"",    "timeout", "dns",           "connect",
                                                                   "tls", "reset",   "refused_stream"};
    for (int i = 0; name != NULL && i < KEYSHM_HTTP_TRANSPORT_COUNT; i++) {
        if (strcmp(names[i], name) == 0)
            return (enum keyshm_http_transport)i;
    }
    EXPECT(name == NULL);
    return KEYSHM_HTTP_TRANSPORT_OK;
}

bool case_read(FILE *file, struct case_of_answer *ret_case)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length = getline(&line, &size, file);
    if (length <= 0) {
        free(line);
        return false;
    }
    const struct keyshm_http_response empty = KEYSHM_HTTP_RESPONSE_INIT;
    json_error_t error;
    *ret_case = (struct case_of_answer){.json = json_loadb(line, (size_t)length, JSON_ALLOW_NUL, &error)};
    free(line);
    if (ret_case->json == NULL) {
        fprintf(stderr, "a case is no JSON: %s\n", error.text);
        exit(1);
    }
    ret_case->response = empty;
    ret_case->response.headers = ret_case->headers;
    ret_case->id = json_string_value(json_object_get(ret_case->json, "id"));
    ret_case->provider = json_string_value(json_object_get(ret_case->json, "provider"));
    ret_case->response.status = (int)json_integer_value(json_object_get(ret_case->json, "status"));
    ret_case->response.now_unix_ms = json_integer_value(json_object_get(ret_case->json, "now_unix_ms"));
    ret_case->response.transport = transport_of(json_string_value(json_object_get(ret_case->json, "transport")));
    EXPECT(ret_case->id != NULL && ret_case->provider != NULL);
    read_headers(ret_case);
    read_body(ret_case);
    return true;
}

void case_free(struct case_of_answer *answer)
{
    json_decref(answer->json);
    free(answer->body);
}

/* ---- comparing ---- */

static int compare_words(const char *id, const char *what, const char *expected, const char *found)
{
    if (strcmp(expected, found) == 0)
        return 0;
    printf("%s: %s is %s, expected %s\n", id, what, found, expected);
    return 1;
}

static int compare_times(const char *id, const char *what, int64_t expected, int64_t found, int64_t tolerance)
{
    if (llabs(expected - found) <= tolerance)
        return 0;
    printf("%s: %s is %lld, expected %lld\n", id, what, (long long)found, (long long)expected);
    return 1;
}

static const char *word_or(json_t *object, const char *member, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, member));
    return text != NULL ? text : otherwise;
}

static int compare_mark(const char *id, json_t *expect, const struct keyshm_http_verdict *verdict)
{
    const char *after = verdict->marks ? verdict->mark.duration_ms == KEYSHM_NO_RETRY_AFTER ? "default"
                                         : verdict->mark.duration_ms == KEYSHM_UNTIL_MARKED ? "until_marked"
                                                                                            : "given"
                                       : "null";
    int wrong = compare_words(id, "the mark", word_or(expect, "mark", "none"),
                              verdict->marks ? keyshm_status_name(verdict->mark.status) : "none");
    wrong += compare_words(id, "after", word_or(expect, "after", "null"), after);
    if (wrong == 0 && strcmp(after, "given") == 0)
        wrong += compare_times(id, "after_ms", json_integer_value(json_object_get(expect, "after_ms")),
                               verdict->mark.duration_ms, json_integer_value(json_object_get(expect, "tolerance_ms")));
    return wrong;
}

static int compare_budget(const char *id, const char *unit, json_t *expect, const struct keyshm_http_budget *budget,
                          int64_t tolerance)
{
    const struct {
        const char *name;
        int64_t found, tolerance;
    } members[] = {
        {"limit", budget->limit, 0}, {"remaining", budget->remaining, 0}, {"reset_ms", budget->reset_ms, tolerance}};
    int wrong = 0;
    for (int i = 0; i < 3; i++) {
        json_t *expected = json_object_get(expect, members[i].name);
        char what[64];
        snprintf(what, sizeof(what), "%s.%s", unit, members[i].name);
        if (expected != NULL)
            wrong += compare_times(id, what, json_integer_value(expected), members[i].found, members[i].tolerance);
    }
    return wrong;
}

int case_compare(const struct case_of_answer *answer, const struct keyshm_http_verdict *verdict)
{
    static const char *const scopes[] = {"none", "key", "group", "model", "provider"};
    static const char *const retries[] = {"null", "other_key", "later", "never"};
    json_t *expect = json_object_get(answer->json, "expect"), *budget = json_object_get(expect, "budget");
    int64_t tolerance = json_integer_value(json_object_get(expect, "tolerance_ms"));
    int wrong = compare_mark(answer->id, expect, verdict);
    wrong += compare_words(answer->id, "the scope", word_or(expect, "scope", "none"), scopes[verdict->scope]);
    wrong += compare_words(answer->id, "the retry", word_or(expect, "retry", "null"), retries[verdict->retry]);
    wrong += compare_words(answer->id, "the model", word_or(expect, "model", ""), verdict->model);
    if (json_object_get(expect, "wait_ms") != NULL)
        wrong += compare_times(answer->id, "wait_ms", json_integer_value(json_object_get(expect, "wait_ms")),
                               verdict->wait_ms, tolerance);
    wrong += compare_budget(answer->id, "requests", json_object_get(budget, "requests"), &verdict->requests, tolerance);
    wrong += compare_budget(answer->id, "tokens", json_object_get(budget, "tokens"), &verdict->tokens, tolerance);
    wrong += compare_budget(answer->id, "input_tokens", json_object_get(budget, "input_tokens"), &verdict->input_tokens,
                            tolerance);
    wrong += compare_budget(answer->id, "output_tokens", json_object_get(budget, "output_tokens"),
                            &verdict->output_tokens, tolerance);
    if (wrong > 0)
        printf("%s: by the rule %s\n", answer->id, verdict->rule != NULL ? verdict->rule : "(none)");
    return wrong;
}
