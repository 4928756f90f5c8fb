/* SPDX-License-Identifier: MIT */

/* The public calls about limits: each checks its arguments, calls one module, and logs the outcome. */

#include "keyshm.h"

#include <errno.h>
#include <stdio.h>

#include "check.h"
#include "limit_sets.h"
#include "log.h"
#include "log_subject.h"
#include "membership.h"
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
