/* SPDX-License-Identifier: MIT */
#include "ngx_http_keyshm.h"

/* Keys that this request was refused with come again, where nothing marks them; so many are passed over to find another. */
#define PASSED_OVER_MAX 16

/* Who waits looks at least this often. */
#define LOOK_EVERY_MS 100

/* ---- the context of a request ---- */

static void forget_ctx(void *data)
{
    (void)data; /* the memory is the request's */
}

/* Before the request is logged. */
static void end_ctx(void *data)
{
    ngx_http_keyshm_ctx_t *ctx = data;
    if (ctx->timer.timer_set)
        ngx_del_timer(&ctx->timer);
    ngx_http_keyshm_finish(ctx, NGX_DECLINED);
}

/* As ngx_pool_cleanup_add() and ngx_http_cleanup_add(), but in the memory of the context. */
static void add_cleanups(ngx_http_keyshm_ctx_t *ctx)
{
    ngx_http_request_t *r = ctx->request;
    ctx->of_memory = (ngx_pool_cleanup_t){forget_ctx, ctx, r->pool->cleanup};
    r->pool->cleanup = &ctx->of_memory;
    ctx->of_request = (ngx_http_cleanup_t){end_ctx, ctx, r->main->cleanup};
    r->main->cleanup = &ctx->of_request;
}

ngx_http_keyshm_ctx_t *ngx_http_keyshm_find_ctx(ngx_http_request_t *r)
{
    ngx_http_keyshm_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_keyshm_module);
    if (ctx != NULL)
        return ctx;
    for (ngx_pool_cleanup_t *cleanup = r->pool->cleanup; cleanup != NULL; cleanup = cleanup->next) {
        if (cleanup->handler != forget_ctx)
            continue;
        ctx = cleanup->data;
        if (ctx->request == r)
            return ctx;
    }
    return NULL;
}

static ngx_http_keyshm_ctx_t *begin_ctx(ngx_http_request_t *r, ngx_http_keyshm_loc_conf_t *conf)
{
    ngx_http_keyshm_ctx_t *before = ngx_http_keyshm_find_ctx(r);
    ngx_http_keyshm_ctx_t *ctx = ngx_pcalloc(r->pool, sizeof(*ctx));
    if (ctx == NULL)
        return NULL;
    if (before != NULL) /* it was redirected, from a location that has a pool, too */
        ngx_http_keyshm_finish(before, NGX_DECLINED);
    ctx->request = r;
    ctx->conf = conf;
    ctx->earlier = r->upstream;
    ctx->outcome = NGX_AGAIN;
    ctx->wanted = (struct keyshm_request)KEYSHM_REQUEST_INIT;
    add_cleanups(ctx);
    ngx_http_set_ctx(r, ctx, ngx_http_keyshm_module);
    return ctx;
}

/* ---- a lease ---- */

/* As the calls of libkeyshm want it. A worker makes one of them at a time. */
static struct keyshm_lease whole;

static struct keyshm_lease *make_whole(const ngx_http_keyshm_lease_t *lease)
{
    ngx_memcpy(whole.token, lease->token, sizeof(whole.token));
    whole.pick.id = lease->id;
    whole.pick.stamp = lease->stamp;
    whole.pick.model = lease->model;
    return &whole;
}

const struct keyshm_pick *ngx_http_keyshm_pick_of(const ngx_http_keyshm_ctx_t *ctx)
{
    return &make_whole(&ctx->lease)->pick;
}

/* Out of the whole one, which keeps no key. */
static ngx_int_t keep(ngx_pool_t *pool, ngx_http_keyshm_lease_t *ret_lease)
{
    struct keyshm_pick *pick = &whole.pick;
    ngx_memcpy(ret_lease->token, whole.token, sizeof(ret_lease->token));
    ret_lease->id = pick->id;
    ret_lease->stamp = pick->stamp;
    ret_lease->model = pick->model;
    ret_lease->key.len = pick->key_length;
    ret_lease->key.data = ngx_pnalloc(pool, pick->key_length);
    if (ret_lease->key.data != NULL)
        ngx_memcpy(ret_lease->key.data, pick->key, pick->key_length);
    explicit_bzero(pick->key, pick->key_length);
    return ret_lease->key.data != NULL ? NGX_OK : NGX_ERROR;
}

