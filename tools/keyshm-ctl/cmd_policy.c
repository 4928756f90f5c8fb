/* SPDX-License-Identifier: MIT */

/* The policy of a pool: show it, set fields of it. */

#include <inttypes.h>
#include <stdio.h>

#include "cmd.h"
#include "report.h"
#include "user.h"

static void print_seconds(const char *name, int64_t ms)
{
    printf("%s=%" PRId64, name, ms / 1000);
    if (ms % 1000 != 0)
        printf(".%03" PRId64, ms % 1000);
    putchar('\n');
}

static enum exit_status show(const struct arguments *arguments, const struct keyshm_policy *policy)
{
    if (arguments->json)
        return report(arguments->pool, report_policy(policy));
    print_seconds("cooldown", policy->cooldown_ms);
    print_seconds("cooldown-max", policy->cooldown_max_ms);
    return EXIT_FINE;
}

static bool is_change(const struct arguments *arguments)
{
    return arguments->cooldown_ms != NOT_GIVEN || arguments->cooldown_max_ms != NOT_GIVEN;
}

static int change(const struct arguments *arguments, keyshm_pool *pool, struct keyshm_policy *policy)
{
    if (arguments->cooldown_ms != NOT_GIVEN)
        policy->cooldown_ms = arguments->cooldown_ms;
    if (arguments->cooldown_max_ms != NOT_GIVEN)
        policy->cooldown_max_ms = arguments->cooldown_max_ms;
    return keyshm_set_policy(pool, policy);
}

enum exit_status cmd_policy(const struct arguments *arguments)
{
    struct keyshm_policy policy = KEYSHM_POLICY_INIT;
    keyshm_pool *pool;
    bool changes = is_change(arguments);
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
