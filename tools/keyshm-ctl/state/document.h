/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_STATE_DOCUMENT_H
#define KEYSHM_CTL_STATE_DOCUMENT_H

/*
 * The document that export writes and import reads. import requires every member in json_members_of_export but those
 * that earlier versions did not write (provider_rules, the policy, limits, the priority and weight of a key, and what is
 * about groups and models), and ignores others: a later version may add some.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "keyshm.h"
#include "policy_settings.h"
#include "state/subject.h"

#define DOCUMENT_SCHEMA 1
#define DOCUMENT_KIND "keyshm-export"

/* The most that export writes for one key, 4,096 bytes, each of them escaped, and its other members; or for one group.
 * That is enough for benches and limits for 20 models, and where one has more, others have less. */
#define DOCUMENT_ENTRY_BYTES_MAX 24576

/* One group of the document. */
struct document_group {
    const char *name;
    struct subject subject;
    keyshm_id id; /* in the pool; 0: not there, or not yet looked for */
    bool is_new;  /* it was made for this import */
};

/* One key of the document. Strings are borrowed from the JSON. */
struct document_key {
    const char *key; /* NULL: not in the document */
    size_t key_length;
    const char *fingerprint; /* NULL: it has none */
    struct subject subject;
    struct document_group *group; /* NULL: none */
    int priority, weight;         /* -1: the document does not say */
    json_t *metadata;             /* strings by name */
    keyshm_id id;                 /* in the pool; 0: not there, or not yet looked for */
};

struct document {
    int64_t exported_unix_ms;
    const char *provider;         /* the name of the exported pool */
    const char *provider_rules;   /* NULL: the document does not say */
    struct policy_changes policy; /* what there is of it; by earlier versions less, or nothing */
    json_t *limits;               /* of every key that has none of its own; NULL: none */
    const char *fingerprint_setting;
    bool with_keys;
    size_t count;
    struct document_key *keys;
    size_t group_count;
    struct document_group *groups;
    json_t *group_numbers; /* their places in `groups`, by name */
    json_t *models;        /* their names; NULL: none */
    json_t *model_numbers; /* by name: their numbers in the pool; 0: not there, or not yet looked for */
};

/* Check the whole of the JSON, and take it apart. If something is wrong, say so on standard error, without a value: it
 * may be a key. Returns the exit status. */
enum exit_status document_begin(struct document *document, const char *provider, json_t *json);

/* Afterwards, in any case. */
void document_end(struct document *document);

#endif
