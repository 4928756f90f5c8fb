/* SPDX-License-Identifier: MIT */
#include "ngx_http_keyshm.h"

/*
 * The same request once more, with another key.
 *
 * nginx makes the request for the provider once and sends the same bytes at every try, and it decides by the status alone. So
 * functions of this request's upstream are wrapped, when $keyshm_key is asked for, which is while nginx makes the request:
 *
 *   process_header    when the header is there: an error is held until its body is there too, judged, and the next key is
 *                     taken. Only if there is one, nginx is made to try again: by the status 429, under a copy of the
 *                     location's settings that allows it.
 *   peer.free         it was not the server's fault, and a lone server may be asked again
 *   reinit_request    back to the location's settings, and make the request anew, so that $keyshm_key is asked for again
 *   finalize_request  the end, however it came
 */

/* An error's body that does not come is not waited for longer. */
#define HOLD_MS 1000

static ngx_http_keyshm_ctx_t *ctx_of(ngx_http_request_t *r)
{
    return ngx_http_get_module_ctx(r, ngx_http_keyshm_module);
}

/* ---- an answer that is held ---- */

/* Where the body ends, if that is known and it is there. NULL: it is not there, or only the end of the connection tells. */
static const u_char *find_end(ngx_http_request_t *r, ngx_http_upstream_t *u)
{
    size_t there = (size_t)(u->buffer.last - u->buffer.pos), length;
    if (r->method == NGX_HTTP_HEAD)
        return u->buffer.pos;
    if (u->headers_in.chunked) {
        u_char *data = ngx_pnalloc(r->pool, there + 1);
        return data == NULL ? NULL : ngx_http_keyshm_decode_chunks(u->buffer.pos, u->buffer.last, data, &length);
    }
    if (u->headers_in.content_length_n < 0 || (off_t)there < u->headers_in.content_length_n)
        return NULL;
    return u->buffer.pos + u->headers_in.content_length_n;
}

/* Read more of it. NGX_AGAIN: there will be more. */
static ngx_int_t read_more(ngx_http_keyshm_ctx_t *ctx, ngx_http_upstream_t *u, ngx_recv_pt receive)
{
    ngx_connection_t *c = u->peer.connection;
    while (u->buffer.last < u->buffer.end && find_end(ctx->request, u) == NULL) {
        ssize_t n = receive(c, u->buffer.last, (size_t)(u->buffer.end - u->buffer.last));
        if (n == NGX_AGAIN)
            return NGX_AGAIN;
        if (n <= 0) {
            c->read->ready = 1; /* who reads the body after us is to see the end, too */
            return NGX_OK;
        }
        u->state->bytes_received += n;
        u->buffer.last += n;
    }
    return NGX_OK;
}

/* nginx has its own reasons to look for more of a header: not while we read. */
static ssize_t receive_nothing(ngx_connection_t *c, u_char *buffer, size_t size)
{
    return NGX_AGAIN;
}

/* Gives nginx the last byte once more, as it goes on only when it has read something. */
static ssize_t receive_last_byte(ngx_connection_t *c, u_char *buffer, size_t size)
{
    ngx_http_keyshm_ctx_t *ctx = ctx_of(c->data);
    c->recv = ctx->receive;
    *buffer = ctx->last_byte;
    return 1;
}

static void end_hold(ngx_http_keyshm_ctx_t *ctx, ngx_http_upstream_t *u)
{
    ctx->hold = KEYSHM_HOLD_OVER;
    u->buffer.last--;
    u->state->bytes_received--;
    ctx->last_byte = *u->buffer.last;
    u->peer.connection->recv = receive_last_byte;
    u->read_event_handler = ctx->read_event_handler;
    u->read_event_handler(ctx->request, u);
}

static void read_held(ngx_http_request_t *r, ngx_http_upstream_t *u)
{
    ngx_http_keyshm_ctx_t *ctx = ctx_of(r);
    ngx_connection_t *c = u->peer.connection;
    if (c->read->timedout)
        c->read->timedout = 0;
    else if (read_more(ctx, u, ctx->receive) == NGX_AGAIN && ngx_handle_read_event(c->read, 0) == NGX_OK)
        return;
    end_hold(ctx, u);
}

