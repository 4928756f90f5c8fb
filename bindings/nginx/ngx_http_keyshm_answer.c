/* SPDX-License-Identifier: MIT */
#include "ngx_http_keyshm.h"

static ngx_http_output_body_filter_pt next_body_filter;

/* ---- judging ---- */

static ngx_uint_t count_headers(ngx_list_t *list)
{
    ngx_uint_t count = 0;
    for (ngx_list_part_t *part = &list->part; part != NULL; part = part->next)
        count += part->nelts;
    return count;
}

/* More than most answers have. A worker judges one answer at a time. */
static struct keyshm_http_header usual[64];

/* NULL: no memory. */
static struct keyshm_http_header *copy_headers(ngx_http_request_t *r, ngx_list_t *list, size_t *ret_count)
{
    ngx_uint_t count = count_headers(list);
    struct keyshm_http_header *headers = usual;
    if (count > sizeof(usual) / sizeof(usual[0]))
        headers = ngx_palloc(r->pool, count * sizeof(*headers));
    *ret_count = headers != NULL ? count : 0;
    struct keyshm_http_header *to = headers;
    for (ngx_list_part_t *part = &list->part; headers != NULL && part != NULL; part = part->next) {
        ngx_table_elt_t *from = part->elts;
        for (ngx_uint_t i = 0; i < part->nelts; i++)
            *to++ = (struct keyshm_http_header){(char *)from[i].key.data, from[i].key.len, (char *)from[i].value.data,
                                                from[i].value.len};
    }
    return headers;
}

/* The one that this key was used for; NULL: none. */
static ngx_http_upstream_t *upstream_of(ngx_http_keyshm_ctx_t *ctx)
{
    ngx_http_upstream_t *u = ctx->request->upstream;
    return u == ctx->earlier ? NULL : u;
}

static const char *provider_of(ngx_http_keyshm_ctx_t *ctx)
{
    return ctx->conf->provider.len > 0 ? (char *)ctx->conf->provider.data : ctx->attachment->rules;
}

ngx_int_t ngx_http_keyshm_judge(ngx_http_keyshm_ctx_t *ctx, enum keyshm_http_transport transport, const u_char *body,
                                size_t length, struct keyshm_http_verdict *ret_verdict)
{
    ngx_http_upstream_t *u = ctx->request->upstream;
    struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
    ngx_time_t *now = ngx_timeofday();
    response.status = (int)u->headers_in.status_n;
    response.transport = transport;
    if (response.status != 0)
        response.headers = copy_headers(ctx->request, &u->headers_in.headers, &response.header_count);
    response.body = (const char *)body;
    response.body_length = length;
    response.now_unix_ms = (int64_t)now->sec * 1000 + (int64_t)now->msec;
    ret_verdict->size = sizeof(*ret_verdict); /* the rest is written */
    int r = keyshm_http_judge(provider_of(ctx), &response, ret_verdict);
    if (r == 0)
        return NGX_OK;
    ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0, "keyshm: the answer cannot be judged: %s",
                  keyshm_strerror(r));
    return NGX_ERROR;
}

void ngx_http_keyshm_report(ngx_http_keyshm_ctx_t *ctx, const struct keyshm_http_verdict *verdict)
{
    const struct keyshm_pick *pick = ngx_http_keyshm_pick_of(ctx);
    ctx->is_judged = 1;
    ctx->verdict = verdict->rule != NULL ? verdict->rule : (verdict->is_success ? "success" : "none");
    int r = keyshm_http_report(ctx->attachment->pool, pick, pick->model, verdict);
    if (r < 0 && r != -ESTALE)
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0, "keyshm: the answer cannot be reported: %s",
                      keyshm_strerror(r));
}

/* ---- the end ---- */

/* NGX_DECLINED: nothing is known, as the client has gone. */
static ngx_int_t find_transport(ngx_http_upstream_t *u, ngx_int_t rc, enum keyshm_http_transport *ret_transport)
{
    *ret_transport = KEYSHM_HTTP_TRANSPORT_OK;
    if (u->headers_in.status_n != 0) {
        if (u->error || (u->pipe != NULL && u->pipe->upstream_error))
            *ret_transport = KEYSHM_HTTP_TRANSPORT_RESET;
        return NGX_OK;
    }
    if (rc == NGX_HTTP_GATEWAY_TIME_OUT)
        *ret_transport = KEYSHM_HTTP_TRANSPORT_TIMEOUT;
    else if (rc == NGX_HTTP_BAD_GATEWAY)
        *ret_transport = u->request_sent ? KEYSHM_HTTP_TRANSPORT_RESET : KEYSHM_HTTP_TRANSPORT_CONNECT;
    else
        return NGX_DECLINED;
    return NGX_OK;
}

static void judge_end(ngx_http_keyshm_ctx_t *ctx, ngx_http_upstream_t *u, ngx_int_t rc)
{
    enum keyshm_http_transport transport;
    struct keyshm_http_verdict verdict;
    if (find_transport(u, rc, &transport) != NGX_OK)
        return;
    if (ngx_http_keyshm_judge(ctx, transport, ctx->body, ctx->body_length, &verdict) == NGX_OK)
        ngx_http_keyshm_report(ctx, &verdict);
}

