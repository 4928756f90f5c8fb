/* SPDX-License-Identifier: MIT */

/* The public calls about a pool as a whole, and about being attached to it: each checks its arguments, and calls one
 * module. */

#include "keyshm.h"

#include <errno.h>
#include <unistd.h>

#include "attachment.h"
#include "check.h"
#include "log.h"
#include "membership.h"
#include "pool_clock.h"
#include "refuse.h"
#include "segment.h"
#include "segment_name.h"
#include "sized_struct.h"
#include "workers.h"

static int read_options(const struct keyshm_options *options_or_null, struct keyshm_options *ret_options)
{
    struct keyshm_options known = KEYSHM_OPTIONS_INIT;
    int r = options_or_null != NULL ? sized_struct_read(NULL, options_or_null, &known, sizeof(known)) : 0;
    if (r < 0)
        return r;
    if (known.capacity < 1 || known.capacity > KEYSHM_CAPACITY_MAX)
        return refuse_call(NULL, -EINVAL, "capacity is not 1 to 1048576");
    if (known.key_max < 1 || known.key_max > KEYSHM_KEY_MAX)
        return refuse_call(NULL, -EINVAL, "key_max is not 1 to 4096");
    if (known.default_cooldown_ms < 0 || known.default_cooldown_ms > KEYSHM_DURATION_MAX_MS)
        return refuse_call(NULL, -EINVAL, "default_cooldown_ms is not 0 to 366 days");
    if (known.lock_timeout_ms < 1 || known.lock_timeout_ms > KEYSHM_LOCK_TIMEOUT_MAX_MS)
        return refuse_call(NULL, -EINVAL, "lock_timeout_ms is not 1 to one hour");
    if (known.workers_max > KEYSHM_WORKERS_MAX)
        return refuse_call(NULL, -EINVAL, "workers_max is not 0 to 65536");
    if (known.groups_max > KEYSHM_GROUPS_MAX || known.models_max > KEYSHM_MODELS_MAX)
        return refuse_call(NULL, -EINVAL, "groups_max or models_max is not 0 to 1024");
    if (known.in_flight_max > KEYSHM_IN_FLIGHT_MAX)
        return refuse_call(NULL, -EINVAL, "in_flight_max is not 0 to 64");
    if (known.group_in_flight_max > KEYSHM_GROUP_IN_FLIGHT_MAX)
        return refuse_call(NULL, -EINVAL, "group_in_flight_max is not 0 to 1024");
    if (known.provider_rules != NULL && !segment_name_is_valid(known.provider_rules))
        return refuse_call(NULL, -EINVAL, "provider_rules is not like a provider name");
    if (known.owner == KEYSHM_OWNER_CALLER)
        known.owner = geteuid();
    if (known.owner != geteuid() && geteuid() != 0)
        return refuse_call(NULL, -EPERM, "only root may name another user as the owner");
    *ret_options = known;
    return 0;
}

static int check_new_pool(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null,
                          struct keyshm_options *ret_options)
{
    int r = ret_pool != NULL ? check_provider(provider) : -EINVAL;
    return r == 0 ? read_options(options_or_null, ret_options) : r;
}

int keyshm_create(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null)
{
    struct keyshm_options options;
    int r = check_new_pool(ret_pool, provider, options_or_null, &options);
    return r == 0 ? attachment_create(ret_pool, provider, &options, true) : r;
}

int keyshm_create_anonymous(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null)
{
    struct keyshm_options options;
    int r = check_new_pool(ret_pool, provider, options_or_null, &options);
    return r == 0 ? attachment_create(ret_pool, provider, &options, false) : r;
}

int keyshm_open(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null)
{
    struct keyshm_options options;
    int r = check_new_pool(ret_pool, provider, options_or_null, &options);
    return r == 0 ? attachment_open(ret_pool, provider, &options) : r;
}

static int attach(keyshm_pool **ret_pool, uid_t owner, const char *provider, bool readonly)
{
    int r = ret_pool != NULL ? check_provider(provider) : -EINVAL;
    return r == 0 ? attachment_attach(ret_pool, owner, provider, readonly) : r;
}

int keyshm_attach(keyshm_pool **ret_pool, const char *provider)
{
    return attach(ret_pool, geteuid(), provider, false);
}

int keyshm_attach_user(keyshm_pool **ret_pool, uid_t owner, const char *provider)
{
    return attach(ret_pool, owner, provider, false);
}

int keyshm_attach_readonly(keyshm_pool **ret_pool, const char *provider)
{
    return attach(ret_pool, geteuid(), provider, true);
}

int keyshm_attach_readonly_user(keyshm_pool **ret_pool, uid_t owner, const char *provider)
{
    return attach(ret_pool, owner, provider, true);
}

int keyshm_after_fork(keyshm_pool *pool)
{
    int r = check_writable(pool);
    if (r == 0)
        workers_enter(pool, pool_now_ms(pool));
    return r;
}

const char *keyshm_provider_rules(keyshm_pool *pool)
{
    return pool != NULL ? pool->settings.provider_rules : NULL; /* the copy that was checked */
}

void keyshm_close(keyshm_pool *pool)
{
    if (pool != NULL)
        attachment_close(pool);
}

int keyshm_is_replaced(keyshm_pool *pool)
{
    return pool != NULL ? segment_is_replaced(pool) : -EINVAL;
}

int keyshm_unlink(const char *provider)
{
    return keyshm_unlink_user(geteuid(), provider);
}

int keyshm_unlink_user(uid_t owner, const char *provider)
{
    int r = check_provider(provider);
    return r == 0 ? segment_name_unlink(owner, provider) : r;
}

int keyshm_list_owners(struct keyshm_owner_list **ret_list)
{
    return ret_list != NULL ? segment_name_list_owners(ret_list) : -EINVAL;
}

int keyshm_list_pools(uid_t owner, struct keyshm_pool_list **ret_list)
{
    return ret_list != NULL ? segment_name_list(owner, ret_list) : -EINVAL;
}

int keyshm_set_worker_name(keyshm_pool *pool, const char *name)
{
    int r = check_writable(pool);
    if (r < 0)
        return r;
    if (name == NULL || !workers_name_is_valid(name))
        return refuse_call(pool, -EINVAL, "a worker's name is 1 to 15 bytes without control characters");
    return workers_set_name(pool, name);
}

int keyshm_repair(keyshm_pool *pool)
{
    int r = check_writable(pool);
    if (r == 0)
        r = membership_repair(pool);
    if (r == 0)
        log_message(KEYSHM_LOG_WARNING, "%s: repaired on request", pool->settings.provider);
    return r;
}
