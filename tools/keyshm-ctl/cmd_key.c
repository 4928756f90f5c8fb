/* SPDX-License-Identifier: MIT */
#include "commands.h"
#include "report.h"

enum exit_status command_remove(const struct arguments *arguments)
{
    keyshm_pool *pool;
    int r = keyshm_attach(&pool, arguments->pool);
    if (r == 0) {
        r = keyshm_remove(pool, arguments->id);
        keyshm_close(pool);
    }
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    return arguments->json ? report(arguments->pool, json_pack("{s:I}", "id", (json_int_t)arguments->id)) : EXIT_FINE;
}
