/* SPDX-License-Identifier: MIT */
#include "ngx_http_keyshm.h"

/* A worker looks this often whether its pool was replaced. */
#define LOOK_EVERY_MS 100

/* A pool that nginx makes has probes, as the answers say when one has succeeded. */
#define PROBE_MS 10000

/* ---- keyshm_pool NAME [capacity=N] [rules=NAME] [model=NAME]... [[group=NAME] keys=FILE]... ---- */

ngx_http_keyshm_pool_t *ngx_http_keyshm_find_pool(ngx_http_keyshm_main_conf_t *conf, const ngx_str_t *name)
{
    ngx_http_keyshm_pool_t **pool = conf->pools.elts;
    for (ngx_uint_t i = 0; i < conf->pools.nelts; i++)
        if (pool[i]->name.len == name->len && ngx_memcmp(pool[i]->name.data, name->data, name->len) == 0)
            return pool[i];
    return NULL;
}

/* Whether libkeyshm takes the name of a pool or of rules: it says so itself. */
static ngx_int_t is_pool_name(const ngx_str_t *name)
{
    struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    response.status = NGX_HTTP_OK;
    return keyshm_http_judge((char *)name->data, &response, &verdict) != -EINVAL;
}

static ngx_int_t is_name(const ngx_str_t *name)
{
    for (size_t i = 0; i < name->len; i++)
        if (name->data[i] < ' ' || name->data[i] == 0x7f)
            return 0;
    return name->len > 0 && name->len <= KEYSHM_NAME_MAX && name->data[0] != ' ' && name->data[name->len - 1] != ' ';
}

static ngx_int_t has_prefix(ngx_str_t *argument, const char *prefix, ngx_str_t *ret_value)
{
    size_t length = ngx_strlen(prefix);
    if (argument->len < length || ngx_memcmp(argument->data, prefix, length) != 0)
        return 0;
    ret_value->data = argument->data + length;
    ret_value->len = argument->len - length;
    return 1;
}

static char *wrong(ngx_conf_t *cf, const char *what, ngx_str_t *value)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s \"%V\"", what, value);
    return NGX_CONF_ERROR;
}

static char *take_argument(ngx_conf_t *cf, ngx_http_keyshm_pool_t *pool, ngx_str_t *argument, ngx_str_t *group)
{
    ngx_str_t value;
    if (has_prefix(argument, "capacity=", &value)) {
        ngx_int_t capacity = ngx_atoi(value.data, value.len);
        if (capacity < 1 || capacity > (ngx_int_t)KEYSHM_CAPACITY_MAX)
            return wrong(cf, "a capacity is 1 to 1048576, not", &value);
        pool->capacity = (ngx_uint_t)capacity;
    } else if (has_prefix(argument, "rules=", &value)) {
        if (!is_pool_name(&value))
            return wrong(cf, "rules cannot have the name", &value);
        pool->rules = value;
    } else if (has_prefix(argument, "model=", &value)) {
        if (!is_name(&value))
            return wrong(cf, "a model cannot have the name", &value);
        ngx_str_t *model = ngx_array_push(&pool->models);
        if (model == NULL)
            return NGX_CONF_ERROR;
        *model = value;
    } else if (has_prefix(argument, "group=", &value)) {
        if (!is_name(&value))
            return wrong(cf, "a group cannot have the name", &value);
        *group = value;
    } else if (has_prefix(argument, "keys=", &value)) {
        ngx_http_keyshm_source_t *source = ngx_pcalloc(cf->pool, sizeof(*source));
        ngx_http_keyshm_source_t **place = ngx_array_push(&pool->sources);
        if (source == NULL || place == NULL)
            return NGX_CONF_ERROR;
        *place = source;
        source->group = *group;
        return ngx_http_keyshm_read_keys(cf, &value, &source->keys);
    } else {
        return wrong(cf, "unknown parameter", argument);
    }
    return NGX_CONF_OK;
}

static ngx_uint_t count_keys(ngx_http_keyshm_pool_t *pool)
{
    ngx_http_keyshm_source_t **source = pool->sources.elts;
    ngx_uint_t count = 0;
    for (ngx_uint_t i = 0; i < pool->sources.nelts; i++)
        count += source[i]->keys.nelts;
    return count;
}

