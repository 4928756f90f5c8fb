/* SPDX-License-Identifier: MIT */

/* The public calls: each checks its arguments, calls one module, and logs the outcome. */

#include "keyshm.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "attachment.h"
#include "clock.h"
#include "events.h"
#include "log.h"
#include "mark.h"
#include "mask.h"
#include "membership.h"
#include "metadata.h"
#include "pick.h"
#include "segment.h"
#include "segment_name.h"
#include "snapshot.h"
#include "verify.h"
#include "workers.h"

/* ---- checks ---- */

/* Log why a call is refused. */
__attribute__((cold, noinline)) static int refuse_call(const struct keyshm_pool *pool, int error, const char *reason)
{
    log_message(KEYSHM_LOG_WARNING, "%s: refused: %s", pool != NULL ? pool->settings.provider : "keyshm", reason);
    return error;
}

static int check_writable(const struct keyshm_pool *pool)
{
    if (pool == NULL)
        return refuse_call(NULL, -EINVAL, "no pool");
    return pool->readonly ? refuse_call(pool, -EROFS, "the attachment is read-only") : 0;
}

static int check_duration(const struct keyshm_pool *pool, int64_t duration_ms)
{
    if (duration_ms < -1 || duration_ms > KEYSHM_DURATION_MAX_MS)
        return refuse_call(pool, -EINVAL, "a duration is neither -1 nor 0 to 366 days");
    return 0;
}

/* A key as keyshm_add() accepts it. */
static int check_key(const struct keyshm_pool *pool, const char *key, size_t *ret_length)
{
    if (key == NULL)
        return refuse_call(pool, -EINVAL, "no key");
    size_t length = strnlen(key, (size_t)pool->settings.key_max + 1);
    if (length == 0)
        return refuse_call(pool, -EINVAL, "the key is empty");
    if (length > pool->settings.key_max)
        return refuse_call(pool, -EINVAL, "the key is longer than the pool's key_max");
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)key[i] < ' ' || key[i] == 0x7f)
            return refuse_call(pool, -EINVAL, "the key has a control character in it");
    if (key[0] == ' ' || key[length - 1] == ' ')
        return refuse_call(pool, -EINVAL, "the key has a space at an end");
    *ret_length = length;
    return 0;
}

/* The caller's options, with defaults for fields that its version does not have. */
static int read_options(const struct keyshm_options *options, struct keyshm_options *ret_options)
{
    struct keyshm_options known = KEYSHM_OPTIONS_INIT;
    if (options != NULL) {
        const unsigned char *bytes = (const unsigned char *)options;
        if (options->size < sizeof(options->size) || options->size > 4096)
            return refuse_call(NULL, -EINVAL, "options without their size");
        for (size_t i = sizeof(known); i < options->size; i++)
            if (bytes[i] != 0)
                return refuse_call(NULL, -E2BIG, "options of a later version");
        memcpy(&known, options, options->size < sizeof(known) ? options->size : sizeof(known));
    }
    if (known.capacity < 1 || known.capacity > KEYSHM_CAPACITY_MAX)
        return refuse_call(NULL, -EINVAL, "capacity is not 1 to 1048576");
    if (known.key_max < 1 || known.key_max > KEYSHM_KEY_MAX)
        return refuse_call(NULL, -EINVAL, "key_max is not 1 to 4096");
    if (known.default_cooldown_ms < 0 || known.default_cooldown_ms > KEYSHM_DURATION_MAX_MS)
        return refuse_call(NULL, -EINVAL, "default_cooldown_ms is not 0 to 366 days");
    if (known.lock_timeout_ms < 1 || known.lock_timeout_ms > KEYSHM_LOCK_TIMEOUT_MAX_MS)
        return refuse_call(NULL, -EINVAL, "lock_timeout_ms is not 1 to one hour");
    *ret_options = known;
    return 0;
}

static int check_provider(const char *provider)
{
    if (provider == NULL || !segment_name_is_valid(provider))
        return refuse_call(NULL, -EINVAL,
                           "a provider name is 1 to 64 of A-Z a-z 0-9 . _ - and does not begin with a dot");
    return 0;
}

