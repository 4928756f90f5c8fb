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
#define REFERENCE_GROUPS 3
#define REFERENCE_MODELS 2
#define REFERENCE_PRIORITIES 4
#define REFERENCE_RATES 4
#define REFERENCE_LEASES 24

/* Deadlines that are no time. */
#define REFERENCE_NONE INT64_C(0)
#define REFERENCE_FOREVER INT64_MAX

/* The names that metadata can have here, sorted. */
extern const char *const reference_names[REFERENCE_NAMES];

/* Of what there may be several in a row: rate limits without a Retry-After, and invalid marks. */
enum { REFERENCE_RATE_LIMITS, REFERENCE_INVALIDS, REFERENCE_KINDS };

/* What is known of a subject, whatever the model or for one. */
struct reference_state {
    enum keyshm_status status; /* as it was last written: see reference_status() */
    enum keyshm_reason reason;
    int64_t deadline_ms;
    uint64_t bad_marks; /* those that a mark AVAILABLE with the stamp of an earlier pick gives way to */
    bool wants_probe;   /* when its deadline has passed */
    bool is_probing;
    unsigned in_row[REFERENCE_KINDS];
    uint64_t counted_at[REFERENCE_KINDS]; /* bad_marks after the last that counted */
    int64_t failed_ms;                    /* the last failure */
};

/* The rates as keyshm_set_limits() takes them: requests, tokens, and both for long. */
struct reference_limits {
    bool is_set;
    unsigned in_flight;
    struct keyshm_rate rates[REFERENCE_RATES];
};

/* A key or a group. */
struct reference_subject {
    keyshm_id id; /* of the one that is, or was last, in this place; 0: never used */
    bool is_in;
    bool is_paused;
    struct reference_state states[1 + REFERENCE_MODELS]; /* by model, as are these: */
    struct reference_limits limits[1 + REFERENCE_MODELS];
    int64_t used_ns[1 + REFERENCE_MODELS][REFERENCE_RATES]; /* when all that was used will have drained */
    uint64_t marked[KEYSHM_STATUS_COUNT];
};

/* A pick, as a mark that answers it knows it. */
struct reference_stamp {
    uint64_t stamp; /* 0: none */
    unsigned model;
    keyshm_id group;
    uint64_t bad_marks[2][2]; /* of the key and its group, whatever the model and for the model */
};

struct reference_key {
    struct reference_subject subject;
    char text[REFERENCE_KEY_SIZE];
    struct reference_subject *group; /* NULL: none */
    struct reference_stamp last;
    unsigned priority;
    unsigned weight;
    uint64_t picks;
    int64_t used_from_ms; /* the last pick was between these two; used_to_ms is 0 when there was none */
    int64_t used_to_ms;
    bool has_note[REFERENCE_NAMES];
    char notes[REFERENCE_NAMES][KEYSHM_METADATA_VALUE_MAX + 1];
};

/* What is asked for. */
struct reference_request {
    unsigned model;
    uint64_t tokens;
    bool is_lease;
};

/* A request that was admitted. It has a place of its key or its group, or none, and holds tokens there. */
struct reference_lease {
    struct keyshm_lease lease; /* the library's */
    bool is_held, is_settled;
    unsigned model;
    uint64_t tokens;
    struct reference_subject *group; /* NULL: none */
    keyshm_id key_id, group_id;
    bool has_place[2]; /* of the key, and of the group */
    uint64_t held[2];
    int64_t charged_from_ns, charged_to_ns; /* it was charged between these two: which clock was read is not said */
};

/* Where the rotation of one priority is. */
struct reference_cursor {
    unsigned slot;  /* at which the next pick begins */
    unsigned round; /* from 1 to 15; 0: weights did not differ */
};

struct reference {
    unsigned capacity;
    unsigned key_max;
    struct keyshm_policy policy;
    unsigned models;                                                             /* that there are */
    struct reference_cursor cursors[1 + REFERENCE_MODELS][REFERENCE_PRIORITIES]; /* of the first priority in use, ... */
    unsigned in_flight_max, group_in_flight_max;
    struct reference_limits limits[1 + REFERENCE_MODELS]; /* of the keys that have none of their own */
    struct reference_lease leases[REFERENCE_LEASES];
    int64_t now_ns, now_ms;
    int64_t tick_ms; /* now_ms as of the last tick of the coarse clock */
    struct reference_subject groups[REFERENCE_GROUPS];
    struct reference_key keys[REFERENCE_CAPACITY_MAX];
};

/* NULL when there is none. */
struct reference_key *reference_of_id(struct reference *reference, keyshm_id id);
struct reference_key *reference_of_text(struct reference *reference, const char *text);
struct reference_key *reference_free_slot(struct reference *reference);