static ngx_http_keyshm_pool_t *add_pool(ngx_conf_t *cf, ngx_http_keyshm_main_conf_t *conf, const ngx_str_t *name)
{
    ngx_http_keyshm_pool_t *pool = ngx_pcalloc(cf->pool, sizeof(*pool));
    ngx_http_keyshm_pool_t **place = ngx_array_push(&conf->pools);
    if (pool == NULL || place == NULL ||
        ngx_array_init(&pool->sources, cf->pool, 2, sizeof(ngx_http_keyshm_source_t *)) != NGX_OK ||
        ngx_array_init(&pool->models, cf->pool, 2, sizeof(ngx_str_t)) != NGX_OK)
        return NULL;
    *place = pool;
    pool->name = *name;
    return pool;
}

char *ngx_http_keyshm_pool_directive(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    ngx_str_t *argument = cf->args->elts, group = ngx_null_string;
    if (!is_pool_name(&argument[1]))
        return wrong(cf, "a pool cannot have the name", &argument[1]);
    if (ngx_http_keyshm_find_pool(conf, &argument[1]) != NULL)
        return wrong(cf, "there are two pools", &argument[1]);
    ngx_http_keyshm_pool_t *pool = add_pool(cf, conf, &argument[1]);
    if (pool == NULL)
        return NGX_CONF_ERROR;
    for (ngx_uint_t i = 2; i < cf->args->nelts; i++)
        if (take_argument(cf, pool, &argument[i], &group) != NGX_CONF_OK)
            return NGX_CONF_ERROR;
    if (group.len > 0 && (pool->sources.nelts == 0))
        return wrong(cf, "no keys= follows the group", &group);
    if (pool->capacity != 0 && pool->capacity < count_keys(pool))
        return wrong(cf, "there are more keys than the capacity of the pool", &pool->name);
    return NGX_CONF_OK;
}

/* ---- the master ---- */

static ngx_int_t failed(ngx_log_t *log, ngx_http_keyshm_pool_t *pool, const char *what, int r)
{
    ngx_log_error(NGX_LOG_EMERG, log, 0, "keyshm pool \"%V\": %s: %s", &pool->name, what, keyshm_strerror(r));
    return NGX_ERROR;
}

/* Created or found. A new one gets a policy that suits. */
static int open_pool(ngx_http_keyshm_pool_t *pool, keyshm_pool **ret_pool)
{
    struct keyshm_options options = KEYSHM_OPTIONS_INIT;
    ngx_uint_t count = count_keys(pool);
    if (pool->capacity != 0)
        options.capacity = (unsigned)pool->capacity;
    else if (count > options.capacity)
        options.capacity = (unsigned)ngx_min(count * 2, KEYSHM_CAPACITY_MAX);
    if (pool->models.nelts > options.models_max)
        options.models_max = (unsigned)pool->models.nelts;
    if (pool->sources.nelts > options.groups_max)
        options.groups_max = (unsigned)pool->sources.nelts;
    options.owner = pool->owner == geteuid() ? KEYSHM_OWNER_CALLER : pool->owner;
    options.provider_rules = pool->rules.len > 0 ? (char *)pool->rules.data : NULL;
    int r = keyshm_create(ret_pool, (char *)pool->name.data, &options);
    if (r == -EEXIST)
        return keyshm_open(ret_pool, (char *)pool->name.data, &options);
    if (r == 0) {
        struct keyshm_policy policy = KEYSHM_POLICY_INIT;
        keyshm_get_policy(*ret_pool, &policy);
        policy.probe_ms = PROBE_MS;
        keyshm_set_policy(*ret_pool, &policy);
    }
    return r;
}

static int find_group(keyshm_pool *pool, const ngx_str_t *name, keyshm_id *ret_group)
{
    *ret_group = 0;
    return name->len == 0 ? 0 : keyshm_group(pool, (char *)name->data, ret_group);
}

