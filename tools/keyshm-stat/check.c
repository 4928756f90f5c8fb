/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <errno.h>
#include <stdio.h>

#include "pools.h"
#include "program.h"
#include "text.h"

struct check {
    const struct pool_name *name;
    int broken; /* invariants of this pool */
    enum exit_status status;
};

static void print_problem(const char *problem, void *user)
{
    const struct check *check = user;
    printf("%s: %s\n", check->name->provider, problem);
}

static int verify(keyshm_pool *pool, void *user)
{
    struct check *check = user;
    check->broken = keyshm_verify(pool, print_problem, check);
    return check->broken < 0 ? check->broken : 0;
}

/* The pool is being changed, or a process died while it changed it. */
static enum exit_status report_busy(const struct pool_name *name)
{
    struct keyshm_snapshot *snapshot;
    char holder[TEXT_MUTEX_HOLDER_SIZE];
    int r = reading_take_snapshot(name, &snapshot);
    if (r < 0)
        return fail(name->provider, r, reading_failures);
    if (text_mutex_holder(snapshot, holder))
        complain("pool %s: it cannot be checked while it is being changed; the mutex is held by %s", name->provider,
                 holder);
    else
        complain(
            "pool %s: it cannot be checked: a process died while it changed the pool; the next change cleans up after "
            "it, and so does: keyshm-ctl repair %s",
            name->provider, name->provider);
    keyshm_snapshot_free(snapshot);
    return EXIT_REFUSED;
}

static void note(struct check *check, enum exit_status status)
{
    if (status > check->status)
        check->status = status;
}

static int check_pool(const struct pool_name *name, void *user)
{
    struct check *check = user;
    check->name = name;
    check->broken = 0;
    int r = reading_run(name, verify, check);
    if (r == -EBUSY)
        note(check, report_busy(name));
    else if (r == 0 && check->broken > 0)
        note(check, EXIT_BROKEN);
    else if (r == 0)
        printf("%s: ok\n", name->provider);
    return r == -EBUSY ? 0 : r;
}

enum exit_status check_pools(const struct request *request)
{
    struct check check = {.status = EXIT_FINE};
    enum exit_status status = pools_visit(request, check_pool, &check);
    return status > check.status ? status : check.status;
}
