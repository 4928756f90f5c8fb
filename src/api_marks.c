/* SPDX-License-Identifier: MIT */

/* The public calls that change a status, and the policy, by which marks are understood: each checks its arguments, calls
 * one module, and logs the outcome. */

#include "keyshm.h"

#include <errno.h>
#include <stdio.h>

#include "carry.h"
#include "check.h"
#include "lift.h"
#include "log.h"
#include "log_subject.h"
#include "mark.h"
#include "models.h"
#include "policy.h"
#include "pool_clock.h"
#include "ready_bits.h"
#include "refuse.h"
#include "sized_struct.h"
#include "streak.h"
#include "success.h"

#define LOG_MODEL_SIZE (KEYSHM_NAME_MAX + 10)

/* ", model gpt-4o"; of model 0 nothing. */
static void name_model(const struct keyshm_pool *pool, unsigned model, char ret_text[LOG_MODEL_SIZE])
{
    char name[KEYSHM_NAME_MAX + 1];
    ret_text[0] = '\0';
    if (models_name(pool, model, name, sizeof(name)) > 0)
        snprintf(ret_text, LOG_MODEL_SIZE, ", model %s", name);
}

/* Kept out of the hot path of marks that are not logged. */
__attribute__((cold, noinline)) static void log_change(const struct keyshm_pool *pool, const struct keyshm_mark *mark,
                                                       const struct report_change *change)
{
    char subject[LOG_SUBJECT_SIZE], model[LOG_MODEL_SIZE], duration[32] = "";
    uint64_t now_ms = pool_now_ms(pool), deadline_ms = word_deadline_ms(change->after);
    const char *before = keyshm_status_name(word_status_at(change->before, now_ms));
    const char *after = keyshm_status_name(word_status_at(change->after, now_ms));
    bool is_same = word_is_same_state(change->before, change->after);
    enum keyshm_log_level level = is_same ? KEYSHM_LOG_DEBUG : KEYSHM_LOG_INFO;
    if (!log_is_on(level))
        return;

    log_subject_name(pool, change->id, subject);
    name_model(pool, mark->model, model);
    if (deadline_ms != WORD_NO_DEADLINE && deadline_ms != WORD_FOREVER)
        snprintf(duration, sizeof(duration), " for %llu ms",
                 (unsigned long long)(deadline_ms > now_ms ? deadline_ms - now_ms : 0));
    if (is_same)
        log_message(level, "%s: %s%s: marked %s, stays %s", pool->settings.provider, subject, model,
                    keyshm_status_name(mark->status), after);
    else
        log_message(level, "%s: %s%s: %s -> %s%s", pool->settings.provider, subject, model, before, after, duration);
}

static int mark_and_log(keyshm_pool *pool, keyshm_id id, const struct keyshm_mark *wanted)
{
    struct report_change change;
    bool was_too_long;
    struct mark_request request = {
        .status = wanted->status,
        .reason = wanted->status != KEYSHM_AVAILABLE ? wanted->reason : KEYSHM_REASON_NONE,
        .scope = wanted->scope,
        .model = wanted->model,
        .duration_ms = policy_duration_ms(pool, wanted->status, wanted->duration_ms, &was_too_long),
        .stamp = wanted->stamp,
    };
    int r = mark(pool, id, &request, &change);
    if (r == -ESTALE)
        return refuse_stale(pool, id);
    if (was_too_long)
        log_message(KEYSHM_LOG_WARNING, "%s: id %llu: marked %s for %lld ms, shortened to %lld ms",
                    pool->settings.provider, (unsigned long long)id, keyshm_status_name(wanted->status),
                    (long long)wanted->duration_ms, (long long)request.duration_ms);
    if (r == 0 && log_is_on(KEYSHM_LOG_INFO)) /* debug is more */
        log_change(pool, wanted, &change);
    return r;
}