/* What was made of the key, such as by a map, is made anew when it is asked for again: of the next key, or when the request
 * is logged, of none. */
static void forget_key(ngx_http_keyshm_ctx_t *ctx)
{
    ngx_http_request_t *r = ctx->request;
    ngx_http_core_main_conf_t *core = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    const ngx_str_t *key = &ctx->lease.key;
    for (ngx_uint_t i = 0; i < core->variables.nelts; i++) {
        ngx_http_variable_value_t *value = &r->variables[i];
        if (value->valid && value->len >= key->len &&
            (value->data == key->data || memmem(value->data, value->len, key->data, key->len) != NULL))
            value->valid = 0;
    }
}

static void end_lease(ngx_http_keyshm_ctx_t *ctx, int (*end)(keyshm_pool *, struct keyshm_lease *))
{
    if (ctx->attachment == NULL)
        return;
    end(ctx->attachment->pool, make_whole(&ctx->lease)); /* -ESTALE: the key was removed meanwhile */
    forget_key(ctx);
    explicit_bzero(ctx->lease.key.data, ctx->lease.key.len);
    ngx_http_keyshm_detach(ctx->conf->pool, ctx->attachment);
    ctx->attachment = NULL;
}

void ngx_http_keyshm_release(ngx_http_keyshm_ctx_t *ctx)
{
    end_lease(ctx, keyshm_release);
}

void ngx_http_keyshm_cancel(ngx_http_keyshm_ctx_t *ctx)
{
    end_lease(ctx, keyshm_cancel);
}

static int acquire(ngx_http_keyshm_ctx_t *ctx, ngx_http_keyshm_attachment_t *attachment)
{
    if (attachment == NULL)
        return -ENOENT;
    int r = keyshm_acquire(attachment->pool, &ctx->wanted, &whole);
    if (r == -EINVAL && ctx->wanted.model != 0) { /* the pool was replaced by one without that model */
        ctx->wanted.model = 0;
        r = keyshm_acquire(attachment->pool, &ctx->wanted, &whole);
    }
    if (r < 0)
        return r;
    if (keep(ctx->request->pool, &ctx->lease) != NGX_OK) {
        keyshm_cancel(attachment->pool, &whole);
        return -ENOMEM;
    }
    attachment->leases++;
    ctx->attachment = attachment;
    ctx->id = ctx->lease.id;
    ctx->masked[0] = '\0';
    ctx->tries++;
    return 0;
}

static ngx_int_t note_asked(ngx_http_keyshm_ctx_t *ctx)
{
    if (ctx->asked == NULL)
        ctx->asked = ngx_palloc(ctx->request->pool, (size_t)ctx->conf->tries * sizeof(*ctx->asked));
    if (ctx->asked == NULL)
        return NGX_ERROR;
    ctx->asked[ctx->tries - 1] = ctx->id;
    return NGX_OK;
}

static ngx_int_t was_asked(const ngx_http_keyshm_ctx_t *ctx, ngx_uint_t count)
{
    for (ngx_uint_t i = 0; i < count; i++)
        if (ctx->asked[i] == ctx->id)
            return 1;
    return 0;
}

/* Another key than those before, or none. What refused a key refuses it again, also if nothing keeps it away, as when
 * somebody has marked it available; the one after it may be another. */
static ngx_int_t acquire_another(ngx_http_keyshm_ctx_t *ctx)
{
    ngx_http_keyshm_attachment_t *attachment = ngx_http_keyshm_attach(ctx->conf->pool, ctx->request->connection->log);
    ngx_uint_t asked = ctx->tries;
    for (int i = 0; i < PASSED_OVER_MAX && acquire(ctx, attachment) == 0; i++) {
        if (!was_asked(ctx, asked))
            return NGX_OK;
        ngx_http_keyshm_cancel(ctx);
        ctx->tries = asked;
        ctx->wanted.affinity = 0; /* it would get the same one */
    }
    return NGX_DECLINED;
}

