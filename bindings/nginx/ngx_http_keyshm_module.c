/* SPDX-License-Identifier: MIT */
#include "ngx_http_keyshm.h"

/* ---- directives ---- */

static char *wrong(ngx_conf_t *cf, const char *what, ngx_str_t *value)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%s \"%V\"", what, value);
    return NGX_CONF_ERROR;
}

/* keyshm POOL [wait=TIME] | off */
static char *keyshm_directive(ngx_conf_t *cf, ngx_command_t *command, void *data)
{
    ngx_http_keyshm_loc_conf_t *conf = data;
    ngx_http_keyshm_main_conf_t *all = ngx_http_conf_get_module_main_conf(cf, ngx_http_keyshm_module);
    ngx_str_t *argument = cf->args->elts;
    if (conf->pool != NGX_CONF_UNSET_PTR)
        return "is duplicate";
    conf->wait_ms = 0;
    if (ngx_strcmp(argument[1].data, "off") == 0 && cf->args->nelts == 2) {
        conf->pool = NULL;
        return NGX_CONF_OK;
    }
    conf->pool = ngx_http_keyshm_find_pool(all, &argument[1]);
    if (conf->pool == NULL)
        return wrong(cf, "no keyshm_pool before this line has the name", &argument[1]);
    if (cf->args->nelts == 2)
        return NGX_CONF_OK;
    if (argument[2].len <= 5 || ngx_strncmp(argument[2].data, "wait=", 5) != 0)
        return wrong(cf, "unknown parameter", &argument[2]);
    ngx_str_t value = {argument[2].len - 5, argument[2].data + 5};
    ngx_int_t wait_ms = ngx_parse_time(&value, 0);
    if (wait_ms == NGX_ERROR)
        return wrong(cf, "wait= is a time, not", &value);
    conf->wait_ms = (ngx_msec_t)wait_ms;
    return NGX_CONF_OK;
}

#define TRIES_MAX 100

static char *check_tries(ngx_conf_t *cf, void *post, void *data)
{
    ngx_int_t *tries = data;
    return *tries >= 1 && *tries <= TRIES_MAX ? NGX_CONF_OK : "must be 1 to 100";
}

static ngx_conf_post_t tries_post = {check_tries};

static char *check_provider(ngx_conf_t *cf, void *post, void *data)
{
    ngx_str_t *name = data;
    struct keyshm_http_response response = KEYSHM_HTTP_RESPONSE_INIT;
    struct keyshm_http_verdict verdict = KEYSHM_HTTP_VERDICT_INIT;
    response.status = NGX_HTTP_OK;
    if (keyshm_http_judge((char *)name->data, &response, &verdict) == -EINVAL)
        return wrong(cf, "a provider cannot have the name", name);
    return NGX_CONF_OK;
}

static ngx_conf_post_t provider_post = {check_provider};

#define EVERYWHERE (NGX_HTTP_MAIN_CONF | NGX_HTTP_SRV_CONF | NGX_HTTP_LOC_CONF)
#define IN_LOCATION(field) NGX_HTTP_LOC_CONF_OFFSET, offsetof(ngx_http_keyshm_loc_conf_t, field)

static ngx_command_t commands[] = {
    {ngx_string("keyshm_pool"), NGX_HTTP_MAIN_CONF | NGX_CONF_1MORE, ngx_http_keyshm_pool_directive,
     NGX_HTTP_MAIN_CONF_OFFSET, 0, NULL},
    {ngx_string("keyshm"), EVERYWHERE | NGX_HTTP_LIF_CONF | NGX_CONF_TAKE12, keyshm_directive, NGX_HTTP_LOC_CONF_OFFSET,
     0, NULL},
    {ngx_string("keyshm_tries"), EVERYWHERE | NGX_CONF_TAKE1, ngx_conf_set_num_slot, IN_LOCATION(tries), &tries_post},
    {ngx_string("keyshm_provider"), EVERYWHERE | NGX_CONF_TAKE1, ngx_conf_set_str_slot, IN_LOCATION(provider),
     &provider_post},
    {ngx_string("keyshm_model"), EVERYWHERE | NGX_CONF_TAKE1, ngx_http_set_complex_value_slot, IN_LOCATION(model), NULL},
    {ngx_string("keyshm_affinity"), EVERYWHERE | NGX_CONF_TAKE1, ngx_http_set_complex_value_slot, IN_LOCATION(affinity),
     NULL},
    {ngx_string("keyshm_status"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, ngx_http_keyshm_status_directive,
     NGX_HTTP_LOC_CONF_OFFSET, 0, NULL},
    ngx_null_command,
};

/* ---- configurations ---- */

static void *create_main_conf(ngx_conf_t *cf)
{
    ngx_http_keyshm_main_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(*conf));
    if (conf == NULL || ngx_array_init(&conf->pools, cf->pool, 2, sizeof(ngx_http_keyshm_pool_t *)) != NGX_OK)
        return NULL;
    return conf;
}

static void *create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_keyshm_loc_conf_t *conf = ngx_pcalloc(cf->pool, sizeof(*conf));
    if (conf == NULL)
        return NULL;
    conf->pool = NGX_CONF_UNSET_PTR;
    conf->wait_ms = NGX_CONF_UNSET_MSEC;
    conf->tries = NGX_CONF_UNSET;
    return conf;
}

#define TRIES_DEFAULT 3

static char *merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_keyshm_loc_conf_t *before = parent, *conf = child;
    ngx_conf_merge_ptr_value(conf->pool, before->pool, NULL);
    ngx_conf_merge_msec_value(conf->wait_ms, before->wait_ms, 0);
    ngx_conf_merge_value(conf->tries, before->tries, TRIES_DEFAULT);
    ngx_conf_merge_str_value(conf->provider, before->provider, "");
    if (conf->model == NULL)
        conf->model = before->model;
    if (conf->affinity == NULL)
        conf->affinity = before->affinity;
    return NGX_CONF_OK;
}

ngx_int_t ngx_http_keyshm_add_handler(ngx_conf_t *cf, ngx_http_phases phase, ngx_http_handler_pt handler)
{
    ngx_http_core_main_conf_t *core = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    ngx_http_handler_pt *place = ngx_array_push(&core->phases[phase].handlers);
    if (place == NULL)
        return NGX_ERROR;
    *place = handler;
    return NGX_OK;
}

static ngx_int_t postconfiguration(ngx_conf_t *cf)
{
    ngx_http_keyshm_main_conf_t *conf = ngx_http_conf_get_module_main_conf(cf, ngx_http_keyshm_module);
    conf->uses_body_model = ngx_http_keyshm_uses(cf, "keyshm_body_model");
    if (ngx_http_keyshm_check_secrecy(cf) != NGX_OK ||
        ngx_http_keyshm_add_handler(cf, NGX_HTTP_PRECONTENT_PHASE, ngx_http_keyshm_pick_handler) != NGX_OK)
        return NGX_ERROR;
    ngx_http_keyshm_init_filters();
    return NGX_OK;
}

/* ---- the module ---- */

static ngx_http_module_t context = {
    ngx_http_keyshm_add_variables, postconfiguration, create_main_conf, NULL, NULL, NULL, create_loc_conf, merge_loc_conf,
};

ngx_module_t ngx_http_keyshm_module = {
    NGX_MODULE_V1,
    &context,
    commands,
    NGX_HTTP_MODULE,
    NULL,
    ngx_http_keyshm_init_module,
    ngx_http_keyshm_init_process,
    NULL,
    NULL,
    NULL,
    NULL,
    NGX_MODULE_V1_PADDING,
};