static int check_mark(const struct keyshm_pool *pool, const struct keyshm_mark *mark)
{
    if ((unsigned)mark->status >= KEYSHM_STATUS_COUNT)
        return refuse_call(pool, -EINVAL, "a mark of no status");
    if ((unsigned)mark->scope > KEYSHM_SCOPE_GROUP)
        return refuse_call(pool, -EINVAL, "a mark of no scope");
    if ((unsigned)mark->reason >= KEYSHM_REASON_COUNT)
        return refuse_call(pool, -EINVAL, "a mark for no reason");
    return check_model(pool, mark->model);
}

int keyshm_mark(keyshm_pool *pool, keyshm_id id, const struct keyshm_mark *mark)
{
    struct keyshm_mark known = KEYSHM_MARK_INIT;
    int r = check_writable(pool);
    if (r == 0 && mark == NULL)
        r = -EINVAL;
    if (r == 0)
        r = sized_struct_read(pool, mark, &known, sizeof(known));
    if (r == 0)
        r = check_mark(pool, &known);
    return r == 0 ? mark_and_log(pool, id, &known) : r;
}

int keyshm_mark_rate_limited(keyshm_pool *pool, keyshm_id id, int64_t retry_after_ms)
{
    const struct keyshm_mark mark = {
        .status = KEYSHM_RATE_LIMITED, .duration_ms = retry_after_ms, .reason = KEYSHM_REASON_RATE_LIMIT};
    int r = check_writable(pool);
    return r == 0 ? mark_and_log(pool, id, &mark) : r;
}

int keyshm_mark_quota_exceeded(keyshm_pool *pool, keyshm_id id, int64_t reset_after_ms)
{
    const struct keyshm_mark mark = {
        .status = KEYSHM_QUOTA_EXCEEDED, .duration_ms = reset_after_ms, .reason = KEYSHM_REASON_QUOTA};
    int r = check_writable(pool);
    return r == 0 ? mark_and_log(pool, id, &mark) : r;
}

int keyshm_mark_invalid(keyshm_pool *pool, keyshm_id id)
{
    const struct keyshm_mark mark = {.status = KEYSHM_INVALID, .reason = KEYSHM_REASON_AUTHENTICATION};
    int r = check_writable(pool);
    return r == 0 ? mark_and_log(pool, id, &mark) : r;
}

int keyshm_mark_available(keyshm_pool *pool, keyshm_id id)
{
    const struct keyshm_mark mark = {.status = KEYSHM_AVAILABLE};
    int r = check_writable(pool);
    return r == 0 ? mark_and_log(pool, id, &mark) : r;
}

static void log_available(const struct keyshm_pool *pool, keyshm_id id)
{
    log_subject(pool, id, "available, as all of its status");
}

int keyshm_mark_all_available(keyshm_pool *pool, unsigned status_mask)
{
    int r = check_writable(pool);
    if (r < 0)
        return r;
    if (status_mask == 0 || status_mask >> KEYSHM_STATUS_COUNT != 0)
        return refuse_call(pool, -EINVAL, "a status mask with no bit, or one of no status");
    return lift_benches(pool, status_mask, log_available);
}

int keyshm_success(keyshm_pool *pool, const struct keyshm_pick *pick)
{
    int r = check_writable(pool);
    if (r == 0 && pick == NULL)
        r = -EINVAL;
    if (r == 0)
        r = check_is_key(pool, pick->id);
    if (r == 0)
        r = check_model(pool, pick->model);
    if (r == 0)
        r = success_report(pool, pick->id, pick->model, pick->stamp);
    if (r == -ESTALE)
        return refuse_stale(pool, pick->id);
    if (r > 0)
        log_subject(pool, pick->id, "its probe has succeeded");
    return r < 0 ? r : 0;
}

/* ---- failures in a row ---- */

static int check_streak(const struct keyshm_pool *pool, const struct keyshm_streak *streak)
{
    if (streak->rate_limits > STREAK_COUNT_MAX || streak->invalids > STREAK_COUNT_MAX)
        return refuse_call(pool, -EINVAL, "a streak of more than 255");
    bool is_none = streak->rate_limits == 0 && streak->invalids == 0;
    if (streak->failed_ago_ms < (is_none ? -1 : 0) || streak->failed_ago_ms > KEYSHM_DURATION_MAX_MS)
        return refuse_call(pool, -EINVAL, "failed_ago_ms is outside its range");
    return 0;
}

