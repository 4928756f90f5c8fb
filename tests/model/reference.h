/* SPDX-License-Identifier: MIT */
#ifndef REFERENCE_H
#define REFERENCE_H

/*
 * What keyshm.h says, as plain data and loops: no hints, no packing, no concurrency. It knows nothing of the library but
 * its constants. All of it lies in one struct, so that processes can share it.
 */

#include <keyshm.h>
#include <stdbool.h>
#include <stdint.h>

#define REFERENCE_CAPACITY_MAX 80
#define REFERENCE_KEY_SIZE 80
#define REFERENCE_NAMES 4

/* Deadlines that are no time. */
#define REFERENCE_NONE INT64_C(0)
#define REFERENCE_FOREVER INT64_MAX

/* The names that metadata can have here, sorted. */
extern const char *const reference_names[REFERENCE_NAMES];

struct reference_key {
    keyshm_id id; /* of the key that is, or was last, in the slot; 0: never used */
    bool is_in;
    char text[REFERENCE_KEY_SIZE];
    enum keyshm_status status; /* as it was last written: see reference_status() */
    enum keyshm_reason reason;
    int64_t deadline_ms;
    bool is_paused;
    uint64_t bad_marks;        /* those that a mark AVAILABLE with the stamp of an earlier pick gives way to */
    uint64_t stamp;            /* of the last pick; 0: none */
    uint64_t bad_marks_before; /* that pick */
    uint64_t picks;
    int64_t used_from_ms; /* the last pick was between these two; used_to_ms is 0 when there was none */
    int64_t used_to_ms;
    uint64_t marked[KEYSHM_STATUS_COUNT];
    bool has_note[REFERENCE_NAMES];
    char notes[REFERENCE_NAMES][KEYSHM_METADATA_VALUE_MAX + 1];
};

struct reference {
    unsigned capacity;
    unsigned key_max;
    int64_t cooldown_ms; /* of the policy */
    int64_t cooldown_max_ms;
    unsigned cursor; /* the slot at which the next pick begins */
    int64_t now_ms;
    int64_t tick_ms; /* now_ms as of the last tick of the coarse clock */
    struct reference_key keys[REFERENCE_CAPACITY_MAX];
};

/* NULL when there is none. */
struct reference_key *reference_of_id(struct reference *reference, keyshm_id id);
struct reference_key *reference_of_text(struct reference *reference, const char *text);
struct reference_key *reference_free_slot(struct reference *reference);

unsigned reference_count(const struct reference *reference);
void reference_add(struct reference_key *slot, keyshm_id id, const char *text);

/* As a pick sees it: what has expired is available. Of a key that is in. */
enum keyshm_status reference_status(const struct reference *reference, const struct reference_key *key);
enum keyshm_reason reference_reason(const struct reference *reference, const struct reference_key *key);
bool reference_is_available(const struct reference *reference, const struct reference_key *key);
int reference_available_count(const struct reference *reference);
int64_t reference_next_available_ms(const struct reference *reference);

/* The slot that is picked, or -EAGAIN or -ENOKEY. */
int reference_next(struct reference *reference);

/* The fields as keyshm_mark() takes them; the model is 0. */
void reference_mark(const struct reference *reference, struct reference_key *key, const struct keyshm_mark *mark);
int reference_reset_expired(struct reference *reference);
int reference_mark_all_available(struct reference *reference, unsigned status_mask);

/* What keyshm_set_metadata() returns; the name by its place in reference_names. */
int reference_set_note(struct reference_key *key, unsigned name, const char *value_or_null);

#endif
