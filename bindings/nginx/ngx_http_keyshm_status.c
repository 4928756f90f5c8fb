/* SPDX-License-Identifier: MIT */
#include "ngx_http_keyshm.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The pools of the configuration, as `keyshm-stat --json` and `keyshm-stat --openmetrics` show them: what stands here has the
 * same names and meanings there, which has more. */

typedef struct {
    struct keyshm_snapshot *snapshots[64];
    ngx_uint_t count;
} pools_t;

#define POOLS_MAX (sizeof(((pools_t *)0)->snapshots) / sizeof(struct keyshm_snapshot *))

static const struct keyshm_key_snapshot *key_at(const struct keyshm_snapshot *pool, unsigned i)
{
    return (const void *)((const char *)pool->keys + i * pool->keys_bytes);
}

static const struct keyshm_group_snapshot *group_at(const struct keyshm_snapshot *pool, unsigned i)
{
    return (const void *)((const char *)pool->groups + i * pool->groups_bytes);
}

static const char *group_of(const struct keyshm_snapshot *pool, const struct keyshm_key_snapshot *key)
{
    for (unsigned i = 0; key->group != 0 && i < pool->group_count; i++)
        if (group_at(pool, i)->id == key->group)
            return group_at(pool, i)->name;
    return "";
}

static unsigned count_available(const struct keyshm_snapshot *pool)
{
    unsigned count = 0;
    for (unsigned i = 0; i < pool->count; i++)
        count += key_at(pool, i)->benched_by == 0;
    return count;
}

/* Both JSON and OpenMetrics escape these. There are no control characters in names. */
static void print_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', out);
        fputc(*text, out);
    }
}

/* ---- JSON ---- */

static void print_by_status(FILE *out, const char *name, const uint64_t counts[KEYSHM_STATUS_COUNT])
{
    fprintf(out, ",\"%s\":{", name);
    for (int i = 0; i < KEYSHM_STATUS_COUNT; i++)
        fprintf(out, "%s\"%s\":%" PRIu64, i == 0 ? "" : ",", keyshm_status_name((enum keyshm_status)i), counts[i]);
    fputc('}', out);
}

static void print_json_key(FILE *out, const struct keyshm_snapshot *pool, const struct keyshm_key_snapshot *key)
{
    fprintf(out, "{\"slot\":%u,\"id\":%" PRIu64 ",\"masked_key\":\"", key->slot, key->id);
    print_text(out, key->masked_key);
    fputs("\",\"group\":\"", out);
    print_text(out, group_of(pool, key));
    fprintf(out, "\",\"status\":\"%s\",\"cooldown_left_ms\":%" PRId64 ",\"reason\":\"%s\",\"is_paused\":%s",
            keyshm_status_name(key->status), key->cooldown_left_ms, keyshm_reason_name(key->reason),
            key->is_paused ? "true" : "false");
    fprintf(out, ",\"is_probing\":%s,\"in_flight\":%u,\"in_flight_cap\":%u,\"requests_left\":%" PRId64,
            key->is_probing ? "true" : "false", key->in_flight, key->in_flight_cap, key->requests_left);
    fprintf(out, ",\"tokens_left\":%" PRId64 ",\"picks\":%" PRIu64 ",\"last_used_ago_ms\":%" PRId64, key->tokens_left,
            key->picks, key->last_used_ago_ms);
    print_by_status(out, "marked", key->marked);
    fputc('}', out);
}

static void print_json(FILE *out, const pools_t *pools)
{
    fputs("{\"schema\":1,\"pools\":[", out);
    for (ngx_uint_t p = 0; p < pools->count; p++) {
        const struct keyshm_snapshot *pool = pools->snapshots[p];
        uint64_t by_status[KEYSHM_STATUS_COUNT];
        for (int i = 0; i < KEYSHM_STATUS_COUNT; i++)
            by_status[i] = pool->status_count[i];
        fprintf(out, "%s\n{\"provider\":\"%s\",\"provider_rules\":\"%s\",\"count\":%u,\"capacity\":%u", p == 0 ? "" : ",",
                pool->provider, pool->provider_rules, pool->count, pool->capacity);
        fprintf(out, ",\"available_count\":%u,\"paused_count\":%u,\"waiting\":%u", count_available(pool),
                pool->paused_count, pool->waiting);
        print_by_status(out, "status_count", by_status);
        fputs(",\"keys\":[", out);
        for (unsigned i = 0; i < pool->count; i++) {
            fputs(i == 0 ? "\n" : ",\n", out);
            print_json_key(out, pool, key_at(pool, i));
        }
        fputs("]}", out);
    }
    fputs("]}\n", out);
}

