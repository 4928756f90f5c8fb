/* SPDX-License-Identifier: MIT */

/*
 * Every case of the files is reported to a pool, for a request that named a model and for one that did not: then those keys, and
 * only those, that share what the answer is about are out, for the models that it is about, and the next picks give others.
 *
 *   reports FILE...
 */

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "answers.h"
#include "expect.h"

/* Keys 0 and 1 are in group 0, key 2 is in group 1, and key 3 is in none. */
enum { KEYS = 4, MODELS = 2, PICKS = 3 * KEYS };

static keyshm_pool *pool;
static keyshm_id keys[KEYS], groups[KEYS];
static unsigned models[MODELS + 1]; /* the first is 0, no model */
static const char *case_id;
static int wrong;

static void print_case(void)
{
    fprintf(stderr, "in %s\n", case_id);
}

static void make_pool(void)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    options.capacity = 8;
    EXPECT_EQ(keyshm_create_anonymous(&pool, "reports", &options), 0);
    EXPECT_EQ(keyshm_group(pool, "one", &groups[0]), 0);
    EXPECT_EQ(keyshm_group(pool, "two", &groups[2]), 0);
    groups[1] = groups[0];
    groups[3] = 0;
    for (int i = 0; i < KEYS; i++) {
        char text[32];
        snprintf(text, sizeof(text), "sk-reports-0123456789-%d", i);
        EXPECT_EQ(keyshm_add_to_group(pool, text, groups[i], &keys[i]), 0);
    }
    for (int i = 1; i <= MODELS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "model-%d", i);
        EXPECT_EQ(keyshm_model(pool, name, &models[i]), 0);
    }
}

static int index_of(keyshm_id id)
{
    for (int i = 0; i < KEYS; i++) {
        if (keys[i] == id)
            return i;
    }
    EXPECT(!"a key of the pool");
    return -1;
}

/* Does what is about `scope` and was reported for a key and a model concern another key and model? */
static bool concerns(enum keyshm_http_scope scope, int reported_key, unsigned reported_model, int key, unsigned model)
{
    bool is_same_group = key == reported_key || (groups[key] != 0 && groups[key] == groups[reported_key]);
    switch (scope) {
    case KEYSHM_HTTP_SCOPE_KEY:
        return key == reported_key;
    case KEYSHM_HTTP_SCOPE_GROUP:
        return is_same_group;
    case KEYSHM_HTTP_SCOPE_MODEL:
        return is_same_group && (reported_model == 0 || reported_model == model);
    default:
        return false;
    }
}

static bool is_used_up(const struct keyshm_http_budget *budget)
{
    return budget->remaining == 0 && budget->reset_ms > 0;
}

/* Of the kinds of tokens the one of which the least is left. */
static bool are_tokens_used_up(const struct keyshm_http_verdict *verdict)
{
    return is_used_up(&verdict->tokens) ||
           (verdict->tokens.remaining != 0 &&
            (is_used_up(&verdict->input_tokens) ||
             (verdict->input_tokens.remaining != 0 && is_used_up(&verdict->output_tokens))));
}

static bool is_out(const struct keyshm_http_verdict *verdict, int reported_key, unsigned reported_model, int key,
                   unsigned model)
{
    bool has_nothing_left = is_used_up(&verdict->requests) || are_tokens_used_up(verdict);
    return (verdict->marks && concerns(verdict->scope, reported_key, reported_model, key, model)) ||
           (has_nothing_left && concerns(verdict->budget_scope, reported_key, reported_model, key, model));
}

static void check_keys(const struct keyshm_http_verdict *verdict, int reported_key, unsigned reported_model)
{
    for (int key = 0; key < KEYS; key++)
        for (int i = 0; i <= MODELS; i++) {
            bool is_expected = !is_out(verdict, reported_key, reported_model, key, models[i]);
            int is_available = keyshm_is_available_for(pool, keys[key], models[i]);
            if (is_available != is_expected) {
                printf("%s: reported for key %d and model %u, key %d is %s for model %u\n", case_id, reported_key,
                       reported_model, key, is_available ? "available" : "out", models[i]);
                wrong++;
            }
        }
}