ngx_int_t ngx_http_keyshm_next_key(ngx_http_keyshm_ctx_t *ctx)
{
    keyshm_id id = ctx->id;
    char masked[KEYSHM_MASKED_SIZE];
    ngx_memcpy(masked, ctx->masked, sizeof(masked));
    ngx_http_keyshm_release(ctx);
    if (note_asked(ctx) == NGX_OK && acquire_another(ctx) == NGX_OK)
        return NGX_OK;
    ctx->id = id; /* whose answer the client gets */
    ngx_memcpy(ctx->masked, masked, sizeof(masked));
    return NGX_DECLINED;
}

/* ---- what the request wants ---- */

static ngx_int_t set_model(ngx_http_keyshm_ctx_t *ctx, keyshm_pool *pool)
{
    ngx_str_t value;
    char name[KEYSHM_NAME_MAX + 1];
    if (ctx->conf->model == NULL)
        return NGX_OK;
    if (ngx_http_complex_value(ctx->request, ctx->conf->model, &value) != NGX_OK)
        return NGX_ERROR;
    if (value.len == 0 || value.len > KEYSHM_NAME_MAX)
        return NGX_OK;
    *ngx_cpymem(name, value.data, value.len) = '\0';
    if (keyshm_find_model(pool, name, &ctx->wanted.model) < 0)
        ctx->wanted.model = 0;
    return NGX_OK;
}

/* FNV-1a, never 0. */
static uint64_t hash(const ngx_str_t *text)
{
    uint64_t value = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < text->len; i++)
        value = (value ^ text->data[i]) * UINT64_C(1099511628211);
    return value == 0 ? 1 : value;
}

static ngx_int_t set_affinity(ngx_http_keyshm_ctx_t *ctx)
{
    ngx_str_t value;
    if (ctx->conf->affinity == NULL)
        return NGX_OK;
    if (ngx_http_complex_value(ctx->request, ctx->conf->affinity, &value) != NGX_OK)
        return NGX_ERROR;
    ctx->wanted.affinity = value.len == 0 ? 0 : hash(&value);
    return NGX_OK;
}

/* ---- none to be had ---- */

static ngx_int_t add_retry_after(ngx_http_request_t *r, int64_t wait_ms)
{
    ngx_table_elt_t *header = ngx_list_push(&r->headers_out.headers);
    if (header == NULL)
        return NGX_ERROR;
    ngx_memzero(header, sizeof(*header));
    u_char *text = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (text == NULL)
        return NGX_ERROR;
    header->hash = 1;
    ngx_str_set(&header->key, "Retry-After");
    header->value.data = text;
    header->value.len = (size_t)(ngx_sprintf(text, "%L", ngx_max((wait_ms + 999) / 1000, 1)) - text);
    return NGX_OK;
}

static ngx_int_t refuse(ngx_http_keyshm_ctx_t *ctx, keyshm_pool *pool)
{
    ngx_http_request_t *r = ctx->request;
    int64_t wait_ms = keyshm_wait_hint_ms(pool, &ctx->wanted);
    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0, "keyshm pool \"%V\": no key can be had", &ctx->conf->pool->name);
    if (wait_ms >= 0 && add_retry_after(r, wait_ms) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    return NGX_HTTP_TOO_MANY_REQUESTS;
}

/* ---- waiting ---- */

static ngx_int_t is_waiting(const ngx_http_keyshm_ctx_t *ctx)
{
    return (ngx_msec_int_t)(ctx->waits_until - ngx_current_msec) > 0;
}

static void wait_on(ngx_http_keyshm_ctx_t *ctx, keyshm_pool *pool)
{
    ngx_msec_t left = ctx->waits_until - ngx_current_msec;
    int64_t hint_ms = keyshm_wait_hint_ms(pool, &ctx->wanted);
    ngx_msec_t wait = hint_ms > 0 && hint_ms < LOOK_EVERY_MS ? (ngx_msec_t)hint_ms : LOOK_EVERY_MS;
    ngx_add_timer(&ctx->timer, ngx_max(ngx_min(wait, left), 1));
}