/* ---- OpenMetrics ---- */

typedef void print_key_fn(FILE *out, const char *family, const struct keyshm_snapshot *,
                          const struct keyshm_key_snapshot *);

static void begin_sample(FILE *out, const char *family, const struct keyshm_snapshot *pool,
                         const struct keyshm_key_snapshot *key)
{
    fprintf(out, "%s{pool=\"%s\"", family, pool->provider);
    if (key == NULL)
        return;
    fprintf(out, ",slot=\"%u\",id=\"%" PRIu64 "\",key=\"", key->slot, key->id);
    print_text(out, key->masked_key);
    fputs("\",group=\"", out);
    print_text(out, group_of(pool, key));
    fputc('"', out);
}

static void print_status(FILE *out, const char *family, const struct keyshm_snapshot *pool,
                         const struct keyshm_key_snapshot *key)
{
    for (int i = 0; i < KEYSHM_STATUS_COUNT; i++) {
        begin_sample(out, family, pool, key);
        fprintf(out, ",status=\"%s\"} %d\n", keyshm_status_name((enum keyshm_status)i), key->status == (unsigned)i);
    }
}

static void print_cooldown(FILE *out, const char *family, const struct keyshm_snapshot *pool,
                           const struct keyshm_key_snapshot *key)
{
    begin_sample(out, family, pool, key);
    if (key->cooldown_left_ms < 0)
        fputs("} +Inf\n", out);
    else
        fprintf(out, "} %" PRId64 ".%03" PRId64 "\n", key->cooldown_left_ms / 1000, key->cooldown_left_ms % 1000);
}

static void print_in_flight(FILE *out, const char *family, const struct keyshm_snapshot *pool,
                            const struct keyshm_key_snapshot *key)
{
    begin_sample(out, family, pool, key);
    fprintf(out, "} %u\n", key->in_flight);
}

static void print_picks(FILE *out, const char *family, const struct keyshm_snapshot *pool,
                        const struct keyshm_key_snapshot *key)
{
    begin_sample(out, family, pool, key);
    fprintf(out, "} %" PRIu64 "\n", key->picks);
}

static void print_marks(FILE *out, const char *family, const struct keyshm_snapshot *pool,
                        const struct keyshm_key_snapshot *key)
{
    for (int i = 0; i < KEYSHM_STATUS_COUNT; i++) {
        begin_sample(out, family, pool, key);
        fprintf(out, ",status=\"%s\"} %" PRIu64 "\n", keyshm_status_name((enum keyshm_status)i), key->marked[i]);
    }
}

static void print_pool_families(FILE *out, const pools_t *pools)
{
    fputs("# TYPE keyshm_pool_keys gauge\n", out);
    for (ngx_uint_t p = 0; p < pools->count; p++)
        for (int i = 0; i < KEYSHM_STATUS_COUNT; i++) {
            begin_sample(out, "keyshm_pool_keys", pools->snapshots[p], NULL);
            fprintf(out, ",status=\"%s\"} %u\n", keyshm_status_name((enum keyshm_status)i),
                    pools->snapshots[p]->status_count[i]);
        }
    fputs("# TYPE keyshm_pool_available_keys gauge\n", out);
    for (ngx_uint_t p = 0; p < pools->count; p++) {
        begin_sample(out, "keyshm_pool_available_keys", pools->snapshots[p], NULL);
        fprintf(out, "} %u\n", count_available(pools->snapshots[p]));
    }
}

