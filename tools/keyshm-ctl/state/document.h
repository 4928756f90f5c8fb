/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_STATE_DOCUMENT_H
#define KEYSHM_CTL_STATE_DOCUMENT_H

/*
 * The document that export writes and import reads. import requires every member in json_members_of_export but the
 * policy, and ignores others: a later version may add some.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "keyshm.h"

#define DOCUMENT_SCHEMA 1
#define DOCUMENT_KIND "keyshm-export"

/* The most that export writes for one key: 4,096 bytes, each of them escaped, and its other members. */
#define DOCUMENT_KEY_BYTES_MAX 16384

/* One key of the document. Strings are borrowed from the JSON. */
struct document_key {
    const char *key; /* NULL: not in the document */
    size_t key_length;
    const char *fingerprint; /* NULL: it has none */
    enum keyshm_status status;
    enum keyshm_reason reason;
    bool is_paused;
    int64_t cooldown_left_ms; /* at the time of the export; -1: no end */
    json_t *metadata;         /* strings by name */
    keyshm_id id;             /* in the pool; 0: not there, or not yet looked for */
};

/* What there is of it in the document. */
struct document_policy {
    bool is_given; /* not by earlier versions */
    int64_t cooldown_ms, cooldown_max_ms;
};

struct document {
    int64_t exported_unix_ms;
    struct document_policy policy;
    const char *fingerprint_setting;
    bool with_keys;
    size_t count;
    struct document_key *keys;
};

/* Check the whole of the JSON, and take it apart. If something is wrong, say so on standard error, without a value: it
 * may be a key. Returns the exit status. */
enum exit_status document_begin(struct document *document, const char *provider, json_t *json);

/* Afterwards, in any case. */
void document_end(struct document *document);

#endif
