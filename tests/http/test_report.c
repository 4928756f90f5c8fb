/* SPDX-License-Identifier: MIT */
#include <keyshm-http.h>
#include <stddef.h>

#include "moved_clock.h"
#include "set_limits.h"

/* What a pool is told of a verdict: keyshm_http_report(). What each case comes to is looked at by reports.c. */

TestSuite(report, .init = create_pool_with_clock, .fini = close_pool);

static struct keyshm_http_verdict success(void)
{
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    verdict.is_success = 1;
    return verdict;
}

static struct keyshm_http_verdict marking(enum keyshm_status status, int64_t duration_ms, enum keyshm_http_scope scope)
{
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    verdict.marks = 1;
    verdict.mark.status = status;
    verdict.mark.duration_ms = duration_ms;
    verdict.mark.reason = status == KEYSHM_INVALID ? KEYSHM_REASON_AUTHENTICATION : KEYSHM_REASON_RATE_LIMIT;
    verdict.scope = scope;
    verdict.mark.scope =
        scope == KEYSHM_HTTP_SCOPE_GROUP || scope == KEYSHM_HTTP_SCOPE_MODEL ? KEYSHM_SCOPE_GROUP : KEYSHM_SCOPE_KEY;
    return verdict;
}

static struct keyshm_http_verdict with_requests(int64_t remaining, int64_t reset_ms)
{
    struct keyshm_http_verdict verdict = success();
    verdict.requests = (struct keyshm_http_budget){100, remaining, reset_ms};
    verdict.budget_scope = KEYSHM_HTTP_SCOPE_KEY;
    return verdict;
}

static void report(const struct keyshm_pick *pick, struct keyshm_http_verdict verdict)
{
    cr_assert_eq(keyshm_http_report(pool, pick, pick->model, &verdict), 0);
}

Test(report, a_success_ends_a_streak)
{
    keyshm_id key = add_key(1);
    struct keyshm_pick pick = pick_one();
    report(&pick, marking(KEYSHM_RATE_LIMITED, KEYSHM_NO_RETRY_AFTER, KEYSHM_HTTP_SCOPE_KEY));
    cr_assert_eq(state_of(key).streak, 1);
    virtual_clock_pass_ms(60001);
    pick = pick_one();
    report(&pick, success());
    cr_assert_eq(state_of(key).streak, 0);
}

Test(report, a_success_ends_a_probe)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    policy.probe_ms = 10000;
    set_policy(policy);
    add_key(1);
    struct keyshm_pick pick = pick_one();
    report(&pick, marking(KEYSHM_RATE_LIMITED, 5000, KEYSHM_HTTP_SCOPE_KEY));
    virtual_clock_pass_ms(5001);
    pick = pick_one();
    expect_none();
    report(&pick, success());
    pick_one();
    pick_one();
}

Test(report, a_success_lifts_nothing)
{
    add_keys((keyshm_id[2]){0, 0}, 2);
    struct keyshm_pick first = pick_one();
    report(&first, marking(KEYSHM_RATE_LIMITED, 5000, KEYSHM_HTTP_SCOPE_KEY));
    report(&first, success());
    cr_assert_eq(state_of(first.id).status, KEYSHM_RATE_LIMITED);
}

/* Of two requests that were under way at the same time, the one that was answered later began before. */
Test(report, what_was_marked_after_the_pick_stands)
{
    keyshm_id key = add_key(1);
    struct keyshm_pick earlier = pick_one();
    struct keyshm_pick later = pick_one();
    report(&later, marking(KEYSHM_RATE_LIMITED, KEYSHM_NO_RETRY_AFTER, KEYSHM_HTTP_SCOPE_KEY));
    report(&earlier, success());
    cr_assert_eq(state_of(key).streak, 1);
    report(&earlier, marking(KEYSHM_RATE_LIMITED, KEYSHM_NO_RETRY_AFTER, KEYSHM_HTTP_SCOPE_KEY));
    cr_assert_eq(state_of(key).streak, 1, "the same cause does not count twice");
    report(&earlier, marking(KEYSHM_AVAILABLE, KEYSHM_NO_RETRY_AFTER, KEYSHM_HTTP_SCOPE_KEY));
    cr_assert_eq(state_of(key).status, KEYSHM_RATE_LIMITED);
}

/* ---- budgets ---- */

Test(report, nothing_left_is_a_bench_until_the_reset_also_without_limits)
{
    keyshm_id ids[2];
    add_keys(ids, 2);
    struct keyshm_pick pick = pick_one();
    report(&pick, with_requests(0, 20000));
    cr_assert_eq(state_of(pick.id).reason, KEYSHM_REASON_BUDGET);
    for (int i = 0; i < 4; i++)
        cr_assert_neq(pick_id(), pick.id);
    virtual_clock_pass_ms(19999);
    cr_assert_neq(pick_id(), pick.id);
    virtual_clock_pass_ms(2);
    cr_assert_eq(keyshm_is_available(pool, pick.id), 1);
}

