/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "report.h"

enum exit_status command_reset(const struct arguments *arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments->pool);
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
