/* SPDX-License-Identifier: MIT */
#include "ngx_http_keyshm.h"

/* The model that a request names: the member "model" of the JSON object that its body is. Not a parser: what is no JSON
 * gives no model, or a wrong one, and a model is only ever looked up. */

/* As much of a body is read. */
#define BODY_BYTES_MAX (1024 * 1024)

enum { OUTSIDE, IN_STRING, IN_MODEL };

static void end_string(struct ngx_http_keyshm_scan *scan)
{
    if (scan->state == IN_MODEL)
        scan->is_done = 1;
    else if (scan->is_key_place && scan->depth == 1)
        scan->is_wanted = scan->length == 5 && ngx_memcmp(scan->text, "model", 5) == 0;
    scan->state = OUTSIDE;
}

/* A byte of a string; one of an escape makes it another name than any of a model. */
static void take(struct ngx_http_keyshm_scan *scan, u_char c)
{
    if (scan->length < sizeof(scan->text))
        scan->text[scan->length++] = c;
}

static void scan_string(struct ngx_http_keyshm_scan *scan, u_char c)
{
    if (scan->is_escaped) {
        scan->is_escaped = 0;
        if (c != '/') /* the only escape that a name is likely to have */
            take(scan, '\\');
        take(scan, c);
    } else if (c == '\\') {
        scan->is_escaped = 1;
    } else if (c == '"') {
        end_string(scan);
    } else {
        take(scan, c);
    }
}

static void begin_string(struct ngx_http_keyshm_scan *scan)
{
    ngx_int_t is_value = scan->depth == 1 && !scan->is_key_place && scan->is_wanted;
    scan->state = is_value ? IN_MODEL : IN_STRING;
    scan->length = 0;
}

static void scan_outside(struct ngx_http_keyshm_scan *scan, u_char c)
{
    switch (c) {
    case '"':
        begin_string(scan);
        break;
    case '{':
    case '[':
        if (scan->depth == 0 && c == '[') /* no object */
            scan->is_done = 1;
        scan->depth++;
        scan->is_key_place = c == '{';
        break;
    case '}':
    case ']':
        if (scan->depth-- <= 1)
            scan->is_done = 1;
        break;
    case ':':
        scan->is_key_place = 0;
        break;
    case ',': /* deeper in it does not matter: keys and models are looked for in the outermost object only */
        scan->is_key_place = 1;
        scan->is_wanted = 0;
        break;
    default:
        break;
    }
}

void ngx_http_keyshm_scan(struct ngx_http_keyshm_scan *scan, const u_char *data, size_t length)
{
    for (size_t i = 0; i < length && !scan->is_done; i++) {
        if (scan->state == OUTSIDE) {
            scan_outside(scan, data[i]);
            if (scan->is_done)
                scan->length = 0; /* the end of the object, without a model */
        } else {
            scan_string(scan, data[i]);
        }
    }
}

static ngx_int_t scan_file(struct ngx_http_keyshm_scan *scan, ngx_buf_t *buffer, size_t *left, ngx_pool_t *pool)
{
    enum { SIZE = 16384 };
    u_char *data = ngx_pnalloc(pool, SIZE);
    if (data == NULL)
        return NGX_ERROR;
    for (off_t at = buffer->file_pos; at<buffer->file_last && * left> 0 && !scan->is_done;) {
        size_t size = (size_t)ngx_min((off_t)ngx_min(*left, SIZE), buffer->file_last - at);
        ssize_t n = ngx_read_file(buffer->file, data, size, at);
        if (n <= 0)
            return NGX_ERROR;
        ngx_http_keyshm_scan(scan, data, (size_t)n);
        at += n;
        *left -= (size_t)n;
    }
    return NGX_OK;
}

ngx_int_t ngx_http_keyshm_body_model(ngx_http_request_t *r, ngx_str_t *ret_model)
{
    ngx_str_null(ret_model);
    if (r->request_body == NULL)
        return NGX_OK;
    struct ngx_http_keyshm_scan *scan = ngx_pcalloc(r->pool, sizeof(*scan));
    if (scan == NULL)
        return NGX_ERROR;
    size_t left = BODY_BYTES_MAX;
    for (ngx_chain_t *link = r->request_body->bufs; link != NULL && left > 0 && !scan->is_done; link = link->next) {
        ngx_buf_t *buffer = link->buf;
        if (ngx_buf_in_memory(buffer)) {
            size_t length = ngx_min(left, (size_t)(buffer->last - buffer->pos));
            ngx_http_keyshm_scan(scan, buffer->pos, length);
            left -= length;
        } else if (buffer->in_file && scan_file(scan, buffer, &left, r->pool) != NGX_OK) {
            return NGX_ERROR;
        }
    }
    if (scan->is_done && scan->length <= KEYSHM_NAME_MAX) {
        ret_model->data = scan->text;
        ret_model->len = scan->length;
    }
    return NGX_OK;
}
