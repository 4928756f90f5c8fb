/* SPDX-License-Identifier: MIT */
#ifndef MEETING_H
#define MEETING_H

/*
 * The pool in which two processes meet, and everything that can be found out about it afterwards.
 *
 * All operations are about one key, the target, so that they get in each other's way as much as they can. The clock
 * stands still. There is one pool for all runs; its bytes are put back before each.
 */

#include <keyshm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a call has returned. Compared byte by byte. */
struct result {
    long long value;
    uint64_t id;
    uint64_t content; /* the rest, in one number */
};
_Static_assert(sizeof(struct result) == 24, "no padding");

/* A number made of others, in their order. */
static inline uint64_t digest_add(uint64_t digest, uint64_t value)
{
    return (digest ^ value) * UINT64_C(0x100000001b3);
}

static inline uint64_t digest_add_text(uint64_t digest, const char *text)
{
    for (; *text != '\0'; text++)
        digest = digest_add(digest, (unsigned char)*text);
    return digest;
}

/* What the steps of an operation work on. */
struct meeting {
    keyshm_pool *pool;
    uint64_t token; /* of the row of the process that made the pool (workers.h) */
    keyshm_id target;
    uint64_t stamp; /* that of a pick of the target just before */
    const char *target_text;
    keyshm_id other;            /* another key, in a slot before it */
    const char *added_text;     /* of keys to be added: one, */
    const char *replacing_text; /* and one in the place of the target */

    /* Where groups and models meet; otherwise 0. */
    keyshm_id group;       /* the target and another key are in it */
    keyshm_id empty_group; /* no key is in it */
    unsigned model;
    uint64_t model_stamp; /* that of a pick of the target for the model just before */

    /* Where there are limits: those of the target, and a lease of it. */
    struct keyshm_limits limits;
    struct keyshm_lease lease;
};

/* Of a request that is limited, and what it has used in the end. */
enum { MEETING_TOKENS = 3, MEETING_TOKENS_USED = 5 };

/* The names of groups and models that are there, and of those that are to be made. */
#define MEETING_GROUP "an account"
#define MEETING_EMPTY_GROUP "an account without keys"
#define MEETING_ADDED_GROUP "another account"
#define MEETING_MODEL "a model"
#define MEETING_ADDED_MODEL "another model"

/* For how long marks bench the target. */
enum { LIMIT_MS = 100, LONGER_LIMIT_MS = 300 };

static inline struct result meeting_next(const struct meeting *meeting)
{
    struct keyshm_pick pick = {.id = 0};
    struct result result = {.value = keyshm_next(meeting->pool, &pick)};
    result.id = pick.id;
    result.content = digest_add_text(pick.key_length, pick.key);
    return result;
}

/* The same for the model. */
static inline struct result meeting_acquire(const struct meeting *meeting)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease = {.pick = {.id = 0}};
    request.model = meeting->model;
    struct result result = {.value = keyshm_acquire(meeting->pool, &request, &lease)};
    result.id = lease.pick.id;
    result.content = digest_add_text(lease.pick.key_length, lease.pick.key);
    return result;
}

/* The same of one that is limited. */
static inline struct result meeting_acquire_limited(const struct meeting *meeting)
{
    struct keyshm_request request = KEYSHM_REQUEST_INIT;
    struct keyshm_lease lease = {.pick = {.id = 0}};
    request.tokens = MEETING_TOKENS;
    struct result result = {.value = keyshm_acquire(meeting->pool, &request, &lease)};
    result.id = lease.pick.id;
    return result;
}

/* What the target is like, and the operations that meet there, with one stop and with two: bits of enum proof (proof.h). */
struct setting {
    const char *name;
    void (*prepare)(void);
    unsigned proof, proof_twice;
    bool is_for_marks; /* with two stops: of two picks, both stop in the other settings */
    bool is_limited;   /* the order in which steps were made counts */
    bool is_of_dead;   /* who asks for a place may end the lease */
};

extern const struct setting settings[];
extern const size_t setting_count;

void meeting_begin(const struct setting *setting);
void meeting_restore(void); /* as it was after meeting_begin() */
void meeting_end(void);
const struct meeting *meeting_now(void);

/* In a child: it has picked before. What the first pick of a process does besides (it is listed, and looks for turns
 * that others have left) is then not done again. */
void meeting_enter(void);

/* Its bytes: whole pages. */
void *meeting_memory(void);
size_t meeting_bytes(void);

/* A process has the mutex. */
bool meeting_is_locked(void);

/* Everything that a later call could find, in one number: words, counters, stamps, groups and models, and what is
 * picked from now on and when one deadline after the other has passed. Changes the pool. */
uint64_t meeting_state(void);

/* What was used of each rate, in nanoseconds: of two that end one lease, it may be too much. */
enum { MEETING_RATES = 128 };
void meeting_load_used(uint64_t ret_used_ns[MEETING_RATES]);

/* NULL, or what keyshm_verify() finds. */
const char *meeting_problem(void);

/* After a pick for the model that was alone: it gave a key that is in the pool and available, with the bytes of that
 * key; or none, and there is none. */
bool meeting_may_give(const struct result *picked, unsigned model);

#endif