int keyshm_get_streak(keyshm_pool *pool, keyshm_id id, unsigned model, struct keyshm_streak *ret_streak)
{
    struct keyshm_streak known = KEYSHM_STREAK_INIT;
    if (pool == NULL || ret_streak == NULL || ret_streak->size < sizeof(ret_streak->size))
        return -EINVAL;
    int r = check_model(pool, model);
    if (r == 0)
        r = carry_get(pool, id, model, &known);
    if (r == 0)
        sized_struct_give(&known, sizeof(known), ret_streak);
    return r == -ESTALE ? refuse_stale(pool, id) : r;
}

int keyshm_raise_streak(keyshm_pool *pool, keyshm_id id, unsigned model, const struct keyshm_streak *streak)
{
    struct keyshm_streak known = KEYSHM_STREAK_INIT;
    int r = check_writable(pool);
    if (r == 0 && streak == NULL)
        r = -EINVAL;
    if (r == 0)
        r = sized_struct_read(pool, streak, &known, sizeof(known));
    if (r == 0)
        r = check_model(pool, model);
    if (r == 0)
        r = check_streak(pool, &known);
    if (r == 0)
        r = carry_raise(pool, id, model, &known);
    return r == -ESTALE ? refuse_stale(pool, id) : r;
}

/* ---- pauses, and cooldowns that are over ---- */

static int set_paused(keyshm_pool *pool, keyshm_id id, bool is_paused)
{
    int r = check_writable(pool);
    if (r == 0)
        r = mark_paused(pool, id, is_paused);
    if (r == -ESTALE)
        return refuse_stale(pool, id);
    if (r > 0)
        log_subject(pool, id, is_paused ? "paused" : "resumed");
    return r < 0 ? r : 0;
}

int keyshm_pause(keyshm_pool *pool, keyshm_id id)
{
    return set_paused(pool, id, true);
}

int keyshm_resume(keyshm_pool *pool, keyshm_id id)
{
    return set_paused(pool, id, false);
}

static void log_expired(const struct keyshm_pool *pool, keyshm_id id)
{
    log_subject(pool, id, "its cooldown is over");
}

int keyshm_reset_expired_cooldowns(keyshm_pool *pool)
{
    int r = check_writable(pool);
    return r == 0 ? lift_expired(pool, log_expired) : r;
}

/* ---- the policy ---- */

static int refuse_policy(const struct keyshm_pool *pool, const struct keyshm_policy *policy)
{
    char message[64];
    snprintf(message, sizeof(message), "%s is outside its range", policy_find_wrong(policy));
    return refuse_call(pool, -EINVAL, message);
}

int keyshm_set_policy(keyshm_pool *pool, const struct keyshm_policy *policy)
{
    struct keyshm_policy known;
    int r = check_writable(pool);
    if (r == 0 && policy == NULL)
        r = -EINVAL;
    if (r < 0)
        return r;
    policy_read(pool, &known);
    r = sized_struct_read(pool, policy, &known, sizeof(known));
    if (r == 0 && policy_find_wrong(&known) != NULL)
        r = refuse_policy(pool, &known);
    if (r < 0)
        return r;
    policy_set(pool, &known);
    ready_count_announcement_to_all(pool);
    log_message(KEYSHM_LOG_INFO, "%s: the policy was set", pool->settings.provider);
    return 0;
}

int keyshm_get_policy(keyshm_pool *pool, struct keyshm_policy *ret_policy)
{
    struct keyshm_policy policy;
    if (pool == NULL || ret_policy == NULL || ret_policy->size < sizeof(ret_policy->size))
        return -EINVAL;
    policy_read(pool, &policy);
    sized_struct_give(&policy, sizeof(policy), ret_policy);
    return 0;
}