/* What was marked stands in the pool as it was said. */
static void check_mark(const struct keyshm_http_verdict *verdict, int key, unsigned model)
{
    struct keyshm_key_snapshot state;
    EXPECT_EQ(keyshm_inspect(pool, keys[key], model, sizeof(state), &state), 0);
    if (!verdict->marks || is_used_up(&verdict->requests) || are_tokens_used_up(verdict))
        return;
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    int64_t said_ms = verdict->mark.duration_ms == KEYSHM_NO_RETRY_AFTER ? policy.cooldown_ms : verdict->mark.duration_ms;
    if (verdict->mark.status == KEYSHM_RATE_LIMITED && said_ms > policy.cooldown_max_ms)
        said_ms = policy.cooldown_max_ms;
    bool is_endless = verdict->mark.duration_ms == KEYSHM_UNTIL_MARKED;
    EXPECT_EQ(state.status, verdict->mark.status);
    EXPECT_EQ(state.reason, verdict->mark.reason);
    /* Time goes on meanwhile, but no bench is longer than was said. */
    EXPECT(is_endless ? state.cooldown_left_ms == -1
                      : state.cooldown_left_ms > 0 && state.cooldown_left_ms <= said_ms + 1);
}

static void check_picks(const struct keyshm_http_verdict *verdict, int reported_key, unsigned reported_model)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    request.model = reported_model;
    for (int i = 0; i < PICKS; i++) {
        struct keyshm_lease lease;
        EXPECT_EQ(keyshm_acquire(pool, &request, &lease), 0);
        EXPECT(!is_out(verdict, reported_key, reported_model, index_of(lease.pick.id), reported_model));
        EXPECT_EQ(keyshm_release(pool, &lease), 0);
    }
}

/* Times of a test would pass while it looks: longer ones stand for them. */
static void lengthen(struct keyshm_http_budget *budget)
{
    if (budget->reset_ms > 0)
        budget->reset_ms += 60000;
}

static void report(const struct keyshm_http_verdict *said, int turns, unsigned model)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_http_verdict verdict = *said;
    struct keyshm_lease lease;
    if (verdict.mark.duration_ms > 0 && verdict.mark.duration_ms < 60000)
        verdict.mark.duration_ms += 60000;
    lengthen(&verdict.requests);
    lengthen(&verdict.tokens);
    lengthen(&verdict.input_tokens);
    lengthen(&verdict.output_tokens);
    make_pool();
    request.model = model;
    for (int i = 0; i < turns; i++) {
        EXPECT_EQ(keyshm_acquire(pool, &request, &lease), 0);
        EXPECT_EQ(keyshm_cancel(pool, &lease), 0);
    }
    EXPECT_EQ(keyshm_acquire(pool, &request, &lease), 0);
    int key = index_of(lease.pick.id);
    EXPECT_EQ(keyshm_http_report(pool, &lease.pick, model, &verdict), 0);
    EXPECT_EQ(keyshm_release(pool, &lease), 0);
    check_keys(&verdict, key, model);
    check_mark(&verdict, key, model);
    check_picks(&verdict, key, model);
    keyshm_close(pool);
}

int main(int argc, char **argv)
{
    int cases = 0, marks = 0;
    expect_end_in_time();
    expect_print_context = print_case;
    for (int i = 1; i < argc; i++) {
        struct case_of_answer answer;
        FILE *file = fopen(argv[i], "r");
        EXPECT(file != NULL);
        while (case_read(file, &answer)) {
            struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
            case_id = answer.id;
            EXPECT_EQ(keyshm_http_judge(answer.provider, &answer.response, &verdict), 0);
            for (int turns = 0; turns < KEYS; turns++)
                for (unsigned model = 0; model <= 1; model++)
                    report(&verdict, turns, model);
            marks += verdict.marks;
            cases++;
            case_free(&answer);
        }
        fclose(file);
    }
    printf("%d cases, %d with a mark, %d wrong\n", cases, marks, wrong);
    return marks == 0 || wrong > 0;
}
