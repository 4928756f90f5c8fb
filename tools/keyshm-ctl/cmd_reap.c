/* SPDX-License-Identifier: MIT */

/* What dead workers hold of requests in flight. */

#include <stdio.h>

#include "cmd.h"
#include "report.h"
#include "user.h"

enum exit_status cmd_reap(const struct arguments *arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r == 0) {
        r = keyshm_reap(pool, arguments->pid);
        keyshm_close(pool);
    }
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->json)
        return report(arguments->pool, json_pack("{s:i}", "given_back", r));
    printf("%d\n", r);
    return EXIT_FINE;
}