void ngx_http_keyshm_finish(ngx_http_keyshm_ctx_t *ctx, ngx_int_t rc)
{
    ngx_http_upstream_t *u = upstream_of(ctx);
    if (ctx->attachment == NULL)
        return;
    if (!ctx->is_judged && u != NULL)
        judge_end(ctx, u, rc);
    if (ctx->is_judged || (u != NULL && u->request_sent))
        ngx_http_keyshm_release(ctx);
    else
        ngx_http_keyshm_cancel(ctx); /* nothing was sent with it */
}

/* ---- the body as it passes ---- */

static ngx_int_t make_room(ngx_http_keyshm_ctx_t *ctx, size_t more)
{
    if (ctx->body_length + more <= ctx->body_room)
        return NGX_OK;
    size_t room = ngx_min(ngx_max(2 * ctx->body_room, ngx_max(ctx->body_length + more, 1024)), KEYSHM_HTTP_BODY_MAX);
    u_char *body = ngx_pnalloc(ctx->request->pool, room);
    if (body == NULL)
        return NGX_ERROR;
    if (ctx->body_length > 0)
        ngx_memcpy(body, ctx->body, ctx->body_length);
    if (ctx->body_room > ngx_pagesize) /* a large one has memory of its own */
        ngx_pfree(ctx->request->pool, ctx->body);
    ctx->body = body;
    ctx->body_room = room;
    return NGX_OK;
}

static void collect(ngx_http_keyshm_ctx_t *ctx, const ngx_buf_t *buffer)
{
    if (ngx_buf_special(buffer))
        return;
    if (!ngx_buf_in_memory(buffer)) { /* it has been on disk: so it is not the beginning */
        ctx->is_collected = 1;
        return;
    }
    size_t more = ngx_min((size_t)(buffer->last - buffer->pos), KEYSHM_HTTP_BODY_MAX - ctx->body_length);
    if (make_room(ctx, more) != NGX_OK) {
        ctx->is_collected = 1;
        return;
    }
    ngx_memcpy(ctx->body + ctx->body_length, buffer->pos, more);
    ctx->body_length += more;
    ctx->is_collected = ctx->body_length == KEYSHM_HTTP_BODY_MAX;
}

static ngx_int_t is_stream(ngx_http_upstream_t *u)
{
    static const char type[] = "text/event-stream";
    ngx_table_elt_t *header = u->headers_in.content_type;
    return header != NULL && header->value.len >= sizeof(type) - 1 &&
           ngx_strncasecmp(header->value.data, (u_char *)type, sizeof(type) - 1) == 0;
}

/* The first event of a stream says whether there is an error: it is not waited for its end, which may be minutes away. */
static void look_at_stream(ngx_http_keyshm_ctx_t *ctx)
{
    const char *body = (char *)ctx->body;
    if (memmem(body, ctx->body_length, "\n\n", 2) == NULL && memmem(body, ctx->body_length, "\r\n\r\n", 4) == NULL &&
        !ctx->is_collected)
        return;
    ctx->is_collected = 1;
    judge_end(ctx, ctx->request->upstream, NGX_OK);
}

/* Most answers pass in one piece: that needs no copy. */
static ngx_int_t judge_whole(ngx_http_keyshm_ctx_t *ctx, const ngx_chain_t *in)
{
    ngx_http_upstream_t *u = ctx->request->upstream;
    if (in == NULL || ctx->body_length > 0 || ngx_buf_special(in->buf) || !ngx_buf_in_memory(in->buf))
        return NGX_DECLINED;
    size_t length = (size_t)(in->buf->last - in->buf->pos);
    if (u->headers_in.content_length_n != (off_t)length || length == 0)
        return NGX_DECLINED;
    ctx->body = in->buf->pos;
    ctx->body_length = length;
    ctx->is_collected = 1;
    judge_end(ctx, u, NGX_OK);
    ctx->body = NULL;
    ctx->body_length = 0;
    return NGX_OK;
}

static ngx_int_t body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_keyshm_ctx_t *ctx = ngx_http_get_module_ctx(r, ngx_http_keyshm_module);
    if (ctx == NULL || ctx->attachment == NULL || ctx->is_judged || ctx->is_collected || upstream_of(ctx) == NULL)
        return next_body_filter(r, in);
    if (judge_whole(ctx, in) == NGX_OK)
        return next_body_filter(r, in);
    size_t before = ctx->body_length;
    for (ngx_chain_t *link = in; link != NULL && !ctx->is_collected; link = link->next)
        collect(ctx, link->buf);
    if (ctx->body_length > before && is_stream(r->upstream))
        look_at_stream(ctx);
    return next_body_filter(r, in);
}

void ngx_http_keyshm_init_filters(void)
{
    next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = body_filter;
}
