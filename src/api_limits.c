/* SPDX-License-Identifier: MIT */

/* The public calls about limits: each checks its arguments, calls one module, and logs the outcome. */

#include "keyshm.h"

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "groups.h"
#include "limit_sets.h"
#include "log.h"
#include "log_subject.h"
#include "membership.h"
#include "observed.h"
#include "refuse.h"
#include "sized_struct.h"
#include "subject.h"

/* Of which key or group they are; with id 0, LIMITS_OF_POOL. -ESTALE. */
static int find_subject(const struct keyshm_pool *pool, keyshm_id id_or_0, uint32_t *ret_subject)
{
    *ret_subject = id_or_0 != 0 ? subject_of(pool, id_or_0) : LIMITS_OF_POOL;
    return id_or_0 == 0 || *ret_subject != SUBJECT_NONE ? 0 : -ESTALE;
}

static int read_limits(const struct keyshm_pool *pool, unsigned model, uint32_t subject,
                       const struct keyshm_limits *limits, struct keyshm_limits *ret_known)
{
    *ret_known = (struct keyshm_limits)KEYSHM_LIMITS_INIT;
    int r = sized_struct_read(pool, limits, ret_known, sizeof(*ret_known));
    const char *wrong = r == 0 ? limits_find_wrong(pool, model, subject, ret_known) : NULL;
    return wrong != NULL ? refuse_call(pool, -EINVAL, wrong) : r;
}

static void log_limits(const struct keyshm_pool *pool, keyshm_id id_or_0, unsigned model, bool has_limits)
{
    char subject[LOG_SUBJECT_SIZE] = "keys without limits of their own";
    if (id_or_0 != 0)
        log_subject_name(pool, id_or_0, subject);
    log_message(KEYSHM_LOG_INFO, "%s: %s: limits %s, for model %u", pool->settings.provider, subject,
                has_limits ? "set" : "removed", model);
}

int keyshm_set_limits(keyshm_pool *pool, keyshm_id key_or_group_or_0, unsigned model,
                      const struct keyshm_limits *limits_or_null)
{
    struct keyshm_limits known;
    uint32_t subject;
    int r = check_writable(pool);
    if (r == 0)
        r = check_model(pool, model);
    if (r == 0)
        r = find_subject(pool, key_or_group_or_0, &subject);
    if (r == 0 && limits_or_null != NULL)
        r = read_limits(pool, model, subject, limits_or_null, &known);
    if (r == 0)
        r = membership_set_limits(pool, key_or_group_or_0, model, limits_or_null != NULL ? &known : NULL);
    if (r == -ESTALE)
        return refuse_stale(pool, key_or_group_or_0);
    if (r == -ENOSPC)
        refuse_call(pool, r, "as many different limits are in use as the pool has room for");
    if (r == 0 && log_is_on(KEYSHM_LOG_INFO))
        log_limits(pool, key_or_group_or_0, model, limits_or_null != NULL);
    return r;
}

int keyshm_get_limits(keyshm_pool *pool, keyshm_id key_or_group_or_0, unsigned model, struct keyshm_limits *ret_limits)
{
    struct keyshm_limits known;
    uint32_t subject;
    if (pool == NULL || ret_limits == NULL || ret_limits->size < sizeof(ret_limits->size))
        return -EINVAL;
    int r = check_model(pool, model);
    if (r == 0)
        r = find_subject(pool, key_or_group_or_0, &subject);
    if (r == 0)
        limits_get(pool, model, subject, &known);
    /* After them: what is there now was there all the time. */
    if (r == 0 && key_or_group_or_0 != 0 && !word_is_live(subject_word_of(pool, key_or_group_or_0)))
        r = -ESTALE;
    if (r == -ESTALE)
        return refuse_stale(pool, key_or_group_or_0);
    if (r == 0)
        sized_struct_give(&known, sizeof(known), ret_limits);
    return r;
}

/* ---- what a provider says ---- */

static bool is_number(int64_t value)
{
    return value >= -1;
}

static int read_observation(const struct keyshm_pool *pool, const struct keyshm_observation *observation,
                            struct keyshm_observation *ret_known)
{
    *ret_known = (struct keyshm_observation)KEYSHM_OBSERVATION_INIT;
    int r = sized_struct_read(pool, observation, ret_known, sizeof(*ret_known));
    if (r == 0)
        r = check_model(pool, ret_known->model);
    if (r == 0 && (unsigned)ret_known->scope > KEYSHM_SCOPE_GROUP)
        r = refuse_call(pool, -EINVAL, "an observation of no scope");
    if (r == 0 && !(is_number(ret_known->requests_left) && is_number(ret_known->requests_reset_ms) &&
                    is_number(ret_known->tokens_left) && is_number(ret_known->tokens_reset_ms)))
        r = refuse_call(pool, -EINVAL, "an observation of a number below -1");
    return r;
}

/* The key or group that it is about; SUBJECT_NONE. */
static uint32_t observed_subject(const struct keyshm_pool *pool, keyshm_id id, enum keyshm_scope scope)
{
    if (subject_of(pool, id) == SUBJECT_NONE || !word_is_live(subject_word_of(pool, id)))
        return SUBJECT_NONE;
    keyshm_id group = scope == KEYSHM_SCOPE_GROUP && !id_is_group(id) ? groups_id_of_slot(pool, id_slot(id)) : 0;
    return subject_of(pool, group != 0 ? group : id);
}

/* Nothing is left: nobody is to ask again before the reset. */
static int mark_used_up(keyshm_pool *pool, keyshm_id id, const struct keyshm_observation *known, int64_t reset_ms)
{
    struct keyshm_mark mark = KEYSHM_MARK_INIT;
    mark.status = KEYSHM_RATE_LIMITED;
    mark.reason = KEYSHM_REASON_BUDGET;
    mark.duration_ms = reset_ms;
    mark.model = known->model;
    mark.scope = known->scope;
    return keyshm_mark(pool, id, &mark);
}

int keyshm_observe(keyshm_pool *pool, keyshm_id id, const struct keyshm_observation *observation)
{
    struct keyshm_observation known;
    int r = check_writable(pool);
    if (r == 0)
        r = observation != NULL ? read_observation(pool, observation, &known) : -EINVAL;
    if (r < 0)
        return r;
    uint32_t subject = observed_subject(pool, id, known.scope);
    if (subject == SUBJECT_NONE)
        return refuse_stale(pool, id);
    const struct observation observations[] = {
        {.left = (uint64_t)known.requests_left, .reset_ms = known.requests_reset_ms},
        {.is_of_tokens = true, .left = (uint64_t)known.tokens_left, .reset_ms = known.tokens_reset_ms},
    };
    int64_t used_up_ms = 0; /* the later of the two */
    for (int i = 0; i < 2; i++) {
        if (observations[i].left == (uint64_t)-1)
            continue;
        observed_join(pool, known.model, subject, &observations[i]);
        if (observations[i].left == 0 && observations[i].reset_ms > used_up_ms)
            used_up_ms = observations[i].reset_ms;
    }
    return used_up_ms > 0 ? mark_used_up(pool, id, &known, used_up_ms) : 0;
}