/* ---- pools ---- */

static int create(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null, bool named)
{
    struct keyshm_options options;
    int r = ret_pool != NULL ? check_provider(provider) : -EINVAL;
    if (r == 0)
        r = read_options(options_or_null, &options);
    return r == 0 ? attachment_create(ret_pool, provider, &options, named) : r;
}

int keyshm_create(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null)
{
    return create(ret_pool, provider, options_or_null, true);
}

int keyshm_create_anonymous(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null)
{
    return create(ret_pool, provider, options_or_null, false);
}

static int attach(keyshm_pool **ret_pool, uid_t owner, const char *provider, bool readonly)
{
    int r = ret_pool != NULL ? check_provider(provider) : -EINVAL;
    return r == 0 ? attachment_open(ret_pool, owner, provider, readonly) : r;
}

int keyshm_attach(keyshm_pool **ret_pool, const char *provider)
{
    return attach(ret_pool, geteuid(), provider, false);
}

int keyshm_attach_readonly(keyshm_pool **ret_pool, const char *provider)
{
    return attach(ret_pool, geteuid(), provider, true);
}

int keyshm_attach_readonly_user(keyshm_pool **ret_pool, uid_t owner, const char *provider)
{
    return attach(ret_pool, owner, provider, true);
}

void keyshm_close(keyshm_pool *pool)
{
    if (pool != NULL)
        attachment_close(pool);
}

int keyshm_is_replaced(keyshm_pool *pool)
{
    return pool != NULL ? segment_is_replaced(pool) : -EINVAL;
}

int keyshm_unlink(const char *provider)
{
    int r = check_provider(provider);
    return r == 0 ? segment_name_unlink(provider) : r;
}

int keyshm_list_owners(struct keyshm_owner_list **ret_list)
{
    return ret_list != NULL ? segment_name_list_owners(ret_list) : -EINVAL;
}

int keyshm_list_pools(uid_t owner, struct keyshm_pool_list **ret_list)
{
    return ret_list != NULL ? segment_name_list(owner, ret_list) : -EINVAL;
}

/* ---- membership ---- */

static void log_key(enum keyshm_log_level level, const struct keyshm_pool *pool, const char *what, keyshm_id id,
                    const char *key, size_t length)
{
    char masked[KEYSHM_MASKED_SIZE];
    mask_key(key, length, masked);
    log_message(level, "%s: %s key %s, id %llu", pool->settings.provider, what, masked, (unsigned long long)id);
}

int keyshm_add(keyshm_pool *pool, const char *key, keyshm_id *ret_id)
{
    size_t length;
    keyshm_id id;
    struct slot_key words;
    int r = check_writable(pool);
    if (r == 0)
        r = check_key(pool, key, &length);
    if (r < 0)
        return r;
    slot_key_make(&words, key, length);
    r = membership_add(pool, &words, &id);
    slot_key_forget(&words);
    if (r == 0)
        log_key(KEYSHM_LOG_INFO, pool, "added", id, key, length);
    else if (r == -EEXIST)
        log_key(KEYSHM_LOG_DEBUG, pool, "already had", id, key, length);
    else if (r == -ENOSPC)
        refuse_call(pool, r, "the pool is full");
    if (ret_id != NULL && (r == 0 || r == -EEXIST))
        *ret_id = id;
    return r;
}

__attribute__((cold, noinline)) static int refuse_stale(const struct keyshm_pool *pool, keyshm_id id)
{
    log_message(KEYSHM_LOG_WARNING, "%s: refused: the key with id %llu is not, or no longer, in the pool",
                pool->settings.provider, (unsigned long long)id);
    return -ESTALE;
}

int keyshm_remove(keyshm_pool *pool, keyshm_id id)
{
    char masked[KEYSHM_MASKED_SIZE] = "";
    int r = check_writable(pool);
    if (r < 0)
        return r;
    if (log_is_on(KEYSHM_LOG_INFO))
        slot_masked_key(pool, id, masked);
    r = membership_remove(pool, id);
    if (r == -ESTALE)
        return refuse_stale(pool, id);
    if (r == 0)
        log_message(KEYSHM_LOG_INFO, "%s: removed key %s, id %llu", pool->settings.provider, masked,
                    (unsigned long long)id);
    return r;
}

