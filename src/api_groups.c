/* SPDX-License-Identifier: MIT */

/* The public calls about groups and models: each checks its arguments, calls one module, and logs the outcome. */

#include "keyshm.h"

#include <errno.h>

#include "check.h"
#include "groups.h"
#include "log.h"
#include "log_subject.h"
#include "membership.h"
#include "models.h"
#include "refuse.h"

/* ---- groups ---- */

int keyshm_group(keyshm_pool *pool, const char *name, keyshm_id *ret_group)
{
    struct label label;
    int r = check_writable(pool);
    if (r == 0)
        r = ret_group != NULL ? check_name(pool, name, &label) : -EINVAL;
    if (r == 0)
        r = membership_group(pool, &label, ret_group);
    if (r == -ENOSPC)
        refuse_call(pool, r, "the pool has groups_max groups");
    if (r > 0)
        log_message(KEYSHM_LOG_INFO, "%s: made group %s, id %llu", pool->settings.provider, name,
                    (unsigned long long)*ret_group);
    return r < 0 ? r : 0;
}

int keyshm_find_group(keyshm_pool *pool, const char *name, keyshm_id *ret_group)
{
    struct label label;
    if (pool == NULL || ret_group == NULL)
        return -EINVAL;
    int r = check_name(pool, name, &label);
    return r == 0 ? groups_find(pool, &label, ret_group) : r;
}

int keyshm_group_name(keyshm_pool *pool, keyshm_id group, char *buffer, size_t size)
{
    return pool != NULL && buffer != NULL ? groups_name(pool, group, buffer, size) : -EINVAL;
}

static void log_move(const struct keyshm_pool *pool, keyshm_id key, keyshm_id group_or_0)
{
    char key_text[LOG_SUBJECT_SIZE], group_text[LOG_SUBJECT_SIZE] = "no group";
    log_subject_name(pool, key, key_text);
    if (group_or_0 != 0)
        log_subject_name(pool, group_or_0, group_text);
    log_message(KEYSHM_LOG_INFO, "%s: %s: in %s", pool->settings.provider, key_text, group_text);
}

int keyshm_set_group(keyshm_pool *pool, keyshm_id key, keyshm_id group_or_0)
{
    int r = check_writable(pool);
    if (r == 0)
        r = check_is_key(pool, key);
    if (r == 0)
        r = check_group(pool, group_or_0);
    if (r == 0)
        r = membership_set_group(pool, key, group_or_0);
    if (r == -ESTALE)
        return refuse_stale(pool, keyshm_is_available(pool, key) < 0 ? key : group_or_0);
    if (r == 0 && log_is_on(KEYSHM_LOG_INFO))
        log_move(pool, key, group_or_0);
    return r;
}

int keyshm_remove_group(keyshm_pool *pool, keyshm_id group)
{
    char subject[LOG_SUBJECT_SIZE] = "";
    int r = check_writable(pool);
    if (r == 0)
        r = group != 0 ? check_group(pool, group) : -EINVAL;
    if (r == 0 && log_is_on(KEYSHM_LOG_INFO))
        log_subject_name(pool, group, subject);
    if (r == 0)
        r = membership_remove_group(pool, group);
    if (r == -ESTALE)
        return refuse_stale(pool, group);
    if (r == -EBUSY)
        refuse_call(pool, r, "keys are in the group");
    if (r == 0)
        log_message(KEYSHM_LOG_INFO, "%s: removed %s", pool->settings.provider, subject);
    return r;
}

/* ---- models ---- */

int keyshm_model(keyshm_pool *pool, const char *name, unsigned *ret_model)
{
    struct label label;
    int r = check_writable(pool);
    if (r == 0)
        r = ret_model != NULL ? check_name(pool, name, &label) : -EINVAL;
    if (r == 0)
        r = membership_model(pool, &label, ret_model);
    if (r == -ENOSPC)
        refuse_call(pool, r, "the pool has models_max models");
    if (r > 0)
        log_message(KEYSHM_LOG_INFO, "%s: made model %s, number %u", pool->settings.provider, name, *ret_model);
    return r < 0 ? r : 0;
}

int keyshm_find_model(keyshm_pool *pool, const char *name, unsigned *ret_model)
{
    struct label label;
    if (pool == NULL || ret_model == NULL)
        return -EINVAL;
    int r = check_name(pool, name, &label);
    return r == 0 ? models_find(pool, &label, ret_model) : r;
}

int keyshm_model_name(keyshm_pool *pool, unsigned model, char *buffer, size_t size)
{
    return pool != NULL && buffer != NULL ? models_name(pool, model, buffer, size) : -EINVAL;
}