static void print_openmetrics(FILE *out, const pools_t *pools)
{
    static const struct {
        const char *name, *type, *unit, *suffix;
        print_key_fn *print;
    } families[] = {
        {"keyshm_key_status", "gauge", NULL, "", print_status},
        {"keyshm_key_cooldown_left_seconds", "gauge", "seconds", "", print_cooldown},
        {"keyshm_key_in_flight", "gauge", NULL, "", print_in_flight},
        {"keyshm_key_picks", "counter", NULL, "_total", print_picks},
        {"keyshm_key_marks", "counter", NULL, "_total", print_marks},
    };
    print_pool_families(out, pools);
    for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
        char name[64];
        snprintf(name, sizeof(name), "%s%s", families[f].name, families[f].suffix);
        fprintf(out, "# TYPE %s %s\n", families[f].name, families[f].type);
        if (families[f].unit != NULL)
            fprintf(out, "# UNIT %s %s\n", families[f].name, families[f].unit);
        for (ngx_uint_t p = 0; p < pools->count; p++)
            for (unsigned i = 0; i < pools->snapshots[p]->count; i++)
                families[f].print(out, name, pools->snapshots[p], key_at(pools->snapshots[p], i));
    }
    fputs("# EOF\n", out);
}

/* ---- the answer ---- */

static void take_snapshots(ngx_http_request_t *r, pools_t *pools)
{
    ngx_http_keyshm_main_conf_t *conf = ngx_http_get_module_main_conf(r, ngx_http_keyshm_module);
    ngx_http_keyshm_pool_t **pool = conf->pools.elts;
    for (ngx_uint_t i = 0; i < conf->pools.nelts && pools->count < POOLS_MAX; i++) {
        ngx_http_keyshm_attachment_t *attachment = ngx_http_keyshm_attach(pool[i], r->connection->log);
        if (attachment == NULL)
            continue;
        keyshm_reap(attachment->pool, 0);
        if (keyshm_snapshot(attachment->pool, &pools->snapshots[pools->count]) == 0)
            pools->count++;
    }
}

static ngx_int_t send_text(ngx_http_request_t *r, const char *text, size_t length)
{
    ngx_buf_t *buffer = ngx_create_temp_buf(r->pool, length + 1);
    if (buffer == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    buffer->last = ngx_cpymem(buffer->last, text, length);
    buffer->last_buf = r == r->main;
    buffer->last_in_chain = 1;
    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = (off_t)length;
    ngx_int_t rc = ngx_http_send_header(r);
    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only)
        return rc;
    ngx_chain_t chain = {buffer, NULL};
    return ngx_http_output_filter(r, &chain);
}

static ngx_int_t wants_openmetrics(ngx_http_request_t *r, ngx_int_t *ret_wants)
{
    ngx_str_t format;
    *ret_wants = 0;
    if (ngx_http_arg(r, (u_char *)"format", 6, &format) != NGX_OK)
        return NGX_OK;
    *ret_wants = format.len == 11 && ngx_memcmp(format.data, "openmetrics", 11) == 0;
    return *ret_wants || (format.len == 4 && ngx_memcmp(format.data, "json", 4) == 0) ? NGX_OK : NGX_HTTP_BAD_REQUEST;
}

static ngx_int_t status_handler(ngx_http_request_t *r)
{
    ngx_int_t is_openmetrics;
    if (!(r->method & (NGX_HTTP_GET | NGX_HTTP_HEAD)))
        return NGX_HTTP_NOT_ALLOWED;
    ngx_int_t rc = ngx_http_discard_request_body(r);
    if (rc == NGX_OK)
        rc = wants_openmetrics(r, &is_openmetrics);
    if (rc != NGX_OK)
        return rc;
    char *text = NULL;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    if (out == NULL)
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    pools_t pools = {.count = 0};
    take_snapshots(r, &pools);
    if (is_openmetrics)
        print_openmetrics(out, &pools);
    else
        print_json(out, &pools);
    for (ngx_uint_t p = 0; p < pools.count; p++)
        keyshm_snapshot_free(pools.snapshots[p]);
    if (is_openmetrics) {
        ngx_str_set(&r->headers_out.content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    } else {
        ngx_str_set(&r->headers_out.content_type, "application/json");
    }
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    rc = fclose(out) == 0 ? send_text(r, text, length) : NGX_HTTP_INTERNAL_SERVER_ERROR;
    free(text);
    return rc;
}

char *ngx_http_keyshm_status_directive(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
    ngx_http_core_loc_conf_t *core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    if (core->handler != NULL)
        return "is duplicate, or the location has another handler";
    core->handler = status_handler;
    return NGX_CONF_OK;
}