int keyshm_repair(keyshm_pool *pool)
{
    int r = check_writable(pool);
    if (r == 0)
        r = membership_repair(pool);
    if (r == 0)
        log_message(KEYSHM_LOG_WARNING, "%s: repaired on request", pool->settings.provider);
    return r;
}

int keyshm_find(keyshm_pool *pool, const char *key, keyshm_id *ret_id)
{
    size_t length;
    struct slot_key words;
    if (pool == NULL || ret_id == NULL)
        return -EINVAL;
    int r = check_key(pool, key, &length);
    if (r < 0)
        return r;
    slot_key_make(&words, key, length);
    r = membership_find(pool, &words, ret_id);
    slot_key_forget(&words);
    return r;
}

int keyshm_set_metadata(keyshm_pool *pool, keyshm_id id, const char *name, const char *value_or_null)
{
    int r = check_writable(pool);
    if (r < 0)
        return r;
    if (name == NULL || !metadata_name_is_valid(name))
        return refuse_call(pool, -EINVAL, "a metadata name is 1 to 32 of A-Z a-z 0-9 . _ -");
    if (value_or_null != NULL && !metadata_value_is_valid(value_or_null))
        return refuse_call(pool, -EINVAL, "a metadata value is 0 to 120 bytes without control characters");
    r = membership_set_metadata(pool, id, name, value_or_null);
    if (r == -ESTALE)
        return refuse_stale(pool, id);
    if (r == -ENOSPC)
        return refuse_call(pool, r, "the key's metadata would be too large");
    if (r == 0)
        log_message(KEYSHM_LOG_DEBUG, "%s: %s metadata %s of id %llu", pool->settings.provider,
                    value_or_null != NULL ? "set" : "deleted", name, (unsigned long long)id);
    return r;
}

int keyshm_get(keyshm_pool *pool, keyshm_id id, struct keyshm_pick *ret_pick)
{
    return pool != NULL && ret_pick != NULL ? slot_get(pool, id, ret_pick) : -EINVAL;
}

/* ---- picking ---- */

int keyshm_next(keyshm_pool *pool, struct keyshm_pick *ret_pick)
{
    if (pool == NULL || ret_pick == NULL || pool->readonly)
        return pool != NULL && ret_pick != NULL ? check_writable(pool) : -EINVAL;
    return pick_next(pool, ret_pick);
}

int64_t keyshm_next_available_ms(keyshm_pool *pool)
{
    return pool != NULL ? pick_next_available_ms(pool) : -EINVAL;
}

/* ---- marking ---- */

/* Kept out of the hot path of marks that are not logged. */
__attribute__((cold, noinline)) static void log_change(const struct keyshm_pool *pool, keyshm_id id,
                                                       enum keyshm_status status, const struct mark_change *change)
{
    char masked[KEYSHM_MASKED_SIZE];
    uint64_t now_ms = clock_now_ms();
    enum keyshm_status before = word_status_at(change->before, now_ms);
    enum keyshm_status after = word_status_at(change->after, now_ms);
    uint64_t deadline_ms = word_deadline_ms(change->after);
    enum keyshm_log_level level = change->before == change->after ? KEYSHM_LOG_DEBUG : KEYSHM_LOG_INFO;
    if (!log_is_on(level))
        return;

    slot_masked_key(pool, id, masked);
    if (change->before == change->after)
        log_message(level, "%s: key %s, id %llu: marked %s, stays %s", pool->settings.provider, masked,
                    (unsigned long long)id, keyshm_status_name(status), keyshm_status_name(after));
    else if (deadline_ms == WORD_NO_DEADLINE || deadline_ms == WORD_FOREVER)
        log_message(level, "%s: key %s, id %llu: %s -> %s", pool->settings.provider, masked, (unsigned long long)id,
                    keyshm_status_name(before), keyshm_status_name(after));
    else
        log_message(level, "%s: key %s, id %llu: %s -> %s for %llu ms", pool->settings.provider, masked,
                    (unsigned long long)id, keyshm_status_name(before), keyshm_status_name(after),
                    (unsigned long long)(deadline_ms > now_ms ? deadline_ms - now_ms : 0));
}

