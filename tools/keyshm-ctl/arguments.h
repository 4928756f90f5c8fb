/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_ARGUMENTS_H
#define KEYSHM_CTL_ARGUMENTS_H

/* What a command is given: the values of its operands and options. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "exit_rules.h"
#include "keyshm-http.h"
#include "keyshm.h"
#include "limit_settings.h"
#include "policy_settings.h"

#define NOT_GIVEN INT64_MIN

#define ID_LIST_MAX 1024
#define HEADER_LIST_MAX 16 /* of one request */

/* Requests of a check at the same time. */
#define CHECK_PARALLEL_DEFAULT 4
#define CHECK_PARALLEL_MAX 64

struct id_list {
    size_t count;
    keyshm_id ids[ID_LIST_MAX];
};

struct arguments {
    const char *pool;
    keyshm_id id;
    struct id_list ids;     /* of keys */
    const char *masked_key; /* instead of an id or of ids (lookup_masked_key()); NULL: not given */
    enum keyshm_status status;
    struct keyshm_options create;
    enum keyshm_reason reason;
    enum keyshm_scope scope;
    unsigned priority, weight;
    unsigned statuses; /* 1 << status for each that was given */
    int64_t retry_after_ms;
    int64_t until_unix_ms; /* or NOT_GIVEN */
    uint64_t stamp;        /* of a pick; 0: not given */
    struct policy_changes policy;
    struct limit_changes limits;
    int64_t wait_ms;
    uint64_t tokens;      /* that a request will use */
    const char *name;     /* of metadata; NULL: not given */
    const char *value;    /* of metadata, or of a label; NULL: not given */
    const char *group;    /* the name of one; NULL: not given */
    const char *model;    /* the name of one; NULL: not given */
    const char *variable; /* of the environment */
    const char *layout;   /* of a pool; NULL: not given */
    const char *file;     /* NULL: standard input or output */
    const char *list;     /* the name of a file with a line for each; "-": standard input; NULL: not given */
    const char *url;      /* of a request to a provider, as the two that follow; NULL: not given */
    const char *method;   /* NULL: not given */
    const char *headers[HEADER_LIST_MAX];
    size_t header_count;
    unsigned parallel; /* 0: not given */
    struct exit_rules on_status;
    const char *rules_of; /* the provider; NULL: not given */
    const char *report;   /* the name of a file with an answer; NULL: not given */
    enum keyshm_http_transport transport;
    pid_t pid;                       /* 0: not given */
    struct id_list put_in, take_out; /* of keys */
    char *const *child;              /* another program's command line, NULL at its end; NULL: not given */
    bool from_environment;
    bool is_deletion;
    bool has_consent;
    bool json;
    bool with_keys;
    bool is_dry_run;
    bool allows_empty;
    bool is_for_all;
    bool has_scope;
    bool has_id; /* or a masked key, or all */
    bool is_none;
    bool is_verbose;
};

#endif
