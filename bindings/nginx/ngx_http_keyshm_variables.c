/* SPDX-License-Identifier: MIT */
#include "ngx_http_keyshm.h"

static ngx_int_t set_text(ngx_http_variable_value_t *v, const void *text, size_t length)
{
    v->data = (u_char *)text;
    v->len = (unsigned)length & 0xfffffffu;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    return NGX_OK;
}

static ngx_int_t set_none(ngx_http_variable_value_t *v)
{
    v->not_found = 1;
    return NGX_OK;
}

/* Only while there is a lease: so never when the request is logged. */
static ngx_int_t get_key(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_keyshm_ctx_t *ctx = ngx_http_keyshm_find_ctx(r);
    if (ctx == NULL || ctx->attachment == NULL)
        return set_none(v);
    ngx_http_keyshm_watch(ctx);
    ctx->is_evaluated = 1;
    return set_text(v, ctx->lease.key.data, ctx->lease.key.len);
}

static ngx_int_t get_id(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_keyshm_ctx_t *ctx = ngx_http_keyshm_find_ctx(r);
    if (ctx == NULL || ctx->id == 0)
        return set_none(v);
    u_char *text = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (text == NULL)
        return NGX_ERROR;
    return set_text(v, text, (size_t)(ngx_sprintf(text, "%uL", ctx->id) - text));
}

static ngx_int_t get_masked(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_keyshm_ctx_t *ctx = ngx_http_keyshm_find_ctx(r);
    if (ctx == NULL || ctx->id == 0)
        return set_none(v);
    ngx_http_keyshm_attachment_t *attachment = ctx->attachment != NULL ? ctx->attachment : ctx->conf->pool->attachment;
    struct keyshm_key_snapshot key;
    if (ctx->masked[0] == '\0' && attachment != NULL &&
        keyshm_inspect(attachment->pool, ctx->id, 0, sizeof(key), &key) == 0)
        ngx_memcpy(ctx->masked, key.masked_key, sizeof(ctx->masked));
    return ctx->masked[0] == '\0' ? set_none(v) : set_text(v, ctx->masked, ngx_strlen(ctx->masked));
}

static ngx_int_t get_tries(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_keyshm_ctx_t *ctx = ngx_http_keyshm_find_ctx(r);
    if (ctx == NULL)
        return set_none(v);
    u_char *text = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (text == NULL)
        return NGX_ERROR;
    return set_text(v, text, (size_t)(ngx_sprintf(text, "%ui", ctx->tries) - text));
}

static ngx_int_t get_verdict(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_keyshm_ctx_t *ctx = ngx_http_keyshm_find_ctx(r);
    if (ctx == NULL || ctx->verdict == NULL)
        return set_none(v);
    return set_text(v, ctx->verdict, ngx_strlen(ctx->verdict));
}

static ngx_int_t get_body_model(ngx_http_request_t *r, ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t model;
    if (ngx_http_keyshm_body_model(r, &model) != NGX_OK)
        return NGX_ERROR;
    return model.len == 0 ? set_none(v) : set_text(v, model.data, model.len);
}

static const struct {
    ngx_str_t name;
    ngx_http_get_variable_pt get;
} variables[] = {
    {ngx_string("keyshm_key"), get_key},         {ngx_string("keyshm_id"), get_id},
    {ngx_string("keyshm_masked"), get_masked},   {ngx_string("keyshm_tries"), get_tries},
    {ngx_string("keyshm_verdict"), get_verdict}, {ngx_string("keyshm_body_model"), get_body_model},
};

ngx_int_t ngx_http_keyshm_add_variables(ngx_conf_t *cf)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        ngx_str_t name = variables[i].name;
        ngx_http_variable_t *variable = ngx_http_add_variable(cf, &name, NGX_HTTP_VAR_NOCACHEABLE | NGX_HTTP_VAR_NOHASH);
        if (variable == NULL)
            return NGX_ERROR;
        variable->get_handler = variables[i].get;
    }
    return NGX_OK;
}

ngx_uint_t ngx_http_keyshm_uses(ngx_conf_t *cf, const char *name)
{
    ngx_http_core_main_conf_t *core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    ngx_http_variable_t *variable = core->variables.elts;
    size_t length = ngx_strlen(name);
    for (ngx_uint_t i = 0; i < core->variables.nelts; i++)
        if (variable[i].name.len == length && ngx_memcmp(variable[i].name.data, name, length) == 0)
            return 1;
    return 0;
}