static void begin_hold(ngx_http_keyshm_ctx_t *ctx, ngx_http_upstream_t *u)
{
    ngx_connection_t *c = u->peer.connection;
    ctx->hold = KEYSHM_HOLD_ON;
    ctx->receive = c->recv;
    c->recv = receive_nothing;
    ctx->read_event_handler = u->read_event_handler;
    u->read_event_handler = read_held;
    ngx_add_timer(c->read, ngx_min(u->conf->read_timeout, HOLD_MS));
}

/* ---- another try ---- */

/* Of a server whose address was found for this request alone: nginx has no upstream to begin with again. */
static void forget_tried(ngx_http_upstream_t *u)
{
    ngx_http_upstream_rr_peer_data_t *data = u->peer.data;
    ngx_uint_t words = (data->peers->number + 8 * sizeof(uintptr_t) - 1) / (8 * sizeof(uintptr_t));
    ngx_memzero(data->tried, words * sizeof(uintptr_t));
    u->peer.tries = data->peers->number;
}

static void free_peer(ngx_peer_connection_t *peer, void *data, ngx_uint_t state)
{
    ngx_http_keyshm_ctx_t *ctx = data;
    ngx_http_request_t *r = ctx->request;
    ngx_http_upstream_t *u = r->upstream;
    peer->data = ctx->peer_data;
    peer->free = ctx->free_peer;
    peer->free(peer, peer->data, 0);
    if (u->upstream == NULL) {
        forget_tried(u);
        return;
    }
    peer->data = NULL;
    if (u->upstream->peer.init(r, u->upstream) != NGX_OK)
        peer->tries = 0;
    else if (u->conf->next_upstream_tries != 0 && peer->tries > u->conf->next_upstream_tries)
        peer->tries = u->conf->next_upstream_tries;
}

/* Have nginx decide for another try, as it does right after this. */
static ngx_int_t begin_retry(ngx_http_keyshm_ctx_t *ctx, ngx_http_upstream_t *u)
{
    ngx_http_request_t *r = ctx->request;
    ngx_http_upstream_conf_t *conf = ngx_palloc(r->pool, sizeof(*conf));
    if (conf == NULL)
        return NGX_ERROR;
    *conf = *u->conf;
    conf->next_upstream |= NGX_HTTP_UPSTREAM_FT_HTTP_429 | NGX_HTTP_UPSTREAM_FT_NON_IDEMPOTENT;
    conf->next_upstream_timeout = 0;
    ctx->upstream_conf = u->conf;
    u->conf = conf;
    ctx->status = u->headers_in.status_n;
    ctx->state = (ngx_uint_t)(u->state - (ngx_http_upstream_state_t *)r->upstream_states->elts);
    u->headers_in.status_n = NGX_HTTP_TOO_MANY_REQUESTS;
    /* The connection can be used again if nothing of this answer is left on it. */
    u->keepalive = ctx->is_http1 && !u->headers_in.connection_close && find_end(r, u) == u->buffer.last;
    ctx->peer_data = u->peer.data;
    ctx->free_peer = u->peer.free;
    u->peer.data = ctx;
    u->peer.free = free_peer;
    u->peer.tries = ngx_max(u->peer.tries, 2);
    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0, "keyshm: once more with another key, as the answer is %ui (%s)",
                  ctx->status, ctx->verdict);
    return NGX_OK;
}

static ngx_int_t may_retry(ngx_http_keyshm_ctx_t *ctx, ngx_http_upstream_t *u)
{
    return ctx->tries < (ngx_uint_t)ctx->conf->tries && u->request_sent && !ctx->request->request_body_no_buffering &&
           !ctx->request->connection->error;
}

/* The body of the error, as much as there is; of a chunked one, what is in the chunks. */
static const u_char *error_body(ngx_http_keyshm_ctx_t *ctx, ngx_http_upstream_t *u, size_t *ret_length)
{
    *ret_length = 0;
    if (!ctx->is_http1)
        return NULL;
    size_t there = (size_t)(u->buffer.last - u->buffer.pos);
    if (!u->headers_in.chunked) {
        *ret_length = there;
        if (u->headers_in.content_length_n >= 0)
            *ret_length = ngx_min(there, (size_t)u->headers_in.content_length_n);
        return u->buffer.pos;
    }
    u_char *data = ngx_pnalloc(ctx->request->pool, there + 1);
    if (data == NULL)
        return NULL;
    ngx_http_keyshm_decode_chunks(u->buffer.pos, u->buffer.last, data, ret_length);
    return data;
}

