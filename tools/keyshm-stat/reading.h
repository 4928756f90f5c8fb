/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_READING_H
#define KEYSHM_STAT_READING_H

/* From the name of a pool to a consistent copy of its state, or to an error. */

#include <errno.h>
#include <sys/types.h>

#include "failure.h"
#include "keyshm.h"
#include "lease_parts.h"
#include "limit_parts.h"
#include "parts.h"
#include "request.h"

struct pool_name {
    uid_t owner;
    const char *provider;
};

/* What can happen to a pool while it is read, as errors that the library's calls do not return here. */
enum {
    READING_TRUNCATED = EFAULT,
    READING_OVERWRITTEN = EUCLEAN,
    READING_REPLACED = ESTALE,
    READING_DESTROYED = EIDRM,
    READING_NO_MODEL = ENODATA,
    READING_BAD_MODEL = EILSEQ,
};

/* These errors, for fail(). */
extern const struct failure reading_failures[];

/* What was copied of a pool. */
struct reading {
    struct pool_name name;
    char provider[KEYSHM_PROVIDER_MAX + 1];
    bool is_of_model;                 /* as a pick for the request's model finds it */
    struct keyshm_snapshot *snapshot; /* of all but SUBJECT_EVENTS and SUBJECT_WORKERS; else NULL, and so on */
    struct parts parts;               /* of SUBJECT_EVENTS their names; of SUBJECT_WORKERS none */
    struct keyshm_event_list *events;
    struct keyshm_worker_list *workers; /* of SUBJECT_WORKERS and SUBJECT_EVENTS */
    struct leases leases;               /* of SUBJECT_LEASES */
    struct limits limits;               /* of SUBJECT_LIMITS */
};

/* Attach, copy what the request shows, and detach. Errors as keyshm_attach_readonly_user() and
 * keyshm_snapshot(), and those above, negative. Free with reading_free(); NULL is fine there. */
int reading_take(const struct pool_name *name, const struct request *request, struct reading **ret_reading);
void reading_free(struct reading *reading);

/* Only copy, of a pool that is attached, into a reading of zeros; free that also after an error. */
int reading_copy(keyshm_pool *pool, const struct request *request, struct reading *reading);

/* If events could not be read, say on standard error how many, and why. */
void reading_report_lost_events(const struct reading *reading);

/* The snapshot alone; it is the caller's. */
int reading_take_snapshot(const struct pool_name *name, struct keyshm_snapshot **ret_snapshot);

/* Attach, call act(pool, user), which only reads the pool, and detach. Errors as above, and those of act(). */
int reading_run(const struct pool_name *name, int (*act)(keyshm_pool *pool, void *user), void *user);

#endif