Test(report, a_success_with_nothing_left_is_a_success_first)
{
    keyshm_id key = add_key(1);
    struct keyshm_pick pick = pick_one();
    report(&pick, marking(KEYSHM_RATE_LIMITED, KEYSHM_NO_RETRY_AFTER, KEYSHM_HTTP_SCOPE_KEY));
    virtual_clock_pass_ms(60001);
    pick = pick_one();
    report(&pick, with_requests(0, 1000));
    cr_assert_eq(state_of(key).streak, 0);
    expect_none();
}

Test(report, what_is_left_is_no_bench)
{
    add_key(1);
    struct keyshm_pick pick = pick_one();
    report(&pick, with_requests(1, 20000));
    report(&pick, with_requests(0, -1));
    report(&pick, with_requests(-1, 20000));
    pick_one();
}

Test(report, with_a_limit_no_more_is_admitted_than_is_left)
{
    keyshm_id key = add_key(1);
    set_limits(key, 0, limits_of_requests(10, 60000, 10));
    struct keyshm_pick pick = pick_one();
    report(&pick, with_requests(3, 60000));
    for (int i = 0; i < 3; i++)
        pick_one();
    expect_none();
}

Test(report, of_all_kinds_of_tokens_the_least_counts)
{
    for (int which = 0; which < 3; which++) {
        keyshm_id key = add_key(which);
        struct keyshm_pick pick = pick_one();
        struct keyshm_http_verdict verdict = success();
        verdict.budget_scope = KEYSHM_HTTP_SCOPE_KEY;
        verdict.tokens = (struct keyshm_http_budget){100, which == 0 ? 0 : 90, 5000};
        verdict.input_tokens = (struct keyshm_http_budget){100, which == 1 ? 0 : 80, 5000};
        verdict.output_tokens = (struct keyshm_http_budget){100, which == 2 ? 0 : -1, 5000};
        report(&pick, verdict);
        expect_left(key, 5000);
        cr_assert_eq(keyshm_remove(pool, key), 0);
    }
}

Test(report, budgets_are_of_their_own_scope)
{
    keyshm_id ids[3], group;
    unsigned model;
    add_keys(ids, 3);
    cr_assert_eq(keyshm_group(pool, "g", &group), 0);
    cr_assert_eq(keyshm_set_group(pool, ids[0], group), 0);
    cr_assert_eq(keyshm_set_group(pool, ids[1], group), 0);
    cr_assert_eq(keyshm_model(pool, "m", &model), 0);
    struct keyshm_pick pick = pick_for(model);
    cr_assert_eq(pick.id, ids[0]);
    struct keyshm_http_verdict verdict = with_requests(0, 5000);
    verdict.budget_scope = KEYSHM_HTTP_SCOPE_MODEL;
    report(&pick, verdict);
    cr_assert_eq(keyshm_is_available_for(pool, ids[1], model), 0);
    cr_assert_eq(keyshm_is_available(pool, ids[1]), 1);
    verdict.budget_scope = KEYSHM_HTTP_SCOPE_PROVIDER;
    pick.id = ids[2];
    report(&pick, verdict);
    verdict.budget_scope = KEYSHM_HTTP_SCOPE_NONE;
    report(&pick, verdict);
    cr_assert_eq(keyshm_is_available(pool, ids[2]), 1);
    verdict.budget_scope = KEYSHM_HTTP_SCOPE_GROUP;
    pick.id = ids[1];
    report(&pick, verdict);
    cr_assert_eq(keyshm_is_available(pool, ids[0]), 0);
}

Test(report, a_mark_and_a_budget)
{
    keyshm_id key = add_key(1);
    struct keyshm_pick pick = pick_one();
    struct keyshm_http_verdict verdict = marking(KEYSHM_RATE_LIMITED, 1000, KEYSHM_HTTP_SCOPE_KEY);
    verdict.requests = (struct keyshm_http_budget){10, 0, 5000};
    verdict.budget_scope = KEYSHM_HTTP_SCOPE_KEY;
    report(&pick, verdict);
    expect_left(key, 5000);
    cr_assert_eq(state_of(key).reason, KEYSHM_REASON_RATE_LIMIT);
}

/* ---- what is wrong ---- */

