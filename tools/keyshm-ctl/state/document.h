/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_CTL_STATE_DOCUMENT_H
#define KEYSHM_CTL_STATE_DOCUMENT_H

/*
 * What export writes and import reads. import takes all members that members_of_export tells of, and passes over others:
 * a later version may add some.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"
#include "keyshm.h"

#define STATE_SCHEMA 1
#define STATE_KIND "keyshm-export"

/* The most that export writes for a key: 4,096 bytes, each of them escaped, and all the rest. */
#define STATE_KEY_BYTES_MAX 16384

/* One key of the document, from which the strings are borrowed. */
struct state_key {
    const char *key; /* NULL: not in the document */
    size_t key_length;
    const char *fingerprint; /* NULL: it has none */
    enum keyshm_status status;
    int64_t cooldown_left_ms; /* when it was exported; -1: no end */
    json_t *metadata;         /* strings by name */
    keyshm_id id;             /* in the pool; 0: it is not there, or was not looked for yet */
};

struct state {
    int64_t exported_unix_ms;
    const char *fingerprint_setting;
    bool with_keys;
    size_t count;
    struct state_key *keys;
};

/* Take the document apart if all of it is as it must be. Otherwise says on standard error what is not, without a value of
 * it: that may be a key. Returns the exit status. */
enum exit_status state_begin(struct state *state, const char *provider, json_t *document);

/* In any case, afterwards. */
void state_end(struct state *state);

#endif
