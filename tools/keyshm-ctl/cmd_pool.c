/* SPDX-License-Identifier: MIT */

/* Whole pools: create, destroy. */

#include <errno.h>
#include <unistd.h>

#include "cmd.h"
#include "report.h"
#include "user.h"

enum exit_status cmd_create(const struct arguments *arguments)
{
    static const struct failure failures[] = {
        {EEXIST, EXIT_REFUSED, "there is one already", "see it with: keyshm-stat", true},
        {EACCES, EXIT_NO_POOL, "this user may not create files in /dev/shm", NULL, false},
        {ENOENT, EXIT_REFUSED, "there is no shared-memory file system on /dev/shm", NULL, false},
        {ENOSPC, EXIT_REFUSED, "the shared-memory file system is too full for it",
         "choose a smaller --capacity or --key-max, or see what is in it with: ls -l /dev/shm", false},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    struct keyshm_options options = arguments->create;
    keyshm_pool *pool;
    options.owner = user_of_pools() == geteuid() ? KEYSHM_OWNER_CALLER : user_of_pools();
    int r = keyshm_create(&pool, arguments->pool, &options);
    if (r < 0)
        return fail(arguments->pool, r, failures);
    keyshm_close(pool);
    if (!arguments->json)
        return EXIT_FINE;
    return report(arguments->pool, json_pack("{s:I, s:I, s:I}", "capacity", (json_int_t)arguments->create.capacity,
                                             "key_max", (json_int_t)arguments->create.key_max, "default_cooldown_ms",
                                             (json_int_t)arguments->create.default_cooldown_ms));
}

enum exit_status cmd_destroy(const struct arguments *arguments)
{
    static const struct failure failures[] = {
        {ENOENT, EXIT_NO_POOL, "there is no such pool", "see those of this user with: keyshm-stat", false},
        {0, EXIT_REFUSED, NULL, NULL, false},
    };
    int r = keyshm_unlink_user(user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, failures);
    return arguments->json ? report(arguments->pool, json_object()) : EXIT_FINE;
}