Test(report, a_verdict_about_a_provider_changes_nothing)
{
    keyshm_id key = add_key(1);
    struct keyshm_pick pick = pick_one();
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    verdict.scope = KEYSHM_HTTP_SCOPE_PROVIDER;
    verdict.retry = KEYSHM_HTTP_RETRY_LATER;
    verdict.wait_ms = 5000;
    report(&pick, verdict);
    cr_assert_eq(state_of(key).status, KEYSHM_AVAILABLE);
    cr_assert_eq(pick_id(), key);
}

Test(report, a_model_that_the_pool_does_not_have)
{
    unsigned model;
    add_key(1);
    cr_assert_eq(keyshm_model(pool, "m", &model), 0);
    struct keyshm_pick pick = pick_one();
    struct keyshm_http_verdict verdicts[] = {success(), with_requests(0, 5000),
                                             marking(KEYSHM_RATE_LIMITED, 5000, KEYSHM_HTTP_SCOPE_KEY),
                                             marking(KEYSHM_RATE_LIMITED, 5000, KEYSHM_HTTP_SCOPE_MODEL)};
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
        cr_assert_eq(keyshm_http_report(pool, &pick, model + 1, &verdicts[i]), -EINVAL);
        cr_assert_eq(keyshm_http_report(pool, &pick, UINT32_MAX, &verdicts[i]), -EINVAL);
    }
    cr_assert_eq(keyshm_is_available(pool, pick.id), 1);
    cr_assert_eq(keyshm_http_report(pool, &pick, model, &verdicts[3]), 0);
    cr_assert_eq(keyshm_is_available(pool, pick.id), 1);
    cr_assert_eq(keyshm_is_available_for(pool, pick.id, model), 0);
}

Test(report, a_key_that_was_removed)
{
    add_key(1);
    struct keyshm_pick pick = pick_one();
    cr_assert_eq(keyshm_remove(pool, pick.id), 0);
    struct keyshm_http_verdict verdicts[] = {success(), with_requests(0, 5000),
                                             marking(KEYSHM_INVALID, 0, KEYSHM_HTTP_SCOPE_KEY)};
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
        cr_assert_eq(keyshm_http_report(pool, &pick, 0, &verdicts[i]), -ESTALE);
}

Test(report, arguments_that_are_none)
{
    add_key(1);
    struct keyshm_pick pick = pick_one();
    struct {
        struct keyshm_http_verdict verdict;
        char more[8];
    } later = {marking(KEYSHM_RATE_LIMITED, 5000, KEYSHM_HTTP_SCOPE_KEY), {0}};
    cr_assert_eq(keyshm_http_report(NULL, &pick, 0, &later.verdict), -EINVAL);
    cr_assert_eq(keyshm_http_report(pool, NULL, 0, &later.verdict), -EINVAL);
    cr_assert_eq(keyshm_http_report(pool, &pick, 0, NULL), -EINVAL);
    later.verdict.size = 0;
    cr_assert_eq(keyshm_http_report(pool, &pick, 0, &later.verdict), -EINVAL);
    later.verdict.size = sizeof(later.verdict) + sizeof(later.more);
    later.more[7] = 1;
    cr_assert_eq(keyshm_http_report(pool, &pick, 0, &later.verdict), -E2BIG);
    later.verdict.size = offsetof(struct keyshm_http_verdict, mark);
    cr_assert_eq(keyshm_http_report(pool, &pick, 0, &later.verdict), 0, "a mark without what it is: available");
    cr_assert_eq(keyshm_is_available(pool, pick.id), 1);
    later.verdict.size = sizeof(later.verdict) + sizeof(later.more) - 1;
    cr_assert_eq(keyshm_http_report(pool, &pick, 0, &later.verdict), 0);
    cr_assert_eq(keyshm_is_available(pool, pick.id), 0);
}

Test(report, to_a_pool_that_can_only_be_read)
{
    keyshm_pool *writer, *reader;
    char name[32];
    struct keyshm_pick pick;
    snprintf(name, sizeof(name), "http-report-%d", (int)getpid());
    cr_assert_eq(keyshm_create(&writer, name, NULL), 0);
    int r = keyshm_attach_readonly(&reader, name);
    keyshm_unlink(name);
    cr_assert_eq(r, 0);
    cr_assert_eq(keyshm_add(writer, key_text(1), NULL), 0);
    cr_assert_eq(keyshm_next(writer, &pick), 0);
    struct keyshm_http_verdict verdicts[] = {success(), with_requests(0, 5000),
                                             marking(KEYSHM_INVALID, 0, KEYSHM_HTTP_SCOPE_KEY)};
    for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
        cr_assert_eq(keyshm_http_report(reader, &pick, 0, &verdicts[i]), -EROFS);
    keyshm_close(reader);
    keyshm_close(writer);
}
