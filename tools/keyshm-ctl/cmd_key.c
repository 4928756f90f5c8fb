/* SPDX-License-Identifier: MIT */

/* The keys in a pool: remove, reset. */

#include <errno.h>
#include <stdio.h>

#include "cmd.h"
#include "report.h"
#include "user.h"

enum exit_status cmd_remove(const struct arguments *arguments)
{
    static const struct failure failures[] = {
        {EINVAL, EXIT_REFUSED, "that is the id of a group, not of a key", "delete it with --delete: keyshm-ctl group",
         true},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    keyshm_pool *pool;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    r = keyshm_remove(pool, arguments->id);
    keyshm_close(pool);
    if (r < 0)
        return fail(arguments->pool, r, failures);
    return arguments->json ? report(arguments->pool, json_pack("{s:I}", "id", (json_int_t)arguments->id)) : EXIT_FINE;
}

enum exit_status cmd_reset(const struct arguments *arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r == 0) {
        r = keyshm_reset_expired_cooldowns(pool);
        keyshm_close(pool);
    }
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->json)
        return report(arguments->pool, json_pack("{s:i}", "became_available", r));
    printf("%d\n", r);
    return EXIT_FINE;
}
