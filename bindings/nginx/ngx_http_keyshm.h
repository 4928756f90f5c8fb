/* SPDX-License-Identifier: MIT */
#ifndef NGX_HTTP_KEYSHM_H
#define NGX_HTTP_KEYSHM_H

/*
 * A request that goes to a provider with a key of a pool, and again with another key when the provider refuses the first.
 *
 * module    directives, and where nginx calls the rest
 * key_file  a list of keys
 * pool      the master makes pools and keeps them in step; workers are attached to them
 * pick      a lease for a request: taken, waited for, given back
 * variables $keyshm_key and the others
 * retry     the request once more, with another key
 * answer    what libkeyshm-http says of an answer, and its body as it passes
 * chunks, body_model   pure functions on bytes
 * secrecy   $keyshm_key is for the provider alone
 * status    the pools as JSON and OpenMetrics
 */

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <keyshm-http.h>

extern ngx_module_t ngx_http_keyshm_module;

/* ---- pools ---- */

/* Of a worker to a pool. It is closed when the pool was replaced and the last lease of it is given back. */
typedef struct {
    keyshm_pool *pool;
    const char *rules; /* whose say what answers mean */
    ngx_uint_t leases;
} ngx_http_keyshm_attachment_t;

/* The keys of a file; "" is no group. */
typedef struct {
    ngx_str_t group;
    ngx_array_t keys; /* of char *, in memory of their own, wiped when the pool has them */
} ngx_http_keyshm_source_t;

typedef struct {
    ngx_str_t name; /* with a NUL behind it, as all strings here */
    ngx_str_t rules;
    ngx_uint_t capacity;
    ngx_array_t sources; /* of ngx_http_keyshm_source_t *; none: what is in the pool is another's affair */
    ngx_array_t models;  /* of ngx_str_t */
    uid_t owner;
    ngx_http_keyshm_attachment_t *attachment; /* the current one; NULL: there is no such pool */
    ngx_msec_t looked_ms;                     /* when it was looked whether the pool was replaced */
} ngx_http_keyshm_pool_t;

typedef struct {
    ngx_array_t pools;          /* of ngx_http_keyshm_pool_t * */
    ngx_uint_t uses_body_model; /* $keyshm_body_model is in the configuration */
} ngx_http_keyshm_main_conf_t;

typedef struct {
    ngx_http_keyshm_pool_t *pool; /* NULL: off */
    ngx_msec_t wait_ms;
    ngx_int_t tries;
    ngx_str_t provider; /* "": the pool's rules */
    ngx_http_complex_value_t *model;
    ngx_http_complex_value_t *affinity;
} ngx_http_keyshm_loc_conf_t;

/* Read the keys of a file, or say in nginx's way what is wrong with it. */
char *ngx_http_keyshm_read_keys(ngx_conf_t *cf, ngx_str_t *path, ngx_array_t *ret_keys);

char *ngx_http_keyshm_pool_directive(ngx_conf_t *cf, ngx_command_t *command, void *conf);
ngx_http_keyshm_pool_t *ngx_http_keyshm_find_pool(ngx_http_keyshm_main_conf_t *conf, const ngx_str_t *name);
ngx_int_t ngx_http_keyshm_init_module(ngx_cycle_t *cycle);
ngx_int_t ngx_http_keyshm_init_process(ngx_cycle_t *cycle);

/* The attachment for a pick; NULL: there is no such pool. */
ngx_http_keyshm_attachment_t *ngx_http_keyshm_attach(ngx_http_keyshm_pool_t *pool, ngx_log_t *log);
void ngx_http_keyshm_detach(ngx_http_keyshm_pool_t *pool, ngx_http_keyshm_attachment_t *attachment);

/* ---- requests ---- */

typedef enum {
    KEYSHM_HOLD_NONE,
    KEYSHM_HOLD_ON,   /* the answer is held until its body is there */
    KEYSHM_HOLD_OVER, /* it is there, or there is nothing to wait for */
} ngx_http_keyshm_hold_e;

/* A lease, in the memory of a request: without the room that struct keyshm_lease has for the longest key, which is 4 KB. */
typedef struct {
    uint64_t token[8];
    keyshm_id id;
    uint64_t stamp;
    unsigned model;
    ngx_str_t key;
} ngx_http_keyshm_lease_t;