/* The header is there, and of the body what can be had. */
static ngx_int_t decide(ngx_http_keyshm_ctx_t *ctx, ngx_http_upstream_t *u)
{
    struct keyshm_http_verdict verdict;
    size_t length;
    const u_char *body = error_body(ctx, u, &length);
    ctx->hold = KEYSHM_HOLD_NONE;
    if (ngx_http_keyshm_judge(ctx, KEYSHM_HTTP_TRANSPORT_OK, body, length, &verdict) != NGX_OK)
        return NGX_OK;
    ngx_int_t wants_other_key = verdict.retry == KEYSHM_HTTP_RETRY_OTHER_KEY && may_retry(ctx, u);
    if (!ctx->is_http1 && !wants_other_key)
        return NGX_OK; /* the body comes, and is judged then */
    ngx_http_keyshm_report(ctx, &verdict);
    if (!wants_other_key || ngx_http_keyshm_next_key(ctx) != NGX_OK)
        return NGX_OK;
    return begin_retry(ctx, u);
}

/* ---- what is wrapped ---- */

static ngx_int_t process_header(ngx_http_request_t *r)
{
    ngx_http_keyshm_ctx_t *ctx = ctx_of(r);
    ngx_http_upstream_t *u = r->upstream;
    if (ctx->hold == KEYSHM_HOLD_OVER)
        return decide(ctx, u);
    if (!ctx->is_begun && u->buffer.last - u->buffer.pos >= 5) {
        ctx->is_begun = 1;
        ctx->is_http1 = ngx_memcmp(u->buffer.pos, "HTTP/", 5) == 0;
    }
    u->process_header = ctx->process_header;
    ngx_int_t rc = u->process_header(r);
    ctx->process_header = u->process_header; /* nginx parses the first line with another function than the others */
    u->process_header = process_header;
    if (rc != NGX_OK || u->headers_in.status_n < NGX_HTTP_BAD_REQUEST || ctx->attachment == NULL)
        return rc;
    if (ctx->is_http1 && read_more(ctx, u, u->peer.connection->recv) == NGX_AGAIN) {
        begin_hold(ctx, u);
        return NGX_AGAIN;
    }
    return decide(ctx, u);
}

/* nginx has put down the status by which it was made to try again. */
static void correct_status(ngx_http_keyshm_ctx_t *ctx, ngx_http_request_t *r)
{
    ngx_http_upstream_state_t *states = r->upstream_states->elts;
    states[ctx->state].status = ctx->status;
}

static ngx_int_t reinit_request(ngx_http_request_t *r)
{
    ngx_http_keyshm_ctx_t *ctx = ctx_of(r);
    ngx_http_upstream_t *u = r->upstream;
    ngx_int_t rc = ctx->reinit_request(r);
    if (u->process_header != process_header) /* not every protocol sets it again */
        ctx->process_header = u->process_header;
    u->process_header = process_header;
    ctx->hold = KEYSHM_HOLD_NONE;
    ctx->is_begun = ctx->is_http1 = ctx->is_judged = 0;
    if (rc != NGX_OK || ctx->upstream_conf == NULL)
        return rc;
    u->conf = ctx->upstream_conf;
    ctx->upstream_conf = NULL;
    correct_status(ctx, r);
    u->request_bufs = r->request_body == NULL ? NULL : r->request_body->bufs;
    ctx->is_evaluated = 0;
    rc = u->create_request(r);
    if (rc == NGX_OK && !ctx->is_evaluated) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0, "keyshm: the request made anew has no $keyshm_key in it");
        return NGX_ERROR;
    }
    return rc;
}

static void finalize_request(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_keyshm_ctx_t *ctx = ctx_of(r);
    ctx->finalize_request(r, rc);
    ngx_http_keyshm_finish(ctx, rc);
}

void ngx_http_keyshm_watch(ngx_http_keyshm_ctx_t *ctx)
{
    ngx_http_upstream_t *u = ctx->request->upstream;
    if (ctx->upstream != NULL || u == NULL || u->process_header == NULL || u->reinit_request == NULL ||
        u->finalize_request == NULL || ctx_of(ctx->request) != ctx)
        return;
    ctx->upstream = u;
    ctx->process_header = u->process_header;
    ctx->reinit_request = u->reinit_request;
    ctx->finalize_request = u->finalize_request;
    u->process_header = process_header;
    u->reinit_request = reinit_request;
    u->finalize_request = finalize_request;
}
