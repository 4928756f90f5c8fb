/* SPDX-License-Identifier: MIT */

/* The public calls: each checks its arguments, calls one module, and logs the outcome. */

#include "keyshm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attachment.h"
#include "availability.h"
#include "events.h"
#include "groups.h"
#include "key_group.h"
#include "lift.h"
#include "log.h"
#include "mark.h"
#include "mask.h"
#include "membership.h"
#include "metadata.h"
#include "models.h"
#include "pick.h"
#include "policy.h"
#include "pool_clock.h"
#include "registers.h"
#include "segment.h"
#include "segment_name.h"
#include "snapshot.h"
#include "success.h"
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

static int look_at_key(const struct keyshm_pool *pool, const char *key, size_t *ret_length)
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

/* A key as keyshm_add() accepts it. */
static int check_key(const struct keyshm_pool *pool, const char *key, size_t *ret_length)
{
    int r = look_at_key(pool, key, ret_length);
    registers_wipe();
    return r;
}

/*
 * Copy a struct that begins with its size over one with the defaults: fields that the caller's version does not have
 * keep them. -EINVAL when it has no size, -E2BIG when a field of a later version is set.
 */
static int read_struct(const struct keyshm_pool *pool_or_null, const void *from, void *to, size_t known_size)
{
    size_t size;
    const unsigned char *bytes = from;
    memcpy(&size, from, sizeof(size));
    if (size < sizeof(size) || size > 4096)
        return refuse_call(pool_or_null, -EINVAL, "a struct without its size");
    for (size_t i = known_size; i < size; i++)
        if (bytes[i] != 0)
            return refuse_call(pool_or_null, -E2BIG, "a struct of a later version");
    memcpy(to, from, size < known_size ? size : known_size);
    return 0;
}

/* The other way: what the caller's version has of a struct. It begins with its size, which stays. */
static void give_struct(const void *known, size_t known_size, void *ret)
{
    size_t size, from = sizeof(size);
    memcpy(&size, ret, sizeof(size));
    size = size < known_size ? size : known_size;
    if (size > from)
        memcpy((unsigned char *)ret + from, (const unsigned char *)known + from, size - from);
}

static int read_options(const struct keyshm_options *options_or_null, struct keyshm_options *ret_options)
{
    struct keyshm_options known = KEYSHM_OPTIONS_INIT;
    int r = options_or_null != NULL ? read_struct(NULL, options_or_null, &known, sizeof(known)) : 0;
    if (r < 0)
        return r;
    if (known.capacity < 1 || known.capacity > KEYSHM_CAPACITY_MAX)
        return refuse_call(NULL, -EINVAL, "capacity is not 1 to 1048576");
    if (known.key_max < 1 || known.key_max > KEYSHM_KEY_MAX)
        return refuse_call(NULL, -EINVAL, "key_max is not 1 to 4096");
    if (known.default_cooldown_ms < 0 || known.default_cooldown_ms > KEYSHM_DURATION_MAX_MS)
        return refuse_call(NULL, -EINVAL, "default_cooldown_ms is not 0 to 366 days");
    if (known.lock_timeout_ms < 1 || known.lock_timeout_ms > KEYSHM_LOCK_TIMEOUT_MAX_MS)
        return refuse_call(NULL, -EINVAL, "lock_timeout_ms is not 1 to one hour");
    if (known.workers_max > KEYSHM_WORKERS_MAX)
        return refuse_call(NULL, -EINVAL, "workers_max is not 0 to 65536");
    if (known.groups_max > KEYSHM_GROUPS_MAX || known.models_max > KEYSHM_MODELS_MAX)
        return refuse_call(NULL, -EINVAL, "groups_max or models_max is not 0 to 1024");
    if (known.owner == KEYSHM_OWNER_CALLER)
        known.owner = geteuid();
    if (known.owner != geteuid() && geteuid() != 0)
        return refuse_call(NULL, -EPERM, "only root may name another user as the owner");
    *ret_options = known;
    return 0;
}

/* Where a key is needed, a group is none. */
static int check_is_key(const struct keyshm_pool *pool, keyshm_id id)
{
    return id_is_group(id) ? refuse_call(pool, -EINVAL, "the id is of a group, not of a key") : 0;
}