/* Add them to their groups, before others are removed. One for which there is no room yet comes later. */
static int add_keys(keyshm_pool *pool, ngx_http_keyshm_source_t *source)
{
    char **key = source->keys.elts;
    keyshm_id group, id;
    int r = find_group(pool, &source->group, &group);
    for (ngx_uint_t i = 0; i < source->keys.nelts && r == 0; i++) {
        r = keyshm_add_to_group(pool, key[i], group, &id);
        if (r == -EEXIST)
            r = keyshm_set_group(pool, id, group);
        else if (r == -ENOSPC)
            r = 0;
    }
    return r;
}

/* Make it hold exactly the keys of the files. */
static int fill_pool(keyshm_pool *shared, ngx_http_keyshm_pool_t *pool, ngx_log_t *log)
{
    ngx_http_keyshm_source_t **source = pool->sources.elts;
    ngx_uint_t count = count_keys(pool), n = 0;
    const char **keys = ngx_alloc((count + 1) * sizeof(*keys), log);
    if (keys == NULL)
        return -ENOMEM;
    int r = 0;
    for (ngx_uint_t i = 0; i < pool->sources.nelts; i++) {
        char **key = source[i]->keys.elts;
        for (ngx_uint_t k = 0; k < source[i]->keys.nelts; k++)
            keys[n++] = key[k];
        if (r == 0)
            r = add_keys(shared, source[i]);
    }
    struct keyshm_replaced replaced = KEYSHM_REPLACED_INIT;
    if (r == 0)
        r = keyshm_replace_keys(shared, keys, count, &replaced);
    for (ngx_uint_t i = 0; i < pool->sources.nelts && r == 0; i++)
        r = add_keys(shared, source[i]);
    ngx_free(keys);
    return r;
}

static int add_models(keyshm_pool *shared, ngx_http_keyshm_pool_t *pool)
{
    ngx_str_t *model = pool->models.elts;
    unsigned number;
    int r = 0;
    for (ngx_uint_t i = 0; i < pool->models.nelts && r == 0; i++)
        r = keyshm_model(shared, (char *)model[i].data, &number);
    return r;
}

static void forget_keys(ngx_http_keyshm_pool_t *pool)
{
    ngx_http_keyshm_source_t **source = pool->sources.elts;
    for (ngx_uint_t i = 0; i < pool->sources.nelts; i++) {
        char **key = source[i]->keys.elts;
        for (ngx_uint_t k = 0; k < source[i]->keys.nelts; k++) {
            explicit_bzero(key[k], strlen(key[k]));
            free(key[k]);
        }
        source[i]->keys.nelts = 0;
    }
}

static void close_attachment(void *data)
{
    ngx_http_keyshm_pool_t *pool = data;
    if (pool->attachment == NULL)
        return;
    keyshm_close(pool->attachment->pool);
    ngx_free(pool->attachment);
    pool->attachment = NULL;
}

static ngx_http_keyshm_attachment_t *new_attachment(keyshm_pool *shared, ngx_log_t *log)
{
    ngx_http_keyshm_attachment_t *attachment = ngx_calloc(sizeof(*attachment), log);
    if (attachment == NULL) {
        keyshm_close(shared);
        return NULL;
    }
    attachment->pool = shared;
    attachment->rules = keyshm_provider_rules(shared);
    return attachment;
}

static ngx_int_t set_up(ngx_cycle_t *cycle, ngx_http_keyshm_pool_t *pool)
{
    keyshm_pool *shared;
    ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cycle->pool, 0);
    if (cleanup == NULL)
        return NGX_ERROR;
    int r = open_pool(pool, &shared);
    if (r < 0)
        return failed(cycle->log, pool, "cannot be opened", r);
    pool->attachment = new_attachment(shared, cycle->log);
    if (pool->attachment == NULL)
        return NGX_ERROR;
    cleanup->handler = close_attachment;
    cleanup->data = pool;
    r = add_models(shared, pool);
    if (r == 0 && pool->sources.nelts > 0)
        r = fill_pool(shared, pool, cycle->log);
    forget_keys(pool);
    return r < 0 ? failed(cycle->log, pool, "its keys cannot be set", r) : NGX_OK;
}

static ngx_http_keyshm_main_conf_t *main_conf(ngx_cycle_t *cycle)
{
    return ngx_http_cycle_get_module_main_conf(cycle, ngx_http_keyshm_module);
}