typedef struct {
    ngx_http_request_t *request;
    ngx_http_keyshm_loc_conf_t *conf;
    ngx_http_upstream_t *earlier; /* of another location, from which the request was redirected */
    ngx_pool_cleanup_t of_memory;
    ngx_http_cleanup_t of_request;

    /* The lease. */
    ngx_http_keyshm_attachment_t *attachment; /* NULL: none, or no longer */
    ngx_http_keyshm_lease_t lease;
    struct keyshm_request wanted;

    /* What the variables say, also when the lease is over. */
    keyshm_id id;
    char masked[KEYSHM_MASKED_SIZE];
    ngx_uint_t tries;
    const char *verdict;

    keyshm_id *asked; /* with which the provider was asked before: as many as there were tries */

    /* Before the pick. */
    ngx_int_t outcome; /* NGX_DECLINED: go on; NGX_AGAIN: not yet known; or a status */
    ngx_event_t timer;
    ngx_msec_t waits_until;

    /* The functions of the upstream that are wrapped. */
    ngx_http_upstream_t *upstream; /* whose; NULL: not yet */
    ngx_int_t (*process_header)(ngx_http_request_t *r);
    ngx_int_t (*reinit_request)(ngx_http_request_t *r);
    void (*finalize_request)(ngx_http_request_t *r, ngx_int_t rc);
    void *peer_data;
    ngx_event_free_peer_pt free_peer;

    /* The answer that is held. */
    ngx_http_keyshm_hold_e hold;
    ngx_recv_pt receive;
    ngx_http_upstream_handler_pt read_event_handler;
    u_char last_byte;

    /* A further try. */
    ngx_http_upstream_conf_t *upstream_conf; /* the location's, while a copy is in force */
    ngx_uint_t status;                       /* of the answer that is the reason */
    ngx_uint_t state;                        /* its number in r->upstream_states */

    /* The body as it passes. */
    u_char *body;
    size_t body_length;
    size_t body_room;

    unsigned reads_body : 1;   /* the request's body is asked for, or there */
    unsigned is_http1 : 1;     /* the answer is HTTP/1: its body follows the header as it is */
    unsigned is_begun : 1;     /* of the answer something is there */
    unsigned is_judged : 1;    /* the answer */
    unsigned is_collected : 1; /* no more of the body is wanted */
    unsigned is_evaluated : 1; /* $keyshm_key was asked for since the request was made anew */
} ngx_http_keyshm_ctx_t;

/* Also after an internal redirect, when nginx has forgotten it; NULL: none. */
ngx_http_keyshm_ctx_t *ngx_http_keyshm_find_ctx(ngx_http_request_t *r);

ngx_int_t ngx_http_keyshm_pick_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_keyshm_add_handler(ngx_conf_t *cf, ngx_http_phases phase, ngx_http_handler_pt handler);
/* Another key in place of this one, or none: NGX_DECLINED. */
ngx_int_t ngx_http_keyshm_next_key(ngx_http_keyshm_ctx_t *ctx);
/* Give the key back; it is not known any longer. */
void ngx_http_keyshm_release(ngx_http_keyshm_ctx_t *ctx);
void ngx_http_keyshm_cancel(ngx_http_keyshm_ctx_t *ctx);
/* The pick of the lease, without the key; until the next call of this module. */
const struct keyshm_pick *ngx_http_keyshm_pick_of(const ngx_http_keyshm_ctx_t *ctx);

ngx_int_t ngx_http_keyshm_add_variables(ngx_conf_t *cf);
/* Whether the configuration uses a variable, by its index: as log_format and proxy_set_header do. */
ngx_uint_t ngx_http_keyshm_uses(ngx_conf_t *cf, const char *name);

/* Have a look at the answers of the request's upstream, from now on. */
void ngx_http_keyshm_watch(ngx_http_keyshm_ctx_t *ctx);

/* What the answer says, with so much of its body. */
ngx_int_t ngx_http_keyshm_judge(ngx_http_keyshm_ctx_t *ctx, enum keyshm_http_transport transport, const u_char *body,
                                size_t length, struct keyshm_http_verdict *ret_verdict);
void ngx_http_keyshm_report(ngx_http_keyshm_ctx_t *ctx, const struct keyshm_http_verdict *verdict);
/* The upstream is done with, as nginx says with `rc`: judge what was not judged, and give the key back. */
void ngx_http_keyshm_finish(ngx_http_keyshm_ctx_t *ctx, ngx_int_t rc);
void ngx_http_keyshm_init_filters(void);

/* Decode so much of a chunked body as is there. ret_data has room for all of it. Returns where the body ends; NULL: not yet. */
const u_char *ngx_http_keyshm_decode_chunks(const u_char *from, const u_char *end, u_char *ret_data, size_t *ret_length);

/* The value of the member "model" of the object that the text is; its length is 0 if there is none. */
struct ngx_http_keyshm_scan {
    unsigned depth;
    unsigned state;
    unsigned is_key_place : 1;
    unsigned is_wanted : 1;
    unsigned is_escaped : 1;
    unsigned is_done : 1;
    size_t length;
    u_char text[KEYSHM_NAME_MAX + 1];
};
void ngx_http_keyshm_scan(struct ngx_http_keyshm_scan *scan, const u_char *data, size_t length);
ngx_int_t ngx_http_keyshm_body_model(ngx_http_request_t *r, ngx_str_t *ret_model);

/* Refuse a configuration by which $keyshm_key would come to a log, or to a client; and where it is in the URL of proxy_pass, keep that
 * out of the error log. */
ngx_int_t ngx_http_keyshm_check_secrecy(ngx_conf_t *cf);

char *ngx_http_keyshm_status_directive(ngx_conf_t *cf, ngx_command_t *command, void *conf);

#endif
