/* SPDX-License-Identifier: MIT */
#include "mark.h"

#include <errno.h>

#include "commands.h"
#include "lookup.h"
#include "program.h"
#include "report.h"

int mark_key(keyshm_pool *pool, keyshm_id id, enum keyshm_status status, int64_t after_ms)
{
    switch (status) {
    case KEYSHM_AVAILABLE:
        return keyshm_mark_available(pool, id);
    case KEYSHM_RATE_LIMITED:
        return keyshm_mark_rate_limited(pool, id, after_ms);
    case KEYSHM_QUOTA_EXCEEDED:
        return keyshm_mark_quota_exceeded(pool, id, after_ms);
    case KEYSHM_INVALID:
        return keyshm_mark_invalid(pool, id);
    }
    return -EINVAL;
}

/* What became of the key: marks join, so it may be another status than the one that was given. */
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

enum exit_status command_mark(const struct arguments *arguments)
{
    keyshm_pool *pool;
    if (arguments->retry_after_ms != KEYSHM_NO_RETRY_AFTER && arguments->status != KEYSHM_RATE_LIMITED &&
        arguments->status != KEYSHM_QUOTA_EXCEEDED) {
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
