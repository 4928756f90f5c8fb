/* SPDX-License-Identifier: MIT */
#include "limit_parts.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lists.h"

const char *limit_kind_name(enum limit_kind kind)
{
    static const char *const names[LIMIT_KIND_COUNT] = {
        [LIMIT_REQUESTS] = "requests",       [LIMIT_TOKENS] = "tokens",       [LIMIT_REQUESTS_LONG] = "requests_long",
        [LIMIT_TOKENS_LONG] = "tokens_long", [LIMIT_IN_FLIGHT] = "in_flight", [LIMIT_NONE] = "none",
    };
    return names[kind];
}

/* Whose they are, for which model. */
struct whose {
    const struct keyshm_key_snapshot *state; /* NULL: of the keys in general */
    unsigned model;
};

static int add(struct limits *limits, const struct whose *whose, enum limit_kind kind, const struct keyshm_limits *of)
{
    const struct keyshm_rate *const rates[] = {&of->requests, &of->tokens, &of->requests_long, &of->tokens_long};
    struct limit_part *more = reallocarray(limits->parts, limits->count + 1, sizeof(*more));
    if (more == NULL)
        return -ENOMEM;
    limits->parts = more;
    limits->parts[limits->count++] = (struct limit_part){
        .id = whose->state != NULL ? whose->state->id : 0,
        .state = whose->state,
        .model = whose->model,
        .kind = kind,
        .rate = kind < LIMIT_IN_FLIGHT ? *rates[kind] : (struct keyshm_rate){.amount = 0},
        .in_flight = kind == LIMIT_IN_FLIGHT ? of->in_flight : 0,
    };
    return 0;
}

static bool has(const struct keyshm_limits *limits, enum limit_kind kind)
{
    const uint64_t amounts[] = {limits->requests.amount, limits->tokens.amount, limits->requests_long.amount,
                                limits->tokens_long.amount, limits->in_flight};
    return amounts[kind] != 0;
}

static int add_all(struct limits *limits, const struct whose *whose, const struct keyshm_limits *of)
{
    int r = 0;
    for (int kind = 0; kind < LIMIT_NONE && r == 0; kind++)
        if (has(of, (enum limit_kind)kind))
            r = add(limits, whose, (enum limit_kind)kind, of);
    return r;
}

static bool rate_is_equal(const struct keyshm_rate *a, const struct keyshm_rate *b)
{
    return a->amount == b->amount && a->per_ms == b->per_ms && a->burst == b->burst && a->charge == b->charge;
}

static bool is_equal(const struct keyshm_limits *a, const struct keyshm_limits *b)
{
    return rate_is_equal(&a->requests, &b->requests) && rate_is_equal(&a->tokens, &b->tokens) &&
           rate_is_equal(&a->requests_long, &b->requests_long) && rate_is_equal(&a->tokens_long, &b->tokens_long) &&
           a->in_flight == b->in_flight;
}

/* One that was removed meanwhile has none. */
static struct keyshm_limits get(keyshm_pool *pool, keyshm_id id_or_0, unsigned model)
{
    struct keyshm_limits limits = KEYSHM_LIMITS_INIT;
    keyshm_get_limits(pool, id_or_0, model, &limits);
    return limits;
}

/* The keys that have other limits than `general`. */
static int add_keys(struct limits *limits, keyshm_pool *pool, const struct keyshm_snapshot *snapshot, unsigned model,
                    const struct keyshm_limits *general)
{
    int r = 0;
    for (unsigned i = 0; i < snapshot->count && r == 0; i++) {
        const struct whose whose = {list_key(snapshot, i), model};
        struct keyshm_limits own = get(pool, whose.state->id, model);
        size_t count = limits->count;
        if (is_equal(&own, general))
            continue;
        r = add_all(limits, &whose, &own);
        if (r == 0 && limits->count == count)
            r = add(limits, &whose, LIMIT_NONE, &own);
    }
    return r;
}

static int add_groups(struct limits *limits, keyshm_pool *pool, const struct keyshm_snapshot *snapshot, unsigned model)
{
    int r = 0;
    for (unsigned i = 0; i < snapshot->group_count && r == 0; i++) {
        const struct whose whose = {&list_group(snapshot, i)->state, model};
        struct keyshm_limits own = get(pool, whose.state->id, model);
        r = add_all(limits, &whose, &own);
    }
    return r;
}

int limits_take(struct limits *limits, keyshm_pool *pool, const struct keyshm_snapshot *snapshot)
{
    int r = 0;
    for (unsigned model = 0; model <= snapshot->model_count && r == 0; model++) {
        const struct whose whose = {NULL, model};
        struct keyshm_limits general = get(pool, 0, model);
        r = add_all(limits, &whose, &general);
        if (r == 0)
            r = add_groups(limits, pool, snapshot, model);
        if (r == 0)
            r = add_keys(limits, pool, snapshot, model, &general);
    }
    return r;
}

void limits_free(struct limits *limits)
{
    free(limits->parts);
}
