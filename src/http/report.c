/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "structs.h"

/* Where a verdict says something about one model, it is the model of the request; for a request without one it is everything,
 * since nothing else would keep the next such request away. */
static unsigned model_of(enum keyshm_http_scope scope, unsigned model)
{
    return scope == KEYSHM_HTTP_SCOPE_MODEL ? model : 0;
}

static int report_mark(keyshm_pool *pool, const struct keyshm_pick *pick, unsigned model,
                       const struct keyshm_http_verdict *verdict)
{
    struct keyshm_mark mark = verdict->mark;
    mark.size = sizeof(mark);
    mark.model = model_of(verdict->scope, model);
    mark.stamp = pick->stamp;
    return keyshm_mark(pool, pick->id, &mark);
}

/* The kinds of tokens are limited each for itself; a pool counts them together, so the least counts. */
static const struct keyshm_http_budget *least_of_tokens(const struct keyshm_http_verdict *verdict)
{
    const struct keyshm_http_budget *least = &verdict->tokens;
    const struct keyshm_http_budget *const others[] = {&verdict->input_tokens, &verdict->output_tokens};
    for (int i = 0; i < 2; i++) {
        if (others[i]->remaining >= 0 && (least->remaining < 0 || others[i]->remaining < least->remaining))
            least = others[i];
    }
    return least;
}

static int report_budgets(keyshm_pool *pool, const struct keyshm_pick *pick, unsigned model,
                          const struct keyshm_http_verdict *verdict)
{
    struct keyshm_observation observation = KEYSHM_OBSERVATION_INIT;
    const struct keyshm_http_budget *tokens = least_of_tokens(verdict);
    enum keyshm_http_scope scope = verdict->budget_scope;
    if (scope == KEYSHM_HTTP_SCOPE_NONE || scope == KEYSHM_HTTP_SCOPE_PROVIDER)
        return 0;
    if (verdict->requests.remaining < 0 && tokens->remaining < 0)
        return 0;
    observation.model = model_of(scope, model);
    observation.scope = scope == KEYSHM_HTTP_SCOPE_KEY ? KEYSHM_SCOPE_KEY : KEYSHM_SCOPE_GROUP;
    observation.requests_left = verdict->requests.remaining;
    observation.requests_reset_ms = verdict->requests.remaining >= 0 ? verdict->requests.reset_ms : -1;
    observation.tokens_left = tokens->remaining;
    observation.tokens_reset_ms = tokens->remaining >= 0 ? tokens->reset_ms : -1;
    return keyshm_observe(pool, pick->id, &observation);
}

/* Also where the verdict is about no model, a wrong one is told. */
static int check_model(keyshm_pool *pool, unsigned model)
{
    char name[KEYSHM_NAME_MAX + 1];
    return model == 0 || keyshm_model_name(pool, model, name, sizeof(name)) >= 0 ? 0 : -EINVAL;
}

static int report(keyshm_pool *pool, const struct keyshm_pick *pick, unsigned model,
                  const struct keyshm_http_verdict *verdict)
{
    int r = check_model(pool, model);
    if (r != 0)
        return r;
    /* The success first: an observation that benches the key would be something bad that was marked after the pick. */
    if (verdict->marks)
        r = report_mark(pool, pick, model, verdict);
    else if (verdict->is_success)
        r = keyshm_success(pool, pick);
    int budgets = r == 0 || r == -EBUSY ? report_budgets(pool, pick, model, verdict) : 0;
    return r != 0 ? r : budgets;
}

int keyshm_http_report(keyshm_pool *pool, const struct keyshm_pick *pick, unsigned model,
                       const struct keyshm_http_verdict *verdict)
{
    struct keyshm_http_verdict own;
    if (pool == NULL || pick == NULL)
        return -EINVAL;
    if (verdict != NULL && verdict_is_known(verdict))
        return report(pool, pick, model, verdict);
    int r = verdict_read(verdict, &own);
    return r == 0 ? report(pool, pick, model, &own) : r;
}