/* NULL when there is none, or it is a key. */
struct reference_subject *reference_group_of_id(struct reference *reference, keyshm_id id);
unsigned reference_keys_in(const struct reference *reference, const struct reference_subject *group);

unsigned reference_count(const struct reference *reference);
void reference_add(struct reference_key *slot, keyshm_id id, const char *text, struct reference_subject *group_or_null);
void reference_begin_subject(struct reference_subject *subject, keyshm_id id);

/* As a pick sees it: what has expired is available. */
enum keyshm_status reference_status(const struct reference *reference, const struct reference_state *state);

/* What the words together say of a key, or of a group. */
struct reference_view {
    enum keyshm_status status;
    enum keyshm_reason reason;
    int64_t deadline_ms;
    unsigned benched_by;
    bool is_probing;
    unsigned streak;
};
struct reference_view reference_view(const struct reference *reference, const struct reference_subject *key_or_null,
                                     const struct reference_subject *group_or_null, unsigned model);

/* Of a key, for a model, with its budgets and places. */
bool reference_is_available(const struct reference *reference, const struct reference_key *key, unsigned model);
int reference_available_count(const struct reference *reference, unsigned model);
int64_t reference_next_available_ms(const struct reference *reference);

/* The slot that is picked, or -EAGAIN, -ENOKEY or -EOPNOTSUPP. */
int reference_next(struct reference *reference, const struct reference_request *request);

/* By affinity it is any that can be had of the first priority of which there is one, and takes no turn. Returns that priority, or
 * an error as above; and which it is, is for the caller to say. */
bool reference_may_be_had(const struct reference *reference, const struct reference_key *key,
                          const struct reference_request *request);
int reference_preferred(const struct reference *reference, const struct reference_request *request);
void reference_prefer(struct reference *reference, const struct reference_request *request, int slot);

/* The slot of the key whose bench ends first, although it is benched, and for how long; or -EAGAIN. */
int reference_soonest(struct reference *reference, const struct reference_request *request, int64_t *ret_benched_ms);

/* ---- limits (reference_limits.c) ---- */

/* When a request is admitted; REFERENCE_FOREVER: not by time alone. *needs_lease: it has a cap, and the request is none. */
int64_t reference_admits_at_ns(const struct reference *reference, const struct reference_key *key,
                               const struct reference_request *request, bool *needs_lease);

/* It is admitted. */
void reference_charge(struct reference *reference, struct reference_key *key, const struct reference_request *request,
                      struct reference_lease *lease_or_null);

/* Of a key or a group, or with NULL of the pool. NULL limits: none, and what was used is forgotten. */
void reference_set_limits(struct reference *reference, struct reference_subject *subject_or_null, unsigned model,
                          const struct keyshm_limits *limits_or_null);
struct keyshm_limits reference_get_limits(const struct reference *reference,
                                          const struct reference_subject *subject_or_null, unsigned model, bool is_group);

/* As the calls of these names. Of a cancelled request, `from_ns` is the earliest and `to_ns` the latest of what is used of each
 * rate then: which one it is depends on the clock that was read, and it is for the caller to say. */
int reference_settle(struct reference *reference, struct reference_lease *lease, uint64_t tokens_used);
int reference_release(struct reference *reference, struct reference_lease *lease);
struct reference_given_back {
    unsigned count;
    struct {
        struct reference_subject *subject;
        unsigned model, rate;
        int64_t from_ns, to_ns;
    } of[4 * REFERENCE_RATES];
};
int reference_cancel(struct reference *reference, struct reference_lease *lease, struct reference_given_back *ret_back);
int reference_reap(struct reference *reference); /* all that there is */
unsigned reference_count_leases(struct reference *reference);

/* The fields as keyshm_mark() takes them. The answer is to a pick of this key, if the mark has its stamp. */
void reference_mark(const struct reference *reference, struct reference_subject *subject, const struct keyshm_mark *mark,
                    const struct reference_stamp *last_or_null, bool is_group);
/* As keyshm_raise_streak(). */
void reference_raise_streak(const struct reference *reference, struct reference_state *state,
                            const struct keyshm_streak *said);

/* As keyshm_get_streak(). */
struct keyshm_streak reference_streak(const struct reference *reference, const struct reference_state *state);

/* Of the last pick of the key. */
void reference_succeed(const struct reference *reference, struct reference_key *key);
int reference_reset_expired(struct reference *reference);
int reference_mark_all_available(struct reference *reference, unsigned status_mask);

/* What keyshm_set_metadata() returns; the name by its place in reference_names. */
int reference_set_note(struct reference_key *key, unsigned name, const char *value_or_null);

#endif