/* Take a key, or wait for one (NGX_AGAIN), or have it refused. */
static ngx_int_t pick(ngx_http_keyshm_ctx_t *ctx)
{
    ngx_http_request_t *r = ctx->request;
    ngx_http_keyshm_attachment_t *attachment = ngx_http_keyshm_attach(ctx->conf->pool, r->connection->log);
    int error = acquire(ctx, attachment);
    if (error == 0)
        return NGX_DECLINED;
    if ((error == -EAGAIN || error == -ENOKEY) && is_waiting(ctx)) {
        wait_on(ctx, attachment->pool);
        return NGX_AGAIN;
    }
    if (error == -EAGAIN || error == -ENOKEY || error == -EUSERS)
        return refuse(ctx, attachment->pool);
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "keyshm pool \"%V\": no key: %s", &ctx->conf->pool->name,
                  keyshm_strerror(error));
    return NGX_HTTP_SERVICE_UNAVAILABLE;
}

static void wake_up(ngx_event_t *event)
{
    ngx_http_keyshm_ctx_t *ctx = event->data;
    ngx_http_request_t *r = ctx->request;
    ngx_connection_t *c = r->connection;
    ngx_http_set_log_request(c->log, r);
    ctx->outcome = pick(ctx);
    if (ctx->outcome == NGX_AGAIN)
        return;
    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
    ngx_http_run_posted_requests(c);
}

/* Meanwhile, notice that the client goes away. */
static ngx_int_t watch_client(ngx_http_request_t *r)
{
    ngx_connection_t *c = r->connection;
    if (r != r->main)
        return NGX_OK;
    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);
    } else if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        return NGX_ERROR;
    }
    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    return NGX_OK;
}

static ngx_int_t begin_pick(ngx_http_keyshm_ctx_t *ctx)
{
    ngx_http_request_t *r = ctx->request;
    ngx_http_keyshm_attachment_t *attachment = ngx_http_keyshm_attach(ctx->conf->pool, r->connection->log);
    if (set_affinity(ctx) != NGX_OK || (attachment != NULL && set_model(ctx, attachment->pool) != NGX_OK))
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    ctx->timer.handler = wake_up;
    ctx->timer.data = ctx;
    ctx->timer.log = r->connection->log;
    ctx->waits_until = ngx_current_msec + ctx->conf->wait_ms;
    ngx_int_t outcome = pick(ctx);
    if (outcome == NGX_AGAIN && watch_client(r) != NGX_OK)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    return outcome;
}

/* ---- the phase ---- */

static void go_on(ngx_http_request_t *r)
{
    r->preserve_body = 1;
    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}

static ngx_int_t read_body(ngx_http_keyshm_ctx_t *ctx)
{
    ctx->reads_body = 1;
    ngx_int_t rc = ngx_http_read_client_request_body(ctx->request, go_on);
    if (rc >= NGX_HTTP_SPECIAL_RESPONSE)
        return rc;
    ngx_http_finalize_request(ctx->request, NGX_DONE);
    return NGX_DONE;
}

/* After all that may refuse the request: what is refused uses no key. */
ngx_int_t ngx_http_keyshm_pick_handler(ngx_http_request_t *r)
{
    ngx_http_keyshm_loc_conf_t *conf = ngx_http_get_module_loc_conf(r, ngx_http_keyshm_module);
    ngx_http_keyshm_main_conf_t *all = ngx_http_get_module_main_conf(r, ngx_http_keyshm_module);
    if (conf->pool == NULL)
        return NGX_DECLINED;
    ngx_http_keyshm_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_keyshm_module);
    if (ctx == NULL)
        ctx = begin_ctx(r, conf);
    if (ctx == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    if (ctx->outcome != NGX_AGAIN || ctx->timer.timer_set)
        return ctx->outcome;
    if (all->uses_body_model && conf->model != NULL && !ctx->reads_body && r == r->main)
        return read_body(ctx);
    ctx->outcome = begin_pick(ctx);
    return ctx->outcome;
}
