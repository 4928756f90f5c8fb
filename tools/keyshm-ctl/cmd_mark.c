/* SPDX-License-Identifier: MIT */

/* What is known of keys: mark, pause, resume. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "clocks.h"
#include "cmd.h"
#include "mark_rules.h"
#include "program.h"
#include "report.h"
#include "text.h"
#include "user.h"

/* ---- mark POOL ID ---- */

/* Time has passed in between. No end, -1, is the longest as an unsigned number. */
static bool is_as_before(const struct keyshm_key_snapshot *before, const struct keyshm_key_snapshot *now)
{
    return before->status == now->status && before->reason == now->reason &&
           (uint64_t)now->cooldown_left_ms <= (uint64_t)before->cooldown_left_ms;
}

/* Marks join, so the state may differ from the one that was asked for. */
static void tell_what_stays(const struct arguments *arguments, const struct keyshm_key_snapshot *key, bool is_unchanged)
{
    char left[TEXT_DURATION_SIZE];
    text_duration(key->cooldown_left_ms, left);
    if (arguments->status != KEYSHM_AVAILABLE && is_unchanged)
        complain("pool %s: that changed nothing: the key with id %" PRIu64 " stays %s%s%s", arguments->pool, key->id,
                 keyshm_status_name(key->status), key->cooldown_left_ms > 0 ? ", for " : "",
                 key->cooldown_left_ms > 0 ? left : "");
    if (arguments->status == KEYSHM_AVAILABLE && key->is_paused)
        complain("pool %s: the key with id %" PRIu64 " stays paused; let it in again with: keyshm-ctl resume %s %" PRIu64,
                 arguments->pool, key->id, arguments->pool, key->id);
}

static enum exit_status report_key(const struct arguments *arguments, const struct keyshm_key_snapshot *key,
                                   bool is_unchanged)
{
    return report(arguments->pool, json_pack("{s:I, s:s, s:s, s:I, s:b, s:i}", "id", (json_int_t)key->id, "status",
                                             keyshm_status_name(key->status), "reason", keyshm_reason_name(key->reason),
                                             "cooldown_left_ms", (json_int_t)key->cooldown_left_ms, "is_paused",
                                             key->is_paused, "changed", (int)!is_unchanged));
}

static enum exit_status mark_one(const struct arguments *arguments, keyshm_pool *pool)
{
    struct keyshm_key_snapshot before, now;
    enum keyshm_reason reason =
        arguments->reason != KEYSHM_REASON_NONE ? arguments->reason : mark_default_reason(arguments->status);
    int r = keyshm_inspect(pool, arguments->id, 0, sizeof(before), &before);
    if (r >= 0)
        r = mark_key(pool, arguments->id, arguments->status, arguments->retry_after_ms, reason);
    if (r >= 0)
        r = keyshm_inspect(pool, arguments->id, 0, sizeof(now), &now);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    bool is_unchanged = is_as_before(&before, &now);
    if (arguments->json)
        return report_key(arguments, &now, is_unchanged);
    tell_what_stays(arguments, &now, is_unchanged);
    return EXIT_FINE;
}

/* ---- mark POOL all available ---- */

static enum exit_status mark_all(const struct arguments *arguments, keyshm_pool *pool)
{
    unsigned statuses =
        arguments->statuses != 0 ? arguments->statuses : 1u << KEYSHM_RATE_LIMITED | 1u << KEYSHM_QUOTA_EXCEEDED;
    int r = keyshm_mark_all_available(pool, statuses);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->json)
        return report(arguments->pool, json_pack("{s:i, s:s, s:s, s:i, s:b, s:i}", "id", 0, "status", "available",
                                                 "reason", "none", "cooldown_left_ms", 0, "is_paused", 0, "changed", r));
    printf("%d\n", r);
    return EXIT_FINE;
}

/* What does not go together. NULL: all is well. */
static const char *find_conflict(const struct arguments *arguments)
{
    bool has_end = arguments->retry_after_ms != KEYSHM_NO_RETRY_AFTER || arguments->until_unix_ms != NOT_GIVEN;
    if (arguments->is_for_all && arguments->status != KEYSHM_AVAILABLE)
        return "all goes with available alone";
    if (arguments->statuses != 0 && !arguments->is_for_all)
        return "--status goes with all";
    if (arguments->retry_after_ms != KEYSHM_NO_RETRY_AFTER && arguments->until_unix_ms != NOT_GIVEN)
        return "--retry-after and --until do not go together";
    if (has_end && !mark_takes_duration(arguments->status))
        return "--retry-after and --until go with rate_limited or quota_exceeded";
    if (arguments->reason != KEYSHM_REASON_NONE && arguments->status == KEYSHM_AVAILABLE)
        return "--reason goes with a status other than available";
    return NULL;
}

enum exit_status cmd_mark(const struct arguments *arguments)
{
    struct arguments timed = *arguments;
    keyshm_pool *pool;
    const char *conflict = find_conflict(arguments);
    if (conflict != NULL) {
        complain("mark: %s", conflict);
        return point_to_help();
    }
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (arguments->until_unix_ms != NOT_GIVEN)
        timed.retry_after_ms = arguments->until_unix_ms - clock_wall_ms();
    enum exit_status status = arguments->is_for_all ? mark_all(arguments, pool) : mark_one(&timed, pool);
    keyshm_close(pool);
    return status;
}

/* ---- pause, resume ---- */

static enum exit_status set_paused(const struct arguments *arguments, bool is_paused)
{
    keyshm_pool *pool;
    int r = keyshm_attach_user(&pool, user_of_pools(), arguments->pool);
    if (r == 0) {
        r = is_paused ? keyshm_pause(pool, arguments->id) : keyshm_resume(pool, arguments->id);
        keyshm_close(pool);
    }
    if (r < 0)
        return fail(arguments->pool, r, NULL);
    if (!arguments->json)
        return EXIT_FINE;
    return report(arguments->pool, json_pack("{s:I, s:b}", "id", (json_int_t)arguments->id, "is_paused", (int)is_paused));
}

enum exit_status cmd_pause(const struct arguments *arguments)
{
    return set_paused(arguments, true);
}

enum exit_status cmd_resume(const struct arguments *arguments)
{
    return set_paused(arguments, false);
}
