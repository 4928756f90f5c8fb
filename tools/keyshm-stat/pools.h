/* SPDX-License-Identifier: MIT */
#ifndef KEYSHM_STAT_POOLS_H
#define KEYSHM_STAT_POOLS_H

/* Which pools a request is about. */

#include "failure.h"
#include "reading.h"
#include "request.h"

struct pool_of_layout {
    uid_t owner;
    const char *provider, *layout;
};

struct pool_names {
    struct pool_name *names;
    size_t count;
    bool were_listed;              /* not named by the user: one that has gone since is no failure */
    struct pool_of_layout *others; /* those that were listed, but have another layout */
    size_t other_count;
    struct keyshm_pool_list **lists; /* what the names point into, if they were listed */
    size_t list_count;
};

/* Reports what is wrong, and returns the exit status. Free with pools_free(), also after a failure. */
enum exit_status pools_find(const struct request *request, struct pool_names *ret_names);
void pools_free(struct pool_names *names);

/*
 * Call visit() for each pool of the request. It returns 0 or a negative errno (one of reading.h's too), which is
 * reported. Returns the worst exit status of all.
 */
typedef int pools_visit_fn(const struct pool_name *name, void *user);
enum exit_status pools_visit(const struct request *request, pools_visit_fn *visit, void *user);

#endif