static int mark_and_log(keyshm_pool *pool, keyshm_id id, enum keyshm_status status, int64_t duration_ms)
{
    struct mark_change change;
    int r = mark(pool, id, status, duration_ms, &change);
    if (r == -ESTALE)
        return refuse_stale(pool, id);
    if (r == 0 && log_is_on(KEYSHM_LOG_INFO)) /* debug is more */
        log_change(pool, id, status, &change);
    return r;
}

int keyshm_mark_rate_limited(keyshm_pool *pool, keyshm_id id, int64_t retry_after_ms)
{
    int r = check_writable(pool);
    if (r == 0)
        r = check_duration(pool, retry_after_ms);
    if (r < 0)
        return r;
    if (retry_after_ms == KEYSHM_NO_RETRY_AFTER && pool->settings.default_cooldown_ms > 0)
        retry_after_ms = pool->settings.default_cooldown_ms;
    return mark_and_log(pool, id, KEYSHM_RATE_LIMITED, retry_after_ms);
}

int keyshm_mark_quota_exceeded(keyshm_pool *pool, keyshm_id id, int64_t reset_after_ms)
{
    int r = check_writable(pool);
    if (r == 0)
        r = check_duration(pool, reset_after_ms);
    return r == 0 ? mark_and_log(pool, id, KEYSHM_QUOTA_EXCEEDED, reset_after_ms) : r;
}

int keyshm_mark_invalid(keyshm_pool *pool, keyshm_id id)
{
    int r = check_writable(pool);
    return r == 0 ? mark_and_log(pool, id, KEYSHM_INVALID, -1) : r;
}

int keyshm_mark_available(keyshm_pool *pool, keyshm_id id)
{
    int r = check_writable(pool);
    return r == 0 ? mark_and_log(pool, id, KEYSHM_AVAILABLE, -1) : r;
}

static void log_expired(const struct keyshm_pool *pool, keyshm_id id)
{
    char masked[KEYSHM_MASKED_SIZE];
    if (!log_is_on(KEYSHM_LOG_INFO))
        return;
    slot_masked_key(pool, id, masked);
    log_message(KEYSHM_LOG_INFO, "%s: key %s, id %llu: its cooldown is over", pool->settings.provider, masked,
                (unsigned long long)id);
}

int keyshm_reset_expired_cooldowns(keyshm_pool *pool)
{
    int r = check_writable(pool);
    return r == 0 ? mark_all_expired(pool, log_expired) : r;
}

/* ---- inspection ---- */

int keyshm_is_available(keyshm_pool *pool, keyshm_id id)
{
    return pool != NULL ? pick_is_available(pool, id) : -EINVAL;
}

int keyshm_available_count(keyshm_pool *pool)
{
    return pool != NULL ? pick_available_count(pool) : -EINVAL;
}

int keyshm_snapshot(keyshm_pool *pool, struct keyshm_snapshot **ret_snapshot)
{
    return pool != NULL && ret_snapshot != NULL ? snapshot_take(pool, ret_snapshot) : -EINVAL;
}

int keyshm_workers(keyshm_pool *pool, struct keyshm_worker_list **ret_list)
{
    return pool != NULL && ret_list != NULL ? workers_list(pool, ret_list) : -EINVAL;
}

int keyshm_events(keyshm_pool *pool, struct keyshm_event_cursor *cursor_or_null, struct keyshm_event_list **ret_list)
{
    return pool != NULL && ret_list != NULL ? events_read(pool, cursor_or_null, ret_list) : -EINVAL;
}

int keyshm_verify(keyshm_pool *pool, keyshm_problem_fn *fn_or_null, void *user)
{
    return pool != NULL ? verify(pool, fn_or_null, user) : -EINVAL;
}