static int check_group(const struct keyshm_pool *pool, keyshm_id group_or_0)
{
    if (group_or_0 != 0 && !id_is_group(group_or_0))
        return refuse_call(pool, -EINVAL, "the id is of a key, not of a group");
    return 0;
}

static int check_model(const struct keyshm_pool *pool, unsigned model)
{
    return models_is_there(pool, model) ? 0 : refuse_call(pool, -EINVAL, "a model that the pool does not have");
}

/* The name of a group or a model. */
static int check_name(const struct keyshm_pool *pool, const char *name, struct label *ret_label)
{
    if (name == NULL || label_make(ret_label, name) < 0)
        return refuse_call(pool, -EINVAL,
                           "a name is 1 to 128 bytes without control characters, and without a space at an end");
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

static int check_new_pool(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null,
                          struct keyshm_options *ret_options)
{
    int r = ret_pool != NULL ? check_provider(provider) : -EINVAL;
    return r == 0 ? read_options(options_or_null, ret_options) : r;
}

int keyshm_create(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null)
{
    struct keyshm_options options;
    int r = check_new_pool(ret_pool, provider, options_or_null, &options);
    return r == 0 ? attachment_create(ret_pool, provider, &options, true) : r;
}

int keyshm_create_anonymous(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null)
{
    struct keyshm_options options;
    int r = check_new_pool(ret_pool, provider, options_or_null, &options);
    return r == 0 ? attachment_create(ret_pool, provider, &options, false) : r;
}

int keyshm_open(keyshm_pool **ret_pool, const char *provider, const struct keyshm_options *options_or_null)
{
    struct keyshm_options options;
    int r = check_new_pool(ret_pool, provider, options_or_null, &options);
    return r == 0 ? attachment_open(ret_pool, provider, &options) : r;
}

static int attach(keyshm_pool **ret_pool, uid_t owner, const char *provider, bool readonly)
{
    int r = ret_pool != NULL ? check_provider(provider) : -EINVAL;
    return r == 0 ? attachment_attach(ret_pool, owner, provider, readonly) : r;
}

int keyshm_attach(keyshm_pool **ret_pool, const char *provider)
{
    return attach(ret_pool, geteuid(), provider, false);
}

int keyshm_attach_user(keyshm_pool **ret_pool, uid_t owner, const char *provider)
{
    return attach(ret_pool, owner, provider, false);
}

int keyshm_attach_readonly(keyshm_pool **ret_pool, const char *provider)
{
    return attach(ret_pool, geteuid(), provider, true);
}

int keyshm_attach_readonly_user(keyshm_pool **ret_pool, uid_t owner, const char *provider)
{
    return attach(ret_pool, owner, provider, true);
}

int keyshm_after_fork(keyshm_pool *pool)
{
    int r = check_writable(pool);
    if (r == 0)
        workers_enter(pool, pool_now_ms(pool));
    return r;
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
    return keyshm_unlink_user(geteuid(), provider);
}

int keyshm_unlink_user(uid_t owner, const char *provider)
{
    int r = check_provider(provider);
    return r == 0 ? segment_name_unlink(owner, provider) : r;
}

int keyshm_list_owners(struct keyshm_owner_list **ret_list)
{
    return ret_list != NULL ? segment_name_list_owners(ret_list) : -EINVAL;
}

int keyshm_list_pools(uid_t owner, struct keyshm_pool_list **ret_list)
{
    return ret_list != NULL ? segment_name_list(owner, ret_list) : -EINVAL;
}

/* ---- what the log calls things ---- */

/* "key sk-…1234, id 16777216", or of a group its name. */
#define LOG_SUBJECT_SIZE (KEYSHM_NAME_MAX + 40)
#define LOG_MODEL_SIZE (KEYSHM_NAME_MAX + 10)

static void name_subject(const struct keyshm_pool *pool, keyshm_id id, char ret_text[LOG_SUBJECT_SIZE])
{
    char name[KEYSHM_NAME_MAX + 1] = "";
    _Static_assert(sizeof(name) >= KEYSHM_MASKED_SIZE, "either fits");
    if (id_is_group(id))
        (void)groups_name(pool, id, name, sizeof(name));
    else
        slot_masked_key(pool, id, name);
    snprintf(ret_text, LOG_SUBJECT_SIZE, "%s %s, id %llu", id_is_group(id) ? "group" : "key", name,
             (unsigned long long)id);
}

/* ", model gpt-4o"; of model 0 nothing. */
static void name_model(const struct keyshm_pool *pool, unsigned model, char ret_text[LOG_MODEL_SIZE])
{
    char name[KEYSHM_NAME_MAX + 1];
    ret_text[0] = '\0';
    if (models_name(pool, model, name, sizeof(name)) > 0)
        snprintf(ret_text, LOG_MODEL_SIZE, ", model %s", name);
}

__attribute__((cold, noinline)) static int refuse_stale(const struct keyshm_pool *pool, keyshm_id id)
{
    log_message(KEYSHM_LOG_WARNING, "%s: refused: the %s with id %llu is not, or no longer, in the pool",
                pool->settings.provider, id_is_group(id) ? "group" : "key", (unsigned long long)id);
    return -ESTALE;
}

static void log_move(const struct keyshm_pool *pool, keyshm_id key, keyshm_id group_or_0)
{
    char key_text[LOG_SUBJECT_SIZE], group_text[LOG_SUBJECT_SIZE] = "no group";
    name_subject(pool, key, key_text);
    if (group_or_0 != 0)
        name_subject(pool, group_or_0, group_text);
    log_message(KEYSHM_LOG_INFO, "%s: %s: in %s", pool->settings.provider, key_text, group_text);
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
    return keyshm_add_to_group(pool, key, 0, ret_id);
}

int keyshm_add_to_group(keyshm_pool *pool, const char *key, keyshm_id group_or_0, keyshm_id *ret_id)
{
    size_t length;
    keyshm_id id;
    struct slot_key words;
    int r = check_writable(pool);
    if (r == 0)
        r = check_group(pool, group_or_0);
    if (r == 0)
        r = check_key(pool, key, &length);
    if (r < 0)
        return r;
    slot_key_make(&words, key, length);
    r = membership_add(pool, &words, group_or_0, &id);
    slot_key_forget(&words);
    if (r == -ESTALE)
        return refuse_stale(pool, group_or_0);
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

/* ---- groups and models ---- */

int keyshm_group(keyshm_pool *pool, const char *name, keyshm_id *ret_group)
{
    struct label label;
    int r = check_writable(pool);
    if (r == 0)
        r = ret_group != NULL ? check_name(pool, name, &label) : -EINVAL;
    if (r == 0)
        r = membership_group(pool, &label, ret_group);
    if (r == -ENOSPC)
        refuse_call(pool, r, "the pool has groups_max groups");
    if (r > 0)
        log_message(KEYSHM_LOG_INFO, "%s: made group %s, id %llu", pool->settings.provider, name,
                    (unsigned long long)*ret_group);
    return r < 0 ? r : 0;
}

int keyshm_find_group(keyshm_pool *pool, const char *name, keyshm_id *ret_group)
{
    struct label label;
    if (pool == NULL || ret_group == NULL)
        return -EINVAL;
    int r = check_name(pool, name, &label);
    return r == 0 ? groups_find(pool, &label, ret_group) : r;
}

int keyshm_group_name(keyshm_pool *pool, keyshm_id group, char *buffer, size_t size)
{
    return pool != NULL && buffer != NULL ? groups_name(pool, group, buffer, size) : -EINVAL;
}

int keyshm_set_group(keyshm_pool *pool, keyshm_id key, keyshm_id group_or_0)
{
    int r = check_writable(pool);
    if (r == 0)
        r = check_is_key(pool, key);
    if (r == 0)
        r = check_group(pool, group_or_0);
    if (r == 0)
        r = membership_set_group(pool, key, group_or_0);
    if (r == -ESTALE)
        return refuse_stale(pool, keyshm_is_available(pool, key) < 0 ? key : group_or_0);
    if (r == 0 && log_is_on(KEYSHM_LOG_INFO))
        log_move(pool, key, group_or_0);
    return r;
}

int keyshm_remove_group(keyshm_pool *pool, keyshm_id group)
{
    char subject[LOG_SUBJECT_SIZE] = "";
    int r = check_writable(pool);
    if (r == 0)
        r = group != 0 ? check_group(pool, group) : -EINVAL;
    if (r == 0 && log_is_on(KEYSHM_LOG_INFO))
        name_subject(pool, group, subject);
    if (r == 0)
        r = membership_remove_group(pool, group);
    if (r == -ESTALE)
        return refuse_stale(pool, group);
    if (r == -EBUSY)
        refuse_call(pool, r, "keys are in the group");
    if (r == 0)
        log_message(KEYSHM_LOG_INFO, "%s: removed %s", pool->settings.provider, subject);
    return r;
}

int keyshm_model(keyshm_pool *pool, const char *name, unsigned *ret_model)
{
    struct label label;
    int r = check_writable(pool);
    if (r == 0)
        r = ret_model != NULL ? check_name(pool, name, &label) : -EINVAL;
    if (r == 0)
        r = membership_model(pool, &label, ret_model);
    if (r == -ENOSPC)
        refuse_call(pool, r, "the pool has models_max models");
    if (r > 0)
        log_message(KEYSHM_LOG_INFO, "%s: made model %s, number %u", pool->settings.provider, name, *ret_model);
    return r < 0 ? r : 0;
}

int keyshm_find_model(keyshm_pool *pool, const char *name, unsigned *ret_model)
{
    struct label label;
    if (pool == NULL || ret_model == NULL)
        return -EINVAL;
    int r = check_name(pool, name, &label);
    return r == 0 ? models_find(pool, &label, ret_model) : r;
}

int keyshm_model_name(keyshm_pool *pool, unsigned model, char *buffer, size_t size)
{
    return pool != NULL && buffer != NULL ? models_name(pool, model, buffer, size) : -EINVAL;
}

/* ---- replacing all keys ---- */

/* -EINVAL, and the index of the first key that is not valid. */
static int check_keys(const struct keyshm_pool *pool, const char *const *keys, size_t count,
                      struct keyshm_replaced *ret_or_null)
{
    size_t length;
    for (size_t i = 0; i < count; i++) {
        if (check_key(pool, keys[i], &length) == 0)
            continue;
        if (ret_or_null != NULL && ret_or_null->size >= sizeof(*ret_or_null))
            ret_or_null->invalid = i;
        return -EINVAL;
    }
    return 0;
}

int keyshm_replace_keys(keyshm_pool *pool, const char *const *keys, size_t count, struct keyshm_replaced *ret_or_null)
{
    return keyshm_replace_group_keys(pool, 0, keys, count, ret_or_null);
}

int keyshm_replace_group_keys(keyshm_pool *pool, keyshm_id group_or_0, const char *const *keys, size_t count,
                              struct keyshm_replaced *ret_or_null)
{
    struct keyshm_replaced replaced = KEYSHM_REPLACED_INIT;
    int r = check_writable(pool);
    if (r == 0 && keys == NULL && count > 0)
        r = -EINVAL;
    if (r == 0)
        r = check_group(pool, group_or_0);
    if (r == 0 && ret_or_null != NULL && ret_or_null->size < sizeof(ret_or_null->size))
        r = refuse_call(pool, -EINVAL, "a struct without its size");
    if (r < 0)
        return r;
    r = check_keys(pool, keys, count, ret_or_null);
    if (r == 0)
        r = membership_replace(pool, group_or_0, keys, count, &replaced);
    if (r == -ENOSPC)
        refuse_call(pool, r, "there are more keys than the pool has room for");
    else if (r == -ENOMEM)
        refuse_call(pool, r, "there is no memory for the list of keys");
    if (r == 0)
        log_message(KEYSHM_LOG_INFO, "%s: replaced the keys: %zu kept, %zu added, %zu removed", pool->settings.provider,
                    replaced.kept, replaced.added, replaced.removed);
    if (ret_or_null != NULL && r == 0)
        give_struct(&replaced, sizeof(replaced), ret_or_null);
    return r;
}

int keyshm_remove(keyshm_pool *pool, keyshm_id id)
{
    char masked[KEYSHM_MASKED_SIZE] = "";
    int r = check_writable(pool);
    if (r == 0)
        r = check_is_key(pool, id);
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

static int check_metadata_name(const struct keyshm_pool *pool, const char *name)
{
    if (name == NULL || !metadata_name_is_valid(name))
        return refuse_call(pool, -EINVAL, "a metadata name is 1 to 32 of A-Z a-z 0-9 . _ -");
    return 0;
}

int keyshm_set_metadata(keyshm_pool *pool, keyshm_id id, const char *name, const char *value_or_null)
{
    int r = check_writable(pool);
    if (r == 0)
        r = check_is_key(pool, id);
    if (r == 0)
        r = check_metadata_name(pool, name);
    if (r < 0)
        return r;
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

int keyshm_get_metadata(keyshm_pool *pool, keyshm_id id, const char *name, char *buffer, size_t size)
{
    if (pool == NULL || buffer == NULL)
        return -EINVAL;
    int r = check_is_key(pool, id);
    if (r == 0)
        r = check_metadata_name(pool, name);
    return r == 0 ? metadata_get(pool, id, name, buffer, size) : r;
}

int keyshm_get(keyshm_pool *pool, keyshm_id id, struct keyshm_pick *ret_pick)
{
    int r = pool != NULL && ret_pick != NULL ? check_is_key(pool, id) : -EINVAL;
    return r == 0 ? slot_get(pool, id, ret_pick) : r;
}

/* ---- picking ---- */

int keyshm_next(keyshm_pool *pool, struct keyshm_pick *ret_pick)
{
    if (pool == NULL || ret_pick == NULL || pool->readonly)
        return pool != NULL && ret_pick != NULL ? check_writable(pool) : -EINVAL;
    return pick_next(pool, ret_pick);
}

ssize_t keyshm_next_key(keyshm_pool *pool, char *buffer, size_t size, keyshm_id *ret_id_or_null)
{
    struct keyshm_pick pick;
    int r = check_writable(pool);
    if (r == 0 && buffer == NULL)
        r = -EINVAL;
    if (r < 0)
        return r;
    r = pick_next(pool, &pick);
    if (r < 0)
        return r;
    ssize_t length = pick.key_length < size ? (ssize_t)pick.key_length : -ERANGE;
    if (length >= 0)
        memcpy(buffer, pick.key, pick.key_length + 1);
    if (length >= 0 && ret_id_or_null != NULL)
        *ret_id_or_null = pick.id;
    /* Up to 63 bytes after the key were written. */
    explicit_bzero(pick.key, pick.key_length < SLOT_HEAD_BYTES ? SLOT_HEAD_BYTES : pick.key_length);
    registers_wipe();
    return length;
}

int64_t keyshm_next_available_ms(keyshm_pool *pool)
{
    return pool != NULL ? availability_next_ms(pool, 0) : -EINVAL;
}

/* ---- requests ---- */

/* A lease is told from one that is ended by its first word; no other is used yet. */
#define LEASE_IS_HELD 1

static int hold(int r, struct keyshm_lease *ret_lease)
{
    if (r < 0)
        return r;
    memset(ret_lease->token, 0, sizeof(ret_lease->token));
    ret_lease->token[0] = LEASE_IS_HELD;
    return 0;
}

static bool has_unsupported_field(const struct keyshm_request *request)
{
    return request->tokens != 0 || request->affinity != 0 || request->wait_ms != 0 || request->flags != 0;
}

/* All requests, of other versions of the struct too. */
__attribute__((noinline)) static int acquire(const struct keyshm_pool *pool, const struct keyshm_request *request_or_null,
                                             struct keyshm_lease *ret_lease)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    int r = check_writable(pool);
    if (r == 0)
        r = ret_lease != NULL ? 0 : -EINVAL;
    if (r == 0 && request_or_null != NULL)
        r = read_struct(pool, request_or_null, &request, sizeof(request));
    if (r == 0)
        r = check_model(pool, request.model);
    if (r == 0 && has_unsupported_field(&request))
        r = refuse_call(pool, -EINVAL, "a field of the request that this version does not support");
    if (r == 0)
        r = pick_next_for(pool, request.model, &ret_lease->pick);
    return hold(r, ret_lease);
}

/* The usual request: of this version, for a model that there is, without what is not supported. */
static bool is_plain(const struct keyshm_pool *pool, const struct keyshm_request *request)
{
    return request->size == sizeof(*request) && models_is_there(pool, request->model) && !has_unsupported_field(request);
}

/* The usual request is read in place, and the rest is kept out of its way: together they would cost a fifth more. */
int keyshm_acquire(keyshm_pool *pool, const struct keyshm_request *request_or_null, struct keyshm_lease *ret_lease)
{
    if (pool == NULL || pool->readonly || ret_lease == NULL || request_or_null == NULL ||
        !is_plain(pool, request_or_null))
        return acquire(pool, request_or_null, ret_lease);
    return hold(pick_next_for(pool, request_or_null->model, &ret_lease->pick), ret_lease);
}

int keyshm_release(keyshm_pool *pool, struct keyshm_lease *lease)
{
    int r = check_writable(pool);
    if (r == 0 && lease == NULL)
        r = -EINVAL;
    if (r < 0)
        return r;
    bool is_held = lease->token[0] == LEASE_IS_HELD && word_is_live(slot_word_of(pool, lease->pick.id));
    memset(lease->token, 0, sizeof(lease->token));
    return is_held ? 0 : -ESTALE;
}

/* ---- marking ---- */

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

    name_subject(pool, change->id, subject);
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
        r = read_struct(pool, mark, &known, sizeof(known));
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

static void log_subject(const struct keyshm_pool *pool, keyshm_id id, const char *what)
{
    char subject[LOG_SUBJECT_SIZE];
    if (!log_is_on(KEYSHM_LOG_INFO))
        return;
    name_subject(pool, id, subject);
    log_message(KEYSHM_LOG_INFO, "%s: %s: %s", pool->settings.provider, subject, what);
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
    r = read_struct(pool, policy, &known, sizeof(known));
    if (r == 0 && policy_find_wrong(&known) != NULL)
        r = refuse_policy(pool, &known);
    if (r < 0)
        return r;
    policy_set(pool, &known);
    log_message(KEYSHM_LOG_INFO, "%s: the policy was set", pool->settings.provider);
    return 0;
}

int keyshm_get_policy(keyshm_pool *pool, struct keyshm_policy *ret_policy)
{
    struct keyshm_policy policy;
    if (pool == NULL || ret_policy == NULL || ret_policy->size < sizeof(ret_policy->size))
        return -EINVAL;
    policy_read(pool, &policy);
    give_struct(&policy, sizeof(policy), ret_policy);
    return 0;
}

/* ---- inspection ---- */

int keyshm_is_available(keyshm_pool *pool, keyshm_id id)
{
    return keyshm_is_available_for(pool, id, 0);
}

int keyshm_is_available_for(keyshm_pool *pool, keyshm_id id, unsigned model)
{
    int r = pool != NULL ? check_is_key(pool, id) : -EINVAL;
    if (r == 0)
        r = check_model(pool, model);
    return r == 0 ? availability_of_key(pool, id, model) : r;
}

int keyshm_available_count(keyshm_pool *pool)
{
    return keyshm_available_count_for(pool, 0);
}

int keyshm_available_count_for(keyshm_pool *pool, unsigned model)
{
    int r = pool != NULL ? check_model(pool, model) : -EINVAL;
    return r == 0 ? availability_count(pool, model) : r;
}

int keyshm_snapshot(keyshm_pool *pool, struct keyshm_snapshot **ret_snapshot)
{
    return pool != NULL && ret_snapshot != NULL ? snapshot_take(pool, ret_snapshot) : -EINVAL;
}

int keyshm_inspect(keyshm_pool *pool, keyshm_id id, unsigned model, size_t size, struct keyshm_key_snapshot *ret_key)
{
    if (pool == NULL || ret_key == NULL)
        return -EINVAL;
    int r = check_model(pool, model);
    return r == 0 ? snapshot_inspect(pool, id, model, size, ret_key) : r;
}

int keyshm_set_worker_name(keyshm_pool *pool, const char *name)
{
    int r = check_writable(pool);
    if (r < 0)
        return r;
    if (name == NULL || !workers_name_is_valid(name))
        return refuse_call(pool, -EINVAL, "a worker's name is 1 to 15 bytes without control characters");
    return workers_set_name(pool, name);
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