static void log_message(enum keyshm_log_level level, const char *message, void *user)
{
    static const ngx_uint_t levels[] = {NGX_LOG_ERR, NGX_LOG_WARN, NGX_LOG_INFO, NGX_LOG_INFO};
    ngx_log_error(levels[level], ngx_cycle->log, 0, "keyshm: %s", message);
}

/* In the master, before it forks. At a reload, nginx ends when this fails: then it is only said, and what the pool
 * holds stays. */
ngx_int_t ngx_http_keyshm_init_module(ngx_cycle_t *cycle)
{
    ngx_http_keyshm_main_conf_t *conf = main_conf(cycle);
    ngx_core_conf_t *core = (ngx_core_conf_t *)ngx_get_conf(cycle->conf_ctx, ngx_core_module);
    if (ngx_test_config || conf == NULL)
        return NGX_OK;
    keyshm_set_log(log_message, NULL, KEYSHM_LOG_WARNING);
    ngx_http_keyshm_pool_t **pool = conf->pools.elts;
    for (ngx_uint_t i = 0; i < conf->pools.nelts; i++) {
        pool[i]->owner = geteuid() == 0 ? core->user : geteuid();
        if (set_up(cycle, pool[i]) != NGX_OK && ngx_is_init_cycle(cycle->old_cycle))
            return NGX_ERROR;
    }
    return NGX_OK;
}

/* ---- a worker ---- */

ngx_int_t ngx_http_keyshm_init_process(ngx_cycle_t *cycle)
{
    ngx_http_keyshm_main_conf_t *conf = main_conf(cycle);
    if (conf == NULL)
        return NGX_OK;
    ngx_http_keyshm_pool_t **pool = conf->pools.elts;
    for (ngx_uint_t i = 0; i < conf->pools.nelts; i++) {
        if (pool[i]->attachment == NULL)
            continue;
        keyshm_after_fork(pool[i]->attachment->pool);
        keyshm_set_worker_name(pool[i]->attachment->pool, "nginx");
        /* This worker may be in the place of one that was killed. */
        keyshm_reap(pool[i]->attachment->pool, 0);
    }
    return NGX_OK;
}

static ngx_int_t is_empty(keyshm_pool *shared)
{
    struct keyshm_snapshot *snapshot;
    if (keyshm_snapshot(shared, &snapshot) < 0)
        return 1;
    ngx_int_t result = snapshot->count == 0;
    keyshm_snapshot_free(snapshot);
    return result;
}

/* Of a pool in the place of another one the keys come a moment later: until then, the old one does. */
static void attach_anew(ngx_http_keyshm_pool_t *pool, ngx_log_t *log)
{
    keyshm_pool *shared;
    int r = keyshm_attach_user(&shared, pool->owner, (char *)pool->name.data);
    if (r < 0) {
        if (pool->attachment == NULL)
            failed(log, pool, "cannot be attached to", r);
        return;
    }
    if (pool->attachment != NULL && is_empty(shared)) {
        keyshm_close(shared);
        return;
    }
    ngx_http_keyshm_attachment_t *attachment = new_attachment(shared, log), *old = pool->attachment;
    if (attachment == NULL)
        return;
    keyshm_set_worker_name(shared, "nginx");
    pool->attachment = attachment;
    if (old != NULL && old->leases == 0) {
        keyshm_close(old->pool);
        ngx_free(old);
    }
}

ngx_http_keyshm_attachment_t *ngx_http_keyshm_attach(ngx_http_keyshm_pool_t *pool, ngx_log_t *log)
{
    if (ngx_current_msec - pool->looked_ms >= LOOK_EVERY_MS || pool->looked_ms == 0) {
        pool->looked_ms = ngx_current_msec;
        if (pool->attachment == NULL || keyshm_is_replaced(pool->attachment->pool) != 0)
            attach_anew(pool, log);
    }
    return pool->attachment;
}

void ngx_http_keyshm_detach(ngx_http_keyshm_pool_t *pool, ngx_http_keyshm_attachment_t *attachment)
{
    attachment->leases--;
    if (attachment->leases == 0 && attachment != pool->attachment) {
        keyshm_close(attachment->pool);
        ngx_free(attachment);
    }
}
