/* SPDX-License-Identifier: MIT */

/* The keys in a pool: remove, mark, reset. */

#include <errno.h>

#include "cmd.h"
#include "lookup.h"
#include "mark_key.h"
#include "program.h"
#include "report.h"

enum exit_status cmd_remove(const struct arguments *arguments)
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

/* The key's status after the mark. Marks join, so it may differ from the one that was given. */
static enum exit_status report_status(const struct arguments *arguments, keyshm_pool *pool)
{
    struct keyshm_snapshot *snapshot;
    int r = keyshm_snapshot(pool, &snapshot);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    const struct keyshm_key_snapshot *key = lookup_key(snapshot, arguments->id);
    enum exit_status status =
        key == NULL ? fail(arguments->pool, -ESTALE, NULL)
                    : report(arguments->pool, json_pack("{s:I, s:s, s:I}", "id", (json_int_t)key->id, "status",
                                                        keyshm_status_name(key->status), "cooldown_left_ms",
                                                        (json_int_t)key->cooldown_left_ms));
    keyshm_snapshot_free(snapshot);
    return status;
}

enum exit_status cmd_mark(const struct arguments *arguments)
{
    keyshm_pool *pool;
    if (arguments->retry_after_ms != KEYSHM_NO_RETRY_AFTER && !mark_takes_duration(arguments->status)) {
        complain("mark: --retry-after goes with rate_limited or quota_exceeded, not with %s",
                 keyshm_status_name(arguments->status));
        return point_to_help();
    }
    int r = keyshm_attach(&pool, arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    enum exit_status status = EXIT_FINE;
    r = mark_key(pool, arguments->id, arguments->status, arguments->retry_after_ms);
    if (r < 0)
        status = fail(arguments->pool, r, NULL);
    else if (arguments->json)
        status = report_status(arguments, pool);
    keyshm_close(pool);
    return status;
}

enum exit_status cmd_reset(const struct arguments *arguments)
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
