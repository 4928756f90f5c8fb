/* SPDX-License-Identifier: MIT */

/* The policy of a pool: show it, change settings of it. */

#include <stdio.h>

#include "cmd.h"
#include "policy_settings.h"
#include "report.h"
#include "user.h"

static enum exit_status show(const struct arguments *arguments, const struct keyshm_policy *policy)
{
    char text[POLICY_SETTING_SIZE];
    if (arguments->json)
        return report(arguments->pool, policy_settings_json(policy));
    for (size_t i = 0; i < POLICY_SETTINGS; i++) {
        policy_setting_format(policy, &policy_settings[i], text);
        puts(text);
    }
    return EXIT_FINE;
}

static int change(const struct arguments *arguments, keyshm_pool *pool, struct keyshm_policy *policy)
{
    policy_changes_apply(&arguments->policy, policy);
    return keyshm_set_policy(pool, policy);
}

enum exit_status cmd_policy(const struct arguments *arguments)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    keyshm_pool *pool;
    bool changes = policy_changes_are_given(&arguments->policy);
    int r = changes ? keyshm_attach_user(&pool, user_of_pools(), arguments->pool)
                    : keyshm_attach_readonly_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    r = keyshm_get_policy(pool, &policy);
    if (r == 0 && changes)
        r = change(arguments, pool, &policy);
    keyshm_close(pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    return changes && !arguments->json ? EXIT_FINE : show(arguments, &policy);
}
