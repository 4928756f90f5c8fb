/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_POOLS_H
#define KEYSHM_STAT_POOLS_H

/* Which pools a request is about. */

#include <sys/types.h>

#include "failure.h"
#include "request.h"

/* What leads to a pool. */
struct pool_name {
    uid_t owner;
    const char *provider;
};

struct pool_names {
    struct pool_name *names;
    size_t count;
    bool were_listed;                /* not named: one that has gone since is nothing to complain about */
    struct keyshm_pool_list **lists; /* where `provider` points to, if they were listed */
    size_t list_count;
};

/* Tells what is wrong, and returns the exit status. Free with pools_free(), also after a failure. */
enum exit_status pools_find(const struct request *request, struct pool_names *ret_names);
void pools_free(struct pool_names *names);

/*
 * Call visit() for each pool of the request, and tell what is wrong with those for which it returns a negative errno
 * (or one of reading.h's). Returns the worst exit status of all.
 */
typedef int pools_visit_fn(const struct pool_name *name, void *user);
enum exit_status pools_visit(const struct request *request, pools_visit_fn *visit, void *user);

#endif
